//! The report as a page: the verdict, plots, tables, and how to have it all again.

use super::error::LoadError;
use super::plan::Users;
use super::summarize::band;
use super::summary::{Quantiles, Summary};
use super::tables::{latency_table, split_table};
use super::text::plural;
use super::visits::effective_requests;
use crate::report::{Axis, Page, Part, Plot, Series, count, one_line, time_ms};
use crate::stats::ratio;

/// A plot has so many points of a line at most.
const POINTS_MAX: usize = 600;

/// The page of `summary`. `command` has it again.
pub fn page(summary: &Summary, command: &str) -> Result<String, LoadError> {
    let asked = &summary.asked;
    let mut parts = vec![Part::Text(format!(
        "{} in {:.1} s, {:.0} a second, of {} (Zipf {}, seed {}); {}",
        plural(summary.answers, "answer"),
        summary.duration_s,
        summary.answers_per_second,
        plural(asked.users, "user"),
        asked.zipf,
        asked.seed,
        plural(summary.errors.total, "error"),
    ))];
    if summary.seconds.len() > 1 && summary.versions.len() > 1 {
        parts.push(Part::Heading("Share of answers, second by second".to_owned()));
        parts.push(Part::Plot(shares(summary).to_svg()?));
        parts.push(Part::Text(
            "The bands hold all but one of a thousand honest seconds; users who ask often make them wide."
                .to_owned(),
        ));
    }
    parts.push(Part::Heading("Latency by version, from when a request was due".to_owned()));
    parts.push(Part::Plot(latencies(summary).to_svg()?));
    parts.push(Part::Table(latency_table(summary)));
    parts.extend(splits(summary));
    parts.extend(users(summary));
    parts.push(Part::Heading("The same again".to_owned()));
    parts.push(Part::Command(command.to_owned()));
    let title = format!("serin load {}", summary.target);
    Ok(Page { title, findings: summary.findings.clone(), parts }.to_html())
}

#[expect(clippy::cast_precision_loss, reason = "a run has few seconds")]
fn shares(summary: &Summary) -> Plot {
    // So many seconds are one point.
    let asked = &summary.asked;
    // Of the one after the last there are the answers that came late.
    let is_asked = |(second, _): &(usize, _)| (*second as f64) < asked.duration_s;
    let seconds: Vec<_> = summary.seconds.iter().enumerate().take_while(is_asked).collect();
    let step = seconds.len().div_ceil(POINTS_MAX).max(1);
    let chunks: Vec<_> = seconds.chunks(step).collect();
    let users = Users { count: asked.users, seed: asked.seed, exponent: asked.zipf };
    let series = summary.versions.iter().map(|version| {
        let (mut points, mut expected) = (Vec::new(), Vec::new());
        for (number, seconds) in chunks.iter().enumerate() {
            let of_version: u64 =
                seconds.iter().filter_map(|(_, second)| second.get(&version.version)).sum();
            let all: u64 = seconds.iter().flat_map(|(_, second)| second.values()).sum();
            if all == 0 {
                continue;
            }
            let (from, to) = ((number * step) as f64, ((number + 1) * step) as f64);
            let middle = f64::midpoint(from, to);
            points.push((middle, 100.0 * ratio(of_version, all)));
            let begun = summary.periods.iter().rev().find(|period| period.begins_s <= middle);
            let shares = begun.map(|period| period.shares.as_slice()).unwrap_or_default();
            let share = shares.iter().find(|share| share.version == version.version);
            let Some(percentage) = share.and_then(|share| share.percentage) else { continue };
            let [low, high] = band(effective_requests(users, all), percentage);
            expected.extend([(from, 100.0 * low, 100.0 * high), (to, 100.0 * low, 100.0 * high)]);
        }
        Series { name: one_line(&version.version), points, expected }
    });
    let deployments = summary.periods.iter().skip(1);
    Plot {
        x: Axis {
            name: "seconds".to_owned(),
            from: 0.0,
            to: seconds.len() as f64,
            write: |second| format!("{second:.0}"),
            labels: 8,
        },
        y: Axis {
            name: "share".to_owned(),
            from: 0.0,
            to: 100.0,
            write: |percent| format!("{percent:.0} %"),
            labels: 6,
        },
        series: series.collect(),
        marks: deployments
            .map(|period| {
                let id = period.deployment_id.as_deref().unwrap_or_default();
                (period.begins_s, format!("deployment {}", one_line(id)))
            })
            .collect(),
    }
}

/// Latency over the share of answers that take longer, both in steps of ten times.
fn latencies(summary: &Summary) -> Plot {
    let points = |of: &Quantiles| {
        [(0.5, of.p50), (0.9, of.p90), (0.99, of.p99), (0.999, of.p99_9)]
            .map(|(quantile, ms): (f64, f64)| (-(1.0 - quantile).log10(), ms.max(1e-3).log10()))
            .to_vec()
    };
    let line =
        |name: String, of: &Quantiles| Series { name, points: points(of), expected: Vec::new() };
    let versions = summary.versions.iter();
    let mut series: Vec<_> = versions
        .map(|version| line(one_line(&version.version), &version.latency.corrected))
        .collect();
    if series.len() != 1 {
        series.push(line("all".to_owned(), &summary.latency.corrected));
    }
    let heights = || series.iter().flat_map(|series| series.points.iter().map(|&(_, y)| y));
    let (low, high) = (heights().fold(f64::MAX, f64::min), heights().fold(f64::MIN, f64::max));
    Plot {
        x: Axis {
            name: "percentile".to_owned(),
            from: 0.0,
            to: 3.2,
            write: |nines| {
                let percentile = format!("{:.3}", 100.0 * (1.0 - 10.0_f64.powf(-nines)));
                percentile.trim_end_matches('0').trim_end_matches('.').to_owned()
            },
            labels: 4,
        },
        y: Axis {
            name: "latency".to_owned(),
            from: low.floor(),
            to: high.ceil().max(low.floor() + 1.0),
            write: |log| time_ms(10.0_f64.powf(log)),
            labels: 4,
        },
        series,
        marks: Vec::new(),
    }
}

fn splits(summary: &Summary) -> Vec<Part> {
    let is_only = summary.periods.len() == 1;
    let mut parts = Vec::new();
    for period in summary.periods.iter().filter(|period| !period.shares.is_empty()) {
        let id = period.deployment_id.as_deref().map(one_line);
        let heading = match id {
            Some(id) if !is_only => format!("Deployment {id}, from {:.1} s on", period.begins_s),
            _ => "The split".to_owned(),
        };
        parts.push(Part::Heading(heading));
        parts.push(Part::Table(split_table(summary, period, is_only)));
        if let Some(moved) = &period.moved {
            let (users, seen) = (count(moved.users), count(moved.seen));
            let mut said = vec![format!("{users} of the {seen} users seen before moved")];
            said.extend(moved.by_rule.map(|by_rule| format!("by the rule {}", count(by_rule))));
            said.extend(moved.flows.iter().map(|flow| {
                let (from, to) = (one_line(&flow.from), one_line(&flow.to));
                format!("{from} → {to}: {}", count(flow.users))
            }));
            parts.push(Part::Text(said.join("; ")));
        }
    }
    parts
}

fn users(summary: &Summary) -> Vec<Part> {
    let mut parts = vec![Part::Heading("Users".to_owned())];
    let stickiness = &summary.stickiness;
    parts.push(Part::Text(format!(
        "{} of {} users changed version without a deployment.",
        count(stickiness.users_changed),
        count(stickiness.users)
    )));
    for change in &stickiness.examples {
        let (from, to) = (one_line(&change.from), one_line(&change.to));
        parts.push(Part::Text(format!("{}: {from} → {to} at {:.3} s", change.user, change.at_s)));
    }
    if let Some(agreement) = &summary.agreement {
        parts.push(Part::Text(format!(
            "{} of {} answers disagree with the rule.",
            count(agreement.disagreements),
            count(agreement.answers)
        )));
    }
    parts
}
