//! `versions`: what of a routine or an app can be deployed.

use serde_json::json;

use super::error::OperateError;
use super::find::{advise, advise_of_versions, find, find_routine};
use super::output::Output;
use super::subject::{ENVIRONMENTS, Served};
use super::told::{moment, read};
use crate::client::{self, App, Endpoint, Routine, Subject};
use crate::report::{Column, Table, one_line};

/// What is asked about the versions of a routine.
#[derive(Debug, Clone)]
pub enum Versions {
    List,
    Add { version: Option<String>, upstream: Option<String>, description: Option<String> },
    Delete(String),
}

/// What answers where nothing is bound.
pub(super) const BUILT_IN: &str = "built-in";

/// Does what is asked, and tells it.
pub fn versions(
    admin: &Endpoint,
    name: &str,
    asked: &Versions,
    output: &mut Output<'_>,
) -> Result<(), OperateError> {
    match asked {
        Versions::List => list(admin, name, output),
        Versions::Add { version, upstream, description } => {
            let upstream = upstream.as_deref().filter(|upstream| *upstream != BUILT_IN);
            let (version, description) = (version.as_deref(), description.as_deref());
            let made = client::add_version(admin, name, version, upstream, description);
            let made = made.map_err(|error| advise(admin, name, error))?;
            if output.as_json {
                return output.json(&made);
            }
            let version = one_line(made["code_version"].as_str().unwrap_or_default());
            let answers = one_line(made["upstream"].as_str().unwrap_or(BUILT_IN));
            output.line(format_args!("`{name}` has version {version}, which is {answers}"))?;
            output.line("nobody gets it before it is deployed")
        }
        Versions::Delete(version) => {
            find_routine(admin, name)?;
            let deleted = client::delete_version(admin, name, version);
            let named = [version.as_str()];
            deleted.map_err(|error| advise_of_versions(admin, name, named, error))?;
            if output.as_json {
                return output.json(&json!({ "deleted": version }));
            }
            output.line(format_args!("version {version} of `{name}` is deleted; nobody had it"))
        }
    }
}

fn list(admin: &Endpoint, name: &str, output: &mut Output<'_>) -> Result<(), OperateError> {
    let (subject, value) = find(admin, name)?;
    if output.as_json {
        return output.json(&client::versions(admin, &subject)?);
    }
    let table = match subject {
        Subject::Routine(_) => {
            let routine: Routine = read(admin, &value)?;
            (!routine.versions.is_empty()).then(|| versions_table(&routine))
        }
        Subject::App(_) => {
            let app: App = read(admin, &value)?;
            (!app.versions.is_empty()).then(|| app_versions_table(&app))
        }
    };
    match table {
        Some(table) => output.table(&table, &[]),
        None => output.line(format_args!("no version; `serin versions {name} add` adds one")),
    }
}

/// The versions of a routine, newest first.
pub(super) fn versions_table(routine: &Routine) -> Table {
    let served = Served::of_routine(routine);
    let mut table = table();
    for version in &routine.versions {
        // That its code has come is what is to be expected.
        let status = Some(version.status.clone()).filter(|status| status != "available");
        let mut row = row(&served, &version.code_version, &version.created);
        row.push(version.upstream.clone().unwrap_or_else(|| BUILT_IN.to_owned()));
        row.extend([status.unwrap_or_default(), version.description.clone()]);
        table.row(row);
    }
    table
}

fn app_versions_table(app: &App) -> Table {
    let served = Served::of_app(app);
    let mut table = table();
    for version in &app.versions {
        let mut row = row(&served, &version.version_id, &version.created);
        row.push(version.upstream.clone().unwrap_or_else(|| BUILT_IN.to_owned()));
        row.extend([String::new(), version.name.clone()]);
        table.row(row);
    }
    table
}

fn table() -> Table {
    Table::new(&[
        Column::Left("version"),
        Column::Left("created"),
        Column::Right("production"),
        Column::Right("staging"),
        Column::Left("upstream"),
        Column::Left("status"),
        Column::Left("description"),
    ])
}

fn row(served: &Served, version: &str, created: &str) -> Vec<String> {
    let shares = ENVIRONMENTS.map(|environment| {
        let release = served.live.iter().find(|it| it.environment == environment);
        let share = release.and_then(|it| it.shares.iter().find(|it| it.version == version));
        share.map(|share| share.whom.words()).unwrap_or_default()
    });
    [version.to_owned(), moment(created)].into_iter().chain(shares).collect()
}
