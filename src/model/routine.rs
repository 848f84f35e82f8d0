//! A routine, its versions and its deployments.

use std::fmt;
use std::sync::Arc;

use imbl::OrdMap;

use super::making::{Making, VersionStatus};
use super::name::{CodeVersion, Domain, RoutineName};
use super::record::Record;
use super::route::Route;
use super::split::{Kind, Release, Shares, Split};
use super::sticky::Sticky;
use super::upstream::Upstream;
use super::variable::{Variable, VariableKey};

/// Nanoseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// Which of the two edges a request came to. They are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Environment {
    Staging,
    Production,
}

impl Environment {
    pub const ALL: [Self; 2] = [Self::Staging, Self::Production];

    pub fn new(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|environment| environment.as_str() == text)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The number of a deployment record: unique over all routines, ascending from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeploymentId(pub u64);

impl fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an environment serves since some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    pub id: DeploymentId,
    pub shares: Shares,
    pub created: Timestamp,
}

/// Who made a routine or a version, and whether the config declares it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Api,
    /// Made by the config's declaration, which still stands.
    Config,
    /// Made through the API, and declared by the config now. It goes back to the API
    /// when the config forgets it.
    Adopted,
}

impl Origin {
    pub const ALL: [Self; 3] = [Self::Api, Self::Config, Self::Adopted];

    pub fn new(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.as_str() == text)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Config => "config",
            Self::Adopted => "adopted",
        }
    }

    /// Whether the config declares it, and so owns what it wrote of it at each start.
    pub const fn is_declared(self) -> bool {
        match self {
            Self::Config | Self::Adopted => true,
            Self::Api => false,
        }
    }

    /// The same thing, declared.
    #[must_use]
    pub const fn declared(self) -> Self {
        match self {
            Self::Api | Self::Adopted => Self::Adopted,
            Self::Config => Self::Config,
        }
    }
}

/// One version of a routine's code. The code itself is in the store alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub code_version: CodeVersion,
    pub description: String,
    pub created: Timestamp,
    /// Where it answers; `None` is the built-in backend.
    pub upstream: Option<Upstream>,
    /// Whether the config wrote the upstream, and not the API.
    pub upstream_declared: bool,
    pub origin: Origin,
    /// Only what is available can be deployed.
    pub status: VersionStatus,
    pub making: Making,
}

impl Version {
    /// A version that the API makes, served by the built-in backend.
    pub fn new(code_version: CodeVersion, created: Timestamp) -> Self {
        Self {
            code_version,
            description: String::new(),
            created,
            upstream: None,
            upstream_declared: false,
            origin: Origin::Api,
            status: VersionStatus::Available,
            making: Making::default(),
        }
    }
}

/// What was uploaded and not yet committed: ESA's one mutable slot, `unstable`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedCode {
    pub description: String,
    /// What the code's first line or the description says of its upstream.
    pub upstream: Option<Upstream>,
}

/// A routine and everything about it that matters to a request or an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routine {
    pub name: RoutineName,
    pub description: String,
    pub has_assets: bool,
    pub created: Timestamp,
    pub origin: Origin,
    /// From the config alone.
    pub routes: Vec<Route>,
    pub sticky: Sticky,
    /// Whether the config wrote the sticky list, and not the API.
    pub sticky_declared: bool,
    /// Asks for other users than the last time the same newer version was released.
    pub cohort: String,
    /// Whether the config wrote the cohort, and not the API.
    pub cohort_declared: bool,
    pub versions: OrdMap<CodeVersion, Arc<Version>>,
    pub staged: Option<StagedCode>,
    /// The hosts that are bound to it through the API.
    pub records: OrdMap<Domain, Arc<Record>>,
    /// What its code would find in its environment, by [`Environment::index`].
    pub variables: [OrdMap<VariableKey, Variable>; 2],
    /// What is live, by [`Environment::index`].
    pub live: [Option<Arc<Deployment>>; 2],
}

impl Routine {
    /// A routine that the API makes, with nothing in it.
    pub fn new(name: RoutineName, created: Timestamp) -> Self {
        Self {
            name,
            description: String::new(),
            has_assets: false,
            created,
            origin: Origin::Api,
            routes: Vec::new(),
            sticky: Sticky::default(),
            sticky_declared: false,
            cohort: String::new(),
            cohort_declared: false,
            versions: OrdMap::new(),
            staged: None,
            records: OrdMap::new(),
            variables: [OrdMap::new(), OrdMap::new()],
            live: [None, None],
        }
    }

    pub fn deployment(&self, environment: Environment) -> Option<&Arc<Deployment>> {
        self.live[environment.index()].as_ref()
    }

    /// How this routine would divide its users between `shares`.
    pub fn split(&self, shares: &Shares) -> Split {
        Split::new(&self.release(), shares)
    }

    /// Whose users are divided.
    pub fn release(&self) -> Release<'_> {
        Release { kind: Kind::Routine, name: self.name.as_str(), cohort: &self.cohort }
    }

    /// The first version that `shares` name and this routine does not have.
    pub fn missing<'s>(&self, shares: &'s Shares) -> Option<&'s CodeVersion> {
        let mut named = shares.iter().map(|(version, _)| version);
        named.find(|named| !self.versions.contains_key(*named))
    }

    /// Whether there are variables in `environment`; in none there are none.
    pub fn has_variables(&self, environment: Option<Environment>) -> bool {
        environment.is_some_and(|environment| !self.variables[environment.index()].is_empty())
    }

    /// The environments that serve `version`.
    pub fn serving(&self, version: &CodeVersion) -> impl Iterator<Item = Environment> {
        Environment::ALL.into_iter().filter(move |environment| {
            self.deployment(*environment).is_some_and(|live| live.shares.names(version))
        })
    }

    /// Newest first, as ESA lists them.
    pub fn versions_newest_first(&self) -> Vec<&Arc<Version>> {
        let mut versions: Vec<_> = self.versions.values().collect();
        versions.sort_by(|a, b| {
            let by_number =
                || b.code_version.len_then_bytes().cmp(&a.code_version.len_then_bytes());
            b.created.cmp(&a.created).then_with(by_number)
        });
        versions
    }
}

impl CodeVersion {
    /// A total order that agrees with the canonical one on minted versions.
    fn len_then_bytes(&self) -> (usize, &str) {
        (self.as_str().len(), self.as_str())
    }
}
