//! The apps of the config, at start and at a reload: it owns the shape of what it
//! declares, and nothing else.

use std::collections::{BTreeSet, HashSet};

use imbl::OrdMap;

use super::app::{check_name, existing, forget, put, put_version};
use super::declare::Warning;
use crate::control::app_change::AppChange;
use crate::control::change::Change;
use crate::model::{
    AppId, AppVersion, Catalog, DeclaredApp, DeclaredAppVersion, EdgeContainerApp, Sticky,
    Timestamp,
};

/// Makes the apps of `catalog` agree with what the config declares. Routines come
/// first, so that a declared one keeps its name.
pub(super) fn declare_apps(
    catalog: &mut Catalog,
    declared: Vec<DeclaredApp>,
    now: Timestamp,
) -> (Vec<Change>, Vec<Warning>) {
    let mut declaration = Declaration { catalog, now, changes: Vec::new(), warnings: Vec::new() };
    let ids: HashSet<_> = declared.iter().map(|app| app.id.clone()).collect();
    declaration.remove_all_but(&ids);
    for app in declared {
        declaration.app(app);
    }
    (declaration.changes, declaration.warnings)
}

/// Whether an app is live somewhere or soon, or holds what the API made.
fn is_in_use(app: &EdgeContainerApp) -> bool {
    app.live.iter().any(Option::is_some)
        || !app.scheduled.is_empty()
        || !app.records.is_empty()
        || app.versions.values().any(|version| !version.declared)
}

/// A declaration that is being carried out.
struct Declaration<'a> {
    catalog: &'a mut Catalog,
    now: Timestamp,
    changes: Vec<Change>,
    warnings: Vec<Warning>,
}

impl Declaration<'_> {
    fn remove_all_but(&mut self, declared: &HashSet<AppId>) {
        let all = self.catalog.apps.values();
        let undeclared: Vec<_> =
            all.filter(|app| app.declared && !declared.contains(&app.id)).cloned().collect();
        for app in undeclared {
            if is_in_use(&app) {
                let kept = EdgeContainerApp { declared: false, ..EdgeContainerApp::clone(&app) };
                let kept = put(self.catalog, kept);
                self.changes.push(Change::App(AppChange::App(kept)));
                self.warnings.push(Warning::AppKept(app.id.clone()));
            } else if let Ok(name) = forget(self.catalog, &app.id) {
                self.changes.push(Change::App(AppChange::AppGone(app.id.clone(), name)));
                self.warnings.push(Warning::AppRemoved(app.id.clone()));
            }
        }
    }

    fn app(&mut self, declared: DeclaredApp) {
        if self.catalog.deleted_apps.contains(&declared.id) {
            self.warnings.push(Warning::AppDeleted(declared.id));
            return;
        }
        let before = self.catalog.app(&declared.id).cloned();
        let renamed = before.as_ref().is_none_or(|before| before.name != declared.name);
        if renamed && let Err(refused) = check_name(self.catalog, &declared.name) {
            self.warnings.push(Warning::AppLeftOut(declared.id, refused.to_string()));
            return;
        }
        let mut app = match &before {
            Some(before) => EdgeContainerApp::clone(before),
            None => EdgeContainerApp {
                id: declared.id,
                name: declared.name.clone(),
                remarks: String::new(),
                service_port: 80,
                target_port: 80,
                health_check: "{}".to_owned(),
                created: self.now,
                updated: self.now,
                declared: true,
                sticky: Sticky::default(),
                cohort: String::new(),
                versions: OrdMap::new(),
                records: OrdMap::new(),
                live: [None, None],
                scheduled: Vec::new(),
            },
        };
        if renamed {
            self.catalog.app_names.remove(&app.name);
        }
        app.name = declared.name;
        app.declared = true;
        app.sticky = declared.sticky.unwrap_or(app.sticky);
        app.cohort = declared.cohort.unwrap_or(app.cohort);
        let id = app.id.clone();
        if before.is_none_or(|before| *before != app) {
            let app = put(self.catalog, app);
            self.changes.push(Change::App(AppChange::App(app)));
        }
        self.remove_versions(&id, &declared.versions);
        for version in declared.versions {
            self.version(&id, version);
        }
    }

    /// Removes what the config declared once and declares no longer, but nothing
    /// that requests go to, now or soon.
    fn remove_versions(&mut self, id: &AppId, declared: &[DeclaredAppVersion]) {
        let Ok(mut app) = existing(self.catalog, id) else { return };
        let declared: BTreeSet<_> = declared.iter().map(|version| &version.version_id).collect();
        let all = app.versions.values();
        let gone: Vec<_> = all
            .filter(|version| version.declared && !declared.contains(&version.version_id))
            .cloned()
            .collect();
        for version in gone {
            let version_id = version.version_id.clone();
            let needing = app.needing(&version_id).next();
            if let Some(environment) = needing {
                let kept = AppVersion { declared: false, ..AppVersion::clone(&version) };
                let (change, kept) = put_version(self.catalog, app.clone(), kept);
                app.versions.insert(version_id.clone(), kept);
                self.changes.push(change);
                self.warnings.push(Warning::AppVersionKept(id.clone(), version_id, environment));
            } else {
                app.versions.remove(&version_id);
                put(self.catalog, app.clone());
                let gone = AppChange::VersionGone(id.clone(), version_id);
                self.changes.push(Change::App(gone));
            }
        }
    }

    fn version(&mut self, id: &AppId, declared: DeclaredAppVersion) {
        let key = (id.clone(), declared.version_id);
        if self.catalog.deleted_app_versions.contains(&key) {
            self.warnings.push(Warning::AppVersionDeleted(key.0, key.1));
            return;
        }
        let Ok(app) = existing(self.catalog, id) else { return };
        let version = match app.versions.get(&key.1) {
            Some(same) if same.declared && same.upstream == declared.upstream => return,
            Some(other) => AppVersion {
                upstream: declared.upstream,
                declared: true,
                ..AppVersion::clone(other)
            },
            None => AppVersion {
                name: key.1.to_string(),
                version_id: key.1,
                remarks: String::new(),
                containers: "[]".to_owned(),
                created: self.now,
                updated: self.now,
                published: None,
                last_published: None,
                upstream: declared.upstream,
                declared: true,
            },
        };
        let (change, _) = put_version(self.catalog, app, version);
        self.changes.push(change);
    }
}
