//! The report that people read.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::summary::{Latencies, PeriodSummary, Quantiles, Summary};
use crate::report::{Column, Table, count, one_line, percent, time_ms};

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
    latencies(summary, &mut text)?;
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

fn latencies(summary: &Summary, text: &mut String) -> std::fmt::Result {
    let is_open = summary.asked.rate_to.is_some();
    let mut table = Table::new(&[
        Column::Left("latency"),
        Column::Right("answers"),
        Column::Right("p50"),
        Column::Right("p90"),
        Column::Right("p99"),
        Column::Right("p99.9"),
        Column::Right("max"),
        Column::Left("status"),
    ]);
    let mut rows = |name: &str, answers: u64, latency: &Latencies, statuses: String| {
        let mut row = |name: String, answers: String, of: &Quantiles, statuses: String| {
            let times = [of.p50, of.p90, of.p99, of.p99_9, of.max].map(time_ms);
            table.row([name, answers].into_iter().chain(times).chain([statuses]));
        };
        row(name.to_owned(), count(answers), &latency.corrected, statuses);
        // A connection that sends when it was answered is always on time.
        if is_open {
            let name = "  from sending".to_owned();
            row(name, String::new(), &latency.uncorrected, String::new());
        }
    };
    rows("all", summary.answers, &summary.latency, statuses(&summary.statuses));
    for version in &summary.versions {
        let name = one_line(&version.version);
        rows(&name, version.requests, &version.latency, statuses(&version.statuses));
    }
    write!(text, "\n{table}")
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
    let mut table = Table::new(&[
        Column::Left("split"),
        Column::Right("asked"),
        Column::Right("users"),
        Column::Right("share"),
        Column::Right("expected"),
        Column::Right("of answers"),
        Column::Right("expected"),
    ]);
    let band = |band: Option<[f64; 2]>| {
        band.map_or_else(String::new, |[from, to]| {
            format!("{:.2}–{:.2} %", from * 100.0, to * 100.0)
        })
    };
    for share in &period.shares {
        let of_answers = summary.versions.iter().find(|version| version.version == share.version);
        let of_answers = of_answers
            .filter(|_| is_only)
            .map_or_else(String::new, |version| percent(version.share));
        let asked = share.percentage.map_or_else(String::new, |asked| format!("{asked} %"));
        table.row([
            one_line(&share.version),
            asked,
            count(share.keys),
            percent(share.share),
            band(share.keys_expected),
            of_answers,
            band(share.requests_expected),
        ]);
    }
    write!(text, "{table}")?;
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

fn statuses(statuses: &std::collections::BTreeMap<u16, u64>) -> String {
    if statuses.len() == 1 {
        return statuses.keys().map(ToString::to_string).collect();
    }
    let each = statuses.iter().map(|(status, of)| format!("{status}: {}", count(*of)));
    each.collect::<Vec<_>>().join(", ")
}

fn plural(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{} {noun}s", count(number)) }
}
