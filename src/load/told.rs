//! What a run has shown, part by part: one telling for the terminal and for the page.

use super::summary::{Asked, PeriodSummary, Summary};
use super::tables::{error_table, latency_table, split_table};
use crate::report::{Page, Part, count, plural};

/// What the page has beside that.
pub(super) struct Drawn {
    /// Where there is anything to compare.
    pub(super) shares: Option<String>,
    pub(super) latencies: String,
    /// Where there were deployments.
    pub(super) moves: Option<String>,
    /// What has it all again.
    pub(super) command: String,
}

pub(super) fn told(summary: &Summary, drawn: Option<&Drawn>) -> Page {
    let mut parts = head(summary);
    if let Some(plot) = drawn.and_then(|drawn| drawn.shares.as_ref()) {
        parts.push(Part::Heading("Share of answers, second by second".to_owned()));
        parts.push(Part::Plot(plot.clone()));
        parts.push(Part::Text(
            "The same users ask in every second, so seconds stand off together: in a few runs of a thousand all of them lie beyond the band of an honest split. Users who ask often make bands wide."
                .to_owned(),
        ));
    }
    let since = if summary.asked.rate_to.is_some() { "was due" } else { "was sent" };
    parts.push(Part::Heading(format!("Latency by version, from when a request {since}")));
    parts.extend(drawn.map(|drawn| Part::Plot(drawn.latencies.clone())));
    parts.push(Part::Table(latency_table(summary)));
    if let Some(table) = error_table(summary) {
        parts.push(Part::Heading("Errors by version".to_owned()));
        parts.push(Part::Table(table));
    }
    if let Some(plot) = drawn.and_then(|drawn| drawn.moves.as_ref()) {
        parts.push(Part::Heading("Who moves, of the users seen before and after".to_owned()));
        parts.push(Part::Plot(plot.clone()));
    }
    let is_only = summary.periods.len() == 1;
    for (number, period) in summary.periods.iter().enumerate() {
        split(summary, number, period, is_only, &mut parts);
    }
    users(summary, &mut parts);
    if let Some(drawn) = drawn {
        parts.push(Part::Heading("The same again".to_owned()));
        parts.push(Part::Command(drawn.command.clone()));
    }
    let title = format!("serin load {}", summary.target);
    Page { title, findings: summary.findings.clone(), parts }
}

fn head(summary: &Summary) -> Vec<Part> {
    let asked = &summary.asked;
    let model = match (asked.rate_from, asked.rate_to, asked.ramp_s) {
        (Some(from), Some(to), Some(over)) if over > 0.0 => {
            format!("{from} to {to} requests/s over {over} s, ")
        }
        (_, Some(rate), _) => format!("{rate} requests/s, "),
        _ => String::new(),
    };
    let connections = plural(asked.connections as u64, "connection");
    let errors = match summary.errors.total {
        0 => "no errors".to_owned(),
        _ => format!("errors: {}", summary.errors.by_class.told()),
    };
    let lines = [
        format!("{}, {model}{connections}", summary.protocol),
        population(asked),
        format!(
            "{} in {:.1} s, {:.0}/s; {errors}",
            plural(summary.answers, "answer"),
            summary.duration_s,
            summary.answers_per_second,
        ),
        format!(
            "{} opened, {} on one that was kept",
            plural(summary.connections.opened, "connection"),
            plural(summary.connections.reused, "request"),
        ),
    ];
    lines.into_iter().map(Part::Text).collect()
}

fn population(asked: &Asked) -> String {
    let mut said = vec![plural(asked.users, "user"), format!("Zipf {}", asked.zipf)];
    if asked.heavy_users > 0 {
        let share = asked.heavy_share * 100.0;
        said.push(format!("{} of them with {share} % of all requests", asked.heavy_users));
    }
    if !asked.regions.is_empty() {
        let regions: Vec<_> = asked.regions.iter().map(|(it, of)| format!("{it}={of}")).collect();
        said.push(format!("in {}", regions.join(" ")));
    }
    said.extend([format!("seed {}", asked.seed), format!("key in {}", asked.key)]);
    said.join(", ")
}

fn split(
    summary: &Summary,
    number: usize,
    period: &PeriodSummary,
    is_only: bool,
    parts: &mut Vec<Part>,
) {
    if period.shares.is_empty() && period.users_unanswered == 0 {
        return;
    }
    let id = period.deployment_id.as_deref().unwrap_or_default();
    let begins = period.begins_s;
    parts.push(Part::Heading(match number {
        _ if is_only => "The split".to_owned(),
        0 => format!("Deployment {id}, which was there before"),
        _ => format!("Deployment {id}, from {begins:.1} s on"),
    }));
    if !period.shares.is_empty() {
        parts.push(Part::Table(split_table(summary, period, is_only)));
    }
    let check = period.sample_ratio.as_ref();
    parts.extend(check.map(|check| {
        Part::Text(match check.alarm_at_key {
            Some(key) => format!(
                "sample ratio: ALARM at user {}; an honest split comes to that in at most one deployment of a thousand",
                count(key)
            ),
            None => format!("sample ratio: fits (p {:.2})", check.p_value),
        })
    }));
    if period.users_unanswered > 0 {
        let users = plural(period.users_unanswered, "user");
        parts.push(Part::Text(format!("never answered: {users}, who are missing above")));
    }
    let Some(moved) = &period.moved else { return };
    let by_rule = moved.by_rule.map(|by_rule| format!("; by the rule {}", count(by_rule)));
    parts.push(Part::Text(format!(
        "moved: {} of the {} users seen before{}",
        count(moved.users),
        count(moved.seen),
        by_rule.unwrap_or_default()
    )));
    let flows = moved.flows.iter();
    parts.extend(items(
        flows.map(|flow| format!("{} -> {}: {}", flow.from, flow.to, count(flow.users))),
    ));
}

fn users(summary: &Summary, parts: &mut Vec<Part>) {
    let (stickiness, agreement) = (&summary.stickiness, &summary.agreement);
    let mut told = Vec::new();
    if stickiness.users > 0 {
        told.push(Part::Text(format!(
            "stickiness: {} of {} users changed version without a deployment",
            count(stickiness.users_changed),
            count(stickiness.users)
        )));
        told.extend(items(stickiness.examples.iter().map(|change| {
            format!("{}: {} -> {} at {:.3} s", change.user, change.from, change.to, change.at_s)
        })));
    }
    if let Some(agreement) = agreement {
        told.push(Part::Text(format!(
            "rule: {} of {} answers disagree",
            count(agreement.disagreements),
            count(agreement.answers)
        )));
        told.extend(items(agreement.examples.iter().map(|found| {
            let (user, got, by_rule) = (&found.user, &found.got, &found.by_rule);
            format!("{user}: got {got}, by the rule {by_rule}, at {:.3} s", found.at_s)
        })));
    }
    if summary.failed_over > 0 {
        let answers = plural(summary.failed_over, "answer");
        told.push(Part::Text(format!(
            "failed over: {answers} of another version than was assigned"
        )));
    }
    if !told.is_empty() {
        parts.push(Part::Heading("Users".to_owned()));
        parts.append(&mut told);
    }
}

/// None of nothing.
fn items(items: impl Iterator<Item = String>) -> Option<Part> {
    let items: Vec<_> = items.collect();
    (!items.is_empty()).then_some(Part::Items(items))
}
