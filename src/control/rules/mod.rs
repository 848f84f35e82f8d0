//! What is allowed, and what comes of it; pure. Every conflict is refused here, so
//! that what reaches the store and the table is consistent.

mod app;
mod declare;
mod declare_app;
mod deployment;
mod mint;
mod publish;
mod record;
mod route;
mod routine;
mod upload;
mod upstream_note;
mod variable;
mod version;

use std::sync::Arc;

pub use declare::Warning;
pub(super) use declare::declare;
pub(super) use publish::take_up_due;
pub use variable::VARIABLES_MAX;
pub use version::CODE_MAX_BYTES;

use super::change::Change;
use super::command::{Command, Refused, Reply};
use crate::model::{Catalog, Routine, RoutineName, Shares, Timestamp};
use deployment::{deploy, roll_back};
use record::{add_record, delete_record};
use route::{add_route, delete_route, revise_route};
use routine::{create_routine, delete_routine, revise};
use version::{add_version, bind_version, commit_staged_code, delete_version, stage_code};

/// What came of a command that was allowed.
#[derive(Debug)]
pub struct Applied {
    pub changes: Vec<Change>,
    pub reply: Reply,
}

type Outcome = Result<(Vec<Change>, Reply), Refused>;

/// Carries out `command` on `catalog`. A command that is refused changes nothing.
///
/// The catalog has no history, so a rollback brings its own: `past` is what the
/// deployment it asks for served, `None` where there is no such deployment.
pub fn apply(
    catalog: &mut Catalog,
    command: Command,
    past: Option<Shares>,
    now: Timestamp,
) -> Result<Applied, Refused> {
    let (changes, reply) = match command {
        Command::By(key, command) => {
            let Applied { mut changes, reply } = apply(catalog, *command, past, now)?;
            let live: Vec<_> = changes.iter().filter_map(Change::became_live).collect();
            changes.extend(live.into_iter().map(|id| Change::By(id, key.clone())));
            Ok((changes, reply))
        }
        Command::App(command) => app::apply(catalog, command, now),
        Command::Upload(command) => upload::apply(catalog, command, now),
        Command::Variables(command) => variable::apply(catalog, command),
        Command::CreateRoutine { name, description, has_assets } => {
            create_routine(catalog, name, description, has_assets, now)
        }
        Command::ReviseRoutine { name, description, sticky, cohort } => {
            revise(catalog, &name, description, sticky, cohort)
        }
        Command::DeleteRoutine { name } => delete_routine(catalog, name),
        Command::StageCode { name, description, code } => {
            stage_code(catalog, name, description, code)
        }
        Command::CommitStagedCode { name, description, deploy_env } => {
            commit_staged_code(catalog, &name, description, deploy_env, now)
        }
        Command::AddVersion { name, code_version, description, upstream } => {
            add_version(catalog, &name, code_version, description, upstream, now)
        }
        Command::BindVersion { name, code_version, upstream } => {
            bind_version(catalog, &name, code_version, upstream)
        }
        Command::DeleteVersion { name, code_version } => {
            delete_version(catalog, name, code_version)
        }
        Command::AddRecord { name, host, site } => add_record(catalog, name, host, site, now),
        Command::DeleteRecord { name, host, site, id } => {
            delete_record(catalog, name, host, site, id)
        }
        Command::AddRoute(new) => add_route(catalog, new, now),
        Command::ReviseRoute { site, id, revision } => revise_route(catalog, site, id, revision),
        Command::DeleteRoute { site, id, of } => delete_route(catalog, site, id, of.as_ref()),
        Command::Deploy { name, environment, shares } => {
            deploy(catalog, name, environment, shares, now)
        }
        Command::Rollback { name, environment, to } => {
            roll_back(catalog, name, environment, to, past, now)
        }
        Command::SetQuotas(quotas) => {
            catalog.quotas = quotas;
            Ok((Vec::new(), Reply::Done))
        }
    }?;
    Ok(Applied { changes, reply })
}

/// A copy of the routine, to be changed and put back.
fn existing(catalog: &Catalog, name: &RoutineName) -> Result<Routine, Refused> {
    let routine = catalog.routine(name);
    let routine = routine.ok_or_else(|| Refused::NoRoutine(name.clone()))?;
    Ok(Routine::clone(routine))
}

fn put(catalog: &mut Catalog, routine: Routine) -> Arc<Routine> {
    let routine = Arc::new(routine);
    let name = routine.name.clone();
    catalog.routines.insert(name, routine.clone());
    routine
}

#[cfg(test)]
mod app_tests;
#[cfg(test)]
mod quota_tests;
#[cfg(test)]
mod tests;
