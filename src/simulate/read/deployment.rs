//! `[[deployment]]`: what the operator does, and when.

use std::time::Duration;

use super::super::scenario::{DeploymentPlan, VersionPlan};
use super::time;
use crate::document::{Table, Value};
use crate::model::{CodeVersion, Percent, Shares};

/// A user's release is remembered in a byte.
const DEPLOYMENTS_MAX: usize = 200;

/// In order of time. `versions` is `None` where they have a mistake.
pub(super) fn deployments(
    root: &Table<'_>,
    versions: Option<&[VersionPlan]>,
    length: Option<Duration>,
) -> Option<Vec<DeploymentPlan>> {
    let value = root.required("deployment")?;
    let tables = root.tables("deployment", &["at", "code_versions"]);
    if !(1..=DEPLOYMENTS_MAX).contains(&tables.len()) {
        value.refuse_together(format!("there must be from 1 to {DEPLOYMENTS_MAX} deployments"));
        return None;
    }
    let mut before: Option<Duration> = None;
    let mut plans = Vec::new();
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
        let shares = table.required("code_versions").and_then(|value| shares(&value, versions));
        plans.push(at.zip(shares).map(|(at, shares)| DeploymentPlan { at, shares }));
    }
    plans.into_iter().collect()
}

fn shares(list: &Value<'_>, versions: Option<&[VersionPlan]>) -> Option<Shares> {
    let shares: Vec<_> = list.list()?.iter().map(|value| share(value, versions)).collect();
    let shares = shares.into_iter().collect::<Option<Vec<_>>>()?;
    Shares::new(shares).map_err(|error| list.refuse_together(error)).ok()
}

fn share(value: &Value<'_>, versions: Option<&[VersionPlan]>) -> Option<(CodeVersion, Percent)> {
    let table = value.table(&["code_version", "percentage"])?;
    let code_version = table.required("code_version").and_then(|value| {
        let code_version = value.parsed(CodeVersion::new)?;
        let known = |versions: &[VersionPlan]| {
            versions.iter().any(|version| version.code_version == code_version)
        };
        if !versions.is_none_or(known) {
            value.refuse_together(format!("there is no `[[version]]` of `{code_version}`"));
            return None;
        }
        Some(code_version)
    });
    let percent = table.required("percentage").and_then(|value| {
        let number = value.whole()?;
        let percent = Percent::new(number);
        if percent.is_none() {
            value.refuse(format!("must be 1 to 100, not {number}"));
        }
        percent
    });
    Some((code_version?, percent?))
}
