//! Actions about edge container apps. Nothing is run: an app and its versions are
//! ready when they are made, and what has no effect here is kept and told again.

mod app_version;
mod existence;
mod params;
mod publish;
mod record;
mod rest;
mod status;
mod wire;

use super::action::{Action, Run};
use super::error::{Code, EsaError};
use crate::control::{AppRefused, CommandError, Refused};

/// By name, so that it can be searched. What is missing or malformed has codes of
/// its own here, so each action looks for itself.
pub(super) const ACTIONS: &[Action] = &[
    writes("CreateEdgeContainerApp", |call| Box::pin(existence::create(call))),
    writes("CreateEdgeContainerAppImageSecret", |call| Box::pin(rest::nothing_to_say(call)))
        .plausible(),
    writes("CreateEdgeContainerAppRecord", |call| Box::pin(record::create(call))),
    writes("CreateEdgeContainerAppVersion", |call| Box::pin(app_version::create(call))),
    writes("DeleteEdgeContainerApp", |call| Box::pin(existence::delete(call))),
    writes("DeleteEdgeContainerAppImageSecret", |call| Box::pin(rest::nothing_to_say(call)))
        .plausible(),
    writes("DeleteEdgeContainerAppRecord", |call| Box::pin(record::delete(call))),
    writes("DeleteEdgeContainerAppVersion", |call| Box::pin(app_version::delete(call))),
    reads("DescribeEdgeContainerAppStats", |call| Box::pin(rest::stats(call))).plausible(),
    reads("GetEdgeContainer", |call| Box::pin(rest::service(call))).plausible(),
    reads("GetEdgeContainerApp", |call| Box::pin(existence::get(call))),
    reads("GetEdgeContainerAppLogRiver", |call| Box::pin(rest::log_river(call))).plausible(),
    reads("GetEdgeContainerAppResourceCapacity", |call| Box::pin(rest::capacity(call))).plausible(),
    reads("GetEdgeContainerAppResourceReserve", |call| Box::pin(rest::reserve(call))).plausible(),
    reads("GetEdgeContainerAppResourceStatus", |call| Box::pin(rest::resources(call))).plausible(),
    reads("GetEdgeContainerAppStatus", |call| Box::pin(status::get(call))),
    reads("GetEdgeContainerAppVersion", |call| Box::pin(app_version::get(call))),
    reads("GetEdgeContainerDeployRegions", |call| Box::pin(rest::deploy_regions(call))),
    reads("GetEdgeContainerLogs", |call| Box::pin(rest::logs(call))).plausible(),
    reads("GetEdgeContainerStagingDeployStatus", |call| Box::pin(rest::staging_status(call))),
    reads("GetEdgeContainerTerminal", |call| Box::pin(rest::terminal(call))).plausible(),
    reads("ListEdgeContainerAppImageSecrets", |call| Box::pin(rest::image_secrets(call)))
        .plausible(),
    reads("ListEdgeContainerAppRecords", |call| Box::pin(record::list(call))),
    reads("ListEdgeContainerAppVersions", |call| Box::pin(app_version::list(call))),
    reads("ListEdgeContainerApps", |call| Box::pin(existence::list(call))),
    reads("ListEdgeContainerRecords", |call| Box::pin(record::list_of_site(call))),
    writes("OpenEdgeContainer", |call| Box::pin(rest::open(call))).plausible(),
    writes("PublishEdgeContainerAppVersion", |call| Box::pin(publish::publish(call))),
    writes("RebuildEdgeContainerAppStagingEnv", |call| Box::pin(rest::nothing_to_say(call)))
        .plausible(),
    writes("RollbackEdgeContainerAppVersion", |call| Box::pin(publish::roll_back(call))),
    writes("UpdateEdgeContainerAppLogRiver", |call| Box::pin(rest::set_log_river(call)))
        .plausible(),
    writes("UpdateEdgeContainerAppResourceReserve", |call| Box::pin(rest::set_reserve(call)))
        .plausible(),
];

const fn reads(name: &'static str, run: Run) -> Action {
    Action::reads(name, &[], run)
}

const fn writes(name: &'static str, run: Run) -> Action {
    Action::writes(name, &[], run)
}

/// A failure in the codes that the pages of apps have.
fn failed(error: CommandError) -> EsaError {
    let code = match &error {
        CommandError::Refused(Refused::App(refused)) => match refused {
            AppRefused::NoApp(_) => Code::InvalidAppNotFound,
            AppRefused::NoVersion(..) => Code::InvalidVersionId,
            AppRefused::VersionNeeded(..) => Code::DependedByOthers,
            AppRefused::AppExists(_)
            | AppRefused::NoRecord(..)
            | AppRefused::NotPublished(..)
            | AppRefused::ScheduleFull(..) => Code::InvalidParameter,
        },
        CommandError::Refused(
            Refused::RoutineExists(_)
            | Refused::HostTaken(..)
            | Refused::NoSite(_)
            | Refused::ForeignHost(..)
            | Refused::Unmet(_)
            | Refused::Invalid(_)
            // These are about routines, and no command about an app meets them.
            | Refused::NoRoutine(_)
            | Refused::NoVersion(..)
            | Refused::VersionExists(..)
            | Refused::VersionDeployed(..)
            | Refused::NotAvailable(..)
            | Refused::AlreadyUploaded(..)
            | Refused::NothingStaged(_)
            | Refused::NoDeployment(..)
            | Refused::NoEarlierDeployment(..)
            | Refused::UnknownDeployment(..)
            | Refused::NoRecord(..)
            | Refused::NoRoute(..)
            | Refused::RoutesFull(..)
            | Refused::QuotaReached(_),
        ) => Code::InvalidParameter,
        CommandError::Store(_) => Code::InternalError,
        CommandError::Stopped => Code::InternalException,
    };
    EsaError::new(code, error)
}
