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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{Change, Command, NewRoute, RouteRevision, WrittenRule, apply};
    use crate::model::{Site, SiteId};

    fn name(text: &str) -> RoutineName {
        RoutineName::new(text).unwrap()
    }

    fn site() -> SiteId {
        SiteId::new(7).unwrap()
    }

    fn written(text: &str) -> WrittenRule {
        let rule = Rule::parse(text).unwrap();
        WrittenRule { text: text.to_owned(), rule, mode: RouteMode::Custom }
    }

    fn new_route(routine: &str, rule: &str) -> Command {
        Command::AddRoute(NewRoute {
            site: site(),
            routine: name(routine),
            name: "api".to_owned(),
            enabled: true,
            rule: written(rule),
            bypass: false,
            fallback: true,
            sequence: None,
            timeout: RouteTimeout::new(30),
        })
    }

    /// A catalog with records and routes of two routines, and how it came about.
    fn catalog(commands: impl IntoIterator<Item = Command>) -> (Catalog, Vec<Change>) {
        let mut catalog = Catalog::default();
        let domain = Domain::new("a.test").unwrap();
        catalog.sites.insert(site(), Arc::new(Site { id: site(), name: domain, origin: None }));
        let create = |routine: &str| Command::CreateRoutine {
            name: name(routine),
            description: String::new(),
            has_assets: false,
        };
        let bind = |routine: &str, host: &str| Command::AddRecord {
            name: name(routine),
            host: Domain::new(host).unwrap(),
            site: site(),
        };
        let first = [
            create("shop"),
            create("cart"),
            bind("shop", "www.a.test"),
            bind("cart", "cart.a.test"),
            new_route("shop", r#"http.host eq "x.a.test" and http.cookie contains "beta=1""#),
            new_route("cart", "true"),
            new_route("shop", r#"http.request.uri.path matches "\.html$""#),
        ];
        let mut changes = Vec::new();
        for command in first.into_iter().chain(commands) {
            changes.extend(apply(&mut catalog, command, None, Timestamp(9)).unwrap().changes);
        }
        (catalog, changes)
    }

    fn reloaded(changes: &[Change]) -> (Store, Catalog) {
        let mut store = Store::in_memory().unwrap();
        store.save(changes).unwrap();
        let read = store.load().unwrap();
        (store, read)
    }

    #[track_caller]
    fn assert_same(read: &Catalog, written: &Catalog) {
        assert_eq!(read.routines, written.routines);
        assert_eq!(read.bound_hosts, written.bound_hosts);
        assert_eq!(read.site_routes, written.site_routes);
        assert_eq!(read.routes_of, written.routes_of);
    }

    #[test]
    fn records_and_routes_are_read_as_they_were_written() {
        let (written, changes) = catalog([]);
        assert_eq!((written.bound_hosts.len(), written.site_routes.len()), (2, 3));
        assert_same(&reloaded(&changes).1, &written);
    }

    #[test]
    fn a_revision_and_a_deletion_are_stored() {
        let (before, _) = catalog([]);
        let ids: Vec<_> = before.routes_of_routine(&name("shop")).map(|route| route.id).collect();
        let record = before.routine(&name("shop")).unwrap().records["www.a.test"].id;
        let revision = RouteRevision {
            routine: Some(name("cart")),
            name: Some("moved".to_owned()),
            enabled: Some(false),
            rule: Some(written("ssl")),
            bypass: Some(true),
            sequence: Some(9),
            ..RouteRevision::default()
        };
        let (written, changes) = catalog([
            Command::ReviseRoute { site: site(), id: ids[0], revision },
            Command::DeleteRoute { site: site(), id: ids[1], of: None },
            Command::DeleteRecord {
                name: name("shop"),
                host: Domain::new("www.a.test").unwrap(),
                site: site(),
                id: record,
            },
        ]);
        assert_eq!((written.bound_hosts.len(), written.site_routes.len()), (1, 2));
        assert_eq!(written.routes_of_routine(&name("shop")).count(), 0);
        assert_same(&reloaded(&changes).1, &written);
    }

    #[test]
    fn what_belongs_to_a_routine_goes_with_it() {
        let (written, changes) = catalog([Command::DeleteRoutine { name: name("shop") }]);
        assert_eq!((written.bound_hosts.len(), written.site_routes.len()), (1, 1));
        assert_same(&reloaded(&changes).1, &written);
    }

    #[test]
    fn a_row_that_means_nothing_is_named() {
        let (_, changes) = catalog([]);
        for (sql, table) in [
            ("UPDATE routine_route SET rule = 'moon'", "routine_route"),
            ("UPDATE routine_route SET timeout = 4", "routine_route"),
            ("UPDATE routine_route SET mode = 'moon'", "routine_route"),
            ("UPDATE routine_route SET site = 0 WHERE rule = 'true'", "routine_route"),
            ("UPDATE routine_record SET host = '*.moon'", "routine_record"),
            ("UPDATE routine_record SET site = -1", "routine_record"),
        ] {
            let (store, _) = reloaded(&changes);
            store.connection.execute_batch(sql).unwrap();
            match store.load() {
                Err(StoreError::Corrupt { table: found, .. }) => assert_eq!(found, table, "{sql}"),
                other => panic!("{sql}: {other:?}"),
            }
        }
    }
}
