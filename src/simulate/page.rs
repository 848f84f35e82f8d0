//! An outcome as a page: the verdict, plots, tables, the scenario, and how to have it again.

use std::time::Duration;

use super::check::Checked;
use super::evenness::effective_requests;
use super::outcome::{Outcome, Released, Window};
use super::print::summary;
use super::scenario::Scenario;
use super::tables::{action_mark, deployment_mark, tables};
use crate::model::CodeVersion;
use crate::report::{Axis, NoPlot, Page, Part, Plot, Series, one_line, time_ms};
use crate::stats::{BAND_CONFIDENCE, binomial_band, ratio};

/// Beyond so many versions a plot of latencies has those of one quantile alone.
const VERSIONS_OF_TWO_QUANTILES_MAX: usize = 3;

/// The page of `outcome`, which is what `scenario`, written as `text`, came to. `command` has
/// it again.
pub(super) fn page(
    scenario: &Scenario,
    text: &str,
    outcome: &Outcome,
    command: &str,
) -> Result<String, NoPlot> {
    let plots = [
        ("Share of requests by version", shares(scenario, outcome)),
        ("Latency by version", latencies(outcome)),
        ("Errors by version", errors(outcome)),
        ("Users who came back to a version that they had left, by rule", flapped(outcome)),
        ("Users who moved at each deployment, by rule", moved(outcome)),
    ];
    let mut parts = vec![Part::Text(summary(outcome))];
    for (heading, plot) in plots {
        // What was not measured has no plot.
        if plot.series.iter().any(|series| !series.points.is_empty()) {
            parts.push(Part::Heading(heading.to_owned()));
            parts.push(Part::Plot(plot.to_svg()?));
        }
    }
    parts.push(Part::Text(
        "Shares, latencies and errors are those under the rule of serin. A band is where the share \
         of an honest split is expected in a step; users who ask often make it wide, and so does \
         a table that spreads, since what was deployed before still counts. The same users ask \
         in every step, so where the share of one stands off, those of others stand off with it: \
         whether the split is the one that was asked for is told over users, in a table below. \
         Deployments (D) and actions (A) are marked by their numbers in the tables."
            .to_owned(),
    ));
    for (title, table) in tables(outcome) {
        parts.push(Part::Heading(title.to_owned()));
        parts.push(Part::Table(table));
    }
    parts.push(Part::Heading("The scenario".to_owned()));
    parts.push(Part::Command(text.trim_end().to_owned()));
    parts.push(Part::Heading("The same again".to_owned()));
    parts.push(Part::Command(command.to_owned()));
    let failed = outcome.checks.iter().filter(|checked| !checked.holds);
    let findings = failed.map(finding).collect();
    let title = format!("serin simulate: {}", one_line(&outcome.title));
    Ok(Page { title, findings, parts }.to_html())
}

fn finding(checked: &Checked) -> String {
    format!("{}: {}", checked.claim, checked.found_in_words())
}

/// The scenario's time in the unit that suits its length, and how to write a place on it.
struct Time {
    name: &'static str,
    unit_s: f64,
}

impl Time {
    fn of(outcome: &Outcome) -> Self {
        let (name, unit_s) = match outcome.length.as_secs_f64() {
            length_s if length_s > 4.0 * 3_600.0 => ("hours", 3_600.0),
            length_s if length_s > 4.0 * 60.0 => ("minutes", 60.0),
            _ => ("seconds", 1.0),
        };
        Self { name, unit_s }
    }

    fn at(&self, time: Duration) -> f64 {
        time.as_secs_f64() / self.unit_s
    }

    fn axis(&self, outcome: &Outcome) -> Axis {
        let to = self.at(outcome.length);
        let write = if to < 4.0 { |x| format!("{x:.1}") } else { |x| format!("{x:.0}") };
        Axis { name: self.name.to_owned(), from: 0.0, to, write, labels: 8 }
    }
}

/// What an operator did.
fn marks(outcome: &Outcome, time: &Time) -> Vec<(f64, String)> {
    let releases = (1..).zip(&outcome.releases).skip(1);
    let releases = releases.map(|(number, it)| (time.at(it.at), deployment_mark(number)));
    let actions = (1..).zip(&outcome.actions);
    let actions = actions.map(|(number, it)| (time.at(it.at), action_mark(number)));
    releases.chain(actions).collect()
}

/// A plot over the time of the outcome, of `series`.
fn over_time(outcome: &Outcome, y: Axis, series: Vec<Series>) -> Plot {
    let time = Time::of(outcome);
    Plot { x: time.axis(outcome), y, series, marks: marks(outcome, &time) }
}

/// Of the steps of the timeline, the windows of all regions.
fn steps(outcome: &Outcome) -> impl Iterator<Item = &[Window]> {
    outcome.timeline.chunk_by(|one, other| one.start == other.start)
}

fn of_version(step: &[Window], version: usize) -> impl Iterator<Item = &Window> {
    step.iter().filter(move |window| window.version == version)
}

/// A line for each version: `of` what it did in a step. Nothing where that is `None`.
fn by_version(outcome: &Outcome, of: impl Fn(&[Window], usize) -> Option<f64>) -> Vec<Series> {
    let time = Time::of(outcome);
    let middle = |step: &[Window]| time.at(step[0].start + outcome.step / 2);
    let series = outcome.versions.iter().enumerate().map(|(version, name)| Series {
        name: name.to_string(),
        points: steps(outcome)
            .filter_map(|step| Some((middle(step), of(step, version)?)))
            .collect(),
        expected: Vec::new(),
    });
    series.collect()
}

fn shares(scenario: &Scenario, outcome: &Outcome) -> Plot {
    let requests = |step: &[Window]| step.iter().map(|window| window.requests).sum::<u64>();
    let mut series = by_version(outcome, |step, version| {
        let of_version: u64 = of_version(step, version).map(|window| window.requests).sum();
        Some(100.0 * ratio(of_version, requests(step)))
    });
    let time = Time::of(outcome);
    for (series, version) in series.iter_mut().zip(&outcome.versions) {
        for step in steps(outcome) {
            let (from, to) = (step[0].start, step[0].start + outcome.step);
            let trials = effective_requests(scenario, requests(step));
            let bands = answering(outcome, from, to).map(|release| {
                let share = release.shares.iter().find(|(name, _)| name == version);
                let share = share.map_or(0.0, |(_, percent)| f64::from(percent.get()) / 100.0);
                let band = binomial_band(trials, share, BAND_CONFIDENCE);
                [band.start(), band.end()].map(|it| 100.0 * ratio(*it, trials))
            });
            // While a table spreads, shares are on their way from one band to the other.
            let (low, high) = bands.fold((f64::MAX, f64::MIN), |(least, most), [low, high]| {
                (least.min(low), most.max(high))
            });
            series.expected.extend([(time.at(from), low, high), (time.at(to), low, high)]);
        }
    }
    let y = Axis { to: 100.0, ..Axis::percent("share", &[]) };
    let y = Axis { write: |percent| format!("{percent:.0} %"), ..y };
    over_time(outcome, y, series)
}

/// The releases whose tables may answer from one time to another.
fn answering(outcome: &Outcome, from: Duration, to: Duration) -> impl Iterator<Item = &Released> {
    let known = outcome.releases.iter().rev().skip_while(move |release| release.at >= to);
    let mut is_known_everywhere = false;
    known.take_while(move |release| {
        let may_answer = !is_known_everywhere;
        is_known_everywhere = release.at + release.spread <= from;
        may_answer
    })
}

fn errors(outcome: &Outcome) -> Plot {
    let series = by_version(outcome, |step, version| {
        let windows = || of_version(step, version);
        let requests: u64 = windows().map(|window| window.requests).sum();
        let failed = windows().map(|window| window.failed).sum();
        (requests > 0).then(|| 100.0 * ratio(failed, requests))
    });
    over_time(outcome, Axis::percent("failed", &series), series)
}

/// In steps of ten times; of several regions, that of the one where it is longest.
fn latencies(outcome: &Outcome) -> Plot {
    let log_ms = |of: fn(&Window) -> Option<Duration>| {
        move |step: &[Window], version: usize| {
            let longest = of_version(step, version).filter_map(of).max()?;
            Some(libm::log10((longest.as_secs_f64() * 1e3).max(1e-3)))
        }
    };
    let named = |series: Vec<Series>, quantile: &str| {
        let named = move |it: Series| Series { name: format!("{} {quantile}", it.name), ..it };
        series.into_iter().map(named).collect::<Vec<_>>()
    };
    let mut series = named(by_version(outcome, log_ms(|window| Some(window.latency?.p99))), "p99");
    if outcome.versions.len() <= VERSIONS_OF_TWO_QUANTILES_MAX {
        let p50 = by_version(outcome, log_ms(|window| Some(window.latency?.p50)));
        series.extend(named(p50, "p50"));
    }
    series.retain(|series| !series.points.is_empty());
    let heights = || series.iter().flat_map(|series| series.points.iter().map(|&(_, y)| y));
    let (low, high) = (heights().fold(f64::MAX, f64::min), heights().fold(f64::MIN, f64::max));
    let y = Axis {
        name: "latency".to_owned(),
        from: low.floor(),
        to: high.ceil().max(low.floor() + 1.0),
        write: |log| time_ms(libm::exp10(log)),
        labels: 4,
    };
    over_time(outcome, y, series)
}

/// How many of the users who asked in the whole time have flapped by then.
fn flapped(outcome: &Outcome) -> Plot {
    let time = Time::of(outcome);
    let series = outcome.rules.iter().map(|rule| {
        let ends = (1_u32..).map(|step| (outcome.step * step).min(outcome.length));
        let sums = rule.flapped.iter().scan(0, |sum, flapped| {
            *sum += flapped;
            Some(*sum)
        });
        let points = ends.zip(sums);
        let points = points.map(|(end, sum)| (time.at(end), 100.0 * ratio(sum, rule.users)));
        Series {
            name: rule.rule.as_str().to_owned(),
            points: std::iter::once((0.0, 0.0)).chain(points).collect(),
            expected: Vec::new(),
        }
    });
    let series: Vec<_> = series.collect();
    over_time(outcome, Axis::percent("users", &series), series)
}

/// A stair for each rule, from deployment to deployment, over an area as high as the share of
/// users that the new shares must move.
fn moved(outcome: &Outcome) -> Plot {
    let by_rule = outcome.rules.iter().map(|rule| {
        let shares = (1..).zip(&rule.moved);
        let shares = shares.filter_map(|(number, moved)| Some((number, 100.0 * (*moved)?.share())));
        Series::stair(rule.rule.as_str(), shares)
    });
    let mut series: Vec<_> = by_rule.filter(|series| !series.points.is_empty()).collect();
    let replaced = (2..).zip(outcome.releases.windows(2));
    let least = replaced.map(|(number, pair)| (number, least_moved(&pair[0], &pair[1])));
    series.push(Series::area("least possible", least));
    let replacing = (2_u32..).zip(2..=outcome.releases.len());
    let marks: Vec<_> =
        replacing.map(|(at, number)| (f64::from(at), deployment_mark(number))).collect();
    let to = marks.last().map_or(2.0, |(at, _)| *at) + 1.0;
    let x = Axis { name: "deployment".into(), from: 2.0, to, write: |_| String::new(), labels: 1 };
    Plot { x, y: Axis::percent("users", &series), series, marks }
}

/// The percentage of all users who cannot stay where they were: for whom there is no room.
fn least_moved(before: &Released, after: &Released) -> f64 {
    let share = |of: &Released, version: &CodeVersion| {
        let found = of.shares.iter().find(|(name, _)| name == version);
        found.map_or(0, |(_, percent)| percent.get())
    };
    let gone = before
        .shares
        .iter()
        .map(|(version, percent)| u32::from(percent.get().saturating_sub(share(after, version))));
    f64::from(gone.sum::<u32>())
}

#[cfg(test)]
mod tests {
    use super::super::play::play;
    use super::*;

    const RAMP: &str = r#"
title = "a <ramp>"
length = "1h"
rules = ["random"]
[edge]
nodes = 3
propagation = "1m"
[[population]]
users = 500
requests_per_user = 20
[[version]]
code_version = "1"
latency = { p50 = "20ms", p99 = "90ms" }
[[version]]
code_version = "2"
[[deployment]]
at = "0s"
code_versions = [{ code_version = "1", percentage = 100 }]
[[deployment]]
at = "20m"
code_versions = [{ code_version = "1", percentage = 50 }, { code_version = "2", percentage = 50 }]
[[action]]
do = "stop"
at = "30m"
code_version = "2"
[[check]]
number = "error_rate"
most = 0.1
"#;

    fn played(text: &str) -> (Scenario, Outcome) {
        let scenario = Scenario::parse(text).unwrap_or_else(|error| panic!("{error}"));
        let outcome = play(&scenario, &mut |_| {}).unwrap();
        (scenario, outcome)
    }

    #[test]
    fn a_page_has_its_verdict_plots_tables_and_how_to_have_it_again() {
        let (scenario, outcome) = played(RAMP);
        let html = page(&scenario, RAMP, &outcome, "serin simulate 'a b.toml'").unwrap();
        for part in [
            "<b>Failed</b> serin: error rate at most 0.1",
            "a &lt;ramp&gt;",
            "serin simulate 'a b.toml'",
            "version 2 is stopped",
            "code_version = &quot;2&quot;",
        ] {
            assert!(html.contains(part), "{part}");
        }
        assert_eq!(html.matches("<svg").count(), 5);
        assert!(html.matches("<polygon").count() >= 2, "bands");
    }

    #[test]
    fn what_is_not_measured_has_no_plot() {
        let unmeasured = RAMP.replace("latency = { p50 = \"20ms\", p99 = \"90ms\" }", "");
        let (scenario, outcome) = played(&unmeasured);
        let html = page(&scenario, &unmeasured, &outcome, "serin").unwrap();
        assert_eq!(html.matches("<svg").count(), 4);
        let nobody = unmeasured.replace("requests_per_user = 20", "requests_per_user = 0");
        let (scenario, outcome) = played(&nobody);
        let html = page(&scenario, &nobody, &outcome, "serin").unwrap();
        assert!(html.contains("there was nothing to check"));
    }

    #[test]
    fn who_moved_stands_beside_how_few_could() {
        let (_, outcome) = played(&RAMP.replace("[\"random\"]", "[\"random\", \"nginx\"]"));
        let plot = moved(&outcome);
        let names: Vec<_> = plot.series.iter().map(|series| series.name.as_str()).collect();
        assert_eq!(names, ["serin", "nginx", "least possible"]);
        assert_eq!(plot.series[2].expected, [(2.0, 0.0, 50.0), (3.0, 0.0, 50.0)]);
        let [(from, share), (to, _)] = plot.series[0].points[..] else { panic!("a tread") };
        // Of 500 users, with a deviation of 2.2.
        assert!((from, to) == (2.0, 3.0) && (share - 50.0).abs() < 11.0, "{share}");
        assert_eq!(plot.marks, [(2.0, "D2".to_owned())]);
    }

    /// The bands are for people. Steps stand off together, so this is of this seed alone.
    #[test]
    fn an_honest_split_lies_within_its_bands() {
        let (scenario, outcome) = played(RAMP);
        let plot = shares(&scenario, &outcome);
        let canary = &plot.series[1];
        let within = canary.expected.chunks(2).filter(|band| {
            let [(from, low, high), (to, ..)] = band else { panic!("two ends of a step") };
            let mut points = canary.points.iter().filter(|(x, _)| (*from..*to).contains(x));
            points.all(|(_, y)| (*low..=*high).contains(y))
        });
        let (within, all) = (within.count(), canary.expected.len() / 2);
        assert!(all >= 20 && within + 1 >= all, "{within} of {all}");
    }
}
