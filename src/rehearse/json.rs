//! A rehearsal for programs: one line of JSON.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::foresee::{Rehearsal, Step};
use super::tables::findings;
use crate::control::{Amount, Consequence, Heavy, Load, Move, Overlap, Who};
use crate::model::{CodeVersion, Percent, Shares};
use crate::stats::ratio;

/// Writes `rehearsal` as one line of JSON. Shares are from 0 to 1.
pub(super) fn write_json(rehearsal: &Rehearsal, out: &mut impl Write) -> io::Result<()> {
    let Rehearsal { current, gathered, .. } = rehearsal;
    let whole = json!({
        "routine": current.routine.as_str(),
        "environment": current.environment.as_str(),
        "cohort": current.cohort,
        "code_versions": current.live.as_ref().map(shares),
        "users_from": gathered.from,
        "users_kept": rehearsal.kept,
        "is_sample": rehearsal.is_sample,
        "lines": gathered.lines,
        "broken_lines": gathered.broken,
        "steps": rehearsal.steps.iter().map(step).collect::<Vec<_>>(),
        "findings": findings(rehearsal),
        "ok": rehearsal.is_good(),
    });
    writeln!(out, "{whole}")?;
    out.flush()
}

fn shares(shares: &Shares) -> Vec<Value> {
    let share = |(version, percent): (&CodeVersion, Percent)| json!({ "code_version": version.as_str(), "percentage": percent.get() });
    shares.iter().map(share).collect()
}

fn step(step: &Step) -> Value {
    let consequence = &step.consequence;
    json!({
        "code_versions": shares(&step.shares),
        "users": consequence.total.users,
        "requests": consequence.requests(),
        "keyless_requests": consequence.keyless,
        "moved": amount(consequence.moved()),
        "moves": consequence.moves.iter().map(moved).collect::<Vec<_>>(),
        "least": { "percent": consequence.least_percent, "users": consequence.least_users() },
        "exact": consequence.exact,
        "see_both_in_a_session": step.in_session,
        "versions": versions(step, consequence),
        "heaviest": consequence.heaviest.iter().map(|it| heavy(it, consequence)).collect::<Vec<_>>(),
        "overlap": step.overlap.as_ref().map(overlap),
        "dangers": step.dangers().map(danger).collect::<Vec<_>>(),
    })
}

fn amount(amount: Amount) -> Value {
    json!({ "users": amount.users, "requests": amount.requests })
}

fn moved(of: &Move) -> Value {
    let Move { from, to, amount: Amount { users, requests } } = of;
    json!({ "from": from.as_str(), "to": to.as_str(), "users": users, "requests": requests })
}

fn versions(step: &Step, consequence: &Consequence) -> Vec<Value> {
    let load = |load: Load| {
        json!({
            "percentage": load.percent,
            "users": load.amount.users,
            "requests": load.requests(),
        })
    };
    let loads = consequence.versions.iter().zip(&step.expected);
    let version = loads.map(|(version, band)| {
        json!({
            "code_version": version.version.as_str(),
            "before": load(version.before),
            "after": load(version.after),
            "expected_least": band.start(),
            "expected_most": band.end(),
        })
    });
    version.collect()
}

fn heavy(heavy: &Heavy, consequence: &Consequence) -> Value {
    json!({
        "key": key(&heavy.who),
        "requests": heavy.requests,
        "share": ratio(heavy.requests, consequence.requests()),
        "before": heavy.before.as_ref().map(CodeVersion::as_str),
        "after": heavy.after.as_ref().map(CodeVersion::as_str),
    })
}

/// The whole key; what is no text in it is replaced.
fn key(who: &Who) -> String {
    match who {
        Who::Key(key) => String::from_utf8_lossy(key).into_owned(),
        Who::At(_) | Who::In(_) | Who::Unnamed => who.to_string(),
    }
}

fn overlap(overlap: &Overlap) -> Value {
    json!({
        "last": { "code_version": overlap.last.0.as_str(), "percentage": overlap.last.1.get() },
        "users": overlap.of,
        "in_both": overlap.both,
        "share": overlap.share(),
        "share_if_independent": overlap.share_if_independent(),
    })
}

fn danger((name, text): (&'static str, String)) -> Value {
    json!({ "danger": name, "text": text })
}
