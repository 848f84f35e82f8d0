//! `[[deployment]]`: what the operator deploys, and when.

use std::time::Duration;

use super::super::scenario::{DeploymentPlan, VersionPlan};
use super::{small, time};
use crate::document::{self, Table, Value};
use crate::model::{CodeVersion, Percent, Shares};

/// A user's release is remembered in a byte.
const DEPLOYMENTS_MAX: usize = 200;

pub(super) const KEYS: [&str; 3] = ["at", "code_versions", "rollback_to"];

/// In order of time. `versions` is `None` where they have a mistake.
pub(super) fn deployments(
    root: &Table<'_>,
    versions: Option<&[VersionPlan]>,
    length: Option<Duration>,
) -> Option<Vec<DeploymentPlan>> {
    let value = root.required("deployment")?;
    let tables = root.tables("deployment", &KEYS);
    if !(1..=DEPLOYMENTS_MAX).contains(&tables.len()) {
        value.refuse_together(format!("there must be from 1 to {DEPLOYMENTS_MAX} deployments"));
        return None;
    }
    let mut before: Option<Duration> = None;
    let mut plans: Vec<Option<DeploymentPlan>> = Vec::new();
    for table in &tables {
        let at = table.required("at").and_then(|value| {
            let at = time(&value)?;
            let early = match before {
                None => (!at.is_zero()).then_some("the first deployment must be at `0s`"),
                Some(before) => (at <= before).then_some("must be later than the one before"),
            };
            let late = length.is_some_and(|length| at >= length);
            let late = late.then_some("must be before the scenario's length is over");
            if let Some(why) = early.or(late) {
                value.refuse_together(why);
                return None;
            }
            before = Some(at);
            Some(at)
        });
        let shares = match table.get("rollback_to") {
            Some(value) => rollback(table, &value, &plans),
            None => table.required("code_versions").and_then(|value| {
                let version = |value: &Value<'_>| version(value, versions);
                let shares = document::shares(&value, version, Percent::new, Shares::new);
                Some((shares?, None))
            }),
        };
        plans.push(at.zip(shares).map(|(at, (shares, rollback_to))| DeploymentPlan {
            at,
            shares,
            rollback_to,
        }));
    }
    plans.into_iter().collect()
}

/// The shares of an earlier deployment, as the control plane deploys them again.
fn rollback(
    table: &Table<'_>,
    value: &Value<'_>,
    plans: &[Option<DeploymentPlan>],
) -> Option<(Shares, Option<usize>)> {
    if table.get("code_versions").is_some() {
        value.refuse("has the `code_versions` of that deployment: write one of both");
        return None;
    }
    let number = small(value)?;
    let Some(plan) = number.checked_sub(1).and_then(|index| plans.get(index)) else {
        value.refuse_together("must be the number of an earlier deployment, from 1 on");
        return None;
    };
    // What has a mistake was told.
    plan.as_ref().map(|plan| (plan.shares.clone(), Some(number)))
}

fn version(value: &Value<'_>, versions: Option<&[VersionPlan]>) -> Option<CodeVersion> {
    let code_version = value.parsed(CodeVersion::new)?;
    let known = |versions: &[VersionPlan]| {
        versions.iter().any(|version| version.code_version == code_version)
    };
    if !versions.is_none_or(known) {
        value.refuse_together(format!("there is no `[[version]]` of `{code_version}`"));
        return None;
    }
    Some(code_version)
}
