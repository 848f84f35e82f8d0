//! The report as a page: the verdict, plots, tables, and how to have it all again.

use super::effective::Effective;
use super::periods::band;
use super::summary::{Latencies, PeriodSummary, Summary};
use super::told::{Drawn, told};
use crate::population::Population;
use crate::report::{Axis, NoPlot, Plot, Series, one_line, time_ms};
use crate::stats::ratio;

/// A plot has so many points of a line at most.
const POINTS_MAX: usize = 600;

/// The page of `summary`. `command` has it again.
pub(super) fn page(
    summary: &Summary,
    population: &Population,
    command: String,
) -> Result<String, NoPlot> {
    let names = names(summary);
    let has_shares = summary.seconds.len() > 1 && names.len() > 1;
    let effective = Effective::of(population);
    let shares = has_shares.then(|| shares(summary, &names, effective).to_svg());
    let drawn = Drawn {
        shares: shares.transpose()?,
        latencies: latencies(summary).to_svg()?,
        moves: moves(summary).map(|plot| plot.to_svg()).transpose()?,
        command,
    };
    Ok(told(summary, Some(&drawn)).to_html())
}

/// The versions that were seen, and those that were to be: one that never answers is missed
/// where the others have too much.
fn names(summary: &Summary) -> Vec<&str> {
    let mut names: Vec<_> = summary.versions.iter().map(|of| of.version.as_str()).collect();
    for share in summary.periods.iter().flat_map(|period| &period.shares) {
        if !names.contains(&share.version.as_str()) {
            names.push(&share.version);
        }
    }
    names
}

/// Where the share of a version is to be expected, of as many requests as `trials`, from one
/// second to another. While a deployment is made, shares are on their way from one band to
/// the other.
fn expected(
    summary: &Summary,
    version: &str,
    (from, to): (f64, f64),
    trials: u64,
) -> Option<[f64; 2]> {
    let ends = summary.periods.iter().skip(1).map(|next| next.begins_s).chain([f64::INFINITY]);
    let live = summary.periods.iter().zip(ends);
    let live = live.filter(|(period, end)| period.begins_s < to && *end > from);
    let bands = live.filter_map(|(period, _)| Some(band(trials, percentage(period, version)?)));
    bands.reduce(|[low, high], [other_low, other_high]| [low.min(other_low), high.max(other_high)])
}

/// Which a version was to have; `None` where nobody said.
fn percentage(period: &PeriodSummary, version: &str) -> Option<u64> {
    let mut listed = period.shares.iter().filter(|share| share.percentage.is_some()).peekable();
    listed.peek()?;
    Some(listed.find(|share| share.version == version).and_then(|it| it.percentage).unwrap_or(0))
}

#[expect(clippy::cast_precision_loss, reason = "a run has few seconds")]
fn shares(summary: &Summary, names: &[&str], effective: Effective) -> Plot {
    // So many seconds are one point.
    let asked = &summary.asked;
    // Of the one after the last there are the answers that came late.
    let is_asked = |(second, _): &(usize, _)| (*second as f64) < asked.duration_s;
    let seconds: Vec<_> = summary.seconds.iter().enumerate().take_while(is_asked).collect();
    let seconds_asked = seconds.len();
    let step = seconds_asked.div_ceil(POINTS_MAX).max(1);
    let chunks: Vec<_> = seconds.chunks(step).collect();
    let series = names.iter().map(|&version| {
        let (mut points, mut bands) = (Vec::new(), Vec::new());
        for (number, seconds) in chunks.iter().enumerate() {
            let of_version: u64 =
                seconds.iter().filter_map(|(_, second)| second.get(version)).sum();
            let all: u64 = seconds.iter().flat_map(|(_, second)| second.values()).sum();
            if all == 0 {
                continue;
            }
            let end = ((number + 1) * step).min(seconds_asked);
            let (from, to) = ((number * step) as f64, end as f64);
            points.push((f64::midpoint(from, to), 100.0 * ratio(of_version, all)));
            let band = expected(summary, version, (from, to), effective.requests(all));
            let Some([low, high]) = band.map(|band| band.map(|share| 100.0 * share)) else {
                continue;
            };
            bands.extend([(from, low, high), (to, low, high)]);
        }
        Series { name: one_line(version), points, expected: bands }
    });
    let deployments = summary.periods.iter().skip(1);
    Plot {
        x: Axis {
            name: "seconds".to_owned(),
            from: 0.0,
            to: seconds_asked as f64,
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

/// Of the users who were seen before and after each deployment, the share that moved, over an
/// area as high as the share that the rule moves; `None` where nobody was seen twice.
fn moves(summary: &Summary) -> Option<Plot> {
    let periods = || (1..).zip(&summary.periods).skip(1);
    let share = |users: u64, seen: u64| (seen > 0).then(|| 100.0 * ratio(users, seen));
    let moved = periods().filter_map(|(number, period)| {
        let moved = period.moved.as_ref()?;
        Some((number, share(moved.users, moved.seen)?))
    });
    let by_rule = periods().filter_map(|(number, period)| {
        let moved = period.moved.as_ref()?;
        Some((number, share(moved.by_rule?, moved.seen)?))
    });
    let series = vec![Series::stair("moved", moved), Series::area("by the rule", by_rule)];
    if series[0].points.is_empty() {
        return None;
    }
    let marks: Vec<_> =
        periods().map(|(number, _)| (f64::from(number), format!("deployment {number}"))).collect();
    let to = marks.last().map_or(2.0, |(at, _)| *at) + 1.0;
    Some(Plot {
        x: Axis {
            name: "deployment".to_owned(),
            from: 2.0,
            to,
            write: |_| String::new(),
            labels: 1,
        },
        y: Axis::percent("users", &series),
        series,
        marks,
    })
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::summary::{
        Asked, ByClass, Connections, Errors, Moved, ShareSummary, Stickiness, Unnamed,
        VersionSummary,
    };
    use super::*;

    const NONE: ByClass = ByClass {
        connect: 0,
        timeout: 0,
        reset: 0,
        closed: 0,
        bad_response: 0,
        unasked: 0,
        status_4xx: 0,
        status_5xx: 0,
        unsent: 0,
    };

    fn latency() -> Latencies {
        Latencies { corrected: None, uncorrected: None }
    }

    fn period(begins_s: f64, shares: &[(&str, u64)]) -> PeriodSummary {
        let shares = shares.iter().map(|&(version, percentage)| ShareSummary {
            version: version.to_owned(),
            percentage: Some(percentage),
            keys: 0,
            share: 0.0,
            keys_expected: None,
            requests_expected: None,
        });
        PeriodSummary {
            begins_s,
            deployment_id: None,
            shares: shares.collect(),
            users_unanswered: 0,
            sample_ratio: None,
            moved: None,
        }
    }

    /// Of `seconds` with 1,000 answers of version 1 each.
    fn summary(seconds: u32, duration_s: f64, periods: Vec<PeriodSummary>) -> Summary {
        let of_second = BTreeMap::from([("1".to_owned(), 1_000)]);
        Summary {
            ok: true,
            findings: Vec::new(),
            target: "http://a/".to_owned(),
            protocol: "HTTP/1.1",
            asked: Asked {
                rate_from: None,
                rate_to: None,
                ramp_s: None,
                duration_s,
                connections: 1,
                streams: 1,
                threads: 1,
                users: 1,
                zipf: 0.0,
                heavy_users: 0,
                heavy_share: 0.0,
                regions: BTreeMap::new(),
                seed: 1,
                key: String::new(),
                key_prefix: String::new(),
            },
            duration_s,
            answers: 1_000 * u64::from(seconds),
            answers_per_second: 1_000.0,
            connections: Connections { opened: 1, reused: 0 },
            errors: Errors { total: 0, allowed: 0, by_class: NONE },
            statuses: BTreeMap::new(),
            latency: latency(),
            versions: vec![VersionSummary {
                version: "1".to_owned(),
                requests: 1_000 * u64::from(seconds),
                share: 1.0,
                statuses: BTreeMap::new(),
                errors: NONE,
                latency: latency(),
            }],
            unnamed: Unnamed {
                requests: 0,
                statuses: BTreeMap::new(),
                errors: NONE,
                latency: latency(),
            },
            periods,
            stickiness: Stickiness { users: 0, users_changed: 0, changes: 0, examples: Vec::new() },
            agreement: None,
            strangers: 0,
            failed_over: 0,
            deployed_by_others: None,
            end_in_doubt: None,
            deployment_failed: None,
            too_many_versions: false,
            seconds: vec![of_second; seconds as usize],
        }
    }

    fn drawn(summary: &Summary) -> Plot {
        let population = Population::new(1_000_000, 1).unwrap();
        shares(summary, &names(summary), Effective::of(&population))
    }

    #[test]
    fn a_version_that_never_answers_is_drawn_where_it_was_to_be() {
        let summary = summary(3, 3.0, vec![period(0.0, &[("1", 90), ("2", 10)])]);
        let population = Population::new(1_000_000, 1).unwrap();
        let html = page(&summary, &population, String::new()).unwrap();
        assert_eq!(html.matches("<svg ").count(), 2);
        let plot = drawn(&summary);
        assert_eq!(plot.series[1].name, "2");
        assert_eq!(plot.series[1].points[0], (0.5, 0.0));
        let (_, low, high) = plot.series[1].expected[0];
        assert!(low > 5.0 && low < 10.0 && high > 10.0 && high < 15.0, "{low} {high}");
    }

    #[test]
    fn who_moves_is_drawn_for_deployments_at_which_somebody_was_seen() {
        let mut periods = Vec::from([1.0, 2.0, 3.0].map(|at| period(at, &[("1", 100)])));
        assert!(moves(&summary(3, 3.0, periods.clone())).is_none(), "nobody was seen twice");
        let moved = |users, by_rule| Some(Moved { seen: 200, users, by_rule, flows: Vec::new() });
        (periods[1].moved, periods[2].moved) = (moved(20, None), moved(50, Some(40)));
        let plot = moves(&summary(3, 3.0, periods)).unwrap();
        assert_eq!(plot.series[0].points, [(2.0, 10.0), (3.0, 10.0), (3.0, 25.0), (4.0, 25.0)]);
        assert_eq!(plot.series[1].expected, [(3.0, 0.0, 20.0), (4.0, 0.0, 20.0)]);
        assert_eq!(plot.marks.len(), 2);
    }

    #[test]
    fn a_second_of_a_deployment_has_the_bands_of_both_splits() {
        let splits = [period(0.0, &[("1", 100)]), period(1.5, &[("1", 50), ("2", 50)])];
        let plot = drawn(&summary(3, 2.5, splits.into()));
        let bands = &plot.series[0].expected;
        let of = |second: usize| (bands[2 * second].1, bands[2 * second].2);
        assert_eq!(of(0), (100.0, 100.0));
        let ((low, high), (low_after, high_after)) = (of(1), of(2));
        assert!(low < 50.0 && high >= 100.0, "{low} {high}");
        assert!(low_after > 40.0 && high_after < 60.0, "{low_after} {high_after}");
        // Version 2 was to have none at first.
        assert_eq!(plot.series[1].expected[0], (0.0, 0.0, 0.0));
    }

    #[test]
    fn the_last_band_ends_with_the_run() {
        let seconds = u32::try_from(POINTS_MAX).unwrap() + 1;
        let periods = vec![period(0.0, &[("1", 90), ("2", 10)])];
        let plot = drawn(&summary(seconds, f64::from(seconds), periods));
        assert_eq!(plot.series[0].points.len(), POINTS_MAX / 2 + 1);
        assert!(plot.x.to <= f64::from(seconds), "{}", plot.x.to);
        assert!(plot.series[0].expected.iter().all(|(at, ..)| *at <= f64::from(seconds)));
    }
}
