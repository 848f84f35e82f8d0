//! The report as a page: the verdict, plots, tables, and how to have it all again.

use super::effective::Effective;
use super::periods::band;
use super::plan::Users;
use super::summary::{Latencies, Summary};
use super::told::{Drawn, told};
use crate::report::{Axis, NoPlot, Plot, Series, one_line, time_ms};
use crate::stats::ratio;

/// A plot has so many points of a line at most.
const POINTS_MAX: usize = 600;

/// The page of `summary`. `command` has it again.
pub(super) fn page(summary: &Summary, users: &Users, command: String) -> Result<String, NoPlot> {
    let has_shares = summary.seconds.len() > 1 && summary.versions.len() > 1;
    let effective = Effective::of(users);
    let shares = has_shares.then(|| shares(summary, effective).to_svg());
    let drawn =
        Drawn { shares: shares.transpose()?, latencies: latencies(summary).to_svg()?, command };
    Ok(told(summary, Some(&drawn)).to_html())
}

#[expect(clippy::cast_precision_loss, reason = "a run has few seconds")]
fn shares(summary: &Summary, effective: Effective) -> Plot {
    // So many seconds are one point.
    let asked = &summary.asked;
    // Of the one after the last there are the answers that came late.
    let is_asked = |(second, _): &(usize, _)| (*second as f64) < asked.duration_s;
    let seconds: Vec<_> = summary.seconds.iter().enumerate().take_while(is_asked).collect();
    let step = seconds.len().div_ceil(POINTS_MAX).max(1);
    let chunks: Vec<_> = seconds.chunks(step).collect();
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
            let [low, high] = band(effective.requests(all), percentage);
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
    let points = |of: &Latencies| {
        of.corrected.as_ref().map_or_else(Vec::new, |of| {
            [(0.5, of.p50), (0.9, of.p90), (0.99, of.p99), (0.999, of.p99_9)]
                .map(|(quantile, ms): (f64, f64)| (-(1.0 - quantile).log10(), ms.max(1e-3).log10()))
                .to_vec()
        })
    };
    let line =
        |name: String, of: &Latencies| Series { name, points: points(of), expected: Vec::new() };
    let versions = summary.versions.iter();
    let mut series: Vec<_> =
        versions.map(|version| line(one_line(&version.version), &version.latency)).collect();
    if series.len() != 1 {
        series.push(line("all".to_owned(), &summary.latency));
    }
    let heights = || series.iter().flat_map(|series| series.points.iter().map(|&(_, y)| y));
    // Where nothing was answered there is no height, and the axis is one of microseconds.
    let low = heights().reduce(f64::min).unwrap_or(-3.0);
    let high = heights().reduce(f64::max).unwrap_or(low);
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
