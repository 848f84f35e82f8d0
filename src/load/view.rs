//! What is seen while a run is under way.

use std::io::Write;
use std::time::Duration;

use super::judge::Judge;
use super::periods::band;
use super::plan::{Model, Plan};
use super::summary::{Errors, Latencies};
use super::tally::Tally;
use crate::report::{Column, Redraw, Table, count, one_line, percent, time_ms};
use crate::stats::{SampleRatio, ratio};

/// Longer lines wrap on small terminals, and a wrapped line is not overwritten.
const LINE_MAX_CHARS: usize = 79;

/// Of a version, its end is shown: that is where two of them differ.
const VERSION_MAX_CHARS: usize = 12;

pub(super) struct View<'a> {
    plan: &'a Plan,
    redraw: Redraw<&'a mut dyn Write>,
    /// When it was drawn last, and how much was answered then.
    before: (Duration, u64),
}

impl<'a> View<'a> {
    pub(super) fn new(plan: &'a Plan, terminal: &'a mut dyn Write) -> Self {
        Self { plan, redraw: Redraw::new(terminal), before: (Duration::ZERO, 0) }
    }

    pub(super) fn draw(&mut self, at: Duration, tally: &Tally, judge: &Judge) {
        let answers = tally.answers();
        let (since, more) = (at.saturating_sub(self.before.0), answers - self.before.1);
        self.before = (at, answers);
        let text = lines(self.plan, at, ratio(more, 1) / since.as_secs_f64(), tally, judge);
        // A terminal that is gone is no reason to stop.
        drop(self.redraw.draw(&text));
    }

    /// Takes away what was drawn: the report says all of it.
    pub(super) fn end(mut self) {
        drop(self.redraw.draw(""));
    }
}

fn lines(plan: &Plan, at: Duration, rate: f64, tally: &Tally, judge: &Judge) -> String {
    let asked = match plan.model {
        Model::Open(ramp) => {
            let last = at.clamp(Duration::from_nanos(1), SECOND);
            let due = ramp.due_within(at) - ramp.due_within(at.saturating_sub(last));
            format!(" of {:.0}/s", due / last.as_secs_f64())
        }
        Model::Closed => String::new(),
    };
    let mut text = format!(
        "{:.0} s of {:.0} s, {rate:.0}/s{asked}, {} answers, {} errors\n",
        at.as_secs_f64(),
        plan.duration.as_secs_f64(),
        count(tally.answers()),
        count(Errors::of(tally, 0).total),
    );
    let period = judge.period_now();
    // Whoever is judged meanwhile waits for the lock, so nothing is worked out under it.
    let (by_version, alarm, changed, disagreements) = {
        let watch = judge.watch();
        let counted = &watch.counted[period];
        let alarm = counted.ratio.as_ref().and_then(SampleRatio::alarm);
        (counted.keys, alarm, watch.users_changed, watch.disagreements.count)
    };
    let keys: u64 = by_version.iter().sum();
    let mut table = Table::new(&[
        Column::Left("version"),
        Column::Right("keys"),
        Column::Right("expected"),
        Column::Right("p50"),
        Column::Right("p99"),
        Column::Right("p99.9"),
    ]);
    let names = judge.versions.names();
    for (number, version) in tally.versions.iter().enumerate().filter(|(_, of)| of.is_seen()) {
        let name = names.get(number).map(String::as_str).unwrap_or_default();
        let listed = judge.periods[period].shares.iter().find(|(known, _)| *known == number);
        let expected = listed.map_or_else(String::new, |&(_, percentage)| {
            let [from, to] = band(keys, percentage).map(|share| share * 100.0);
            format!("{from:.2}–{to:.2}")
        });
        let latency = Latencies::of(version).corrected;
        let [p50, p99, p99_9] =
            latency.map_or_else(Default::default, |of| [of.p50, of.p99, of.p99_9].map(time_ms));
        table.row([
            tail(&one_line(name)),
            percent(ratio(by_version[number], keys)),
            expected,
            p50,
            p99,
            p99_9,
        ]);
    }
    let alarm = if alarm.is_some() { "; the split is not the configured one" } else { "" };
    let users = format!(
        "{table}{} keys, {} changed version, {} disagreements{alarm}\n",
        count(keys),
        count(changed),
        count(disagreements),
    );
    text.push_str(&users);
    text.lines().map(|line| line.chars().take(LINE_MAX_CHARS).collect::<String>() + "\n").collect()
}

const SECOND: Duration = Duration::from_secs(1);

fn tail(version: &str) -> String {
    let skip = version.chars().count().saturating_sub(VERSION_MAX_CHARS);
    let tail: String = version.chars().skip(skip).collect();
    if skip > 0 { format!("…{tail}") } else { tail }
}
