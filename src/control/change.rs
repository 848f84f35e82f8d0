//! What a command changed, a row at a time: what is stored, and what is published.

use std::sync::Arc;

use super::app_change::AppChange;
use crate::model::{
    AccessKeyId, CodeVersion, ConfigId, Deployment, DeploymentId, Domain, Environment, Record,
    Routine, RoutineName, RoutineRoute, SiteId, StagedCode, Variable, VariableKey, Version,
};

/// One thing that is other than before. A command's changes are stored in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The routine itself, less its versions, its slot and its deployments.
    Routine(Arc<Routine>),
    /// With its versions, its slot, its variables and what is live; its history stays.
    RoutineGone(RoutineName),
    Version(RoutineName, Arc<Version>),
    /// With its code.
    VersionGone(RoutineName, CodeVersion),
    CodeStaged(RoutineName, StagedCode, Arc<[u8]>),
    /// The slot's code is now this version's too.
    CodeFrozen(RoutineName, CodeVersion),
    /// A version's code, which came with it.
    Code(RoutineName, CodeVersion, Arc<[u8]>),
    Variable(RoutineName, Environment, VariableKey, Variable),
    VariableGone(RoutineName, Environment, VariableKey),
    Deployed(RoutineName, Environment, Arc<Deployment>),
    /// The config's declaration no longer makes this routine; of its versions
    /// nothing is remembered.
    RoutineBuried(RoutineName),
    RoutineExhumed(RoutineName),
    /// The config's declaration no longer makes this version.
    VersionBuried(RoutineName, CodeVersion),
    VersionExhumed(RoutineName, CodeVersion),
    Record(RoutineName, Arc<Record>),
    RecordGone(RoutineName, Domain),
    Route(Arc<RoutineRoute>),
    RouteGone(SiteId, ConfigId),
    App(AppChange),
    /// The access key that asked for a deployment or a publish.
    By(DeploymentId, AccessKeyId),
    /// The last code version or id minted.
    Minted(i64),
}

impl Change {
    /// The routine whose requests may be decided otherwise from now on.
    pub fn routed(&self) -> Option<&RoutineName> {
        match self {
            Self::Routine(routine) => Some(&routine.name),
            Self::RoutineGone(name)
            | Self::Version(name, _)
            | Self::VersionGone(name, _)
            | Self::Deployed(name, _, _)
            | Self::Record(name, _)
            | Self::RecordGone(name, _) => Some(name),
            Self::CodeStaged(..)
            | Self::CodeFrozen(..)
            | Self::Code(..)
            | Self::Variable(..)
            | Self::VariableGone(..)
            | Self::RoutineBuried(_)
            | Self::RoutineExhumed(_)
            | Self::VersionBuried(..)
            | Self::VersionExhumed(..)
            | Self::Route(_)
            | Self::RouteGone(..)
            | Self::App(_)
            | Self::By(..)
            | Self::Minted(_) => None,
        }
    }

    /// What has become live.
    pub fn became_live(&self) -> Option<DeploymentId> {
        match self {
            Self::Deployed(_, _, deployment) => Some(deployment.id),
            Self::App(AppChange::Published(_, _, publish)) => Some(publish.id),
            _ => None,
        }
    }

    /// Where something is deployed or published by it.
    pub fn deployed(&self) -> Option<Environment> {
        match self {
            Self::Deployed(_, environment, _)
            | Self::App(AppChange::Published(_, environment, _)) => Some(*environment),
            _ => None,
        }
    }

    /// The site whose requests may be decided otherwise from now on.
    pub fn rerouted(&self) -> Option<SiteId> {
        match self {
            Self::Route(route) => Some(route.site),
            Self::RouteGone(site, _) => Some(*site),
            Self::Routine(_)
            | Self::RoutineGone(_)
            | Self::Version(..)
            | Self::VersionGone(..)
            | Self::CodeStaged(..)
            | Self::CodeFrozen(..)
            | Self::Code(..)
            | Self::Deployed(..)
            | Self::RoutineBuried(_)
            | Self::RoutineExhumed(_)
            | Self::VersionBuried(..)
            | Self::VersionExhumed(..)
            | Self::Variable(..)
            | Self::VariableGone(..)
            | Self::Record(..)
            | Self::RecordGone(..)
            | Self::App(_)
            | Self::By(..)
            | Self::Minted(_) => None,
        }
    }
}
