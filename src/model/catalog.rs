//! The catalog: everything that is deployed. A persistent value, so that a change
//! is made on a clone and thrown away when it is refused.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use super::app::EdgeContainerApp;
use super::name::{AppId, AppName, CodeVersion, Domain, RoutineName, VersionId};
use super::quota::Quotas;
use super::record::RecordOwner;
use super::routine::{DeploymentId, Environment, Routine, Timestamp};
use super::routine_route::{ConfigId, RoutineRoute};
use super::site::{Site, SiteId};

/// The whole truth, less the code of versions and the history of deployments,
/// which the store keeps.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    pub routines: OrdMap<RoutineName, Arc<Routine>>,
    pub apps: OrdMap<AppId, Arc<EdgeContainerApp>>,
    /// Of every app: no two share a name, and no routine has one of these.
    pub app_names: OrdMap<AppName, AppId>,
    /// The hosts that are bound to routines and apps.
    pub bound_hosts: OrdMap<Domain, RecordOwner>,
    /// From the config alone, at each start.
    pub sites: OrdMap<SiteId, Arc<Site>>,
    /// By site, those of sites that the config no longer has too.
    pub site_routes: OrdMap<(SiteId, ConfigId), Arc<RoutineRoute>>,
    /// The same, by routine.
    pub routes_of: OrdSet<(RoutineName, SiteId, ConfigId)>,
    /// What waits in apps for its time, soonest first: when, its number, whose.
    pub schedule: OrdSet<(Timestamp, i64, AppId)>,
    /// The last number given to a deployment or a publish; 0 before the first.
    pub last_deployment: u64,
    /// The last code version or id minted, in nanoseconds; 0 before the first.
    pub last_minted: i64,
    /// Environments that ever had a deployment, so that the config's apply once.
    pub ever_deployed: OrdSet<(RoutineName, Environment)>,
    /// What was deleted through the API stays deleted although the config declares it.
    pub deleted_routines: OrdSet<RoutineName>,
    pub deleted_versions: OrdSet<(RoutineName, CodeVersion)>,
    pub deleted_apps: OrdSet<AppId>,
    pub deleted_app_versions: OrdSet<(AppId, VersionId)>,
    /// What the API may make. Not stored: each start takes the config's.
    pub quotas: Quotas,
}

impl Catalog {
    pub fn routine(&self, name: &RoutineName) -> Option<&Arc<Routine>> {
        self.routines.get(name)
    }

    pub fn app(&self, id: &AppId) -> Option<&Arc<EdgeContainerApp>> {
        self.apps.get(id)
    }

    pub fn app_named(&self, name: &AppName) -> Option<&Arc<EdgeContainerApp>> {
        self.apps.get(self.app_names.get(name)?)
    }

    pub fn site(&self, id: SiteId) -> Option<&Arc<Site>> {
        self.sites.get(&id)
    }

    /// The site that `host` belongs to: of several the one with the longest name.
    pub fn site_of(&self, host: &Domain) -> Option<&Arc<Site>> {
        let holding = self.sites.values().filter(|site| site.holds(host));
        holding.max_by_key(|site| site.name.as_str().len())
    }

    /// Every route of a site, in the order of their numbers.
    pub fn routes_of_site(&self, site: SiteId) -> impl Iterator<Item = &Arc<RoutineRoute>> {
        let all = (site, ConfigId(i64::MIN))..=(site, ConfigId(i64::MAX));
        self.site_routes.range(all).map(|(_, route)| route)
    }

    /// Every route to a routine, by site and number.
    pub fn routes_of_routine(
        &self,
        name: &RoutineName,
    ) -> impl Iterator<Item = &Arc<RoutineRoute>> {
        let least = SiteId::new(1).expect("1 is the least number of a site");
        let from = self.routes_of.range((name.clone(), least, ConfigId(i64::MIN))..);
        let keys = from.take_while(move |(of, ..)| of == name);
        keys.filter_map(|(_, site, id)| self.site_routes.get(&(*site, *id)))
    }

    pub fn next_deployment(&self) -> DeploymentId {
        DeploymentId(self.last_deployment + 1)
    }
}
