//! What a decision points at: one version of one routine or app in one environment.

use std::sync::Arc;

use http::HeaderValue;
use xxhash_rust::xxh3::Xxh3;

use super::paths::Slot;
use super::subject::{Subject, SubjectName};
use crate::model::{CodeVersion, DeploymentId, Environment, KeySource, Upstream};

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
    /// Where the request comes from.
    Region,
    /// What was assigned, by any of the above, does not answer: the deployment's other
    /// version does.
    Failover,
    /// A route that bypasses its routine, or falls back from it, to the site's origin; or
    /// nothing took the request, and the site's origin does.
    Origin,
}

impl Reason {
    pub const ALL: [Self; 7] = [
        Self::Only,
        Self::Key,
        Self::Spread,
        Self::Override,
        Self::Region,
        Self::Failover,
        Self::Origin,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Only => "only",
            Self::Key => "key",
            Self::Spread => "spread",
            Self::Override => "override",
            Self::Region => "region",
            Self::Failover => "failover",
            Self::Origin => "origin",
        }
    }
}

/// Where the requests of one version in one environment are counted. The number
/// outlives every table; 0 up to the number of versions that ever went live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tally(pub u32);

/// Where what is seen of the users of one routine or app in one environment is kept. The
/// number outlives every table, and is never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SplitNumber(pub u32);

impl SplitNumber {
    /// (After 2^31 routines the numbers begin again.)
    pub(super) fn of(slot: Slot, environment: Environment) -> Self {
        let staging = slot.wrapping_mul(2);
        match environment {
            Environment::Staging => Self(staging),
            Environment::Production => Self(staging + 1),
        }
    }

    pub(super) fn parts(self) -> (Slot, Environment) {
        (self.0 / 2, Environment::ALL[self.0 as usize % 2])
    }
}

/// One version of one routine or app in one environment, with all that a response says
/// about it rendered once.
#[derive(Debug, Clone)]
pub struct Target {
    pub subject: SubjectName,
    pub environment: Environment,
    pub split: SplitNumber,
    pub version: CodeVersion,
    /// `None` where the environment has no deployment and an override chose.
    pub deployment: Option<DeploymentId>,
    /// `None` is the built-in backend.
    pub upstream: Option<Upstream>,
    /// `None` where the version was never live here and an override chose.
    pub tally: Option<Tally>,
    /// Where its keys come from.
    pub sources: Arc<[KeySource]>,
    /// A hash of these, and of the cohort: while it stays, the same keys are the same users,
    /// and stand where they stood.
    pub placing: u64,
    pub subject_value: HeaderValue,
    pub version_value: HeaderValue,
    pub deployment_value: Option<HeaderValue>,
    /// The version that the deployment has beside this one, itself without another, so
    /// that a decision carries both as one. `None` where an override chose.
    pub other: Option<Arc<Self>>,
}

impl Target {
    pub(super) fn new(
        subject: &Subject,
        split: SplitNumber,
        deployment: Option<DeploymentId>,
        environment: Environment,
        version: &CodeVersion,
        tally: Option<Tally>,
        sources: Arc<[KeySource]>,
    ) -> Self {
        let upstream = subject.version(version.as_str()).and_then(|(_, upstream)| upstream);
        let placing = placing(&sources, subject.cohort());
        let subject = subject.name();
        Self {
            environment,
            split,
            version: version.clone(),
            deployment,
            upstream,
            tally,
            sources,
            placing,
            subject_value: header_value(subject.as_str()),
            subject,
            version_value: header_value(version.as_str()),
            deployment_value: deployment.map(|id| HeaderValue::from(id.0)),
            other: None,
        }
    }

    /// The same with `other` beside it.
    pub(super) fn beside(&self, other: &Arc<Self>) -> Arc<Self> {
        Arc::new(Self { other: Some(other.clone()), ..self.clone() })
    }
}

pub(super) fn placing(sources: &[KeySource], cohort: &str) -> u64 {
    let mut digest = Xxh3::new();
    for text in sources.iter().map(ToString::to_string).chain([cohort.to_owned()]) {
        digest.update(&(text.len() as u64).to_le_bytes());
        digest.update(text.as_bytes());
    }
    digest.digest()
}

pub(super) fn header_value(name: &str) -> HeaderValue {
    HeaderValue::from_str(name).expect("names are visible ASCII")
}
