//! What is told of versions: the requests of each that is counted by itself, and what the
//! live ones are to have and get.

use std::collections::HashMap;

use super::exposition::{Labels, Metric, Page};
use super::names;
use crate::admin::Admin;
use crate::observe::{Answered, Answering, CheckedVersion, Durations, Tallied};
use crate::routing::{REFUSED, Reason, RoutingTable, SplitNumber, Tally, Target};

/// Live versions whose shares are told one by one, so that a page has a bound.
const SHARES_MAX: usize = 2_000;

/// What those are called that are told together: no routine and no version can be.
const OTHERS: &str = "(others)";

const ROLES: [&str; 2] = ["stable", "canary"];
const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// Who answered, as it is told.
struct Row {
    routine: String,
    environment: &'static str,
    code_version: String,
    /// Where requests that were assigned are counted.
    number: Option<u32>,
    answered: Answered,
}

impl Row {
    fn labels(&self) -> [(&'static str, &str); 3] {
        [
            ("routine", &self.routine),
            ("env", self.environment),
            ("code_version", &self.code_version),
        ]
    }
}

fn rows(admin: &Admin, table: &RoutingTable) -> Vec<Row> {
    let asked = admin.requests.asked();
    let mut names: HashMap<u32, (String, &'static str, String)> = HashMap::new();
    for (Tally(number), subject, environment, version) in table.counted() {
        if asked.binary_search(&Answering::Version(number)).is_ok() {
            let name = (subject.to_string(), environment.as_str(), version.to_string());
            names.insert(number, name);
        }
    }
    let row = |answering: Answering| {
        let (number, (routine, environment, code_version)) = match answering {
            // Of a routine that is gone nothing is told.
            Answering::Version(number) => (Some(number), names.remove(&number)?),
            Answering::Others(environment) => {
                (None, (OTHERS.to_owned(), environment.as_str(), OTHERS.to_owned()))
            }
            Answering::Nobody(environment) | Answering::Origin(environment) => {
                (None, (String::new(), environment.as_str(), String::new()))
            }
        };
        let answered = admin.requests.of(answering);
        Some(Row { routine, environment, code_version, number, answered })
    };
    let mut rows: Vec<Row> = Vec::new();
    for row in asked.into_iter().filter_map(row) {
        // What nobody and what an origin answered has the same name, and other reasons.
        let same = rows.iter_mut().find(|it| row.number.is_none() && it.labels() == row.labels());
        match same {
            Some(same) => same.answered.add(&row.answered),
            None => rows.push(row),
        }
    }
    rows
}

/// The requests of each version that is counted by itself, and of all others.
pub(super) fn requests(page: &mut Page, admin: &Admin, table: &RoutingTable) {
    let rows = rows(admin, table);
    page.begin(names::REQUESTS);
    for row in &rows {
        by_reason(page, row);
    }
    page.begin(names::CUT);
    for row in &rows {
        let [routine, environment, version] = row.labels();
        let Answered { cut_by_client, cut_by_upstream, .. } = row.answered;
        for (by, count) in [("client", cut_by_client), ("upstream", cut_by_upstream)] {
            page.sample(&[routine, environment, version, ("by", by)], count);
        }
    }
    let mut each = |metric: Metric, count: fn(&Answered) -> u64| {
        page.begin(metric);
        for row in &rows {
            page.sample(&row.labels(), count(&row.answered));
        }
    };
    each(names::BYTES_IN, |answered| answered.bytes_in);
    each(names::BYTES_OUT, |answered| answered.bytes_out);
    each(names::ATTEMPTS, |answered| answered.attempts);
    let mut each = |metric: Metric, durations: fn(&Answered) -> &Durations| {
        page.begin(metric);
        for row in rows.iter().filter(|row| durations(&row.answered).count() > 0) {
            page.durations(&row.labels(), durations(&row.answered));
        }
    };
    each(names::DURATION, |answered| &answered.duration);
    each(names::CONNECT, |answered| &answered.connect);
    each(names::HEADER, |answered| &answered.first_byte);
    let tallied: Vec<_> = rows
        .iter()
        .filter_map(|row| row.number.map(|number| (row, admin.tallies.total(number))))
        .collect();
    let mut each = |metric: Metric, count: fn(&Tallied) -> u64| {
        page.begin(metric);
        for (row, tallied) in &tallied {
            page.sample(&row.labels(), count(tallied));
        }
    };
    each(names::ASSIGNED, |tallied| tallied.assigned);
    each(names::FAILED, |tallied| tallied.failed);
    each(names::FAILED_OVER, |tallied| tallied.failed_over);
    page.single(names::COUNTED, Some(tallied.len()));
    page.single(names::COUNTED_MAX, Some(crate::observe::VERSIONS_MAX));
}

fn by_reason(page: &mut Page, row: &Row) {
    let [routine, environment, version] = row.labels();
    for (counts, role) in row.answered.counts.iter().zip(ROLES) {
        for (reason, classes) in counts.iter().enumerate() {
            for (count, class) in classes.iter().zip(CLASSES).filter(|(count, _)| **count > 0) {
                // Nobody and an origin have none.
                let role = if row.routine.is_empty() { "" } else { role };
                let labels: Labels<'_> = &[
                    routine,
                    environment,
                    version,
                    ("role", role),
                    ("code_class", class),
                    ("reason", reason_name(reason)),
                ];
                page.sample(labels, *count);
            }
        }
    }
}

fn reason_name(reason: usize) -> &'static str {
    debug_assert!(reason <= REFUSED);
    Reason::ALL.get(reason).map_or("refused", |reason| reason.as_str())
}

/// What was counted when the deployments of splits were first seen, by split: their requests
/// are told from there on.
#[derive(Debug, Default)]
pub(super) struct Baselines(HashMap<SplitNumber, Baseline>);

#[derive(Debug, Clone, Copy)]
struct Baseline {
    deployment: u64,
    /// Older first.
    assigned: [u64; 2],
}

/// What live versions are to have, and what those of splits get.
pub(super) fn shares(
    page: &mut Page,
    admin: &Admin,
    table: &RoutingTable,
    baselines: &mut Baselines,
) {
    page.begin(names::WEIGHT);
    let mut splits = Vec::new();
    for target in table.live_targets().take(SHARES_MAX) {
        let canary = table.canary(target.split);
        if let Some(weight) = weight(target, canary) {
            page.sample(&target_labels(target, target.version.as_str()), weight);
        }
        splits.extend(canary.filter(|_| target.is_canary).map(|canary| (target.split, canary)));
    }
    let fresh: HashMap<SplitNumber, Baseline> = splits
        .iter()
        .map(|(split, canary)| (*split, baselines.of(admin, *split, canary)))
        .collect();
    baselines.0 = fresh;
    page.begin(names::OBSERVED_REQUESTS);
    for (split, canary) in &splits {
        let since = baselines.0[split].assigned;
        let assigned = assigned(admin, canary);
        let counts = [0, 1].map(|side| assigned[side].saturating_sub(since[side]));
        observed(page, canary, counts);
    }
    let checked: Vec<_> = splits.iter().map(|(split, _)| admin.users.checked(split.0)).collect();
    let of_now = || {
        splits.iter().zip(&checked).filter_map(|((_, canary), checked)| {
            let checked = checked.as_ref()?;
            // What was seen of another deployment says nothing about this one.
            let is_of_now = canary[0].0.deployment.map(|it| it.0) == Some(checked.deployment);
            is_of_now.then_some((canary, checked))
        })
    };
    page.begin(names::OBSERVED_USERS);
    for (canary, checked) in of_now() {
        let users = |number: Option<Tally>| {
            let is_it = |version: &&CheckedVersion| number == Some(Tally(version.number));
            checked.versions.iter().find(is_it).map_or(0, |version| version.users)
        };
        observed(page, canary, [users(canary[0].0.tally), users(canary[1].0.tally)]);
    }
    page.begin(names::SPLIT_USERS);
    for (canary, checked) in of_now() {
        page.sample(&split_labels(canary[0].0), checked.users());
    }
    page.begin(names::SPLIT_E_VALUE);
    for (canary, checked) in of_now() {
        page.sample(&split_labels(canary[0].0), checked.evidence_ln.exp());
    }
    page.begin(names::SPLIT_ALARM);
    for (canary, checked) in of_now() {
        page.sample(&split_labels(canary[0].0), u64::from(checked.alarm.is_some()));
    }
}

type Canary<'t> = [(&'t Target, crate::model::Percent); 2];

impl Baselines {
    fn of(&self, admin: &Admin, split: SplitNumber, canary: &Canary<'_>) -> Baseline {
        let deployment = canary[0].0.deployment.map_or(0, |it| it.0);
        match self.0.get(&split) {
            Some(known) if known.deployment == deployment => *known,
            _ => Baseline { deployment, assigned: assigned(admin, canary) },
        }
    }
}

fn assigned(admin: &Admin, canary: &Canary<'_>) -> [u64; 2] {
    canary.map(|(target, _)| target.tally.map_or(0, |it| admin.tallies.total(it.0).assigned))
}

fn weight(target: &Target, canary: Option<Canary<'_>>) -> Option<f64> {
    match canary {
        Some(canary) => {
            let own = canary.iter().find(|(of, _)| of.version == target.version)?;
            Some(f64::from(own.1.get()) / 100.0)
        }
        // With another one beside it, regions decide.
        None => target.other.is_none().then_some(1.0),
    }
}

fn observed(page: &mut Page, canary: &Canary<'_>, counts: [u64; 2]) {
    let all = counts[0] + counts[1];
    if all == 0 {
        return;
    }
    for ((target, _), count) in canary.iter().zip(counts) {
        #[expect(clippy::cast_precision_loss, reason = "a share needs not be exact")]
        let share = count as f64 / all as f64;
        page.sample(&target_labels(target, target.version.as_str()), share);
    }
}

fn target_labels<'t>(target: &'t Target, version: &'t str) -> [(&'static str, &'t str); 4] {
    let [routine, environment] = split_labels(target);
    let role = ROLES[usize::from(target.is_canary)];
    [routine, environment, ("code_version", version), ("role", role)]
}

fn split_labels(target: &Target) -> [(&'static str, &str); 2] {
    [("routine", target.subject.as_str()), ("env", target.environment.as_str())]
}
