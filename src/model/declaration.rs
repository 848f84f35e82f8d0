//! What the operator's config declares, checked and complete.

use super::name::{AppId, AppName, CodeVersion, RoutineName, VersionId};
use super::quota::Quotas;
use super::route::Route;
use super::routine::Environment;
use super::site::Site;
use super::split::Shares;
use super::sticky::Sticky;
use super::upstream::Upstream;

/// Everything that the config declares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    /// In effect for as long as this config is; nothing of them is stored.
    pub sites: Vec<Site>,
    pub routines: Vec<DeclaredRoutine>,
    pub apps: Vec<DeclaredApp>,
    /// `None` leaves what the API may make as it is.
    pub quotas: Option<Quotas>,
}

impl From<Vec<DeclaredRoutine>> for Declared {
    fn from(routines: Vec<DeclaredRoutine>) -> Self {
        Self { routines, ..Self::default() }
    }
}

/// One `[[routine]]`. What is `None` was not written, and is then not owned by
/// the config: what the API set stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredRoutine {
    pub name: RoutineName,
    pub routes: Vec<Route>,
    pub sticky: Option<Sticky>,
    pub cohort: Option<String>,
    pub versions: Vec<DeclaredVersion>,
    /// Applied only where the environment never had a deployment. Each names
    /// versions that are declared beside it.
    pub deployments: Vec<DeclaredDeployment>,
}

/// One `[[routine.version]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredVersion {
    pub code_version: CodeVersion,
    /// `None` was not written: the API's stays, else the built-in backend answers.
    pub upstream: Option<Upstream>,
}

/// One `[[routine.deployment]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredDeployment {
    pub environment: Environment,
    pub shares: Shares,
}

/// One `[[app]]`. As with a routine, what is `None` is not owned by the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredApp {
    pub id: AppId,
    pub name: AppName,
    pub sticky: Option<Sticky>,
    pub cohort: Option<String>,
    pub versions: Vec<DeclaredAppVersion>,
}

/// One `[[app.version]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredAppVersion {
    pub version_id: VersionId,
    /// `None` is the built-in backend.
    pub upstream: Option<Upstream>,
}
