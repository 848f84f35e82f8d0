//! Reading: the whole catalog once, then code and history as they are asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::OrdMap;
use rusqlite::{OptionalExtension, Params};

use super::rows::{Cells, environment, origin, routes, sticky, version_status};
use super::{Store, StoreError, Trouble};
use crate::control::command::DeploymentRecord;
use crate::control::handle::HistoryPage;
use crate::model::{
    AccessKeyId, Catalog, CodeVersion, Deployment, DeploymentId, Environment, Routine, RoutineName,
    StagedCode, Timestamp, Upstream, Version,
};

impl Store {
    /// Everything but code and history.
    pub fn load(&self) -> Result<Catalog, StoreError> {
        self.read_all().map_err(|error| match error {
            StoreError::Failed(error) => Trouble::from(error).at(&self.path),
            other => other,
        })
    }

    fn read_all(&self) -> Result<Catalog, StoreError> {
        let mut catalog = Catalog::default();
        let mut routines = self.routines()?;
        self.versions(&mut routines)?;
        self.staged_code(&mut routines)?;
        self.variables(&mut routines)?;
        self.environments(&mut routines, &mut catalog)?;
        self.records(&mut routines, &mut catalog)?;
        let shared = |(name, routine)| (name, Arc::new(routine));
        catalog.routines = routines.into_iter().map(shared).collect();
        self.routes(&mut catalog)?;

        self.each("deleted_routine", 1, "SELECT name FROM deleted_routine", [], |cells| {
            catalog.deleted_routines.insert(cells.parse(0, RoutineName::new)?);
            Ok(())
        })?;
        let deleted = "SELECT routine, code_version FROM deleted_version";
        self.each("deleted_version", 2, deleted, [], |cells| {
            let name = cells.parse(0, RoutineName::new)?;
            let version = cells.parse(1, CodeVersion::new)?;
            catalog.deleted_versions.insert((name, version));
            Ok(())
        })?;
        self.each("minted", 1, "SELECT only, last FROM minted", [], |cells| {
            catalog.last_minted = cells.get(1)?;
            Ok(())
        })?;
        self.apps(&mut catalog)?;
        let last = "SELECT max(id) FROM (SELECT max(id) AS id FROM deployment \
                    UNION ALL SELECT max(id) FROM publish) HAVING max(id) IS NOT NULL";
        self.each("deployment", 1, last, [], |cells| {
            let last: i64 = cells.get(0)?;
            catalog.last_deployment = u64::try_from(last).map_err(|error| cells.corrupt(&error))?;
            Ok(())
        })?;
        Ok(catalog)
    }

    /// The code of a version; `None` when it was made without one.
    pub fn code(
        &self,
        name: &RoutineName,
        code_version: &CodeVersion,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT code FROM version_code WHERE routine = ? AND code_version = ?";
        let mut statement = self.connection.prepare_cached(sql)?;
        let key = (name.as_str(), code_version.as_str());
        Ok(statement.query_row(key, |row| row.get(0)).optional()?)
    }

    /// The deployments that `page` asks for, newest first.
    pub fn history(&self, page: &HistoryPage) -> Result<Vec<DeploymentRecord>, StoreError> {
        let before = page.before.map_or(i64::MAX, |id| i64::try_from(id).unwrap_or(i64::MAX));
        let mut records = Vec::new();
        // One environment at a time: within it the index has the order that is asked for.
        for environment in Environment::ALL {
            if page.environment.is_some_and(|asked| asked != environment) {
                continue;
            }
            let sql = "SELECT id, shares, created, access_key FROM deployment \
                       LEFT JOIN deployed_by ON deployment = id \
                       WHERE routine = ? AND environment = ? AND id < ? ORDER BY id DESC LIMIT ?";
            let key = (page.name.as_str(), environment.as_str(), before, page.limit);
            self.each("deployment", 1, sql, key, |cells| {
                let deployment = cells.deployment(0)?;
                let by = cells.parse_optional(3, AccessKeyId::new)?;
                records.push(DeploymentRecord { deployment, environment, by });
                Ok(())
            })?;
        }
        records.sort_by_key(|record| std::cmp::Reverse(record.deployment.id));
        records.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
        Ok(records)
    }

    /// One deployment of an environment.
    pub fn deployment(
        &self,
        name: &RoutineName,
        environment: Environment,
        id: DeploymentId,
    ) -> Result<Option<Deployment>, StoreError> {
        let sql = "SELECT id, shares, created FROM deployment \
                   WHERE routine = ? AND environment = ? AND id = ?";
        // A number beyond what a row can have is nobody's.
        let id = i64::try_from(id.0).unwrap_or(-1);
        let mut found = None;
        self.each("deployment", 1, sql, (name.as_str(), environment.as_str(), id), |cells| {
            found = Some(cells.deployment(0)?);
            Ok(())
        })?;
        Ok(found)
    }

    fn routines(&self) -> Result<BTreeMap<RoutineName, Routine>, StoreError> {
        let mut routines = BTreeMap::new();
        let sql = "SELECT name, description, has_assets, created, origin, \
                   routes, sticky, sticky_declared, cohort, cohort_declared FROM routine";
        self.each("routine", 1, sql, [], |cells| {
            let name = cells.parse(0, RoutineName::new)?;
            let routine = Routine {
                name: name.clone(),
                description: cells.get(1)?,
                has_assets: cells.get(2)?,
                created: Timestamp(cells.get(3)?),
                origin: cells.parse(4, origin)?,
                routes: cells.parse(5, routes)?,
                sticky: cells.parse(6, sticky)?,
                sticky_declared: cells.get(7)?,
                cohort: cells.get(8)?,
                cohort_declared: cells.get(9)?,
                versions: OrdMap::new(),
                staged: None,
                records: OrdMap::new(),
                variables: [OrdMap::new(), OrdMap::new()],
                live: [None, None],
            };
            routines.insert(name, routine);
            Ok(())
        })?;
        Ok(routines)
    }

    fn versions(&self, routines: &mut BTreeMap<RoutineName, Routine>) -> Result<(), StoreError> {
        let sql = "SELECT routine, code_version, description, created, \
                   upstream, upstream_declared, origin, \
                   status, extra_info, build_id, deploy_env, has_variables, not_found_strategy, \
                   asset_files, asset_bytes FROM version";
        self.each("version", 2, sql, [], |cells| {
            let version = Version {
                code_version: cells.parse(1, CodeVersion::new)?,
                description: cells.get(2)?,
                created: Timestamp(cells.get(3)?),
                upstream: cells.parse_optional(4, Upstream::new)?,
                upstream_declared: cells.get(5)?,
                origin: cells.parse(6, origin)?,
                status: cells.parse(7, version_status)?,
                making: cells.making(8)?,
            };
            let code_version = version.code_version.clone();
            let routine = routine_of(routines, cells)?;
            routine.versions.insert(code_version, Arc::new(version));
            Ok(())
        })
    }

    fn staged_code(&self, routines: &mut BTreeMap<RoutineName, Routine>) -> Result<(), StoreError> {
        let sql = "SELECT routine, description, upstream FROM staged_code";
        self.each("staged_code", 1, sql, [], |cells| {
            let staged = StagedCode {
                description: cells.get(1)?,
                upstream: cells.parse_optional(2, Upstream::new)?,
            };
            routine_of(routines, cells)?.staged = Some(staged);
            Ok(())
        })
    }

    fn environments(
        &self,
        routines: &mut BTreeMap<RoutineName, Routine>,
        catalog: &mut Catalog,
    ) -> Result<(), StoreError> {
        let sql = "SELECT e.routine, e.environment, e.live, d.id, d.shares, d.created \
                   FROM environment e LEFT JOIN deployment d ON d.id = e.live";
        self.each("environment", 2, sql, [], |cells| {
            let name = cells.parse(0, RoutineName::new)?;
            let environment = cells.parse(1, environment)?;
            catalog.ever_deployed.insert((name, environment));
            if cells.get::<Option<i64>>(2)?.is_none() {
                return Ok(());
            }
            let deployment = cells.deployment(3)?;
            let routine = routine_of(routines, cells)?;
            // The table is compiled on this.
            if let Some(missing) = routine.missing(&deployment.shares) {
                let why = format!("it serves code version `{missing}`, which does not exist");
                return Err(cells.corrupt(&why));
            }
            routine.live[environment.index()] = Some(Arc::new(deployment));
            Ok(())
        })
    }

    pub(super) fn each(
        &self,
        table: &'static str,
        key_columns: usize,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&Cells<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            read(&Cells { row, table, key_columns })?;
        }
        Ok(())
    }
}

/// The routine that a row belongs to, by its first column.
pub(super) fn routine_of<'r>(
    routines: &'r mut BTreeMap<RoutineName, Routine>,
    cells: &Cells<'_>,
) -> Result<&'r mut Routine, StoreError> {
    let routine = routines.get_mut(cells.text(0)?);
    routine.ok_or_else(|| cells.corrupt(&"it belongs to no routine"))
}
