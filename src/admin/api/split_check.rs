//! Do users get the versions that were asked for? `/routines/{name}/environments/{env}/check`
//! and `/apps/{app}/environments/{env}/check`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use super::document::{CodeVersionText, DeploymentIdText};
use super::error::ApiError;
use super::extract::At;
use super::{app, routine};
use crate::admin::Admin;
use crate::model::{AppId, DeploymentId, Environment, Percent, RoutineName};
use crate::observe::{Checked, CheckedVersion, Configured, Terms};
use crate::routing::{RoutingTable, SplitNumber, SubjectName, Target};

/// What a check has come to, as [`Checked`] explains it. What is told of it is at most a
/// second old.
#[derive(Serialize, JsonSchema)]
#[schemars(
    rename = "Check",
    description = "What a check has come to. What is told of it is at most a second old."
)]
pub(in crate::admin) struct CheckShape {
    verdict: Verdict,
    /// Null where one version has all users.
    #[schemars(with = "Option<DeploymentIdText>")]
    deployment_id: Option<String>,
    /// Older first.
    versions: Vec<VersionShape>,
    users: u64,
    /// The share of users that are still looked at, 0 to 100: all, while there are not
    /// many.
    sampled_percentage: f64,
    /// Against the split; at 1,000 the alarm is raised.
    odds: f64,
    /// How likely an honest split is to ever look as bad as this one has.
    p_value: f64,
    /// How many users had been counted when the alarm was raised, which the numbers of now
    /// need not show any more; null while it was not.
    alarm_at_users: Option<u64>,
}

#[derive(Serialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// One version has all users, or they are divided by regions.
    NothingToCheck,
    /// Nobody with a key was answered since the deployment.
    NoUsers,
    /// Nothing speaks against the split.
    AsConfigured,
    /// It is not what was asked for. This stays until the next deployment.
    Mismatch,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CheckedVersion")]
struct VersionShape {
    #[schemars(with = "CodeVersionText")]
    code_version: String,
    #[schemars(range(min = 1, max = 100))]
    percentage: u8,
    /// Whose first request since the deployment, or since the start of Serin, it answered.
    users: u64,
    observed_percentage: Option<f64>,
    /// How many an honest split brings it at this moment, but for one time in a thousand.
    expected_least: u64,
    expected_most: u64,
}

pub(super) async fn of_routine(
    State(admin): State<Arc<Admin>>,
    At((name, environment)): At<(RoutineName, Environment)>,
) -> Result<Json<CheckShape>, ApiError> {
    let routine = routine::find(&admin, &name).await?;
    Ok(Json(check(&admin, &SubjectName::Routine(routine.name.clone()), environment)))
}

pub(super) async fn of_app(
    State(admin): State<Arc<Admin>>,
    At((id, environment)): At<(AppId, Environment)>,
) -> Result<Json<CheckShape>, ApiError> {
    let app = app::find(&admin, &id).await?;
    Ok(Json(check(&admin, &SubjectName::App(app.name.clone()), environment)))
}

pub(in crate::admin) fn check(
    admin: &Admin,
    name: &SubjectName,
    environment: Environment,
) -> CheckShape {
    admin.table.read(|table| {
        let number = table.split_number(name, environment);
        let canary = number.and_then(|(number, _)| CheckShape::of(admin, table, number));
        canary.unwrap_or_else(CheckShape::of_nothing)
    })
}

impl CheckShape {
    fn of_nothing() -> Self {
        Self {
            verdict: Verdict::NothingToCheck,
            deployment_id: None,
            versions: Vec::new(),
            users: 0,
            sampled_percentage: 100.0,
            odds: 1.0,
            p_value: 1.0,
            alarm_at_users: None,
        }
    }

    /// `None` where no two versions share the users.
    fn of(admin: &Admin, table: &RoutingTable, number: SplitNumber) -> Option<Self> {
        let canary = table.canary(number)?;
        let deployment = canary[0].0.deployment?;
        let checked = admin.users.checked(number.0);
        // What was seen of another deployment says nothing about this one.
        let checked = checked.filter(|checked| DeploymentId(checked.deployment) == deployment);
        let users = checked.as_ref().map_or(0, Checked::users);
        let versions = canary.iter().map(|(target, percent)| {
            let of_version = |it: &&CheckedVersion| Some(it.number) == target.tally.map(|it| it.0);
            let found = checked.iter().flat_map(|it| &it.versions).find(of_version);
            let of_users = found.map_or(0, |found| found.users);
            VersionShape {
                code_version: target.version.to_string(),
                percentage: percent.get(),
                users: of_users,
                observed_percentage: percentage(of_users, users),
                expected_least: found.map_or(0, |found| *found.expected.start()),
                expected_most: found.map_or(0, |found| *found.expected.end()),
            }
        });
        let alarm = checked.as_ref().and_then(|checked| checked.alarm);
        Some(Self {
            verdict: match (users, alarm) {
                (0, _) => Verdict::NoUsers,
                (_, None) => Verdict::AsConfigured,
                (_, Some(_)) => Verdict::Mismatch,
            },
            deployment_id: Some(deployment.to_string()),
            versions: versions.collect(),
            users,
            sampled_percentage: checked.as_ref().map_or(100.0, |checked| checked.sampled * 100.0),
            odds: checked.as_ref().map_or(1.0, |it| it.evidence_ln.exp().min(f64::MAX)),
            p_value: checked.as_ref().map_or(1.0, |it| it.p_value),
            alarm_at_users: alarm,
        })
    }
}

/// How the split is deployed now; `None` where one version has all users.
pub fn configured(table: &RoutingTable, split: SplitNumber) -> Option<Configured> {
    let versions = table.canary(split)?;
    let (target, _) = versions[0];
    let terms = Terms { placing: target.placing, deployment: target.deployment?.0 };
    let version =
        |(target, percent): &(&Target, Percent)| Some((target.tally?.0, f64::from(percent.get())));
    let versions = versions.iter().map(version).collect::<Option<_>>()?;
    Some(Configured { terms, versions })
}

/// What is wrong, in words; `None` where another deployment has taken its place.
pub fn alarm(table: &RoutingTable, split: SplitNumber, checked: &Checked) -> Option<String> {
    let [_, (target, percent)] = table.canary(split)?;
    let [_, newer] = checked.versions.as_slice() else { return None };
    let is_of_now = target.deployment.map(|it| it.0) == Some(checked.deployment);
    is_of_now.then(|| {
        format!(
            "the split of {} `{}` in {} is not what was asked for: of {} users, version `{}` has \
             answered {} and was to get {} %, {} to {} (p {:.1e} at user {})",
            target.subject.noun(),
            target.subject,
            target.environment.as_str(),
            checked.users(),
            target.version,
            newer.users,
            percent.get(),
            newer.expected.start(),
            newer.expected.end(),
            checked.p_value,
            checked.alarm.unwrap_or_default(),
        )
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of users are far below 2^52")]
fn percentage(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 * 100.0 / whole as f64)
}
