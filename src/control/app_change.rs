//! What a command changed about apps, a row at a time.

use std::sync::Arc;

use crate::model::{
    AppId, AppName, AppVersion, Domain, EdgeContainerApp, Environment, Publish, Record,
    ScheduledPublish, VersionId,
};

/// One thing about an app that is other than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppChange {
    /// The app itself, less its versions, its records and what is live or waits.
    App(Arc<EdgeContainerApp>),
    /// With all that belongs to it; its history stays.
    AppGone(AppId, AppName),
    Version(AppId, Arc<AppVersion>),
    VersionGone(AppId, VersionId),
    Record(AppId, Arc<Record>),
    RecordGone(AppId, Domain),
    Published(AppId, Environment, Arc<Publish>),
    Scheduled(AppId, Arc<ScheduledPublish>),
    /// It was published, or dropped.
    ScheduleGone(AppId, i64),
    /// The config's declaration no longer makes this app.
    AppBuried(AppId),
    /// The config's declaration no longer makes this version.
    VersionBuried(AppId, VersionId),
}

impl AppChange {
    /// The app whose requests may be decided otherwise from now on.
    pub fn routed(&self) -> Option<&AppId> {
        match self {
            Self::App(app) => Some(&app.id),
            Self::Version(id, _)
            | Self::VersionGone(id, _)
            | Self::Record(id, _)
            | Self::RecordGone(id, _)
            | Self::Published(id, _, _) => Some(id),
            Self::AppGone(..)
            | Self::Scheduled(..)
            | Self::ScheduleGone(..)
            | Self::AppBuried(_)
            | Self::VersionBuried(..) => None,
        }
    }
}
