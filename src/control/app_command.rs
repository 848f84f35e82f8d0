//! What may be asked about edge container apps, already well-formed.

use std::sync::Arc;

use crate::model::{
    AccessKeyId, AppId, AppName, Domain, Environment, Percent, Publish, Reach, SiteId, Sticky,
    Timestamp, Upstream, VersionId,
};

/// A change of an app that an operator asks for.
#[derive(Debug, Clone)]
pub enum AppCommand {
    Create(NewApp),
    /// Withdraws it too where it is published.
    Delete {
        id: AppId,
    },
    /// Changes what is given, all of it at once.
    Revise {
        id: AppId,
        sticky: Option<Sticky>,
        cohort: Option<String>,
    },
    AddVersion {
        id: AppId,
        version: NewAppVersion,
    },
    /// Says where a version answers; `None` is the built-in backend.
    BindVersion {
        id: AppId,
        version_id: VersionId,
        upstream: Option<Upstream>,
    },
    DeleteVersion {
        id: AppId,
        version_id: VersionId,
    },
    /// All requests for `host` are the app's from now on.
    AddRecord {
        id: AppId,
        host: Domain,
        site: SiteId,
    },
    DeleteRecord {
        id: AppId,
        host: Domain,
    },
    /// At once, or at `start` where that is still to come.
    Publish {
        id: AppId,
        environment: Environment,
        version_id: VersionId,
        reach: Reach,
        remarks: String,
        start: Option<Timestamp>,
    },
    /// Goes back to a version at once: with all users, or with `percent` of them and
    /// the rest left where the last publish was going. What waits for its time in this
    /// environment is dropped: whoever goes back does not want it any more.
    Rollback {
        id: AppId,
        environment: Environment,
        version_id: VersionId,
        percent: Option<Percent>,
        remarks: String,
    },
}

/// An app as it is made.
#[derive(Debug, Clone)]
pub struct NewApp {
    pub name: AppName,
    pub remarks: String,
    pub service_port: u16,
    pub target_port: u16,
    /// ESA's object, as JSON text.
    pub health_check: String,
}

/// A version as it is made; its id is minted.
#[derive(Debug, Clone)]
pub struct NewAppVersion {
    pub name: String,
    pub remarks: String,
    /// ESA's list, as JSON text.
    pub containers: String,
    pub upstream: Option<Upstream>,
}

/// One line of an app's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishRecord {
    pub publish: Arc<Publish>,
    pub environment: Environment,
    /// The access key that asked for it; `None` too of one that waited for its time.
    pub by: Option<AccessKeyId>,
}

/// Why a command about an app changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppRefused {
    #[error("app `{0}` does not exist")]
    NoApp(AppId),
    #[error("an app called `{0}` exists already")]
    AppExists(AppName),
    #[error("app `{0}` has no version `{1}`")]
    NoVersion(AppId, VersionId),
    #[error(
        "version `{0}` is published, is the baseline or waits for its time in {1}: publish another one there first"
    )]
    VersionNeeded(VersionId, Environment),
    #[error("app `{0}` has no record `{1}`")]
    NoRecord(AppId, Domain),
    #[error("app `{0}` has nothing to roll back in {1}")]
    NotPublished(AppId, Environment),
    #[error("app `{0}` has {1} publishes waiting for their time, and no more are taken")]
    ScheduleFull(AppId, usize),
}
