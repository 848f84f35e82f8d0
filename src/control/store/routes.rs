//! Records and routes of routines in the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::Connection;

use super::rows::Cells;
use super::write::execute;
use super::{Store, StoreError};
use crate::model::{
    Catalog, ConfigId, Domain, Record, RecordOwner, RouteMode, RouteTimeout, Routine, RoutineName,
    RoutineRoute, Rule, Timestamp,
};

impl Store {
    /// Reads every record into its routine, and its host into `catalog`.
    pub(super) fn records(
        &self,
        routines: &mut BTreeMap<RoutineName, Routine>,
        catalog: &mut Catalog,
    ) -> Result<(), StoreError> {
        let sql = "SELECT routine, host, id, site, created FROM routine_record";
        self.each("routine_record", 2, sql, [], |cells| {
            let record = Record {
                host: cells.parse(1, Domain::new)?,
                id: cells.get(2)?,
                site: cells.site(3)?,
                created: Timestamp(cells.get(4)?),
            };
            let routine = routines.get_mut(cells.text(0)?);
            let routine = routine.ok_or_else(|| cells.corrupt(&"it belongs to no routine"))?;
            let owner = RecordOwner::Routine(routine.name.clone());
            catalog.bound_hosts.insert(record.host.clone(), owner);
            routine.records.insert(record.host.clone(), Arc::new(record));
            Ok(())
        })
    }

    /// Reads every route into `catalog`, whose routines are known.
    pub(super) fn routes(&self, catalog: &mut Catalog) -> Result<(), StoreError> {
        let sql = "SELECT site, id, routine, name, enabled, rule, mode, bypass, fallback, \
                   sequence, timeout, created FROM routine_route";
        self.each("routine_route", 2, sql, [], |cells| {
            let route = route(cells)?;
            if !catalog.routines.contains_key(&route.routine) {
                return Err(cells.corrupt(&"it leads to no routine"));
            }
            let key = (route.site, route.id);
            catalog.routes_of.insert((route.routine.clone(), key.0, key.1));
            catalog.site_routes.insert(key, Arc::new(route));
            Ok(())
        })
    }
}

fn route(cells: &Cells<'_>) -> Result<RoutineRoute, StoreError> {
    let rule_text: String = cells.get(5)?;
    let timeout: Option<u8> = cells.get(10)?;
    let timeout = timeout.map(|seconds| {
        let timeout = RouteTimeout::new(seconds.into());
        timeout.ok_or_else(|| cells.corrupt(&format!("{seconds} seconds are no timeout")))
    });
    let mode = |text: &str| RouteMode::new(text).ok_or_else(|| format!("`{text}` is no mode"));
    Ok(RoutineRoute {
        site: cells.site(0)?,
        id: ConfigId(cells.get(1)?),
        routine: cells.parse(2, RoutineName::new)?,
        name: cells.get(3)?,
        enabled: cells.get(4)?,
        rule: Rule::parse(&rule_text).map_err(|error| cells.corrupt(&error))?,
        rule_text,
        mode: cells.parse(6, mode)?,
        bypass: cells.get(7)?,
        fallback: cells.get(8)?,
        sequence: cells.get(9)?,
        timeout: timeout.transpose()?,
        created: Timestamp(cells.get(11)?),
    })
}

pub(super) fn write_record(
    to: &Connection,
    name: &RoutineName,
    record: &Record,
) -> rusqlite::Result<()> {
    execute(
        to,
        "INSERT INTO routine_record (routine, host, id, site, created) VALUES (?, ?, ?, ?, ?)",
        (name.as_str(), record.host.as_str(), record.id, record.site.get(), record.created.0),
    )
}

pub(super) fn write_route(to: &Connection, route: &RoutineRoute) -> rusqlite::Result<()> {
    execute(
        to,
        "INSERT INTO routine_route \
         (site, id, routine, name, enabled, rule, mode, bypass, fallback, sequence, timeout, \
         created) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT DO UPDATE SET \
         routine = excluded.routine, name = excluded.name, enabled = excluded.enabled, \
         rule = excluded.rule, mode = excluded.mode, bypass = excluded.bypass, \
         fallback = excluded.fallback, sequence = excluded.sequence, \
         timeout = excluded.timeout, created = excluded.created",
        (
            route.site.get(),
            route.id.0,
            route.routine.as_str(),
            &route.name,
            route.enabled,
            &route.rule_text,
            route.mode.as_str(),
            route.bypass,
            route.fallback,
            route.sequence,
            route.timeout.map(RouteTimeout::seconds),
            route.created.0,
        ),
    )
}
