//! The catalog: everything that is deployed. A persistent value, so that a change
//! is made on a clone and thrown away when it is refused.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use super::app::EdgeContainerApp;
use super::name::{AppId, AppName, CodeVersion, Domain, RoutineName, VersionId};
use super::quota::Quotas;
use super::routine::{DeploymentId, Environment, Routine, Timestamp};

/// The whole truth, less the code of versions and the history of deployments,
/// which the store keeps.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    pub routines: OrdMap<RoutineName, Arc<Routine>>,
    pub apps: OrdMap<AppId, Arc<EdgeContainerApp>>,
    /// Of every app: no two share a name, and no routine has one of these.
    pub app_names: OrdMap<AppName, AppId>,
    /// The hosts that are bound to apps.
    pub app_hosts: OrdMap<Domain, AppId>,
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

    pub fn next_deployment(&self) -> DeploymentId {
        DeploymentId(self.last_deployment + 1)
    }
}
