//! `routines`: which there are, and making and deleting them.

use serde_json::json;

use super::error::OperateError;
use super::find::{advise, find, find_routine};
use super::output::Output;
use super::subject::{ENVIRONMENTS, Release, Served};
use super::told::{moment, read};
use super::versions::versions_table;
use crate::client::{self, Endpoint, Subject};
use crate::report::{Column, Table, one_line, plural};

/// More are not listed at once.
const LISTED_MAX: usize = 100_000;

/// What is asked about routines.
#[derive(Debug, Clone)]
pub enum Routines {
    /// Those with this in their names.
    List(String),
    Show(String),
    Create {
        name: String,
        description: Option<String>,
        has_assets: bool,
    },
    Delete(String),
}

/// Does what is asked, and tells it.
pub fn routines(
    admin: &Endpoint,
    asked: &Routines,
    output: &mut Output<'_>,
) -> Result<(), OperateError> {
    match asked {
        Routines::List(search) => list(admin, search, output),
        Routines::Show(name) => show(admin, name, output),
        Routines::Create { name, description, has_assets } => {
            let made = client::create_routine(admin, name, description.as_deref(), *has_assets);
            let made = made.map_err(|error| advise(admin, name, error))?;
            if output.as_json {
                return output.json(&made);
            }
            output.line(format_args!(
                "routine `{name}` is made; `serin versions {name} add` gives it a version"
            ))
        }
        Routines::Delete(name) => delete(admin, name, output),
    }
}

fn list(admin: &Endpoint, search: &str, output: &mut Output<'_>) -> Result<(), OperateError> {
    let listed = client::routines(admin, search, LISTED_MAX)?;
    if output.as_json {
        return output.json(&listed);
    }
    let routines: Vec<client::Routine> = read(admin, &listed["routines"])?;
    if routines.is_empty() {
        return output.line(if search.is_empty() {
            "no routine; `serin routines create NAME` makes one".to_owned()
        } else {
            format!("no routine has `{}` in its name", one_line(search))
        });
    }
    let mut table = Table::new(&[
        Column::Left("routine"),
        Column::Left("production"),
        Column::Left("staging"),
        Column::Right("versions"),
        Column::Left("description"),
    ]);
    for routine in &routines {
        let live = ENVIRONMENTS.map(|environment| {
            let live = routine.live(environment);
            live.map_or_else(|| "-".to_owned(), |live| Release::of_live(live).words())
        });
        let [production, staging] = live;
        let versions = routine.versions.len().to_string();
        let description = routine.description.clone();
        table.row([routine.name.clone(), production, staging, versions, description]);
    }
    output.table(&table, &[])
}

fn show(admin: &Endpoint, name: &str, output: &mut Output<'_>) -> Result<(), OperateError> {
    let (subject, value) = find(admin, name)?;
    if let Subject::App(_) = subject {
        return Err(OperateError::NoSubject {
            name: name.to_owned(),
            advice: format!("it is an edge container app: `serin status {name}` shows it"),
        });
    }
    if output.as_json {
        return output.json(&value);
    }
    let routine: client::Routine = read(admin, &value)?;
    let served = Served::of_routine(&routine);
    let mut told = |title: &str, text: &str| match text {
        "" => Ok(()),
        text => output.line(format_args!("{title:<12} {}", one_line(text))),
    };
    told("routine", &routine.name)?;
    told("description", &routine.description)?;
    told("created", &moment(&routine.created))?;
    told("hosts", &routine.records.join(", "))?;
    told("routes", &routine.routes.join(", "))?;
    told("keys", &routine.sticky.join(", "))?;
    told("cohort", &routine.cohort)?;
    for environment in ENVIRONMENTS {
        let live = served.live.iter().find(|it| it.environment == environment);
        let text = live.map_or_else(
            || "nothing is deployed".to_owned(),
            |it| format!("{}, deployment {} of {}", it.words(), it.id, moment(&it.created)),
        );
        told(environment, &text)?;
    }
    if routine.versions.is_empty() {
        return output.line(format_args!("no version; `serin versions {name} add` adds one"));
    }
    output.line("")?;
    output.table(&versions_table(&routine), &[])
}

fn delete(admin: &Endpoint, name: &str, output: &mut Output<'_>) -> Result<(), OperateError> {
    let routine = find_routine(admin, name)?;
    client::delete_routine(admin, name).map_err(|error| advise(admin, name, error))?;
    if output.as_json {
        return output.json(&json!({ "deleted": name }));
    }
    let versions = plural(routine.versions.len() as u64, "version");
    let was_live = ENVIRONMENTS.into_iter().filter(|it| routine.live(it).is_some());
    let was_live: Vec<_> = was_live.collect();
    let withdrawn = match was_live.as_slice() {
        [] => "it was not deployed".to_owned(),
        environments => format!("it is withdrawn from {}", environments.join(" and ")),
    };
    output.line(format_args!("routine `{name}` is deleted, with {versions}; {withdrawn}"))
}
