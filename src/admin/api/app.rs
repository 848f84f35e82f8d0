//! Edge container apps: `/apps`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::app_shape::{AppShape, AppVersionShape, PublishShape, versions};
use super::document::{AppIdText, DeploymentIdText, EnvironmentText, KeySourceText, UpstreamText};
use super::error::ApiError;
use super::extract::{Asked, At, Sent, environment, given, limit};
use super::tag::{EntityTag, Found, Preconditions, Tagged};
use crate::admin::Admin;
use crate::control::{AppCommand, AppHistoryPage, AppRefused, Command, Condition, Refused, Reply};
use crate::model::{AppId, Catalog, EdgeContainerApp, Environment, Sticky, Upstream, VersionId};

const PAGE_DEFAULT: u32 = 20;
const PAGE_MAX: u32 = 1_000;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Apps")]
pub(super) struct Listed {
    /// By id.
    apps: Vec<AppShape>,
    /// What `after` is for the next page; null on the last.
    #[schemars(with = "Option<AppIdText>")]
    next: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// A part of the name.
    #[serde(default)]
    search: String,
    /// The last id of the page before.
    after: Option<String>,
    #[schemars(range(min = 1, max = PAGE_MAX), extend("default" = PAGE_DEFAULT))]
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
) -> Result<Tagged<AppShape>, ApiError> {
    let app = find(&admin, &id).await?;
    Ok(Tagged(shape(&admin, &app)))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AppChange {
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Vec<KeySourceText>")]
    sticky: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "String")]
    cohort: Option<String>,
}

/// Changes what is given, all of it or nothing.
pub(super) async fn change(
    State(admin): State<Arc<Admin>>,
    At(id): At<AppId>,
    wanted: Preconditions,
    Sent(change): Sent<AppChange>,
) -> Result<Tagged<AppShape>, ApiError> {
    let sticky = change.sticky.map(|sources| Sticky::parse(sources.iter().map(String::as_str)));
    let command = AppCommand::Revise {
        id: id.clone(),
        sticky: sticky
            .transpose()
            .map_err(|error| ApiError::invalid(format!("sticky: {error}")))?,
        cohort: change.cohort,
    };
    let wanted = about(&admin, wanted, id);
    match admin.control.execute_if(wanted, Command::App(command)).await? {
        Reply::App(app) => Ok(Tagged(shape(&admin, &app))),
        _ => unreachable!("a change of an app is answered with the app"),
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AppVersions")]
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

pub(super) async fn version(
    State(admin): State<Arc<Admin>>,
    At((id, version_id)): At<(AppId, VersionId)>,
) -> Result<Tagged<AppVersionShape>, ApiError> {
    let app = find(&admin, &id).await?;
    match app.versions.get(&version_id) {
        Some(version) => Ok(Tagged(AppVersionShape::new(version))),
        None => Err(Refused::from(AppRefused::NoVersion(id, version_id)).into()),
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AppBinding")]
pub(super) struct Binding {
    /// Must be there; null is the built-in backend.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schemars(with = "Option<UpstreamText>", required)]
    upstream: Option<String>,
}

pub(super) async fn bind(
    State(admin): State<Arc<Admin>>,
    At((id, version_id)): At<(AppId, VersionId)>,
    wanted: Preconditions,
    Sent(binding): Sent<Binding>,
) -> Result<Tagged<AppVersionShape>, ApiError> {
    let upstream = binding.upstream.as_deref().map(Upstream::new).transpose();
    let upstream = upstream.map_err(ApiError::invalid)?;
    let wanted = about_version(wanted, id.clone(), version_id.clone());
    let command = Command::App(AppCommand::BindVersion { id, version_id, upstream });
    match admin.control.execute_if(wanted, command).await? {
        Reply::AppVersion(version) => Ok(Tagged(AppVersionShape::new(&version))),
        _ => unreachable!("a change of a version is answered with the version"),
    }
}

pub(super) async fn live(
    State(admin): State<Arc<Admin>>,
    At((id, environment)): At<(AppId, Environment)>,
) -> Result<Tagged<PublishShape>, ApiError> {
    let app = find(&admin, &id).await?;
    match app.publish(environment) {
        Some(live) => Ok(Tagged(PublishShape::new(&id, environment, live))),
        None => Err(Refused::from(AppRefused::NotPublished(id, environment)).into()),
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryAsked {
    /// Absent is both.
    #[schemars(with = "EnvironmentText")]
    environment: Option<String>,
    /// The last id of the page before.
    before: Option<u64>,
    #[schemars(range(min = 1, max = PAGE_MAX), extend("default" = PAGE_DEFAULT))]
    limit: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Publishes")]
pub(super) struct History {
    /// Newest first.
    publishes: Vec<PublishShape>,
    /// What `before` is for the next page; null on the last.
    #[schemars(with = "Option<DeploymentIdText>")]
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

/// What `wanted` asks of the app as a GET would tell it.
fn about(admin: &Arc<Admin>, wanted: Preconditions, id: AppId) -> Condition {
    let admin = admin.clone();
    wanted.about(move |catalog: &Catalog| match catalog.app(&id) {
        Some(app) => {
            let tag = EntityTag::of(&shape(&admin, app));
            Found::There(format!("app `{id}` is there"), tag)
        }
        None => Found::Nowhere,
    })
}

/// The same of one of its versions.
fn about_version(wanted: Preconditions, id: AppId, version_id: VersionId) -> Condition {
    wanted.about(move |catalog: &Catalog| {
        match catalog.app(&id).and_then(|app| app.versions.get(&version_id)) {
            Some(version) => {
                let tag = EntityTag::of(&AppVersionShape::new(version));
                Found::There(format!("version `{version_id}` is there"), tag)
            }
            None => Found::Nowhere,
        }
    })
}

fn shape(admin: &Admin, app: &EdgeContainerApp) -> AppShape {
    AppShape::new(app, admin.domain().as_ref())
}
