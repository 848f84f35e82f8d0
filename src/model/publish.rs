//! Publishing a version of an app: by percentage or by region, at once or later.

use std::sync::Arc;

use super::name::{RegionName, VersionId};
use super::routine::{DeploymentId, Environment, Timestamp};
use super::split::{Percent, Shares};

/// How far a publish goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    Percent(Percent),
    /// The users in these regions.
    Regions(Arc<[RegionName]>),
    /// Everybody: the release by regions, these last, is completed.
    FullRelease(Arc<[RegionName]>),
}

/// What an environment of an app serves since some moment.
///
/// The baseline is the version that had everybody last. It is what the publish
/// leaves the rest of the users with, so that one canary never replaces another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    pub id: DeploymentId,
    pub version: VersionId,
    pub reach: Reach,
    /// Who keeps the users beyond the reach; `None`: there is nobody, and `version`
    /// gets them too. Of a publish it is the baseline, of a rollback the version that
    /// is rolled back.
    pub rest: Option<VersionId>,
    /// The baseline before this publish.
    pub baseline: Option<VersionId>,
    pub rollback: bool,
    pub remarks: String,
    pub created: Timestamp,
}

/// A publish that waits for its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledPublish {
    /// Unique over all apps, ascending.
    pub number: i64,
    pub environment: Environment,
    pub version: VersionId,
    pub reach: Reach,
    pub remarks: String,
    pub start: Timestamp,
}

/// Which users get which version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allotment<'p> {
    /// By their keys.
    Shares(Shares),
    /// By where they are.
    Regional { regions: &'p Arc<[RegionName]>, inside: &'p VersionId, outside: &'p VersionId },
}

impl Publish {
    pub fn allotment(&self) -> Allotment<'_> {
        let version = self.version.code_version();
        match (&self.rest, &self.reach) {
            (Some(rest), Reach::Percent(percent)) => {
                let rest = rest.code_version();
                Allotment::Shares(Shares::complementary(rest, version, *percent))
            }
            (Some(rest), Reach::Regions(regions)) if *rest != self.version => {
                Allotment::Regional { regions, inside: &self.version, outside: rest }
            }
            _ => Allotment::Shares(Shares::whole(version)),
        }
    }

    /// Whether everybody gets `version`.
    pub fn is_whole(&self) -> bool {
        match self.allotment() {
            Allotment::Shares(shares) => shares.iter().len() == 1,
            Allotment::Regional { .. } => false,
        }
    }

    /// The baseline from now on.
    pub fn settled(&self) -> Option<&VersionId> {
        if self.is_whole() { Some(&self.version) } else { self.baseline.as_ref() }
    }

    /// Whether `version` is served, or is what the rest of the users may come back to.
    pub fn needs(&self, version: &VersionId) -> bool {
        self.version == *version
            || !self.is_whole()
                && [&self.rest, &self.baseline].into_iter().flatten().any(|it| it == version)
    }
}
