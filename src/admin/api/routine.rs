//! Routines as such: `/routines` and `/routines/{name}`.

use std::ops::Bound;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::extract::{Asked, At, Sent, given, limit};
use super::shape::RoutineShape;
use crate::admin::Admin;
use crate::control::{Command, Refused, Reply};
use crate::model::{Routine, RoutineName, Sticky};

const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// A part of the name.
    #[serde(default)]
    search: String,
    /// The last name of the page before.
    after: Option<String>,
    limit: Option<u32>,
}

#[derive(Serialize)]
pub(super) struct Listed {
    routines: Vec<RoutineShape>,
    /// How many there are on all pages.
    total: usize,
    /// What `after` is for the next page; null on the last.
    next: Option<String>,
}

pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Asked(page): Asked<Page>,
) -> Result<Json<Listed>, ApiError> {
    let limit = limit(page.limit, PAGE_DEFAULT, PAGE_MAX)? as usize;
    let catalog = admin.control.catalog().await?;
    let found = |name: &RoutineName| name.as_str().contains(&page.search);
    let after = match page.after.as_deref() {
        Some(name) => Bound::Excluded(name),
        None => Bound::Unbounded,
    };
    let mut rest =
        catalog.routines.range::<_, str>((after, Bound::Unbounded)).filter(|(name, _)| found(name));
    let page: Vec<&Arc<Routine>> = rest.by_ref().take(limit).map(|(_, routine)| routine).collect();
    let last = page.last().map(|routine| routine.name.to_string());
    Ok(Json(Listed {
        routines: page.iter().map(|routine| shape(&admin, routine)).collect(),
        total: catalog.routines.keys().filter(|name| found(name)).count(),
        next: rest.next().and(last),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRoutine {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    has_assets: bool,
}

pub(super) async fn create(
    State(admin): State<Arc<Admin>>,
    Sent(new): Sent<NewRoutine>,
) -> Result<(StatusCode, Json<RoutineShape>), ApiError> {
    let command = Command::CreateRoutine {
        name: RoutineName::new(&new.name).map_err(ApiError::invalid)?,
        description: new.description,
        has_assets: new.has_assets,
    };
    let routine = changed(&admin, command).await?;
    Ok((StatusCode::CREATED, Json(shape(&admin, &routine))))
}

pub(super) async fn get(
    State(admin): State<Arc<Admin>>,
    At(name): At<RoutineName>,
) -> Result<Json<RoutineShape>, ApiError> {
    let routine = find(&admin, &name).await?;
    Ok(Json(shape(&admin, &routine)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoutineChange {
    #[serde(default, deserialize_with = "given")]
    description: Option<String>,
    #[serde(default, deserialize_with = "given")]
    sticky: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    cohort: Option<String>,
}

/// Changes what is given, all of it or nothing.
pub(super) async fn change(
    State(admin): State<Arc<Admin>>,
    At(name): At<RoutineName>,
    Sent(change): Sent<RoutineChange>,
) -> Result<Json<RoutineShape>, ApiError> {
    let sticky = change.sticky.map(|sources| Sticky::parse(sources.iter().map(String::as_str)));
    let command = Command::ReviseRoutine {
        name,
        description: change.description,
        sticky: sticky
            .transpose()
            .map_err(|error| ApiError::invalid(format!("sticky: {error}")))?,
        cohort: change.cohort,
    };
    let routine = changed(&admin, command).await?;
    Ok(Json(shape(&admin, &routine)))
}

pub(super) async fn delete(
    State(admin): State<Arc<Admin>>,
    At(name): At<RoutineName>,
) -> Result<StatusCode, ApiError> {
    let command = Command::DeleteRoutine { name };
    admin.control.execute(command).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routine as everything that was answered before has left it.
pub(super) async fn find(admin: &Admin, name: &RoutineName) -> Result<Arc<Routine>, ApiError> {
    let catalog = admin.control.catalog().await?;
    let routine = catalog.routine(name).cloned();
    routine.ok_or_else(|| Refused::NoRoutine(name.clone()).into())
}

async fn changed(admin: &Admin, command: Command) -> Result<Arc<Routine>, ApiError> {
    match admin.control.execute(command).await? {
        Reply::Routine(routine) => Ok(routine),
        _ => unreachable!("a change of a routine is answered with the routine"),
    }
}

fn shape(admin: &Admin, routine: &Routine) -> RoutineShape {
    RoutineShape::new(routine, admin.domain().as_ref())
}
