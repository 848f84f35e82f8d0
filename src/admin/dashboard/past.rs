//! What was: the last hour in slices, and what was deployed.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::shape::{CountsShape, Subject};
use crate::admin::Admin;
use crate::admin::api::{ApiError, Asked, environment};
use crate::admin::time::rfc3339;
use crate::control::{AppHistoryPage, AppRefused, HistoryPage, Refused};
use crate::model::{
    AccessKeyId, Allotment, AppId, Catalog, CodeVersion, DeploymentId, Environment, Movement,
    RoutineName, Shares, Timestamp,
};
use crate::observe::{SLICE, Slice, Standing};

const PAGE_DEFAULT: u32 = 20;
const PAGE_MAX: u32 = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedSlices {
    routine: Option<String>,
    app: Option<String>,
    environment: String,
    /// Milliseconds since the Unix epoch: slices that ended later.
    #[serde(default)]
    after: i64,
}

#[derive(Serialize)]
pub(super) struct SlicesShape {
    every_s: u64,
    /// Of Serin's clock, which is that of the slices.
    now_ms: i64,
    /// Oldest first. A slice without a request is none.
    slices: Vec<SliceShape>,
}

#[derive(Serialize)]
struct SliceShape {
    /// Its end.
    at_ms: i64,
    versions: Vec<CountedShape>,
    standing: Option<StandingShape>,
}

#[derive(Serialize)]
struct CountedShape {
    code_version: String,
    #[serde(flatten)]
    counts: CountsShape,
}

/// As [`Standing`] explains it.
#[derive(Serialize)]
struct StandingShape {
    deployment_id: String,
    users: u64,
    newer_users: u64,
    expected_least: u64,
    expected_most: u64,
    percentage: f64,
}

pub(super) async fn history(
    State(admin): State<Arc<Admin>>,
    Asked(asked): Asked<AskedSlices>,
) -> Result<Json<SlicesShape>, ApiError> {
    let AskedSlices { routine, app, environment: text, after } = asked;
    let environment = environment(&text)?;
    let catalog = admin.control.catalog().await?;
    let name = subject(&catalog, routine, app)?.name();
    let (number, versions) = admin.table.read(|table| {
        let of_environment = table.tallies(&name).filter(|(of, ..)| *of == environment);
        let versions: HashMap<u32, String> =
            of_environment.map(|(_, version, number)| (number.0, version.to_string())).collect();
        (table.split_number(&name, environment), versions)
    });
    let after = Timestamp(after.saturating_mul(1_000_000).saturating_add(999_999));
    let slices = number.map_or_else(Vec::new, |(number, _)| admin.history.of(number.0, after));
    Ok(Json(SlicesShape {
        every_s: SLICE.as_secs(),
        now_ms: (admin.clock)().0 / 1_000_000,
        slices: slices.iter().map(|slice| SliceShape::new(slice, &versions)).collect(),
    }))
}

impl SliceShape {
    fn new(slice: &Slice, versions: &HashMap<u32, String>) -> Self {
        let counted = slice.versions.iter().filter_map(|version| {
            let code_version = versions.get(&version.number)?.clone();
            let counts = CountsShape::new(&version.counts, version.outcome.as_ref());
            Some(CountedShape { code_version, counts })
        });
        Self {
            at_ms: slice.at.0 / 1_000_000,
            versions: counted.collect(),
            standing: slice.standing.map(|standing| {
                let Standing { deployment, share, users, newer, least, most } = standing;
                StandingShape {
                    deployment_id: DeploymentId(deployment).to_string(),
                    users,
                    newer_users: newer,
                    expected_least: least,
                    expected_most: most,
                    percentage: share * 100.0,
                }
            }),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedPage {
    routine: Option<String>,
    app: Option<String>,
    environment: String,
    /// The last id of the page before.
    before: Option<u64>,
    limit: Option<u32>,
}

#[derive(Serialize)]
pub(super) struct PageShape {
    /// Newest first.
    deployments: Vec<DeployedShape>,
    /// What `before` is for the next page; null on the last.
    next: Option<String>,
}

#[derive(Serialize)]
struct DeployedShape {
    deployment_id: String,
    created: String,
    created_ms: i64,
    /// Of a release by regions: where the last version answers.
    regions: Option<Vec<String>>,
    /// As they were listed.
    versions: Vec<ShareShape>,
    rollback: bool,
    remarks: String,
    /// The access key that asked for it.
    by: Option<String>,
    /// Null of the first, and where regions divide.
    moved: Option<MovedShape>,
}

#[derive(Serialize)]
struct ShareShape {
    code_version: String,
    percentage: Option<u8>,
}

/// Of all users that have a key, as the cohort is now.
#[derive(Serialize)]
struct MovedShape {
    percent: f64,
    exact: bool,
}

/// One deployment or publish.
struct Record {
    id: DeploymentId,
    created: Timestamp,
    /// `None` where regions divide.
    shares: Option<Shares>,
    regional: Option<(Vec<String>, [CodeVersion; 2])>,
    rollback: bool,
    remarks: String,
    by: Option<AccessKeyId>,
}

pub(super) async fn deployments(
    State(admin): State<Arc<Admin>>,
    Asked(asked): Asked<AskedPage>,
) -> Result<Json<PageShape>, ApiError> {
    let AskedPage { routine, app, environment: text, before, limit } = asked;
    let environment = environment(&text)?;
    let limit = limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
    let catalog = admin.control.catalog().await?;
    let subject = subject(&catalog, routine, app)?;
    // One more than asked says what the last one replaced, and whether another page follows.
    let records = records(&admin, &subject, environment, before, limit + 1).await?;
    let shown = records.len().min(limit as usize);
    let shapes = records[..shown].iter().enumerate().map(|(place, record)| {
        let replaced = records.get(place + 1).and_then(|replaced| replaced.shares.as_ref());
        let moved = record.shares.as_ref().zip(replaced).map(|(is, was)| {
            let moved = Movement::between(&subject.split(was), &subject.split(is));
            let percent = f64::from(moved.basis_points()) / 100.0;
            MovedShape { percent, exact: moved.exact }
        });
        DeployedShape::new(record, moved)
    });
    let last = records[..shown].last().map(|record| record.id.to_string());
    Ok(Json(PageShape {
        deployments: shapes.collect(),
        next: last.filter(|_| records.len() > shown),
    }))
}

async fn records(
    admin: &Admin,
    subject: &Subject,
    environment: Environment,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<Record>, ApiError> {
    // The store's numbers are signed, so nothing lies beyond their end.
    let before = before.filter(|before| i64::try_from(*before).is_ok());
    let environment = Some(environment);
    match subject {
        Subject::Routine(routine) => {
            let page = HistoryPage { name: routine.name.clone(), environment, before, limit };
            let records = admin.control.history(page).await?.into_iter();
            let record = records.map(|it| Record {
                id: it.deployment.id,
                created: it.deployment.created,
                shares: Some(it.deployment.shares),
                regional: None,
                rollback: false,
                remarks: String::new(),
                by: it.by,
            });
            Ok(record.collect())
        }
        Subject::App(app) => {
            let page = AppHistoryPage { id: app.id.clone(), environment, before, limit };
            let records = admin.control.app_history(page).await?.into_iter();
            let record = records.map(|it| {
                let (shares, regional) = match it.publish.allotment() {
                    Allotment::Shares(shares) => (Some(shares), None),
                    Allotment::Regional { regions, inside, outside } => {
                        let regions = regions.iter().map(ToString::to_string).collect();
                        let versions = [outside.code_version(), inside.code_version()];
                        (None, Some((regions, versions)))
                    }
                };
                Record {
                    id: it.publish.id,
                    created: it.publish.created,
                    shares,
                    regional,
                    rollback: it.publish.rollback,
                    remarks: it.publish.remarks.clone(),
                    by: it.by,
                }
            });
            Ok(record.collect())
        }
    }
}

impl DeployedShape {
    fn new(record: &Record, moved: Option<MovedShape>) -> Self {
        let by_share = record.shares.iter().flat_map(Shares::iter).map(|(version, it)| {
            ShareShape { code_version: version.to_string(), percentage: Some(it.get()) }
        });
        let by_region = record
            .regional
            .iter()
            .flat_map(|(_, versions)| versions)
            .map(|version| ShareShape { code_version: version.to_string(), percentage: None });
        Self {
            deployment_id: record.id.to_string(),
            created: rfc3339(record.created),
            created_ms: record.created.0 / 1_000_000,
            regions: record.regional.as_ref().map(|(regions, _)| regions.clone()),
            versions: by_share.chain(by_region).collect(),
            rollback: record.rollback,
            remarks: record.remarks.clone(),
            by: record.by.as_ref().map(ToString::to_string),
            moved,
        }
    }
}

fn subject(
    catalog: &Catalog,
    routine: Option<String>,
    app: Option<String>,
) -> Result<Subject, ApiError> {
    match (routine, app) {
        (Some(name), None) => {
            let name = RoutineName::new(&name).map_err(ApiError::bad_request)?;
            let found = catalog.routine(&name).cloned().map(Subject::Routine);
            found.ok_or_else(|| Refused::NoRoutine(name).into())
        }
        (None, Some(id)) => {
            let id = AppId::new(&id).map_err(ApiError::bad_request)?;
            let found = catalog.app(&id).cloned().map(Subject::App);
            found.ok_or_else(|| Refused::from(AppRefused::NoApp(id)).into())
        }
        _ => Err(ApiError::bad_request("ask for a routine or for an app")),
    }
}
