//! An edge container app, its versions and the hosts that are bound to it.

use std::sync::Arc;

use imbl::OrdMap;

use super::name::{AppId, AppName, Domain, VersionId};
use super::publish::{Publish, ScheduledPublish};
use super::record::Record;
use super::routine::{Environment, Timestamp};
use super::split::{Kind, Release, Shares, Split};
use super::sticky::Sticky;
use super::upstream::Upstream;

/// An app and everything about it that matters to a request or an operator. No
/// container is run, so what describes containers is kept as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeContainerApp {
    pub id: AppId,
    pub name: AppName,
    pub remarks: String,
    pub service_port: u16,
    pub target_port: u16,
    /// ESA's object, as JSON text.
    pub health_check: String,
    pub created: Timestamp,
    pub updated: Timestamp,
    /// Whether the config declares it, and so owns its shape at each start.
    pub declared: bool,
    pub sticky: Sticky,
    /// Asks for other users than the last time the same newer version was published.
    pub cohort: String,
    pub versions: OrdMap<VersionId, Arc<AppVersion>>,
    pub records: OrdMap<Domain, Arc<Record>>,
    /// What is live, by [`Environment::index`].
    pub live: [Option<Arc<Publish>>; 2],
    /// What waits for its time, soonest first.
    pub scheduled: Vec<Arc<ScheduledPublish>>,
}

/// One version of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppVersion {
    pub version_id: VersionId,
    pub name: String,
    pub remarks: String,
    /// ESA's list, as JSON text.
    pub containers: String,
    pub created: Timestamp,
    pub updated: Timestamp,
    /// When it was published for the first time, and for the last.
    pub published: Option<Timestamp>,
    pub last_published: Option<Timestamp>,
    /// Where it answers; `None` is the built-in backend.
    pub upstream: Option<Upstream>,
    /// Whether the config declares it, and so owns its upstream at each start.
    pub declared: bool,
}

impl EdgeContainerApp {
    pub fn publish(&self, environment: Environment) -> Option<&Arc<Publish>> {
        self.live[environment.index()].as_ref()
    }

    /// What waits for an environment, soonest first.
    pub fn waiting(&self, environment: Environment) -> impl Iterator<Item = &ScheduledPublish> {
        let waiting = self.scheduled.iter().map(Arc::as_ref);
        waiting.filter(move |scheduled| scheduled.environment == environment)
    }

    /// How this app would divide its users between `shares`.
    pub fn split(&self, shares: &Shares) -> Split {
        let release =
            Release { kind: Kind::Container, name: self.id.as_str(), cohort: &self.cohort };
        Split::new(&release, shares)
    }

    /// The environments that serve `version`, may go back to it, or will serve it.
    pub fn needing(&self, version: &VersionId) -> impl Iterator<Item = Environment> {
        Environment::ALL.into_iter().filter(move |environment| {
            self.publish(*environment).is_some_and(|live| live.needs(version))
                || self.waiting(*environment).any(|waiting| waiting.version == *version)
        })
    }

    /// Newest first. Ids ascend, those of one moment included.
    pub fn versions_newest_first(&self) -> Vec<&Arc<AppVersion>> {
        let mut versions: Vec<_> = self.versions.values().collect();
        versions.sort_by_key(|version| {
            std::cmp::Reverse((version.created, version.version_id.clone()))
        });
        versions
    }
}
