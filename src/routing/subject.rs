//! What a name, a record or a route leads to: a routine or an edge container app.

use std::fmt;
use std::sync::Arc;

use crate::model::{
    Allotment, AppName, CodeVersion, DeploymentId, EdgeContainerApp, Environment, Kind, Routine,
    RoutineName, Shares, Split, Sticky, Upstream,
};

/// Its name. No routine has that of an app.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SubjectName {
    Routine(RoutineName),
    App(AppName),
}

impl SubjectName {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Routine(name) => name.as_str(),
            Self::App(name) => name.as_str(),
        }
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::Routine(_) => Kind::Routine,
            Self::App(_) => Kind::Container,
        }
    }

    /// As people call it in a sentence: `routine`, `app`.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Routine(_) => "routine",
            Self::App(_) => "app",
        }
    }
}

impl fmt::Display for SubjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The thing itself, as it was when the table was compiled.
#[derive(Clone)]
pub(super) enum Subject {
    Routine(Arc<Routine>),
    App(Arc<EdgeContainerApp>),
}

impl Subject {
    pub(super) fn name(&self) -> SubjectName {
        match self {
            Self::Routine(routine) => SubjectName::Routine(routine.name.clone()),
            Self::App(app) => SubjectName::App(app.name.clone()),
        }
    }

    pub(super) fn sticky(&self) -> &Sticky {
        match self {
            Self::Routine(routine) => &routine.sticky,
            Self::App(app) => &app.sticky,
        }
    }

    pub(super) fn cohort(&self) -> &str {
        match self {
            Self::Routine(routine) => &routine.cohort,
            Self::App(app) => &app.cohort,
        }
    }

    /// What an environment serves, and since which deployment or publish.
    pub(super) fn live(&self, environment: Environment) -> Option<(DeploymentId, Allotment<'_>)> {
        match self {
            Self::Routine(routine) => {
                let live = routine.deployment(environment)?;
                Some((live.id, Allotment::Shares(live.shares.clone())))
            }
            Self::App(app) => {
                let live = app.publish(environment)?;
                Some((live.id, live.allotment()))
            }
        }
    }

    /// The versions that an environment serves.
    pub(super) fn live_versions(&self, environment: Environment) -> Vec<CodeVersion> {
        match self.live(environment) {
            None => Vec::new(),
            Some((_, Allotment::Shares(shares))) => {
                shares.iter().map(|(version, _)| version.clone()).collect()
            }
            Some((_, Allotment::Regional { inside, outside, .. })) => {
                vec![inside.code_version(), outside.code_version()]
            }
        }
    }

    pub(super) fn split(&self, shares: &Shares) -> Split {
        match self {
            Self::Routine(routine) => routine.split(shares),
            Self::App(app) => app.split(shares),
        }
    }

    /// A version by its text, and where it answers.
    pub(super) fn version(&self, text: &str) -> Option<(CodeVersion, Option<Upstream>)> {
        match self {
            Self::Routine(routine) => {
                let (name, version) = routine.versions.get_key_value(text)?;
                Some((name.clone(), version.upstream.clone()))
            }
            Self::App(app) => {
                let (id, version) = app.versions.get_key_value(text)?;
                Some((id.code_version(), version.upstream.clone()))
            }
        }
    }

    /// Why an override that names `version` is refused.
    pub(super) fn no_version(&self, version: &str) -> String {
        let name = self.name();
        let noun = name.noun();
        format!("the version override names `{version}`, and {noun} `{name}` has no such version")
    }
}
