//! What the operator's config declares, checked and complete.

use super::name::{CodeVersion, RoutineName};
use super::route::Route;
use super::routine::Environment;
use super::split::Shares;
use super::sticky::Sticky;
use super::upstream::Upstream;

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
