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

use super::action::{Action, Call};
use super::error::{Code, EsaError};
use crate::control::{AppRefused, CommandError, Refused};

/// By name, so that it can be searched. What is missing or malformed has codes of
/// its own here, so each action looks for itself.
pub(super) const ACTIONS: &[Action] = &[
    act("CreateEdgeContainerApp", |call| Box::pin(existence::create(call))),
    act("CreateEdgeContainerAppImageSecret", |call| Box::pin(rest::nothing_to_say(call))),
    act("CreateEdgeContainerAppRecord", |call| Box::pin(record::create(call))),
    act("CreateEdgeContainerAppVersion", |call| Box::pin(app_version::create(call))),
    act("DeleteEdgeContainerApp", |call| Box::pin(existence::delete(call))),
    act("DeleteEdgeContainerAppImageSecret", |call| Box::pin(rest::nothing_to_say(call))),
    act("DeleteEdgeContainerAppRecord", |call| Box::pin(record::delete(call))),
    act("DeleteEdgeContainerAppVersion", |call| Box::pin(app_version::delete(call))),
    act("DescribeEdgeContainerAppStats", |call| Box::pin(rest::stats(call))),
    act("GetEdgeContainer", |call| Box::pin(rest::service(call))),
    act("GetEdgeContainerApp", |call| Box::pin(existence::get(call))),
    act("GetEdgeContainerAppLogRiver", |call| Box::pin(rest::log_river(call))),
    act("GetEdgeContainerAppResourceCapacity", |call| Box::pin(rest::capacity(call))),
    act("GetEdgeContainerAppResourceReserve", |call| Box::pin(rest::reserve(call))),
    act("GetEdgeContainerAppResourceStatus", |call| Box::pin(rest::resources(call))),
    act("GetEdgeContainerAppStatus", |call| Box::pin(status::get(call))),
    act("GetEdgeContainerAppVersion", |call| Box::pin(app_version::get(call))),
    act("GetEdgeContainerDeployRegions", |call| Box::pin(rest::deploy_regions(call))),
    act("GetEdgeContainerLogs", |call| Box::pin(rest::logs(call))),
    act("GetEdgeContainerStagingDeployStatus", |call| Box::pin(rest::staging_status(call))),
    act("GetEdgeContainerTerminal", |call| Box::pin(rest::terminal(call))),
    act("ListEdgeContainerAppImageSecrets", |call| Box::pin(rest::image_secrets(call))),
    act("ListEdgeContainerAppRecords", |call| Box::pin(record::list(call))),
    act("ListEdgeContainerAppVersions", |call| Box::pin(app_version::list(call))),
    act("ListEdgeContainerApps", |call| Box::pin(existence::list(call))),
    act("ListEdgeContainerRecords", |call| Box::pin(record::list_of_site(call))),
    act("OpenEdgeContainer", |call| Box::pin(rest::open(call))),
    act("PublishEdgeContainerAppVersion", |call| Box::pin(publish::publish(call))),
    act("RebuildEdgeContainerAppStagingEnv", |call| Box::pin(rest::nothing_to_say(call))),
    act("RollbackEdgeContainerAppVersion", |call| Box::pin(publish::roll_back(call))),
    act("UpdateEdgeContainerAppLogRiver", |call| Box::pin(rest::nothing_to_say(call))),
    act("UpdateEdgeContainerAppResourceReserve", |call| Box::pin(rest::nothing_to_say(call))),
];

const fn act(
    name: &'static str,
    run: for<'a> fn(&'a Call<'a>) -> super::action::Answer<'a>,
) -> Action {
    Action { name, required: &[], run }
}

/// A failure in the codes that the pages of apps have.
fn failed(error: CommandError) -> EsaError {
    let code = match &error {
        CommandError::Refused(Refused::App(refused)) => match refused {
            AppRefused::NoApp(_) => Code::InvalidAppNotFound,
            AppRefused::NoVersion(..) => Code::InvalidVersionId,
            AppRefused::VersionNeeded(..) => Code::DependedByOthers,
            AppRefused::AppExists(_)
            | AppRefused::HostTaken(..)
            | AppRefused::NoRecord(..)
            | AppRefused::NotPublished(..)
            | AppRefused::ScheduleFull(..) => Code::InvalidParameter,
        },
        CommandError::Refused(_) => Code::InvalidParameter,
        CommandError::Store(_) => Code::InternalError,
        CommandError::Stopped => Code::InternalException,
    };
    EsaError::new(code, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_can_be_found() {
        assert!(ACTIONS.is_sorted_by_key(|action| action.name));
    }
}
