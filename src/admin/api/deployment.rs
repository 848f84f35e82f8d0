//! What environments serve and served: `/routines/{name}/environments/{env}` and
//! `/routines/{name}/deployments`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::extract::{Asked, At, MaybeSent, Sent, environment, given, limit};
use super::routine::find;
use super::shape::{DeployedShape, DeploymentShape};
use crate::admin::Admin;
use crate::admin::dry_run::dry_run;
use crate::admin::signature::Caller;
use crate::control::{Command, DeploymentRecord, HistoryPage, Refused, Reply};
use crate::model::{CodeVersion, DeploymentId, Environment, Percent, RoutineName, Shares};

const PAGE_DEFAULT: u32 = 20;
const PAGE_MAX: u32 = 1_000;

pub(super) async fn live(
    State(admin): State<Arc<Admin>>,
    At((name, environment)): At<(RoutineName, Environment)>,
) -> Result<Json<DeploymentShape>, ApiError> {
    let routine = find(&admin, &name).await?;
    match routine.deployment(environment) {
        Some(live) => Ok(Json(DeploymentShape::new(&name, environment, live))),
        None => Err(Refused::NoDeployment(name, environment).into()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDeployment {
    code_versions: Vec<NewShare>,
    /// Tells what it would do, and does not do it.
    #[serde(default)]
    dry_run: bool,
}

/// A percentage is an integer: `"90"` and `90.0` are none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewShare {
    code_version: String,
    percentage: u64,
}

pub(super) async fn deploy(
    State(admin): State<Arc<Admin>>,
    Extension(caller): Extension<Caller>,
    At((name, environment)): At<(RoutineName, Environment)>,
    Sent(new): Sent<NewDeployment>,
) -> Result<Response, ApiError> {
    let shares = shares(&new.code_versions)?;
    if new.dry_run {
        let told = dry_run(&admin, &name, environment, shares).await?;
        return Ok(Json(told).into_response());
    }
    let command = Command::Deploy { name: name.clone(), environment, shares };
    let command = command.by(caller.key());
    Ok(deployed(&admin, &name, environment, command).await?.into_response())
}

fn shares(list: &[NewShare]) -> Result<Shares, ApiError> {
    let share = |share: &NewShare| {
        let version = CodeVersion::new(&share.code_version).map_err(ApiError::invalid)?;
        let percent = Percent::new(share.percentage).ok_or_else(|| {
            ApiError::invalid(format!("a percentage is 1 to 100, not {}", share.percentage))
        })?;
        Ok((version, percent))
    };
    let list = list.iter().map(share).collect::<Result<_, ApiError>>()?;
    Shares::new(list).map_err(|error| ApiError::invalid(format!("code_versions: {error}")))
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Rollback {
    #[serde(default, deserialize_with = "given")]
    deployment_id: Option<String>,
}

pub(super) async fn roll_back(
    State(admin): State<Arc<Admin>>,
    Extension(caller): Extension<Caller>,
    At((name, environment)): At<(RoutineName, Environment)>,
    MaybeSent(rollback): MaybeSent<Rollback>,
) -> Result<(StatusCode, Json<DeployedShape>), ApiError> {
    let to = match rollback.deployment_id.as_deref() {
        Some(text) => Some(DeploymentId(
            number(text).ok_or_else(|| ApiError::invalid(not_an_id("deployment_id", text)))?,
        )),
        None => None,
    };
    let command = Command::Rollback { name: name.clone(), environment, to };
    let command = command.by(caller.key());
    deployed(&admin, &name, environment, command).await
}

async fn deployed(
    admin: &Admin,
    name: &RoutineName,
    environment: Environment,
    command: Command,
) -> Result<(StatusCode, Json<DeployedShape>), ApiError> {
    match admin.control.execute(command).await? {
        Reply::Deployed(deployed) => {
            let shape = DeployedShape::new(name, environment, &deployed);
            Ok((StatusCode::CREATED, Json(shape)))
        }
        _ => unreachable!("a deployment is answered with what became live"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// Absent is both.
    environment: Option<String>,
    /// The last id of the page before.
    before: Option<String>,
    limit: Option<u32>,
}

#[derive(Serialize)]
pub(super) struct Listed {
    /// Newest first.
    deployments: Vec<DeploymentShape>,
    /// What `before` is for the next page; null on the last.
    next: Option<String>,
}

/// A deleted routine has a history too.
pub(super) async fn history(
    State(admin): State<Arc<Admin>>,
    At(name): At<RoutineName>,
    Asked(page): Asked<Page>,
) -> Result<Json<Listed>, ApiError> {
    let before = match page.before.as_deref() {
        Some(text) => {
            Some(number(text).ok_or_else(|| ApiError::bad_request(not_an_id("before", text)))?)
        }
        None => None,
    };
    let limit = limit(page.limit, PAGE_DEFAULT, PAGE_MAX)?;
    // One more than asked tells whether another page follows.
    let asked = HistoryPage {
        name: name.clone(),
        environment: page.environment.as_deref().map(environment).transpose()?,
        before,
        limit: limit + 1,
    };
    let mut records = admin.control.history(asked).await?;
    if records.is_empty() {
        find(&admin, &name).await?;
    }
    let more = records.len() > limit as usize;
    records.truncate(limit as usize);
    let last = records.last().map(|record| record.deployment.id.to_string());
    let shape = |record: &DeploymentRecord| {
        DeploymentShape::new(&name, record.environment, &record.deployment)
    };
    Ok(Json(Listed {
        deployments: records.iter().map(shape).collect(),
        next: last.filter(|_| more),
    }))
}

/// The store's numbers are signed, so an id ends where they do.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|&number| digits && i64::try_from(number).is_ok())
}

fn not_an_id(name: &str, text: &str) -> String {
    format!("{name} must be the digits of a deployment's id, not `{text}`")
}
