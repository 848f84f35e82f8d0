//! Writing: only what changed, all of it or nothing.

use std::time::Instant;

use rusqlite::{Connection, Params};

use super::apps::write_app_change;
use super::routes::{write_record, write_route};
use super::rows::{text_of_routes, text_of_shares, text_of_sticky};
use super::variables::{delete_variable, write_variable};
use super::{Store, StoreError};
use crate::control::change::Change;
use crate::model::{Deployment, Environment, Routine, RoutineName, Upstream, Version};

impl Store {
    /// Makes `changes` durable in one transaction.
    pub fn save(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let begun = Instant::now();
        let saved = self.commit(changes);
        self.commits.commit(begun.elapsed(), saved.is_ok());
        if saved.is_ok() {
            for environment in changes.iter().filter_map(Change::deployed) {
                self.commits.deploy(environment);
            }
        }
        saved
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        for change in changes {
            write(&transaction, change)?;
        }
        Ok(transaction.commit()?)
    }
}

fn write(to: &Connection, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::Routine(routine) => write_routine(to, routine),
        Change::RoutineGone(name) => {
            // Versions, code, slot and variables go with it; its history stays.
            execute(to, "DELETE FROM routine WHERE name = ?", [name.as_str()])?;
            let withdraw = "UPDATE environment SET live = NULL WHERE routine = ?";
            execute(to, withdraw, [name.as_str()])
        }
        Change::Version(name, version) => write_version(to, name, version),
        Change::VersionGone(name, version) => execute(
            to,
            "DELETE FROM version WHERE routine = ? AND code_version = ?",
            (name.as_str(), version.as_str()),
        ),
        Change::CodeStaged(name, staged, code) => execute(
            to,
            "INSERT INTO staged_code (routine, description, upstream, code) VALUES (?, ?, ?, ?) \
             ON CONFLICT DO UPDATE SET \
             description = excluded.description, upstream = excluded.upstream, code = excluded.code",
            (
                name.as_str(),
                &staged.description,
                staged.upstream.as_ref().map(Upstream::as_str),
                &code[..],
            ),
        ),
        Change::CodeFrozen(name, version) => execute(
            to,
            "INSERT INTO version_code (routine, code_version, code) \
             SELECT routine, ?2, code FROM staged_code WHERE routine = ?1",
            (name.as_str(), version.as_str()),
        ),
        Change::Code(name, version, code) => execute(
            to,
            "INSERT INTO version_code (routine, code_version, code) VALUES (?, ?, ?)",
            (name.as_str(), version.as_str(), &code[..]),
        ),
        Change::Variable(name, environment, key, variable) => {
            write_variable(to, name, *environment, key, variable)
        }
        Change::VariableGone(name, environment, key) => {
            delete_variable(to, name, *environment, key)
        }
        Change::Deployed(name, environment, deployment) => {
            write_deployment(to, name, *environment, deployment)
        }
        Change::RoutineBuried(name) => {
            let bury = "INSERT OR IGNORE INTO deleted_routine (name) VALUES (?)";
            execute(to, bury, [name.as_str()])?;
            let forget = "DELETE FROM deleted_version WHERE routine = ?";
            execute(to, forget, [name.as_str()])
        }
        Change::RoutineExhumed(name) => {
            execute(to, "DELETE FROM deleted_routine WHERE name = ?", [name.as_str()])
        }
        Change::VersionBuried(name, version) => execute(
            to,
            "INSERT OR IGNORE INTO deleted_version (routine, code_version) VALUES (?, ?)",
            (name.as_str(), version.as_str()),
        ),
        Change::VersionExhumed(name, version) => execute(
            to,
            "DELETE FROM deleted_version WHERE routine = ? AND code_version = ?",
            (name.as_str(), version.as_str()),
        ),
        Change::Record(name, record) => write_record(to, name, record),
        Change::RecordGone(name, host) => execute(
            to,
            "DELETE FROM routine_record WHERE routine = ? AND host = ?",
            (name.as_str(), host.as_str()),
        ),
        Change::Route(route) => write_route(to, route),
        Change::RouteGone(site, id) => {
            execute(to, "DELETE FROM routine_route WHERE site = ? AND id = ?", (site.get(), id.0))
        }
        Change::App(change) => write_app_change(to, change),
        Change::By(id, key) => execute(
            to,
            "INSERT INTO deployed_by (deployment, access_key) VALUES (?, ?)",
            (i64::try_from(id.0).unwrap_or(i64::MAX), key.as_str()),
        ),
        Change::Minted(last) => execute(
            to,
            "INSERT INTO minted (only, last) VALUES (1, ?) \
             ON CONFLICT DO UPDATE SET last = excluded.last",
            [last],
        ),
    }
}

fn write_routine(to: &Connection, routine: &Routine) -> rusqlite::Result<()> {
    // Not `INSERT OR REPLACE`: that would delete the row first, and its versions with it.
    execute(
        to,
        "INSERT INTO routine \
         (name, description, has_assets, created, origin, \
         routes, sticky, sticky_declared, cohort, cohort_declared) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT DO UPDATE SET \
         description = excluded.description, has_assets = excluded.has_assets, \
         created = excluded.created, origin = excluded.origin, routes = excluded.routes, \
         sticky = excluded.sticky, sticky_declared = excluded.sticky_declared, \
         cohort = excluded.cohort, cohort_declared = excluded.cohort_declared",
        (
            routine.name.as_str(),
            &routine.description,
            routine.has_assets,
            routine.created.0,
            routine.origin.as_str(),
            text_of_routes(&routine.routes),
            text_of_sticky(&routine.sticky),
            routine.sticky_declared,
            &routine.cohort,
            routine.cohort_declared,
        ),
    )
}

fn write_version(to: &Connection, name: &RoutineName, version: &Version) -> rusqlite::Result<()> {
    let making = &version.making;
    execute(
        to,
        "INSERT INTO version \
         (routine, code_version, description, created, upstream, upstream_declared, origin, \
         status, extra_info, build_id, deploy_env, has_variables, not_found_strategy, \
         asset_files, asset_bytes) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT DO UPDATE SET \
         description = excluded.description, created = excluded.created, \
         upstream = excluded.upstream, upstream_declared = excluded.upstream_declared, \
         origin = excluded.origin, \
         status = excluded.status, extra_info = excluded.extra_info, \
         build_id = excluded.build_id, deploy_env = excluded.deploy_env, \
         has_variables = excluded.has_variables, \
         not_found_strategy = excluded.not_found_strategy, \
         asset_files = excluded.asset_files, asset_bytes = excluded.asset_bytes",
        (
            name.as_str(),
            version.code_version.as_str(),
            &version.description,
            version.created.0,
            version.upstream.as_ref().map(Upstream::as_str),
            version.upstream_declared,
            version.origin.as_str(),
            version.status.as_str(),
            &making.extra_info,
            signed(making.build_id),
            making.deploy_env.map(Environment::as_str),
            making.has_variables,
            &making.not_found_strategy,
            making.assets.files,
            signed(making.assets.bytes),
        ),
    )
}

/// Numbers that are checked at the door to be far below what a row cannot hold.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn write_deployment(
    to: &Connection,
    name: &RoutineName,
    environment: Environment,
    deployment: &Deployment,
) -> rusqlite::Result<()> {
    // Ids count up from 1, one a deployment: they do not reach what a row cannot hold.
    let id = i64::try_from(deployment.id.0).unwrap_or(i64::MAX);
    execute(
        to,
        "INSERT INTO deployment (id, routine, environment, shares, created) \
         VALUES (?, ?, ?, ?, ?)",
        (
            id,
            name.as_str(),
            environment.as_str(),
            text_of_shares(&deployment.shares),
            deployment.created.0,
        ),
    )?;
    execute(
        to,
        "INSERT INTO environment (routine, environment, live) VALUES (?, ?, ?) \
         ON CONFLICT DO UPDATE SET live = excluded.live",
        (name.as_str(), environment.as_str(), id),
    )
}

pub(super) fn execute(to: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<()> {
    to.prepare_cached(sql)?.execute(params).map(drop)
}
