//! The catalog: everything that is deployed. A persistent value, so that a change
//! is made on a clone and thrown away when it is refused.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use super::name::{CodeVersion, RoutineName};
use super::routine::{DeploymentId, Environment, Routine};

/// The whole truth, less the code of versions and the history of deployments,
/// which the store keeps.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    pub routines: OrdMap<RoutineName, Arc<Routine>>,
    /// The last number given to a deployment; 0 before the first.
    pub last_deployment: u64,
    /// The last code version minted, in nanoseconds; 0 before the first.
    pub last_minted: i64,
    /// Environments that ever had a deployment, so that the config's apply once.
    pub ever_deployed: OrdSet<(RoutineName, Environment)>,
    /// What was deleted through the API stays deleted although the config declares it.
    pub deleted_routines: OrdSet<RoutineName>,
    pub deleted_versions: OrdSet<(RoutineName, CodeVersion)>,
}

impl Catalog {
    pub fn routine(&self, name: &RoutineName) -> Option<&Arc<Routine>> {
        self.routines.get(name)
    }

    pub fn next_deployment(&self) -> DeploymentId {
        DeploymentId(self.last_deployment + 1)
    }
}
