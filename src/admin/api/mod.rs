//! The native API: JSON under `/api/v1`, and what the listener says on paths it
//! does not know.
//!
//! | method and path below `/api/v1` | what it does |
//! | --- | --- |
//! | GET `/openapi.json` | all of this, as an OpenAPI document |
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
//! | GET `/apps/{app}/versions/{version}` | one version |
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
//! What can be overwritten has an `ETag`, which `If-Match` and `If-None-Match` may name: a
//! change is made if they hold, and the check and the change are one step. What makes
//! something takes an `Idempotency-Key`.
//!
//! With access keys, a request is signed as V3 or carries `Authorization: Bearer SECRET`;
//! 401 is for who is not known, 403 for a read-only key that asks for more than GET, both
//! with the codes of ESA's gateway.

mod account;
mod app;
mod app_shape;
mod code;
mod deployment;
mod document;
mod error;
mod explain;
mod extract;
mod once;
mod operations;
mod routine;
mod shape;
mod split_check;
mod tag;
mod traffic;
mod version;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use http::{Method, Uri};

pub(super) use self::app_shape::AppShape;
use self::code::Code;
pub(super) use self::error::ApiError;
pub use self::explain::{Unexplained, explain};
use self::extract::BODY_MAX_BYTES;
pub(super) use self::extract::{Asked, environment};
pub use self::once::Answers;
use self::operations::operations;
pub(super) use self::shape::RoutineShape;
pub(super) use self::split_check::{CheckShape, check};
pub use self::split_check::{alarm, configured};
use self::tag::spare;
use super::guard::Trespass;
use super::signature::{Caller, Effect, unsigned};
use super::{Admin, body};

pub(super) fn routes(admin: &Arc<Admin>) -> Router<Arc<Admin>> {
    let served = operations().into_iter().map(|operation| operation.route(admin));
    let router = served.fold(Router::new(), |router, (path, served)| router.route(path, served));
    router.layer(middleware::from_fn(spare))
}

pub(super) async fn unknown_path(uri: Uri) -> ApiError {
    ApiError::new(Code::PathNotFound, format!("there is nothing at `{}`", uri.path()))
}

pub(super) async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    ApiError::new(Code::MethodNotAllowed, format!("`{}` does not take {method}", uri.path()))
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
    ApiError::new(Code::Forbidden, trespass).into_response()
}
