//! What a run has shown, as tables.

use std::collections::BTreeMap;

use super::fault::Class;
use super::summary::{ByClass, Latencies, PeriodSummary, Quantiles, Summary};
use crate::report::{Column, Table, count, percent, time_ms};

/// How long answers took, by version.
pub(super) fn latency_table(summary: &Summary) -> Table {
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
        let mut row = |name: String, answers: String, of: Option<&Quantiles>, statuses: String| {
            let times = of.map_or_else(Default::default, |of| {
                [of.p50, of.p90, of.p99, of.p99_9, of.max].map(time_ms)
            });
            table.row([name, answers].into_iter().chain(times).chain([statuses]));
        };
        row(name.to_owned(), count(answers), latency.corrected.as_ref(), statuses);
        // A connection that sends when it was answered is always on time.
        if is_open {
            let name = "  from sending".to_owned();
            row(name, String::new(), latency.uncorrected.as_ref(), String::new());
        }
    };
    rows("all", summary.answers, &summary.latency, statuses(&summary.statuses));
    for version in &summary.versions {
        let statuses = statuses(&version.statuses);
        rows(&version.version, version.requests, &version.latency, statuses);
    }
    let unnamed = &summary.unnamed;
    if unnamed.latency.corrected.is_some() {
        rows(NO_VERSION, unnamed.requests, &unnamed.latency, statuses(&unnamed.statuses));
    }
    table
}

/// What names no version, and what is nobody's fault that can be told.
const NO_VERSION: &str = "no version";

/// Errors by version and class; `None` where there are none.
pub(super) fn error_table(summary: &Summary) -> Option<Table> {
    let of_nobody = ByClass::of(&[0; Class::COUNT]);
    if summary.errors.by_class == of_nobody {
        return None;
    }
    let titles = of_nobody.each().map(|(class, _)| Column::Right(class));
    let columns: Vec<_> = [Column::Left("errors")].into_iter().chain(titles).collect();
    let mut table = Table::new(&columns);
    let versions = summary.versions.iter().map(|of| (of.version.as_str(), &of.errors));
    for (name, errors) in versions.chain([(NO_VERSION, &summary.unnamed.errors)]) {
        let counts = errors.each().map(|(_, of)| if of > 0 { count(of) } else { String::new() });
        if name != NO_VERSION || *errors != of_nobody {
            table.row([name.to_owned()].into_iter().chain(counts));
        }
    }
    Some(table)
}

/// How users were split in one period; of the only one, answers too.
pub(super) fn split_table(summary: &Summary, period: &PeriodSummary, is_only: bool) -> Table {
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
            share.version.clone(),
            asked,
            count(share.keys),
            percent(share.share),
            band(share.keys_expected),
            of_answers,
            band(share.requests_expected),
        ]);
    }
    table
}

fn statuses(statuses: &BTreeMap<u16, u64>) -> String {
    if statuses.len() == 1 {
        return statuses.keys().map(ToString::to_string).collect();
    }
    let each = statuses.iter().map(|(status, of)| format!("{status}: {}", count(*of)));
    each.collect::<Vec<_>>().join(", ")
}
