//! Deployments: made, and made again.

use std::sync::Arc;

use super::{Outcome, existing, put};
use crate::control::change::Change;
use crate::control::command::{Deployed, Refused, Reply};
use crate::model::{
    Catalog, Deployment, DeploymentId, Environment, Movement, RoutineName, Shares, Timestamp,
    VersionStatus,
};

pub(super) fn deploy(
    catalog: &mut Catalog,
    name: RoutineName,
    environment: Environment,
    shares: Shares,
    now: Timestamp,
) -> Outcome {
    let mut routine = existing(catalog, &name)?;
    if let Some(missing) = routine.missing(&shares) {
        return Err(Refused::NoVersion(name, missing.clone()));
    }
    for version in shares.iter().filter_map(|(version, _)| routine.versions.get(version)) {
        if version.status != VersionStatus::Available {
            return Err(Refused::NotAvailable(version.code_version.clone(), version.status));
        }
    }
    let deployment = Arc::new(Deployment { id: catalog.next_deployment(), shares, created: now });
    let before = routine.live[environment.index()].replace(deployment.clone());
    let replaced = before.map(|before| {
        let (was, is) = (routine.split(&before.shares), routine.split(&deployment.shares));
        (before, Movement::between(&was, &is))
    });
    put(catalog, routine);
    catalog.last_deployment = deployment.id.0;
    catalog.ever_deployed.insert((name.clone(), environment));
    let changes = vec![Change::Deployed(name, environment, deployment.clone())];
    let deployed = Deployed { deployment, replaced };
    Ok((changes, Reply::Deployed(deployed)))
}

pub(super) fn roll_back(
    catalog: &mut Catalog,
    name: RoutineName,
    environment: Environment,
    to: Option<DeploymentId>,
    past: Option<Shares>,
    now: Timestamp,
) -> Outcome {
    let routine = existing(catalog, &name)?;
    if to.is_none() && routine.deployment(environment).is_none() {
        return Err(Refused::NoDeployment(name, environment));
    }
    match (past, to) {
        (Some(shares), _) => deploy(catalog, name, environment, shares, now),
        (None, Some(id)) => Err(Refused::UnknownDeployment(name, environment, id)),
        (None, None) => Err(Refused::NoEarlierDeployment(name, environment)),
    }
}
