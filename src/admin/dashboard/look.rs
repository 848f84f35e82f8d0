//! What a viewer looks at, and what is to be told of it.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::shape::{RowShape, Subject};
use super::stream::Told;
use crate::admin::Admin;
use crate::admin::api::{ApiError, alarm};
use crate::control::CommandError;
use crate::model::{AppId, Catalog, Endpoint, Environment, RoutineName};
use crate::routing::{SplitNumber, SubjectName};

/// Rows of one page.
const PAGE_DEFAULT: usize = 50;
const PAGE_MAX: usize = 100;

/// Alarms and endpoints that are named; more are counted.
const NAMED_MAX: usize = 20;

const EJECTED: &str = "left out for a while, since it has failed too often";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Look {
    /// Of the two at most one is given; without one, all are looked at.
    routine: Option<String>,
    app: Option<String>,
    /// A part of the name.
    #[serde(default)]
    search: String,
    /// How many come before this page.
    #[serde(default)]
    offset: usize,
    limit: Option<usize>,
}

pub(super) enum Looked {
    All { search: String, offset: usize, limit: usize },
    Routine(RoutineName),
    App(AppId),
}

/// A page of routines, then apps.
#[derive(Serialize)]
struct ListShape<'a> {
    /// What the account has.
    routines: usize,
    apps: usize,
    /// What was searched for and found, on all pages.
    found: usize,
    offset: usize,
    rows: &'a [String],
}

impl Looked {
    pub(super) fn at(look: Look) -> Result<Self, ApiError> {
        let Look { routine, app, search, offset, limit } = look;
        match (routine, app) {
            (Some(name), None) => {
                RoutineName::new(&name).map(Self::Routine).map_err(ApiError::bad_request)
            }
            (None, Some(id)) => AppId::new(&id).map(Self::App).map_err(ApiError::bad_request),
            (None, None) => {
                let limit = limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
                Ok(Self::All { search, offset, limit })
            }
            (Some(_), Some(_)) => Err(ApiError::bad_request("look at a routine or at an app")),
        }
    }

    /// Tells what has changed.
    pub(super) async fn tell(&self, admin: &Admin, told: &mut Told) -> Result<(), CommandError> {
        let catalog = admin.control.catalog().await?;
        match self {
            Self::All { search, offset, limit } => {
                tell_page(admin, &catalog, (search, *offset, *limit), told);
            }
            Self::Routine(name) => {
                let subject = catalog.routine(name).cloned().map(Subject::Routine);
                tell_subject(admin, subject, told);
            }
            Self::App(id) => {
                let subject = catalog.app(id).cloned().map(Subject::App);
                tell_subject(admin, subject, told);
            }
        }
        told.tell("process", "", &process(admin, &catalog));
        Ok(())
    }
}

fn tell_page(
    admin: &Admin,
    catalog: &Catalog,
    (search, offset, limit): (&str, usize, usize),
    told: &mut Told,
) {
    let routines = || {
        let all = catalog.routines.values();
        all.filter(|routine| routine.name.as_str().contains(search))
    };
    let apps = || catalog.apps.values().filter(|app| app.name.as_str().contains(search));
    let found = routines().cloned().map(Subject::Routine);
    let found = found.chain(apps().cloned().map(Subject::App));
    let shown = found.skip(offset).take(limit);
    let rows: Vec<RowShape> = shown.map(|subject| RowShape::new(admin, &subject)).collect();
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    told.retain("row", &ids);
    for row in &rows {
        told.tell("row", &row.id, row);
    }
    // After the rows, so that all that it names is known.
    let list = ListShape {
        routines: catalog.routines.len(),
        apps: catalog.apps.len(),
        found: routines().count() + apps().count(),
        offset,
        rows: &ids,
    };
    told.tell("list", "", &list);
}

fn tell_subject(admin: &Admin, subject: Option<Subject>, told: &mut Told) {
    let Some(subject) = subject else {
        told.retain("row", &[]);
        told.retain("detail", &[]);
        return told.tell("subject", "", &json!({ "exists": false }));
    };
    told.tell("detail", "", &subject.detail(admin.domain().as_ref()));
    told.tell("row", "", &RowShape::new(admin, &subject));
    told.tell("slices", "", &slices(admin, &subject.name()));
    told.tell("subject", "", &json!({ "exists": true }));
}

/// When the last slice of each environment's history ended: there is more to ask for.
fn slices(admin: &Admin, name: &SubjectName) -> Value {
    let last = |environment| {
        let number = admin.table.read(|table| table.split_number(name, environment));
        number.and_then(|(number, _)| admin.history.last(number.0)).map(|at| at.0 / 1_000_000)
    };
    json!({
        "production": last(Environment::Production),
        "staging": last(Environment::Staging),
    })
}

/// What is not of one routine or app.
fn process(admin: &Admin, catalog: &Catalog) -> Value {
    let alarmed = admin.users.alarmed();
    let alarms: Vec<Value> = admin.table.read(|table| {
        let named = |&split: &u32| {
            let number = SplitNumber(split);
            // Of a deployment that another one has replaced there is nothing to tell.
            alarm(table, number, &admin.users.checked(split)?)?;
            let [(target, _), _] = table.canary(number)?;
            let key = match &target.subject {
                SubjectName::Routine(name) => name.to_string(),
                SubjectName::App(name) => catalog.app_named(name)?.id.to_string(),
            };
            Some(json!({
                "kind": target.subject.noun(),
                "key": key,
                "name": target.subject.as_str(),
                "environment": target.environment.as_str(),
            }))
        };
        alarmed.iter().filter_map(named).collect()
    });
    let unwell = unwell(admin);
    let named = unwell.iter().take(NAMED_MAX);
    let named = named.map(|(it, why)| json!({ "endpoint": it.as_str(), "reason": why }));
    json!({
        "open_tunnels": admin.tallies.tunnels().total(),
        "alarms": alarms.iter().take(NAMED_MAX).collect::<Vec<_>>(),
        "alarm_count": alarms.len(),
        "unwell": named.collect::<Vec<_>>(),
        "unwell_count": unwell.len(),
    })
}

/// The endpoints that are not healthy or left out, and why.
fn unwell(admin: &Admin) -> Vec<(Endpoint, String)> {
    let sick = admin.wellness.sick();
    let ejected = admin.wellness.ejections().all();
    let now = Instant::now();
    let out = |endpoint: &&Endpoint| ejected[*endpoint].1 > now && !sick.contains_key(*endpoint);
    let out = ejected.keys().filter(out).map(|endpoint| (endpoint, EJECTED.to_owned()));
    let sick = sick.iter().map(|(endpoint, ailment)| (endpoint, ailment.reason.to_string()));
    let mut unwell: Vec<_> = sick.chain(out).map(|(it, why)| (it.clone(), why)).collect();
    unwell.sort_by(|(a, _), (b, _)| a.as_str().cmp(b.as_str()));
    unwell
}
