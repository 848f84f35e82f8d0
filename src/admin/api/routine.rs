//! Routines as such: `/routines` and `/routines/{name}`.

use std::ops::Bound;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::NoContent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::{KeySourceText, RoutineNameText};
use super::error::ApiError;
use super::extract::{Asked, At, Sent, given, limit};
use super::shape::RoutineShape;
use super::tag::{EntityTag, Found, Made, Preconditions, Tagged};
use crate::admin::Admin;
use crate::control::{Command, Condition, Refused, Reply};
use crate::model::{Catalog, Routine, RoutineName, Sticky};

const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 1_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// A part of the name.
    #[serde(default)]
    search: String,
    /// The last name of the page before.
    after: Option<String>,
    #[schemars(range(min = 1, max = PAGE_MAX), extend("default" = PAGE_DEFAULT))]
    limit: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Routines")]
pub(super) struct Listed {
    routines: Vec<RoutineShape>,
    /// How many there are on all pages.
    total: usize,
    /// What `after` is for the next page; null on the last.
    #[schemars(with = "Option<RoutineNameText>")]
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

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRoutine {
    #[schemars(with = "RoutineNameText")]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    has_assets: bool,
}

pub(super) async fn create(
    State(admin): State<Arc<Admin>>,
    Sent(new): Sent<NewRoutine>,
) -> Result<Made<RoutineShape>, ApiError> {
    let command = Command::CreateRoutine {
        name: RoutineName::new(&new.name).map_err(ApiError::invalid)?,
        description: new.description,
        has_assets: new.has_assets,
    };
    let routine = changed(admin.control.execute(command).await?);
    let (body, at) = (shape(&admin, &routine), format!("/api/v1/routines/{}", routine.name));
    Ok(Made { tag: EntityTag::of(&body), body, at })
}

pub(super) async fn get(
    State(admin): State<Arc<Admin>>,
    At(name): At<RoutineName>,
) -> Result<Tagged<RoutineShape>, ApiError> {
    let routine = find(&admin, &name).await?;
    Ok(Tagged(shape(&admin, &routine)))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoutineChange {
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "String")]
    description: Option<String>,
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
    At(name): At<RoutineName>,
    wanted: Preconditions,
    Sent(change): Sent<RoutineChange>,
) -> Result<Tagged<RoutineShape>, ApiError> {
    let sticky = change.sticky.map(|sources| Sticky::parse(sources.iter().map(String::as_str)));
    let command = Command::ReviseRoutine {
        name: name.clone(),
        description: change.description,
        sticky: sticky
            .transpose()
            .map_err(|error| ApiError::invalid(format!("sticky: {error}")))?,
        cohort: change.cohort,
    };
    let wanted = about(&admin, wanted, name);
    let routine = changed(admin.control.execute_if(wanted, command).await?);
    Ok(Tagged(shape(&admin, &routine)))
}

pub(super) async fn delete(
    State(admin): State<Arc<Admin>>,
    At(name): At<RoutineName>,
    wanted: Preconditions,
) -> Result<NoContent, ApiError> {
    let command = Command::DeleteRoutine { name: name.clone() };
    admin.control.execute_if(about(&admin, wanted, name), command).await?;
    Ok(NoContent)
}

/// The routine as everything that was answered before has left it.
pub(super) async fn find(admin: &Admin, name: &RoutineName) -> Result<Arc<Routine>, ApiError> {
    let catalog = admin.control.catalog().await?;
    let routine = catalog.routine(name).cloned();
    routine.ok_or_else(|| Refused::NoRoutine(name.clone()).into())
}

/// What `wanted` asks of the routine as a GET would tell it.
fn about(admin: &Arc<Admin>, wanted: Preconditions, name: RoutineName) -> Condition {
    let admin = admin.clone();
    wanted.about(move |catalog: &Catalog| match catalog.routine(&name) {
        Some(routine) => {
            let tag = EntityTag::of(&shape(&admin, routine));
            Found::There(format!("routine `{name}` is there"), tag)
        }
        None => Found::Nowhere,
    })
}

fn changed(reply: Reply) -> Arc<Routine> {
    match reply {
        Reply::Routine(routine) => routine,
        _ => unreachable!("a change of a routine is answered with the routine"),
    }
}

fn shape(admin: &Admin, routine: &Routine) -> RoutineShape {
    RoutineShape::new(routine, admin.domain().as_ref())
}
