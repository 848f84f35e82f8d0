//! The config, at start and at a reload: it owns the shape of what it declares, and nothing else.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::app::app_named;
use super::declare_app::declare_apps;
use crate::control::change::Change;
use crate::model::{
    AppId, Catalog, CodeVersion, Declared, DeclaredDeployment, DeclaredRoutine, DeclaredVersion,
    Deployment, Environment, Origin, Routine, RoutineName, Site, SiteId, Timestamp, Version,
    VersionId, VersionStatus,
};

/// What the operator should know: the config says one thing and the store another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    #[error(
        "routine `{0}` is declared but was deleted through the API, so it stays deleted: create it through the API to have it back"
    )]
    RoutineDeleted(RoutineName),
    #[error(
        "code version `{1}` of routine `{0}` is declared but was deleted through the API, so it stays deleted: add it through the API to have it back"
    )]
    VersionDeleted(RoutineName, CodeVersion),
    #[error("routine `{0}` is no longer declared, so it was removed")]
    RoutineRemoved(RoutineName),
    #[error("code version `{1}` of routine `{0}` is no longer declared, so it was removed")]
    VersionRemoved(RoutineName, CodeVersion),
    #[error("the config's {1} of routine `{0}` replaces what the API had set")]
    SettingReplaced(RoutineName, &'static str),
    #[error(
        "the config's upstream of code version `{1}` of routine `{0}` replaces what the API had set"
    )]
    UpstreamReplaced(RoutineName, CodeVersion),
    #[error(
        "routine `{0}` is no longer declared but deployed, or holds what the API made, so it stays without its routes: delete it through the API to be rid of it"
    )]
    RoutineKept(RoutineName),
    #[error(
        "code version `{1}` of routine `{0}` is no longer declared but deployed in {2}, so it stays as it was: delete it through the API once it is not"
    )]
    VersionKept(RoutineName, CodeVersion, Environment),
    #[error(
        "the declared deployment of routine `{0}` in {1} was left out: there is no code version `{2}`"
    )]
    DeploymentLeftOut(RoutineName, Environment, CodeVersion),
    #[error(
        "site {0} is not declared, so its {1} routes have no effect, and its records stay: declare it again, or delete them through the API"
    )]
    SiteMissing(SiteId, usize),
    #[error("the declared routine `{0}` was left out: an app has its name")]
    RoutineLeftOut(RoutineName),
    #[error("the declared app `{0}` was left out: {1}")]
    AppLeftOut(AppId, String),
    #[error(
        "app `{0}` is declared but was deleted through the API, so it stays deleted: declare it under another id to have it back"
    )]
    AppDeleted(AppId),
    #[error(
        "version `{1}` of app `{0}` is declared but was deleted through the API, so it stays deleted: declare it under another id to have it back"
    )]
    AppVersionDeleted(AppId, VersionId),
    #[error("app `{0}` is no longer declared, so it was removed")]
    AppRemoved(AppId),
    #[error(
        "app `{0}` is no longer declared but published, or holds what the API made, so it stays: delete it through the API to be rid of it"
    )]
    AppKept(AppId),
    #[error(
        "version `{1}` of app `{0}` is no longer declared but needed in {2}, so it stays as it was: delete it through the API once it is not"
    )]
    AppVersionKept(AppId, VersionId, Environment),
}

/// Makes `catalog` agree with what the config declares: the one way of a start and of
/// a reload.
pub(in crate::control) fn declare(
    catalog: &mut Catalog,
    declared: Declared,
    now: Timestamp,
) -> (Vec<Change>, Vec<Warning>) {
    let (mut changes, mut warnings) = declare_routines(catalog, declared.routines, now);
    warnings.extend(declare_sites(catalog, declared.sites));
    let (apps_changed, of_apps) = declare_apps(catalog, declared.apps, now);
    changes.extend(apps_changed);
    warnings.extend(of_apps);
    catalog.quotas = declared.quotas.unwrap_or(catalog.quotas);
    (changes, warnings)
}

/// Takes the sites as the config has them now. What is in a site that is gone stays, for
/// the day when it is back.
fn declare_sites(catalog: &mut Catalog, sites: Vec<Site>) -> Vec<Warning> {
    catalog.sites = sites.into_iter().map(|site| (site.id, Arc::new(site))).collect();
    let mut orphans: BTreeMap<SiteId, usize> = BTreeMap::new();
    for (site, _) in catalog.site_routes.keys() {
        if !catalog.sites.contains_key(site) {
            *orphans.entry(*site).or_default() += 1;
        }
    }
    orphans.into_iter().map(|(site, routes)| Warning::SiteMissing(site, routes)).collect()
}

fn declare_routines(
    catalog: &mut Catalog,
    declared: Vec<DeclaredRoutine>,
    now: Timestamp,
) -> (Vec<Change>, Vec<Warning>) {
    let mut declaration = Declaration { catalog, now, changes: Vec::new(), warnings: Vec::new() };
    let names: HashSet<_> = declared.iter().map(|routine| routine.name.clone()).collect();
    declaration.remove_all_but(&names);
    for routine in declared {
        declaration.routine(routine);
    }
    (declaration.changes, declaration.warnings)
}

/// Whether a routine is live somewhere, or is or holds what the API made.
fn is_in_use(routine: &Routine) -> bool {
    routine.origin == Origin::Adopted
        || routine.live.iter().any(Option::is_some)
        || routine.staged.is_some()
        || !routine.records.is_empty()
        || routine.variables.iter().any(|variables| !variables.is_empty())
        || routine.versions.values().any(|version| version.origin != Origin::Config)
}

/// What the config wrote holds; what it wrote once and writes no longer goes back to
/// its default; what it never wrote stays as the API left it. Says whether a value
/// of the API's was replaced.
fn settle<T: PartialEq + Default>(
    written: Option<T>,
    value: &mut T,
    is_declared: &mut bool,
) -> bool {
    let was_declared = std::mem::replace(is_declared, written.is_some());
    let Some(written) = written else {
        if was_declared {
            *value = T::default();
        }
        return false;
    };
    let replaces = !was_declared && *value != written && *value != T::default();
    *value = written;
    replaces
}

/// A declaration that is being carried out.
struct Declaration<'a> {
    catalog: &'a mut Catalog,
    now: Timestamp,
    changes: Vec<Change>,
    warnings: Vec<Warning>,
}

impl Declaration<'_> {
    /// Removes what the config declared once and declares no longer, but nothing
    /// that requests go to or that the API made: that is the store's.
    fn remove_all_but(&mut self, declared: &HashSet<RoutineName>) {
        let all = self.catalog.routines.values();
        let undeclared: Vec<_> = all
            .filter(|routine| routine.origin.is_declared() && !declared.contains(&routine.name))
            .cloned()
            .collect();
        for routine in undeclared {
            let name = routine.name.clone();
            if is_in_use(&routine) || self.catalog.routes_of_routine(&name).next().is_some() {
                let kept =
                    Routine { origin: Origin::Api, routes: Vec::new(), ..Routine::clone(&routine) };
                let kept = Arc::new(kept);
                self.catalog.routines.insert(name.clone(), kept.clone());
                self.changes.push(Change::Routine(kept));
                self.warnings.push(Warning::RoutineKept(name));
            } else {
                self.catalog.routines.remove(&name);
                self.changes.push(Change::RoutineGone(name.clone()));
                self.warnings.push(Warning::RoutineRemoved(name));
            }
        }
    }

    fn routine(&mut self, declared: DeclaredRoutine) {
        if self.catalog.deleted_routines.contains(&declared.name) {
            self.warnings.push(Warning::RoutineDeleted(declared.name));
            return;
        }
        let before = self.catalog.routines.get(&declared.name).cloned();
        if before.is_none() && app_named(self.catalog, &declared.name).is_some() {
            self.warnings.push(Warning::RoutineLeftOut(declared.name));
            return;
        }
        let mut routine = match &before {
            Some(before) => Routine { origin: before.origin.declared(), ..Routine::clone(before) },
            None => {
                Routine { origin: Origin::Config, ..Routine::new(declared.name.clone(), self.now) }
            }
        };
        routine.routes = declared.routes;
        if settle(declared.sticky, &mut routine.sticky, &mut routine.sticky_declared) {
            self.warnings.push(Warning::SettingReplaced(declared.name.clone(), "sticky list"));
        }
        if settle(declared.cohort, &mut routine.cohort, &mut routine.cohort_declared) {
            self.warnings.push(Warning::SettingReplaced(declared.name.clone(), "cohort"));
        }
        // Versions and deployments are not changed yet.
        let same = before.is_some_and(|before| *before == routine);

        let changes_before = self.changes.len();
        if !same {
            self.changes.push(Change::Routine(Arc::new(routine.clone())));
        }
        self.remove_versions(&mut routine, &declared.versions);
        for version in declared.versions {
            self.version(&mut routine, version);
        }
        for deployment in declared.deployments {
            self.deployment(&mut routine, deployment);
        }
        if self.changes.len() > changes_before {
            let name = routine.name.clone();
            self.catalog.routines.insert(name, Arc::new(routine));
        }
    }

    /// Removes what the config declared once and declares no longer, but nothing
    /// that requests go to or that the API made.
    fn remove_versions(&mut self, routine: &mut Routine, declared: &[DeclaredVersion]) {
        let declared: BTreeSet<_> = declared.iter().map(|version| &version.code_version).collect();
        let all = routine.versions.values();
        let undeclared: Vec<_> = all
            .filter(|version| version.origin.is_declared())
            .filter(|version| !declared.contains(&version.code_version))
            .cloned()
            .collect();
        for version in undeclared {
            let (name, code_version) = (routine.name.clone(), version.code_version.clone());
            let serving = routine.serving(&code_version).next();
            if version.origin == Origin::Config && serving.is_none() {
                routine.versions.remove(&code_version);
                self.changes.push(Change::VersionGone(name.clone(), code_version.clone()));
                self.warnings.push(Warning::VersionRemoved(name, code_version));
                continue;
            }
            let kept = Version {
                origin: Origin::Api,
                upstream_declared: false,
                ..Version::clone(&version)
            };
            self.put(routine, kept);
            if let Some(environment) = serving {
                self.warnings.push(Warning::VersionKept(name, code_version, environment));
            }
        }
    }

    fn version(&mut self, routine: &mut Routine, declared: DeclaredVersion) {
        let key = (routine.name.clone(), declared.code_version);
        if self.catalog.deleted_versions.contains(&key) {
            self.warnings.push(Warning::VersionDeleted(key.0, key.1));
            return;
        }
        let before = routine.versions.get(&key.1).cloned();
        let mut version = match &before {
            // What is declared can be deployed: its upload no longer matters.
            Some(before) => Version {
                origin: before.origin.declared(),
                status: VersionStatus::Available,
                ..Version::clone(before)
            },
            None => Version { origin: Origin::Config, ..Version::new(key.1.clone(), self.now) },
        };
        let upstream = declared.upstream.map(Some);
        if settle(upstream, &mut version.upstream, &mut version.upstream_declared) {
            self.warnings.push(Warning::UpstreamReplaced(key.0, key.1));
        }
        if before.is_none_or(|before| *before != version) {
            self.put(routine, version);
        }
    }

    fn put(&mut self, routine: &mut Routine, version: Version) {
        let version = Arc::new(version);
        let code_version = version.code_version.clone();
        routine.versions.insert(code_version, version.clone());
        self.changes.push(Change::Version(routine.name.clone(), version));
    }

    fn deployment(&mut self, routine: &mut Routine, declared: DeclaredDeployment) {
        let environment = declared.environment;
        let key = (routine.name.clone(), environment);
        if self.catalog.ever_deployed.contains(&key) {
            return;
        }
        if let Some(missing) = routine.missing(&declared.shares) {
            let left_out = Warning::DeploymentLeftOut(key.0, environment, missing.clone());
            self.warnings.push(left_out);
            return;
        }
        let deployment = Arc::new(Deployment {
            id: self.catalog.next_deployment(),
            shares: declared.shares,
            created: self.now,
        });
        self.catalog.last_deployment = deployment.id.0;
        self.catalog.ever_deployed.insert(key.clone());
        routine.live[environment.index()] = Some(deployment.clone());
        let deployed = Change::Deployed(key.0, environment, deployment);
        self.changes.push(deployed);
    }
}
