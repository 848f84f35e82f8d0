//! The report that people read.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::summary::{PeriodSummary, Summary};
use super::tables::{latency_table, split_table};
use crate::report::{count, one_line};

/// Prints `summary`: for people, or as one line of JSON.
pub fn print(summary: &Summary, as_json: bool, out: &mut impl Write) -> io::Result<()> {
    let text = if as_json {
        let mut line = serde_json::to_string(summary).map_err(io::Error::other)?;
        line.push('\n');
        line
    } else {
        text(summary).map_err(io::Error::other)?
    };
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn text(summary: &Summary) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    head(summary, &mut text)?;
    write!(text, "\n{}", latency_table(summary))?;
    let is_only = summary.periods.len() == 1;
    for (number, period) in summary.periods.iter().enumerate() {
        split(summary, number, period, is_only, &mut text)?;
    }
    users(summary, &mut text)?;
    verdict(summary, &mut text)?;
    Ok(text)
}

fn head(summary: &Summary, text: &mut String) -> std::fmt::Result {
    let asked = &summary.asked;
    let model = match (asked.rate_from, asked.rate_to, asked.ramp_s) {
        (Some(from), Some(to), Some(over)) if over > 0.0 => {
            format!("{from} to {to} requests/s over {over} s, ")
        }
        (_, Some(rate), _) => format!("{rate} requests/s, "),
        _ => String::new(),
    };
    writeln!(
        text,
        "{}: {}, {model}{}",
        summary.target,
        summary.protocol,
        plural(asked.connections as u64, "connection")
    )?;
    writeln!(
        text,
        "{}, Zipf {}, seed {}, key in {}",
        plural(asked.users, "user"),
        asked.zipf,
        asked.seed,
        asked.key
    )?;
    let errors = summary.errors.by_class().into_iter().filter(|(_, count)| *count > 0);
    let errors: Vec<_> = errors.map(|(class, of)| format!("{} {class}", count(of))).collect();
    let errors = if errors.is_empty() {
        "no errors".to_owned()
    } else {
        format!("errors: {}", errors.join(", "))
    };
    writeln!(
        text,
        "\n{} in {:.1} s, {:.0}/s; {errors}",
        plural(summary.answers, "answer"),
        summary.duration_s,
        summary.answers_per_second,
    )?;
    writeln!(
        text,
        "{} opened, {} on one that was kept",
        plural(summary.connections.opened, "connection"),
        plural(summary.connections.reused, "request"),
    )
}

fn split(
    summary: &Summary,
    number: usize,
    period: &PeriodSummary,
    is_only: bool,
    text: &mut String,
) -> std::fmt::Result {
    if period.shares.is_empty() {
        return Ok(());
    }
    writeln!(text)?;
    if !is_only {
        let id = period.deployment_id.as_deref().unwrap_or_default();
        let begins = period.begins_s;
        let when = if number == 0 { "before".to_owned() } else { format!("from {begins:.1} s on") };
        writeln!(text, "deployment {} ({when})", one_line(id))?;
    }
    write!(text, "{}", split_table(summary, period, is_only))?;
    if let Some(check) = &period.sample_ratio {
        match check.alarm_at_key {
            Some(key) => writeln!(
                text,
                "sample ratio: ALARM at user {}, an honest split looks so once in a thousand times",
                count(key)
            )?,
            None => writeln!(text, "sample ratio: fits (p {:.2})", check.p_value)?,
        }
    }
    if let Some(moved) = &period.moved {
        let by_rule = moved
            .by_rule
            .map_or_else(String::new, |by_rule| format!("; by the rule {}", count(by_rule)));
        writeln!(
            text,
            "moved: {} of the {} users seen before{by_rule}",
            count(moved.users),
            count(moved.seen)
        )?;
        for flow in &moved.flows {
            let (from, to) = (one_line(&flow.from), one_line(&flow.to));
            writeln!(text, "  {from} -> {to}: {}", count(flow.users))?;
        }
    }
    Ok(())
}

fn users(summary: &Summary, text: &mut String) -> std::fmt::Result {
    let stickiness = &summary.stickiness;
    if stickiness.users > 0 {
        writeln!(
            text,
            "\nstickiness: {} of {} users changed version without a deployment",
            count(stickiness.users_changed),
            count(stickiness.users)
        )?;
        for change in &stickiness.examples {
            let (user, from, to) = (&change.user, one_line(&change.from), one_line(&change.to));
            writeln!(text, "  {user}: {from} -> {to} at {:.3} s", change.at_s)?;
        }
    }
    if let Some(agreement) = &summary.agreement {
        writeln!(
            text,
            "rule: {} of {} answers disagree",
            count(agreement.disagreements),
            count(agreement.answers)
        )?;
        for found in &agreement.examples {
            let (user, got) = (&found.user, one_line(&found.got));
            let by_rule = one_line(&found.by_rule);
            writeln!(text, "  {user}: got {got}, by the rule {by_rule}, at {:.3} s", found.at_s)?;
        }
    }
    if summary.failed_over > 0 {
        let answers = count(summary.failed_over);
        writeln!(text, "failed over: {answers} answers are of another version than was assigned")?;
    }
    Ok(())
}

fn verdict(summary: &Summary, text: &mut String) -> std::fmt::Result {
    writeln!(text)?;
    if summary.ok {
        return writeln!(text, "good");
    }
    for finding in &summary.findings {
        writeln!(text, "FAILED: {finding}")?;
    }
    Ok(())
}

pub(super) fn plural(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{} {noun}s", count(number)) }
}
