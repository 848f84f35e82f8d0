//! What a decision points at: one version of one routine in one environment.

use std::sync::Arc;

use http::HeaderValue;

use crate::model::{
    CodeVersion, DeploymentId, Environment, KeySource, Routine, RoutineName, Upstream,
};

/// Why a request got its version, as `x-serin-reason` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The environment serves one version.
    Only,
    /// The key's position.
    Key,
    /// No key: the next turn of an exact split.
    Spread,
    /// The request named the version.
    Override,
}

impl Reason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Only => "only",
            Self::Key => "key",
            Self::Spread => "spread",
            Self::Override => "override",
        }
    }
}

/// Where the requests of one version in one environment are counted. The number
/// outlives every table; 0 up to the number of versions that ever went live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tally(pub u32);

/// One version of one routine in one environment, with all that a response says
/// about it rendered once.
#[derive(Debug)]
pub struct Target {
    pub routine: RoutineName,
    pub environment: Environment,
    pub version: CodeVersion,
    /// `None` where the environment has no deployment and an override chose.
    pub deployment: Option<DeploymentId>,
    /// `None` is the built-in backend.
    pub upstream: Option<Upstream>,
    /// `None` where the version was never live here and an override chose.
    pub tally: Option<Tally>,
    /// Where the routine's keys come from.
    pub sources: Arc<[KeySource]>,
    pub routine_value: HeaderValue,
    pub version_value: HeaderValue,
    pub deployment_value: Option<HeaderValue>,
}

impl Target {
    pub(super) fn new(
        routine: &Routine,
        environment: Environment,
        version: &CodeVersion,
        tally: Option<Tally>,
        sources: Arc<[KeySource]>,
    ) -> Self {
        let deployment = routine.deployment(environment).map(|live| live.id);
        let upstream = routine.versions.get(version).and_then(|version| version.upstream.clone());
        Self {
            routine: routine.name.clone(),
            environment,
            version: version.clone(),
            deployment,
            upstream,
            tally,
            sources,
            routine_value: header_value(routine.name.as_str()),
            version_value: header_value(version.as_str()),
            deployment_value: deployment.map(|id| HeaderValue::from(id.0)),
        }
    }
}

fn header_value(name: &str) -> HeaderValue {
    HeaderValue::from_str(name).expect("names are visible ASCII")
}
