//! The native API: JSON under `/api/v1`, and what the listener says on paths it
//! does not know.
//!
//! | method and path below `/api/v1` | what it does |
//! | --- | --- |
//! | GET `/routines?search=&after=&limit=` | routines by name, a page at a time |
//! | POST `/routines` | makes one: `{name, description?, has_assets?}` |
//! | GET `/routines/{name}` | one routine with its versions and live deployments |
//! | PATCH `/routines/{name}` | `{description?, sticky?, cohort?}` |
//! | DELETE `/routines/{name}` | deletes it, and withdraws it where it is deployed |
//! | GET `/routines/{name}/versions` | its versions, newest first |
//! | POST `/routines/{name}/versions` | `{code_version?, upstream?, description?}` |
//! | GET `/routines/{name}/versions/{version}` | one version |
//! | PATCH `/routines/{name}/versions/{version}` | `{upstream}`, null for built-in |
//! | DELETE `/routines/{name}/versions/{version}` | deletes it unless it is deployed |
//! | GET `/routines/{name}/environments/{env}` | the live deployment |
//! | POST `/routines/{name}/environments/{env}/deployment` | `{code_versions: [{code_version, percentage}], dry_run?}`; a dry run tells what it would do to the users of the last hour or less |
//! | POST `/routines/{name}/environments/{env}/rollback` | `{deployment_id?}`; the one before, when none is named |
//! | GET `/routines/{name}/environments/{env}/check` | whether users get the versions that were asked for |
//! | GET `/routines/{name}/deployments?environment=&before=&limit=` | the history, newest first |
//! | GET `/routines/{name}/traffic` | requests by environment and version: assigned, served, failed, failed over |
//! | GET `/apps?search=&after=&limit=` | edge container apps by id, a page at a time |
//! | GET `/apps/{app}` | one app with its versions, what is live and what waits |
//! | PATCH `/apps/{app}` | `{sticky?, cohort?}` |
//! | GET `/apps/{app}/versions` | its versions, newest first |
//! | PATCH `/apps/{app}/versions/{version}` | `{upstream}`, null for built-in |
//! | GET `/apps/{app}/environments/{env}` | the live publish |
//! | GET `/apps/{app}/environments/{env}/check` | as of a routine |
//! | GET `/apps/{app}/publishes?environment=&before=&limit=` | the history, newest first |
//! | GET `/apps/{app}/traffic` | as of a routine |
//! | GET `/traffic` | what went wrong by kind, how often a request was sent elsewhere or again, and the tunnels that are open |
//! | GET `/endpoints?search=&after=&limit=` | the endpoints of live versions, a page at a time: their health, and until when they are ejected |
//! | GET `/account` | how the account behaves towards ESA's actions, and what of its quotas is used |
//! | PATCH `/account` | `{service?, in_arrears?, locked?, locked_calls?, failures?: {percent?, calls?, code?, action?}, calls_per_second?, latency_ms?, quotas?: {routines?, versions_per_routine?, routes?}, plan?}`; null takes a limit, `failures` or an `action` away |
//! | DELETE `/account` | makes it as the config has it, which a restart does, too |
//! | GET `/explain?app=&environment=&key=` | what a user of an app gets, and why |
//! | GET `/explain?routine=&environment=&key=` | what a user gets, and why |
//! | GET `/explain?host=&path=&method=&header=&client=&environment=` | what a request gets, and why |
//!
//! Fields and parameters that are not known are refused, so that a slip of the pen
//! is no silent default. Ids are texts, since JSON's numbers end at 2^53. An error is
//! `{"error": {"code", "message"}}`.
//!
//! With access keys, a request is signed as V3 or carries `Authorization: Bearer SECRET`;
//! 401 is for who is not known, 403 for a read-only key that asks for more than GET, both
//! with the codes of ESA's gateway.

mod account;
mod app;
mod app_shape;
mod deployment;
mod error;
mod explain;
mod extract;
mod routine;
mod shape;
mod split_check;
mod traffic;
mod version;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use http::{Method, Uri};

pub(super) use self::app_shape::AppShape;
pub(super) use self::error::ApiError;
pub use self::explain::{Unexplained, explain};
use self::extract::BODY_MAX_BYTES;
pub(super) use self::extract::{Asked, environment};
pub(super) use self::shape::RoutineShape;
pub(super) use self::split_check::{CheckShape, check};
pub use self::split_check::{alarm, configured};
use super::guard::Trespass;
use super::signature::{Caller, Effect, unsigned};
use super::{Admin, body};

pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new()
        .route("/routines", get(routine::list).post(routine::create))
        .route("/routines/{name}", get(routine::get).patch(routine::change).delete(routine::delete))
        .route("/routines/{name}/versions", get(version::list).post(version::add))
        .route(
            "/routines/{name}/versions/{version}",
            get(version::get).patch(version::bind).delete(version::delete),
        )
        .route("/routines/{name}/environments/{environment}", get(deployment::live))
        .route("/routines/{name}/environments/{environment}/deployment", post(deployment::deploy))
        .route("/routines/{name}/environments/{environment}/rollback", post(deployment::roll_back))
        .route("/routines/{name}/environments/{environment}/check", get(split_check::of_routine))
        .route("/routines/{name}/deployments", get(deployment::history))
        .route("/routines/{name}/traffic", get(traffic::of_routine))
        .route("/apps", get(app::list))
        .route("/apps/{app}", get(app::get).patch(app::change))
        .route("/apps/{app}/versions", get(app::list_versions))
        .route("/apps/{app}/versions/{version}", patch(app::bind))
        .route("/apps/{app}/environments/{environment}", get(app::live))
        .route("/apps/{app}/environments/{environment}/check", get(split_check::of_app))
        .route("/apps/{app}/publishes", get(app::history))
        .route("/apps/{app}/traffic", get(traffic::of_app))
        .route("/traffic", get(traffic::all))
        .route("/endpoints", get(traffic::endpoints))
        .route("/account", get(account::get).patch(account::change).delete(account::reset))
        .route("/explain", get(explain::answer))
}

pub(super) async fn unknown_path(uri: Uri) -> ApiError {
    ApiError::not_found("path_not_found", format!("there is nothing at `{}`", uri.path()))
}

pub(super) async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    ApiError::wrong_method(format!("`{}` does not take {method}", uri.path()))
}

/// Lets a request through when who sent it may do what it asks for.
pub(super) async fn admit(admin: &Admin, request: Request) -> Result<Request, ApiError> {
    let (mut parts, body) = request.into_parts();
    if admin.keyring.is_empty() {
        parts.extensions.insert(Caller::default());
        parts.uri = unsigned(&parts.uri);
        return Ok(Request::from_parts(parts, body));
    }
    // A signature covers the whole body, so it is read before anything is believed.
    let octets = body::read(body, BODY_MAX_BYTES).await?;
    let effect = match parts.method {
        Method::GET | Method::HEAD => Effect::Reads,
        _ => Effect::Writes,
    };
    let caller = admin.keyring.caller_of_path(&parts, &octets, (admin.clock)())?;
    caller.may(effect)?;
    parts.extensions.insert(caller);
    parts.uri = unsigned(&parts.uri);
    Ok(Request::from_parts(parts, Body::from(octets)))
}

/// Answers what the guard stopped.
pub(super) fn turn_away(trespass: &Trespass) -> Response {
    ApiError::forbidden(trespass.to_string()).into_response()
}
