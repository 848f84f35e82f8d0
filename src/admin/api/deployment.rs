//! What environments serve and served: `/routines/{name}/environments/{env}` and
//! `/routines/{name}/deployments`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::{CodeVersionText, DeploymentIdText, Description, EnvironmentText, Output};
use super::error::ApiError;
use super::extract::{Asked, At, MaybeSent, Sent, environment, given, limit};
use super::routine::find;
use super::shape::{DeployedShape, DeploymentShape};
use super::tag::{EntityTag, Found, Made, Preconditions, Tagged};
use crate::admin::Admin;
use crate::admin::dry_run::{Told, dry_run};
use crate::admin::signature::Caller;
use crate::control::{Command, Condition, DeploymentRecord, HistoryPage, Refused, Reply};
use crate::model::{Catalog, CodeVersion, DeploymentId, Environment, Percent, RoutineName, Shares};

const PAGE_DEFAULT: u32 = 20;
const PAGE_MAX: u32 = 1_000;

pub(super) async fn live(
    State(admin): State<Arc<Admin>>,
    At((name, environment)): At<(RoutineName, Environment)>,
) -> Result<Tagged<DeploymentShape>, ApiError> {
    let routine = find(&admin, &name).await?;
    match routine.deployment(environment) {
        Some(live) => Ok(Tagged(DeploymentShape::new(&name, environment, live))),
        None => Err(Refused::NoDeployment(name, environment).into()),
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDeployment {
    /// Different ones, whose percentages sum to 100.
    #[schemars(length(min = 1, max = 2))]
    code_versions: Vec<NewShare>,
    /// Tells what it would do, and does not do it.
    #[serde(default)]
    dry_run: bool,
}

/// A percentage is an integer: `"90"` and `90.0` are none.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewShare {
    #[schemars(with = "CodeVersionText")]
    code_version: String,
    #[schemars(range(min = 1, max = 100))]
    percentage: u64,
}

pub(super) async fn deploy(
    State(admin): State<Arc<Admin>>,
    Extension(caller): Extension<Caller>,
    At((name, environment)): At<(RoutineName, Environment)>,
    wanted: Preconditions,
    Sent(new): Sent<NewDeployment>,
) -> Result<Answer, ApiError> {
    let shares = shares(&new.code_versions)?;
    if new.dry_run {
        let wanted = about(wanted, name.clone(), environment);
        wanted(&admin.control.catalog().await?).map_err(Refused::Unmet)?;
        return Ok(Answer::Told(dry_run(&admin, &name, environment, shares).await?));
    }
    let command = Command::Deploy { name: name.clone(), environment, shares };
    let command = command.by(caller.key());
    Ok(Answer::Made(deployed(&admin, name, environment, wanted, command).await?))
}

/// Of a dry run, or of a deployment.
pub(super) enum Answer {
    Told(Told),
    Made(Made<DeployedShape>),
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Told(told) => Json(told).into_response(),
            Self::Made(made) => made.into_response(),
        }
    }
}

impl Output for Answer {
    fn describe(description: &mut Description) {
        <Json<Told> as Output>::describe(description);
        <Made<DeployedShape> as Output>::describe(description);
    }
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

#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Rollback {
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "DeploymentIdText")]
    deployment_id: Option<String>,
}

pub(super) async fn roll_back(
    State(admin): State<Arc<Admin>>,
    Extension(caller): Extension<Caller>,
    At((name, environment)): At<(RoutineName, Environment)>,
    wanted: Preconditions,
    MaybeSent(rollback): MaybeSent<Rollback>,
) -> Result<Made<DeployedShape>, ApiError> {
    let to = match rollback.deployment_id.as_deref() {
        Some(text) => Some(DeploymentId(
            number(text).ok_or_else(|| ApiError::invalid(not_an_id("deployment_id", text)))?,
        )),
        None => None,
    };
    let command = Command::Rollback { name: name.clone(), environment, to };
    let command = command.by(caller.key());
    deployed(&admin, name, environment, wanted, command).await
}

async fn deployed(
    admin: &Admin,
    name: RoutineName,
    environment: Environment,
    wanted: Preconditions,
    command: Command,
) -> Result<Made<DeployedShape>, ApiError> {
    let wanted = about(wanted, name.clone(), environment);
    match admin.control.execute_if(wanted, command).await? {
        Reply::Deployed(deployed) => {
            let live = DeploymentShape::new(&name, environment, &deployed.deployment);
            Ok(Made {
                body: DeployedShape::new(&name, environment, &deployed),
                at: format!("/api/v1/routines/{name}/environments/{environment}"),
                tag: EntityTag::of(&live),
            })
        }
        _ => unreachable!("a deployment is answered with what became live"),
    }
}

/// What `wanted` asks of the live deployment as a GET would tell it.
fn about(wanted: Preconditions, name: RoutineName, environment: Environment) -> Condition {
    wanted.about(move |catalog: &Catalog| {
        let Some(routine) = catalog.routine(&name) else { return Found::Nowhere };
        match routine.deployment(environment) {
            Some(live) => {
                let tag = EntityTag::of(&DeploymentShape::new(&name, environment, live));
                let now = format!("deployment {} of `{name}` is live in {environment}", live.id);
                Found::There(now, tag)
            }
            None => Found::Nothing(format!("nothing of `{name}` is live in {environment}")),
        }
    })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// Absent is both.
    #[schemars(with = "EnvironmentText")]
    environment: Option<String>,
    /// The last id of the page before.
    #[schemars(with = "DeploymentIdText")]
    before: Option<String>,
    #[schemars(range(min = 1, max = PAGE_MAX), extend("default" = PAGE_DEFAULT))]
    limit: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Deployments")]
pub(super) struct Listed {
    /// Newest first.
    deployments: Vec<DeploymentShape>,
    /// What `before` is for the next page; null on the last.
    #[schemars(with = "Option<DeploymentIdText>")]
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
