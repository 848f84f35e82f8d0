//! Apps in the store: written a change at a time, read whole, their history by page.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::OrdMap;
use rusqlite::Connection;

use super::rows::{Cells, environment, reach, sticky, text_of_reach, text_of_sticky};
use super::write::execute;
use super::{Store, StoreError};
use crate::control::app_change::AppChange;
use crate::control::app_command::PublishRecord;
use crate::control::handle::AppHistoryPage;
use crate::model::{
    AccessKeyId, AppId, AppName, AppVersion, Catalog, Domain, EdgeContainerApp, Environment,
    Publish, Record, RecordOwner, ScheduledPublish, Timestamp, Upstream, VersionId,
};

type Apps = BTreeMap<AppId, EdgeContainerApp>;

impl Store {
    /// Reads every app into `catalog`.
    pub(super) fn apps(&self, catalog: &mut Catalog) -> Result<(), StoreError> {
        let mut apps = self.app_rows()?;
        self.app_versions(&mut apps)?;
        self.app_records(&mut apps, catalog)?;
        self.app_environments(&mut apps)?;
        self.scheduled_publishes(&mut apps, catalog)?;
        for (id, app) in apps {
            catalog.app_names.insert(app.name.clone(), id.clone());
            catalog.apps.insert(id, Arc::new(app));
        }
        self.each("deleted_app", 1, "SELECT id FROM deleted_app", [], |cells| {
            catalog.deleted_apps.insert(cells.parse(0, AppId::new)?);
            Ok(())
        })?;
        let deleted = "SELECT app, version FROM deleted_app_version";
        self.each("deleted_app_version", 2, deleted, [], |cells| {
            let (app, version) = (cells.parse(0, AppId::new)?, cells.parse(1, VersionId::new)?);
            catalog.deleted_app_versions.insert((app, version));
            Ok(())
        })
    }

    /// The publishes that `page` asks for, newest first.
    pub fn app_history(&self, page: &AppHistoryPage) -> Result<Vec<PublishRecord>, StoreError> {
        let before = page.before.map_or(i64::MAX, |id| i64::try_from(id).unwrap_or(i64::MAX));
        let mut records = Vec::new();
        for environment in Environment::ALL {
            if page.environment.is_some_and(|asked| asked != environment) {
                continue;
            }
            let sql = "SELECT id, version, reach, rest, baseline, rollback, remarks, created, \
                       access_key FROM publish LEFT JOIN deployed_by ON deployment = id \
                       WHERE app = ? AND environment = ? AND id < ? ORDER BY id DESC LIMIT ?";
            let key = (page.id.as_str(), environment.as_str(), before, page.limit);
            self.each("publish", 1, sql, key, |cells| {
                let publish = Arc::new(cells.publish(0)?);
                let by = cells.parse_optional(8, AccessKeyId::new)?;
                records.push(PublishRecord { publish, environment, by });
                Ok(())
            })?;
        }
        records.sort_by_key(|record| std::cmp::Reverse(record.publish.id));
        records.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
        Ok(records)
    }

    fn app_rows(&self) -> Result<Apps, StoreError> {
        let mut apps = BTreeMap::new();
        let sql = "SELECT id, name, remarks, service_port, target_port, health_check, created, \
                   updated, declared, sticky, cohort FROM app";
        self.each("app", 1, sql, [], |cells| {
            let id = cells.parse(0, AppId::new)?;
            let app = EdgeContainerApp {
                id: id.clone(),
                name: cells.parse(1, AppName::new)?,
                remarks: cells.get(2)?,
                service_port: cells.get(3)?,
                target_port: cells.get(4)?,
                health_check: cells.get(5)?,
                created: Timestamp(cells.get(6)?),
                updated: Timestamp(cells.get(7)?),
                declared: cells.get(8)?,
                sticky: cells.parse(9, sticky)?,
                cohort: cells.get(10)?,
                versions: OrdMap::new(),
                records: OrdMap::new(),
                live: [None, None],
                scheduled: Vec::new(),
            };
            apps.insert(id, app);
            Ok(())
        })?;
        Ok(apps)
    }

    fn app_versions(&self, apps: &mut Apps) -> Result<(), StoreError> {
        let sql = "SELECT app, version, name, remarks, containers, created, updated, published, \
                   last_published, upstream, declared FROM app_version";
        self.each("app_version", 2, sql, [], |cells| {
            let version = AppVersion {
                version_id: cells.parse(1, VersionId::new)?,
                name: cells.get(2)?,
                remarks: cells.get(3)?,
                containers: cells.get(4)?,
                created: Timestamp(cells.get(5)?),
                updated: Timestamp(cells.get(6)?),
                published: cells.get::<Option<i64>>(7)?.map(Timestamp),
                last_published: cells.get::<Option<i64>>(8)?.map(Timestamp),
                upstream: cells.parse_optional(9, Upstream::new)?,
                declared: cells.get(10)?,
            };
            let app = app_of(apps, cells)?;
            app.versions.insert(version.version_id.clone(), Arc::new(version));
            Ok(())
        })
    }

    fn app_records(&self, apps: &mut Apps, catalog: &mut Catalog) -> Result<(), StoreError> {
        let sql = "SELECT app, host, id, site, created FROM app_record";
        self.each("app_record", 2, sql, [], |cells| {
            let record = Record {
                host: cells.parse(1, Domain::new)?,
                id: cells.get(2)?,
                site: cells.site(3)?,
                created: Timestamp(cells.get(4)?),
            };
            let app = app_of(apps, cells)?;
            catalog.bound_hosts.insert(record.host.clone(), RecordOwner::App(app.id.clone()));
            app.records.insert(record.host.clone(), Arc::new(record));
            Ok(())
        })
    }

    fn app_environments(&self, apps: &mut Apps) -> Result<(), StoreError> {
        let sql = "SELECT e.app, e.environment, p.id, p.version, p.reach, p.rest, p.baseline, \
                   p.rollback, p.remarks, p.created \
                   FROM app_environment e JOIN publish p ON p.id = e.live";
        self.each("app_environment", 2, sql, [], |cells| {
            let environment = cells.parse(1, environment)?;
            let publish = cells.publish(2)?;
            let app = app_of(apps, cells)?;
            // The table is compiled on this.
            if let Some(missing) = missing(app, &publish) {
                let why = format!("it serves version `{missing}`, which does not exist");
                return Err(cells.corrupt(&why));
            }
            app.live[environment.index()] = Some(Arc::new(publish));
            Ok(())
        })
    }

    fn scheduled_publishes(
        &self,
        apps: &mut Apps,
        catalog: &mut Catalog,
    ) -> Result<(), StoreError> {
        let sql = "SELECT app, number, environment, version, reach, remarks, start \
                   FROM scheduled_publish ORDER BY start, number";
        self.each("scheduled_publish", 2, sql, [], |cells| {
            let scheduled = ScheduledPublish {
                number: cells.get(1)?,
                environment: cells.parse(2, environment)?,
                version: cells.parse(3, VersionId::new)?,
                reach: cells.parse(4, reach)?,
                remarks: cells.get(5)?,
                start: Timestamp(cells.get(6)?),
            };
            let app = app_of(apps, cells)?;
            if !app.versions.contains_key(&scheduled.version) {
                let why = format!("version `{}` does not exist", scheduled.version);
                return Err(cells.corrupt(&why));
            }
            catalog.schedule.insert((scheduled.start, scheduled.number, app.id.clone()));
            app.scheduled.push(Arc::new(scheduled));
            Ok(())
        })
    }
}

/// The app that a row belongs to, by its first column.
fn app_of<'a>(
    apps: &'a mut Apps,
    cells: &Cells<'_>,
) -> Result<&'a mut EdgeContainerApp, StoreError> {
    let app = apps.get_mut(cells.text(0)?);
    app.ok_or_else(|| cells.corrupt(&"it belongs to no app"))
}

/// A version that `publish` needs and `app` does not have.
fn missing<'p>(app: &EdgeContainerApp, publish: &'p Publish) -> Option<&'p VersionId> {
    let named = [Some(&publish.version), publish.rest.as_ref(), publish.baseline.as_ref()];
    let missing = |named: &&VersionId| publish.needs(named) && !app.versions.contains_key(*named);
    named.into_iter().flatten().find(missing)
}

pub(super) fn write_app_change(to: &Connection, change: &AppChange) -> rusqlite::Result<()> {
    match change {
        AppChange::App(app) => write_app(to, app),
        AppChange::AppGone(id, _) => {
            // What belongs to it goes with it; its history stays.
            execute(to, "DELETE FROM app WHERE id = ?", [id.as_str()])
        }
        AppChange::Version(id, version) => write_version(to, id, version),
        AppChange::VersionGone(id, version) => execute(
            to,
            "DELETE FROM app_version WHERE app = ? AND version = ?",
            (id.as_str(), version.as_str()),
        ),
        AppChange::Record(id, record) => execute(
            to,
            "INSERT INTO app_record (app, host, id, site, created) VALUES (?, ?, ?, ?, ?)",
            (id.as_str(), record.host.as_str(), record.id, record.site.get(), record.created.0),
        ),
        AppChange::RecordGone(id, host) => execute(
            to,
            "DELETE FROM app_record WHERE app = ? AND host = ?",
            (id.as_str(), host.as_str()),
        ),
        AppChange::Published(id, environment, publish) => {
            write_publish(to, id, *environment, publish)
        }
        AppChange::Scheduled(id, scheduled) => execute(
            to,
            "INSERT INTO scheduled_publish \
             (number, app, environment, version, reach, remarks, start) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                scheduled.number,
                id.as_str(),
                scheduled.environment.as_str(),
                scheduled.version.as_str(),
                text_of_reach(&scheduled.reach),
                &scheduled.remarks,
                scheduled.start.0,
            ),
        ),
        AppChange::ScheduleGone(_, number) => {
            execute(to, "DELETE FROM scheduled_publish WHERE number = ?", [number])
        }
        AppChange::AppBuried(id) => {
            execute(to, "INSERT OR IGNORE INTO deleted_app (id) VALUES (?)", [id.as_str()])?;
            execute(to, "DELETE FROM deleted_app_version WHERE app = ?", [id.as_str()])
        }
        AppChange::VersionBuried(id, version) => execute(
            to,
            "INSERT OR IGNORE INTO deleted_app_version (app, version) VALUES (?, ?)",
            (id.as_str(), version.as_str()),
        ),
    }
}

fn write_app(to: &Connection, app: &EdgeContainerApp) -> rusqlite::Result<()> {
    execute(
        to,
        "INSERT INTO app \
         (id, name, remarks, service_port, target_port, health_check, created, updated, declared, \
         sticky, cohort) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT DO UPDATE SET \
         name = excluded.name, remarks = excluded.remarks, \
         service_port = excluded.service_port, target_port = excluded.target_port, \
         health_check = excluded.health_check, created = excluded.created, \
         updated = excluded.updated, declared = excluded.declared, sticky = excluded.sticky, \
         cohort = excluded.cohort",
        (
            app.id.as_str(),
            app.name.as_str(),
            &app.remarks,
            app.service_port,
            app.target_port,
            &app.health_check,
            app.created.0,
            app.updated.0,
            app.declared,
            text_of_sticky(&app.sticky),
            &app.cohort,
        ),
    )
}

fn write_version(to: &Connection, id: &AppId, version: &AppVersion) -> rusqlite::Result<()> {
    execute(
        to,
        "INSERT INTO app_version \
         (app, version, name, remarks, containers, created, updated, published, last_published, \
         upstream, declared) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT DO UPDATE SET \
         name = excluded.name, remarks = excluded.remarks, containers = excluded.containers, \
         created = excluded.created, updated = excluded.updated, \
         published = excluded.published, last_published = excluded.last_published, \
         upstream = excluded.upstream, declared = excluded.declared",
        (
            id.as_str(),
            version.version_id.as_str(),
            &version.name,
            &version.remarks,
            &version.containers,
            version.created.0,
            version.updated.0,
            version.published.map(|moment| moment.0),
            version.last_published.map(|moment| moment.0),
            version.upstream.as_ref().map(Upstream::as_str),
            version.declared,
        ),
    )
}

fn write_publish(
    to: &Connection,
    app: &AppId,
    environment: Environment,
    publish: &Publish,
) -> rusqlite::Result<()> {
    // Ids count up from 1, one a publish: they do not reach what a row cannot hold.
    let id = i64::try_from(publish.id.0).unwrap_or(i64::MAX);
    execute(
        to,
        "INSERT INTO publish \
         (id, app, environment, version, reach, rest, baseline, rollback, remarks, created) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            id,
            app.as_str(),
            environment.as_str(),
            publish.version.as_str(),
            text_of_reach(&publish.reach),
            publish.rest.as_ref().map(VersionId::as_str),
            publish.baseline.as_ref().map(VersionId::as_str),
            publish.rollback,
            &publish.remarks,
            publish.created.0,
        ),
    )?;
    execute(
        to,
        "INSERT INTO app_environment (app, environment, live) VALUES (?, ?, ?) \
         ON CONFLICT DO UPDATE SET live = excluded.live",
        (app.as_str(), environment.as_str(), id),
    )
}
