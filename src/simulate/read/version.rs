//! `[[version]]`: what there is to deploy, and how it behaves.

use std::time::Duration;

use super::super::scenario::VersionPlan;
use super::super::version::{Behaviour, Failure, FailurePer, Latency};
use super::{LENGTH_MAX, number, or, positive, share, time};
use crate::document::{Table, Value};
use crate::model::CodeVersion;

/// A user's versions are remembered in so many bits.
const VERSIONS_MAX: usize = 8;

/// A version that is slower than that is down.
const SLOWDOWN_MAX: f64 = 10_000.0;

pub(super) const KEYS: [&str; 4] = ["code_version", "latency", "error_rate", "failure"];

pub(super) const FAILURE_KEYS: [&str; 6] =
    ["from", "until", "error_rate", "slowdown", "per", "region"];

pub(super) fn versions(root: &Table<'_>, regions: &[String]) -> Option<Vec<VersionPlan>> {
    let value = root.required("version")?;
    let tables = root.tables("version", &KEYS);
    if !(1..=VERSIONS_MAX).contains(&tables.len()) {
        value.refuse_together(format!("there must be from 1 to {VERSIONS_MAX} versions"));
        return None;
    }
    let mut versions: Vec<VersionPlan> = Vec::new();
    let mut whole = true;
    for table in &tables {
        match version(table, regions) {
            Some(plan) if versions.iter().any(|it| it.code_version == plan.code_version) => {
                table.refuse_together(format!("version `{}` is there twice", plan.code_version));
                whole = false;
            }
            Some(plan) => versions.push(plan),
            None => whole = false,
        }
    }
    whole.then_some(versions)
}

fn version(table: &Table<'_>, regions: &[String]) -> Option<VersionPlan> {
    let code_version =
        table.required("code_version").and_then(|value| value.parsed(CodeVersion::new));
    let latency = or(table, "latency", None, |value| latency(value).map(Some));
    let error_rate = or(table, "error_rate", 0.0, share);
    let failures = table.tables("failure", &FAILURE_KEYS);
    let failures: Vec<_> = failures.iter().map(|table| failure(table, regions)).collect();
    let behaviour = Behaviour {
        latency: latency?,
        error_rate: error_rate?,
        failures: failures.into_iter().collect::<Option<_>>()?,
        stopped: Vec::new(),
    };
    Some(VersionPlan { code_version: code_version?, behaviour })
}

fn latency(value: &Value<'_>) -> Option<Latency> {
    let table = value.table(&["p50", "p99"])?;
    let of = |key| table.required(key).and_then(|value| positive(&value));
    let (p50, p99) = (of("p50"), of("p99"));
    let latency = Latency::new(p50?, p99?);
    if latency.is_none() {
        value.refuse("`p99` must not be shorter than `p50`");
    }
    latency
}

fn failure(table: &Table<'_>, regions: &[String]) -> Option<Failure> {
    let from = table.required("from").and_then(|value| time(&value));
    let until = or(table, "until", LENGTH_MAX + Duration::from_nanos(1), time);
    let error_rate = or(table, "error_rate", 0.0, share);
    let slowdown = or(table, "slowdown", 1.0, |value| number(value, 0.0, SLOWDOWN_MAX));
    let per = or(table, "per", FailurePer::Request, |value| {
        value.parsed(|text| match text {
            "request" => Ok(FailurePer::Request),
            "user" => Ok(FailurePer::User),
            _ => Err(format!("`{text}` must be `request` or `user`")),
        })
    });
    let region = or(table, "region", None, |value| {
        let name = value.text()?;
        let region = regions.iter().position(|region| region == name);
        if region.is_none() {
            value.refuse_together(format!("no population is in a region `{name}`"));
        }
        region.map(Some)
    });
    let (from, until) = (from?, until?);
    if until <= from {
        table.refuse_together("`until` must be later than `from`");
        return None;
    }
    Some(Failure {
        during: from..until,
        error_rate: error_rate?,
        slowdown: slowdown?,
        per: per?,
        region: region?,
    })
}
