//! Edge container apps: `/apps`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::app_shape::{AppShape, AppVersionShape, PublishShape, versions};
use super::error::ApiError;
use super::extract::{Asked, At, Sent, environment, given, limit};
use crate::admin::Admin;
use crate::control::{AppCommand, AppHistoryPage, AppRefused, Command, Refused, Reply};
use crate::model::{AppId, EdgeContainerApp, Environment, Sticky, Upstream, VersionId};

const PAGE_DEFAULT: u32 = 20;
const PAGE_MAX: u32 = 1_000;

#[derive(Serialize)]
pub(super) struct Listed {
    /// By id.
    apps: Vec<AppShape>,
    /// What `after` is for the next page; null on the last.
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// A part of the name.
    #[serde(default)]
    search: String,
    /// The last id of the page before.
    after: Option<String>,
    limit: Option<u32>,
}

pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Asked(page): Asked<Page>,
) -> Result<Json<Listed>, ApiError> {
    let limit = limit(page.limit, PAGE_DEFAULT, PAGE_MAX)? as usize;
    let catalog = admin.control.catalog().await?;
    let after = page.after.as_deref().unwrap_or_default();
    let mut rest = catalog
        .apps
        .values()
        .filter(|app| app.id.as_str() > after && app.name.as_str().contains(&page.search));
    let apps: Vec<_> = rest.by_ref().take(limit).collect();
    let last = apps.last().map(|app| app.id.to_string());
    Ok(Json(Listed {
        apps: apps.iter().map(|app| shape(&admin, app)).collect(),
        next: rest.next().and(last),
    }))
}

pub(super) async fn get(
    State(admin): State<Arc<Admin>>,
    At(id): At<AppId>,
) -> Result<Json<AppShape>, ApiError> {
    let app = find(&admin, &id).await?;
    Ok(Json(shape(&admin, &app)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppChange {
    #[serde(default, deserialize_with = "given")]
    sticky: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    cohort: Option<String>,
}

/// Changes what is given, all of it or nothing.
pub(super) async fn change(
    State(admin): State<Arc<Admin>>,
    At(id): At<AppId>,
    Sent(change): Sent<AppChange>,
) -> Result<Json<AppShape>, ApiError> {
    let sticky = change.sticky.map(|sources| Sticky::parse(sources.iter().map(String::as_str)));
    let command = AppCommand::Revise {
        id,
        sticky: sticky
            .transpose()
            .map_err(|error| ApiError::invalid(format!("sticky: {error}")))?,
        cohort: change.cohort,
    };
    match admin.control.execute(Command::App(command)).await? {
        Reply::App(app) => Ok(Json(shape(&admin, &app))),
        _ => unreachable!("a change of an app is answered with the app"),
    }
}

#[derive(Serialize)]
pub(super) struct Versions {
    /// Newest first.
    versions: Vec<AppVersionShape>,
}

pub(super) async fn list_versions(
    State(admin): State<Arc<Admin>>,
    At(id): At<AppId>,
) -> Result<Json<Versions>, ApiError> {
    let app = find(&admin, &id).await?;
    Ok(Json(Versions { versions: versions(&app) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Binding {
    /// Must be there; null is the built-in backend.
    #[serde(deserialize_with = "Option::deserialize")]
    upstream: Option<String>,
}

pub(super) async fn bind(
    State(admin): State<Arc<Admin>>,
    At((id, version_id)): At<(AppId, VersionId)>,
    Sent(binding): Sent<Binding>,
) -> Result<Json<AppVersionShape>, ApiError> {
    let upstream = binding.upstream.as_deref().map(Upstream::new).transpose();
    let upstream = upstream.map_err(ApiError::invalid)?;
    let command = Command::App(AppCommand::BindVersion { id, version_id, upstream });
    match admin.control.execute(command).await? {
        Reply::AppVersion(version) => Ok(Json(AppVersionShape::new(&version))),
        _ => unreachable!("a change of a version is answered with the version"),
    }
}

pub(super) async fn live(
    State(admin): State<Arc<Admin>>,
    At((id, environment)): At<(AppId, Environment)>,
) -> Result<Json<PublishShape>, ApiError> {
    let app = find(&admin, &id).await?;
    match app.publish(environment) {
        Some(live) => Ok(Json(PublishShape::new(&id, environment, live))),
        None => Err(Refused::from(AppRefused::NotPublished(id, environment)).into()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryAsked {
    /// Absent is both.
    environment: Option<String>,
    /// The last id of the page before.
    before: Option<u64>,
    limit: Option<u32>,
}

#[derive(Serialize)]
pub(super) struct History {
    /// Newest first.
    publishes: Vec<PublishShape>,
    /// What `before` is for the next page; null on the last.
    next: Option<String>,
}

/// A deleted app has a history too.
pub(super) async fn history(
    State(admin): State<Arc<Admin>>,
    At(id): At<AppId>,
    Asked(asked): Asked<HistoryAsked>,
) -> Result<Json<History>, ApiError> {
    let limit = limit(asked.limit, PAGE_DEFAULT, PAGE_MAX)?;
    // One more than asked tells whether another page follows.
    let page = AppHistoryPage {
        id: id.clone(),
        environment: asked.environment.as_deref().map(environment).transpose()?,
        before: asked.before,
        limit: limit + 1,
    };
    let mut records = admin.control.app_history(page).await?;
    if records.is_empty() {
        find(&admin, &id).await?;
    }
    let more = records.len() > limit as usize;
    records.truncate(limit as usize);
    let last = records.last().map(|record| record.publish.id.to_string());
    let shapes = records.iter();
    let shapes = shapes.map(|record| PublishShape::new(&id, record.environment, &record.publish));
    Ok(Json(History { publishes: shapes.collect(), next: last.filter(|_| more) }))
}

/// The app as everything that was answered before has left it.
pub(super) async fn find(admin: &Admin, id: &AppId) -> Result<Arc<EdgeContainerApp>, ApiError> {
    let catalog = admin.control.catalog().await?;
    let app = catalog.app(id).cloned();
    app.ok_or_else(|| Refused::from(AppRefused::NoApp(id.clone())).into())
}

fn shape(admin: &Admin, app: &EdgeContainerApp) -> AppShape {
    AppShape::new(app, admin.domain().as_ref())
}
