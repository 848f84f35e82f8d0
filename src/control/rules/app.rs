//! Edge container apps: made, bound to hosts, deleted; and their versions.

use std::sync::Arc;

use imbl::OrdMap;

use super::Outcome;
use super::mint::mint_number;
use super::publish::{publish, roll_back};
use super::record::bind;
use crate::control::app_change::AppChange;
use crate::control::app_command::{AppCommand, AppRefused, NewApp, NewAppVersion};
use crate::control::change::Change;
use crate::control::command::{Refused, Reply};
use crate::model::{
    AppId, AppName, AppVersion, Catalog, Domain, EdgeContainerApp, RecordOwner, RoutineName,
    SiteId, Sticky, Timestamp, Upstream, VersionId,
};

pub(super) fn apply(catalog: &mut Catalog, command: AppCommand, now: Timestamp) -> Outcome {
    match command {
        AppCommand::Create(new) => create(catalog, new, now),
        AppCommand::Delete { id } => delete(catalog, id),
        AppCommand::Revise { id, sticky, cohort } => revise(catalog, &id, now, |app| {
            if let Some(sticky) = sticky {
                app.sticky = sticky;
            }
            if let Some(cohort) = cohort {
                app.cohort = cohort;
            }
        }),
        AppCommand::AddVersion { id, version } => add_version(catalog, &id, version, now),
        AppCommand::BindVersion { id, version_id, upstream } => {
            bind_version(catalog, &id, version_id, upstream, now)
        }
        AppCommand::DeleteVersion { id, version_id } => delete_version(catalog, id, version_id),
        AppCommand::AddRecord { id, host, site } => add_record(catalog, id, host, site, now),
        AppCommand::DeleteRecord { id, host } => delete_record(catalog, id, host),
        AppCommand::Publish { id, environment, version_id, reach, remarks, start } => {
            publish(catalog, &id, environment, version_id, reach, remarks, start, now)
        }
        AppCommand::Rollback { id, environment, version_id, percent, remarks } => {
            roll_back(catalog, &id, environment, version_id, percent, remarks, now)
        }
    }
}

/// Whether an app has this name, which no routine can have then.
pub(super) fn app_named(catalog: &Catalog, name: &RoutineName) -> Option<AppName> {
    let found = catalog.app_names.get_key_value(name.as_str());
    found.map(|(name, _)| name.clone())
}

fn create(catalog: &mut Catalog, new: NewApp, now: Timestamp) -> Outcome {
    check_name(catalog, &new.name)?;
    let id = loop {
        let number = mint_number(catalog, now)?;
        let id = AppId::new(&format!("app-{number:019}")).expect("19 digits make an app id");
        if !catalog.apps.contains_key(&id) && !catalog.deleted_apps.contains(&id) {
            break id;
        }
    };
    let app = EdgeContainerApp {
        id,
        name: new.name,
        remarks: new.remarks,
        service_port: new.service_port,
        target_port: new.target_port,
        health_check: new.health_check,
        created: now,
        updated: now,
        declared: false,
        sticky: Sticky::default(),
        cohort: String::new(),
        versions: OrdMap::new(),
        records: OrdMap::new(),
        live: [None, None],
        scheduled: Vec::new(),
    };
    let app = put(catalog, app);
    let changes =
        vec![Change::App(AppChange::App(app.clone())), Change::Minted(catalog.last_minted)];
    Ok((changes, Reply::App(app)))
}

/// Refuses a name that an app or a routine has: both are reached by it.
pub(super) fn check_name(catalog: &Catalog, name: &AppName) -> Result<(), Refused> {
    if catalog.app_names.contains_key(name) {
        return Err(AppRefused::AppExists(name.clone()).into());
    }
    match catalog.routines.get_key_value(name.as_str()) {
        Some((taken, _)) => Err(Refused::RoutineExists(taken.clone())),
        None => Ok(()),
    }
}

fn delete(catalog: &mut Catalog, id: AppId) -> Outcome {
    let name = forget(catalog, &id)?;
    for version in deleted_versions_of(catalog, &id) {
        catalog.deleted_app_versions.remove(&(id.clone(), version));
    }
    catalog.deleted_apps.insert(id.clone());
    let changes = [AppChange::AppGone(id.clone(), name), AppChange::AppBuried(id)];
    Ok((changes.map(Change::App).into(), Reply::Done))
}

/// Takes an app out of the catalog.
pub(super) fn forget(catalog: &mut Catalog, id: &AppId) -> Result<AppName, Refused> {
    let app = catalog.apps.remove(id).ok_or_else(|| AppRefused::NoApp(id.clone()))?;
    catalog.app_names.remove(&app.name);
    for host in app.records.keys() {
        catalog.bound_hosts.remove(host);
    }
    for waiting in &app.scheduled {
        catalog.schedule.remove(&(waiting.start, waiting.number, id.clone()));
    }
    Ok(app.name.clone())
}

fn deleted_versions_of(catalog: &Catalog, id: &AppId) -> Vec<VersionId> {
    // Ids are never given twice, and a config can declare this one alone.
    let deleted = catalog.deleted_app_versions.iter().filter(|(of, _)| of == id);
    deleted.map(|(_, version)| version.clone()).collect()
}

fn revise(
    catalog: &mut Catalog,
    id: &AppId,
    now: Timestamp,
    revision: impl FnOnce(&mut EdgeContainerApp),
) -> Outcome {
    let mut app = existing(catalog, id)?;
    revision(&mut app);
    app.updated = now;
    let app = put(catalog, app);
    Ok((vec![Change::App(AppChange::App(app.clone()))], Reply::App(app)))
}

fn add_version(catalog: &mut Catalog, id: &AppId, new: NewAppVersion, now: Timestamp) -> Outcome {
    let app = existing(catalog, id)?;
    let version_id = loop {
        let number = mint_number(catalog, now)?;
        let version =
            VersionId::new(&format!("ver-{number:019}")).expect("19 digits make a version id");
        let key = (id.clone(), version);
        // Whoever deleted a version by this id meant another one.
        if !app.versions.contains_key(&key.1) && !catalog.deleted_app_versions.contains(&key) {
            break key.1;
        }
    };
    let version = AppVersion {
        version_id,
        name: new.name,
        remarks: new.remarks,
        containers: new.containers,
        created: now,
        updated: now,
        published: None,
        last_published: None,
        upstream: new.upstream,
        declared: false,
    };
    let (change, version) = put_version(catalog, app, version);
    Ok((vec![change, Change::Minted(catalog.last_minted)], Reply::AppVersion(version)))
}

fn bind_version(
    catalog: &mut Catalog,
    id: &AppId,
    version_id: VersionId,
    upstream: Option<Upstream>,
    now: Timestamp,
) -> Outcome {
    let app = existing(catalog, id)?;
    let Some(version) = app.versions.get(&version_id) else {
        return Err(AppRefused::NoVersion(id.clone(), version_id).into());
    };
    let version = AppVersion { upstream, updated: now, ..AppVersion::clone(version) };
    let (change, version) = put_version(catalog, app, version);
    Ok((vec![change], Reply::AppVersion(version)))
}

fn delete_version(catalog: &mut Catalog, id: AppId, version_id: VersionId) -> Outcome {
    let mut app = existing(catalog, &id)?;
    if !app.versions.contains_key(&version_id) {
        return Err(AppRefused::NoVersion(id, version_id).into());
    }
    let needing = app.needing(&version_id).next();
    if let Some(environment) = needing {
        return Err(AppRefused::VersionNeeded(version_id, environment).into());
    }
    app.versions.remove(&version_id);
    put(catalog, app);
    catalog.deleted_app_versions.insert((id.clone(), version_id.clone()));
    let changes = [
        AppChange::VersionGone(id.clone(), version_id.clone()),
        AppChange::VersionBuried(id, version_id),
    ];
    Ok((changes.map(Change::App).into(), Reply::Done))
}

fn add_record(
    catalog: &mut Catalog,
    id: AppId,
    host: Domain,
    site: SiteId,
    now: Timestamp,
) -> Outcome {
    let mut app = existing(catalog, &id)?;
    let record = bind(catalog, host.clone(), site, RecordOwner::App(id.clone()), now)?;
    app.records.insert(host, record.clone());
    put(catalog, app);
    let changes =
        vec![Change::App(AppChange::Record(id, record)), Change::Minted(catalog.last_minted)];
    Ok((changes, Reply::Done))
}

fn delete_record(catalog: &mut Catalog, id: AppId, host: Domain) -> Outcome {
    let mut app = existing(catalog, &id)?;
    if app.records.remove(&host).is_none() {
        return Err(AppRefused::NoRecord(id, host).into());
    }
    put(catalog, app);
    catalog.bound_hosts.remove(&host);
    Ok((vec![Change::App(AppChange::RecordGone(id, host))], Reply::Done))
}

/// A copy of the app, to be changed and put back.
pub(super) fn existing(catalog: &Catalog, id: &AppId) -> Result<EdgeContainerApp, Refused> {
    let app = catalog.app(id).ok_or_else(|| AppRefused::NoApp(id.clone()))?;
    Ok(EdgeContainerApp::clone(app))
}

pub(super) fn put(catalog: &mut Catalog, app: EdgeContainerApp) -> Arc<EdgeContainerApp> {
    let app = Arc::new(app);
    catalog.app_names.insert(app.name.clone(), app.id.clone());
    catalog.apps.insert(app.id.clone(), app.clone());
    app
}

pub(super) fn put_version(
    catalog: &mut Catalog,
    mut app: EdgeContainerApp,
    version: AppVersion,
) -> (Change, Arc<AppVersion>) {
    let version = Arc::new(version);
    app.versions.insert(version.version_id.clone(), version.clone());
    let app = put(catalog, app);
    (Change::App(AppChange::Version(app.id.clone(), version.clone())), version)
}
