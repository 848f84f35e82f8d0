//! `deployments`: what was deployed, and when.

use serde_json::Value;

use super::error::OperateError;
use super::find::{find, is_refused_as};
use super::output::Output;
use super::subject::{Release, Served};
use super::told::{moment, read};
use crate::client::{self, Endpoint, Live, Publish, Subject};
use crate::report::{Column, Table};

/// So far back is one deployment looked for.
const HISTORY_MAX: u32 = 1_000;

/// What is asked about the history of a routine or an app.
#[derive(Debug, Clone)]
pub struct Deployments {
    pub name: String,
    /// Of both, where none is named.
    pub environment: Option<&'static str>,
    /// So many of the newest.
    pub limit: u32,
    /// This one alone, by its id.
    pub id: Option<String>,
}

/// Tells the history, newest first, or one deployment of it.
pub fn deployments(
    admin: &Endpoint,
    asked: &Deployments,
    output: &mut Output<'_>,
) -> Result<(), OperateError> {
    let (subject, history) = history(admin, asked)?;
    let Some(id) = &asked.id else {
        if output.as_json {
            return output.json(&history);
        }
        return list(admin, asked, &subject, &history, output);
    };
    let all = listed(&subject, &history).as_array().map(Vec::as_slice).unwrap_or_default();
    let found = all.iter().find(|it| it["deployment_id"] == id.as_str());
    let found = found
        .ok_or_else(|| OperateError::NoDeployment { name: asked.name.clone(), id: id.clone() })?;
    if output.as_json {
        return output.json(found);
    }
    let release = release(admin, &subject, found)?;
    let (name, environment) = (&asked.name, &release.environment);
    output.line(format_args!(
        "deployment {id}: {name} in {environment}, of {}",
        moment(&release.created)
    ))?;
    for share in &release.shares {
        output.line(format_args!("  {:>5}  {}", share.whom.words(), share.version))?;
    }
    let is_live = live(admin, &subject).contains(&release);
    output.line(if is_live { "it is live" } else { "it is not live" })
}

/// A routine that is deleted has a history too, so that is asked first.
fn history(admin: &Endpoint, asked: &Deployments) -> Result<(Subject, Value), OperateError> {
    let limit = if asked.id.is_some() { HISTORY_MAX } else { asked.limit };
    let routine = Subject::Routine(asked.name.clone());
    match client::history_of(admin, &routine, asked.environment, limit) {
        Ok(history) => return Ok((routine, history)),
        Err(error) if is_refused_as(&error, "routine_not_found") => {}
        Err(error) => return Err(error.into()),
    }
    let (subject, _) = find(admin, &asked.name)?;
    let history = client::history_of(admin, &subject, asked.environment, limit)?;
    Ok((subject, history))
}

fn listed<'h>(subject: &Subject, history: &'h Value) -> &'h Value {
    match subject {
        Subject::Routine(_) => &history["deployments"],
        Subject::App(_) => &history["publishes"],
    }
}

fn release(admin: &Endpoint, subject: &Subject, one: &Value) -> Result<Release, OperateError> {
    match subject {
        Subject::Routine(_) => Ok(Release::of_live(&read::<Live>(admin, one)?)),
        Subject::App(_) => Ok(Release::of_publish(&read::<Publish>(admin, one)?)),
    }
}

/// What is live now; nothing of what is deleted.
fn live(admin: &Endpoint, subject: &Subject) -> Vec<Release> {
    let served = client::look(admin, subject).map_err(OperateError::from);
    let served = served.and_then(|value| Served::read(admin, subject, &value));
    served.map(|served| served.live).unwrap_or_default()
}

fn list(
    admin: &Endpoint,
    asked: &Deployments,
    subject: &Subject,
    history: &Value,
    output: &mut Output<'_>,
) -> Result<(), OperateError> {
    let all = listed(subject, history).as_array().map(Vec::as_slice).unwrap_or_default();
    if all.is_empty() {
        let name = &asked.name;
        return output.line(format_args!(
            "nothing was deployed; `serin versions {name}` lists what there is to deploy"
        ));
    }
    let live = live(admin, subject);
    let mut table = Table::new(&[
        Column::Right("deployment"),
        Column::Left("environment"),
        Column::Left("created"),
        Column::Left("versions"),
        Column::Left(""),
    ]);
    for one in all {
        let release = release(admin, subject, one)?;
        let mark = if live.contains(&release) { "live" } else { "" }.to_owned();
        let words = release.words();
        let Release { id, environment, created, .. } = release;
        table.row([id, environment, moment(&created), words, mark]);
    }
    output.table(&table, &[])?;
    if !history["next"].is_string() {
        return Ok(());
    }
    match asked.limit.saturating_mul(2).min(HISTORY_MAX) {
        limit if limit > asked.limit => {
            output.line(format_args!("there are more: --limit {limit}"))
        }
        _ => output.line("there are more, which are not told here"),
    }
}
