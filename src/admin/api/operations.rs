//! Everything that the native API serves, in one list: the routes and the document are made
//! of it.

use super::code::Code::{
    self, AppExists, AppNotFound, DeploymentNotFound, NoDeployment, NoEarlierDeployment,
    NoRoutineMatches, NotPublished, QuotaReached, RoutineExists, RoutineNotFound, Stopping,
    StoreFailed, VersionDeployed, VersionExists, VersionNotAvailable, VersionNotFound,
};
use super::document::{self, Operation, delete, get, patch, post};
use super::{account, app, deployment, explain, routine, split_check, traffic, version};

/// What may keep the one writer from answering.
const ASKS: &[Code] = &[Stopping];
const READS_STORE: &[Code] = &[StoreFailed, Stopping];
const OF_ROUTINE: &[Code] = &[RoutineNotFound, Stopping];
const OF_APP: &[Code] = &[AppNotFound, Stopping];
const CHANGES_ROUTINE: &[Code] = &[RoutineNotFound, StoreFailed, Stopping];
const CHANGES_APP: &[Code] = &[AppNotFound, StoreFailed, Stopping];

pub(super) fn operations() -> Vec<Operation> {
    let all = [of_routines(), of_environments(), of_apps(), of_the_rest()];
    all.into_iter().flatten().collect()
}

fn of_routines() -> Vec<Operation> {
    vec![
        get("/openapi.json", document::answer)
            .called("get_document", "What the API serves: this document."),
        get("/routines", routine::list)
            .called("list_routines", "Routines by name, a page at a time.")
            .refuses(ASKS),
        post("/routines", routine::create)
            .called("create_routine", "Makes a routine.")
            .refuses(&[RoutineExists, AppExists, QuotaReached, StoreFailed, Stopping])
            .once(),
        get("/routines/{name}", routine::get)
            .called("get_routine", "One routine with its versions and live deployments.")
            .refuses(ASKS),
        patch("/routines/{name}", routine::change)
            .called("change_routine", "Changes what is given, all of it or nothing.")
            .refuses(CHANGES_ROUTINE),
        delete("/routines/{name}", routine::delete)
            .called("delete_routine", "Deletes a routine, and withdraws it where it is deployed.")
            .refuses(CHANGES_ROUTINE),
        get("/routines/{name}/versions", version::list)
            .called("list_versions", "The versions of a routine, newest first.")
            .refuses(OF_ROUTINE),
        post("/routines/{name}/versions", version::add)
            .called("add_version", "Adds a version without code. One without a number gets one.")
            .refuses(&[RoutineNotFound, VersionExists, QuotaReached, StoreFailed, Stopping])
            .once(),
        get("/routines/{name}/versions/{version}", version::get)
            .called("get_version", "One version.")
            .refuses(OF_ROUTINE),
        patch("/routines/{name}/versions/{version}", version::bind)
            .called("bind_version", "Says where a version answers.")
            .refuses(CHANGES_ROUTINE),
        delete("/routines/{name}/versions/{version}", version::delete)
            .called("delete_version", "Deletes a version unless it is deployed.")
            .refuses(&[RoutineNotFound, VersionDeployed, StoreFailed, Stopping]),
    ]
}

fn of_environments() -> Vec<Operation> {
    vec![
        get("/routines/{name}/environments/{environment}", deployment::live)
            .called("get_live_deployment", "What an environment serves of a routine.")
            .refuses(&[RoutineNotFound, NoDeployment, Stopping]),
        post("/routines/{name}/environments/{environment}/deployment", deployment::deploy)
            .called("deploy", "Deploys one or two versions; a dry run tells what that would do to the users of the last hour or less.")
            .refuses(&[RoutineNotFound, VersionNotFound, VersionNotAvailable, StoreFailed, Stopping])
            .once(),
        post("/routines/{name}/environments/{environment}/rollback", deployment::roll_back)
            .called("roll_back", "Deploys what an earlier deployment did: the one before the live one, when none is named.")
            .refuses(&[RoutineNotFound, NoDeployment, NoEarlierDeployment, DeploymentNotFound, VersionNotFound, VersionNotAvailable, StoreFailed, Stopping])
            .once(),
        get("/routines/{name}/environments/{environment}/check", split_check::of_routine)
            .called("check_routine", "Whether users get the versions that were asked for.")
            .refuses(OF_ROUTINE),
        get("/routines/{name}/deployments", deployment::history)
            .called("list_deployments", "The deployments of a routine, newest first; those of a deleted one, too.")
            .refuses(READS_STORE),
        get("/routines/{name}/traffic", traffic::of_routine)
            .called("get_traffic_of_routine", "Requests by environment and version since the start.")
            .refuses(OF_ROUTINE),
    ]
}

fn of_apps() -> Vec<Operation> {
    vec![
        get("/apps", app::list)
            .called("list_apps", "Edge container apps by id, a page at a time.")
            .refuses(ASKS),
        get("/apps/{app}", app::get)
            .called("get_app", "One app with its versions, what is live and what waits.")
            .refuses(OF_APP),
        patch("/apps/{app}", app::change)
            .called("change_app", "Changes what is given, all of it or nothing.")
            .refuses(CHANGES_APP),
        get("/apps/{app}/versions", app::list_versions)
            .called("list_app_versions", "The versions of an app, newest first.")
            .refuses(OF_APP),
        get("/apps/{app}/versions/{version}", app::version)
            .called("get_app_version", "One version of an app.")
            .refuses(OF_APP),
        patch("/apps/{app}/versions/{version}", app::bind)
            .called("bind_app_version", "Says where a version of an app answers.")
            .refuses(CHANGES_APP),
        get("/apps/{app}/environments/{environment}", app::live)
            .called("get_live_publish", "What an environment serves of an app.")
            .refuses(&[AppNotFound, NotPublished, Stopping]),
        get("/apps/{app}/environments/{environment}/check", split_check::of_app)
            .called("check_app", "Whether users get the versions that were asked for.")
            .refuses(OF_APP),
        get("/apps/{app}/publishes", app::history)
            .called(
                "list_publishes",
                "The publishes of an app, newest first; those of a deleted one, too.",
            )
            .refuses(READS_STORE),
        get("/apps/{app}/traffic", traffic::of_app)
            .called("get_traffic_of_app", "Requests by environment and version since the start.")
            .refuses(OF_APP),
    ]
}

fn of_the_rest() -> Vec<Operation> {
    vec![
        get("/traffic", traffic::all)
            .called("get_traffic", "What went wrong by kind, how often a request was sent elsewhere or again, and the tunnels that are open."),
        get("/endpoints", traffic::endpoints)
            .called("list_endpoints", "The endpoints of live versions, a page at a time: their health, and until when they are ejected."),
        get("/account", account::get)
            .called("get_account", "How the account behaves towards ESA's actions, and what of its quotas is used.")
            .refuses(ASKS),
        patch("/account", account::change)
            .called("change_account", "Changes what is given, all of it or nothing; null takes a limit, `failures` or an `action` away.")
            .refuses(ASKS),
        delete("/account", account::reset)
            .called("reset_account", "Makes the account as the config has it, which a restart does, too.")
            .refuses(ASKS),
        get("/explain", explain::answer)
            .called("explain", "What a user of a routine or an app gets, or what a request gets, and why.")
            .refuses(&[RoutineNotFound, AppNotFound, NoRoutineMatches]),
    ]
}
