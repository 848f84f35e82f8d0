//! The ESA dialect (OpenAPI 2024-09-10, RPC style), spoken nowhere else.
//!
//! Every call goes to `/`, by GET or POST; parameters come in the query, a form
//! body or a JSON body. Unknown parameters are ignored, an empty one is an absent
//! one. Checks run in this order: action and version, who is asking and whether it may,
//! the account's state, presence, shape, existence of the routine, existence of its
//! versions. Who is not known is told nothing of the account.

mod access;
mod action;
mod app;
mod assets;
mod build;
mod bundle;
mod deployment;
mod error;
mod params;
mod permission;
mod routine;
mod search;
mod service;
mod site;
mod staging;
#[cfg(test)]
mod table;
mod upload;
mod variable;
mod version;
mod wire;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{CONTENT_TYPE, HOST};
use http::request::Parts;
use http::uri::Scheme;
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;

use self::action::{Action, Call};
pub(super) use self::assets::{ASSETS_UPLOAD_PATH, upload_assets};
use self::error::{Code, EsaError};
use self::params::Params;
pub(super) use self::upload::{UPLOAD_PATH, turn_upload_away, upload};
use self::wire::Fields;
use super::account::Arrival;
use super::guard::Trespass;
use super::signature::Caller;
use super::{Admin, body};

/// The one version of the API that is spoken.
const VERSION: &str = "2024-09-10";
/// The body of a call, in bytes. Code travels in the upload, not here.
const CALL_MAX_BYTES: usize = 1024 * 1024;

pub(super) fn has_action(name: &str) -> bool {
    action::find(name).is_some()
}

/// Answers one call.
pub(super) async fn answer(State(admin): State<Arc<Admin>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match run(&admin, &parts, body).await {
        Ok(fields) => success(&request_id(&admin), fields),
        Err(failure) => refusal(&request_id(&admin), &parts, &failure),
    }
}

/// Answers what the guard stopped.
pub(super) fn turn_away(admin: &Admin, parts: &Parts, trespass: &Trespass) -> Response {
    refusal(&request_id(admin), parts, &EsaError::from(trespass).into())
}

/// What failed, and in which action: its texts differ.
struct Failure {
    error: EsaError,
    action: Option<&'static str>,
}

impl From<EsaError> for Failure {
    fn from(error: EsaError) -> Self {
        Self { error, action: None }
    }
}

async fn run(admin: &Admin, parts: &Parts, body: Body) -> Result<Fields, Failure> {
    if parts.method != Method::GET && parts.method != Method::POST {
        let reason = format!("an action is called by GET or POST, not {}", parts.method);
        return Err(EsaError::new(Code::UnsupportedMethod, reason).into());
    }
    // The body may hold the action's name, so it is read first; where the header
    // names the action, the refusal of a bad body has that action's words.
    let by_header = header(parts, "x-acs-action").and_then(action::find);
    let spoken_by = |action: Option<&'static Action>| {
        move |error| Failure { error, action: action.map(|action| action.name) }
    };
    let octets = body::read(body, CALL_MAX_BYTES)
        .await
        .map_err(EsaError::invalid)
        .map_err(spoken_by(by_header))?;
    let read = Params::read(parts.uri.query(), &parts.headers, &octets);
    // A gateway knows its actions before its callers. Parameters that cannot be read
    // name none; where the header does not either, nobody who is not known is told.
    let named = match &read {
        Ok(params) => Some(named_action(parts, params)?),
        Err(_) if header(parts, "x-acs-action").is_some() => {
            Some(named_action(parts, &Params::default())?)
        }
        Err(_) => None,
    };
    let caller = admin.keyring.caller_of_action(parts, &octets, (admin.clock)());
    let caller = caller.map_err(EsaError::from)?;
    let action = match (named, &read) {
        (Some(action), _) => action,
        (None, Err(unreadable)) => return Err(unreadable.clone().into()),
        (None, Ok(_)) => unreachable!("parameters that are read name an action, or are refused"),
    };
    caller.may(action.effect).map_err(EsaError::from)?;
    let latency = admin.live_account.latency();
    let outcome = async {
        enter_account(admin, action, &caller)?;
        let params = &read?;
        params.require(action.required)?;
        let call = Call {
            admin,
            params,
            by: caller.key(),
            scheme: scheme(parts),
            authority: &authority(parts),
        };
        (action.run)(&call).await
    }
    .await;
    // The answer waits and not the action: what a client has no patience for is done all
    // the same, as it is behind a slow network.
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    outcome.map_err(spoken_by(Some(action)))
}

/// Lets a known caller pass the account's state.
fn enter_account(admin: &Admin, action: &Action, caller: &Caller) -> Result<(), EsaError> {
    let Action { name, effect, .. } = *action;
    let arrival = Arrival { action: name, effect, key: caller.key(), now: (admin.clock)() };
    let draw = || {
        let octets = (admin.draw)();
        u64::from_be_bytes(*octets.first_chunk().expect("16 octets begin with 8"))
    };
    Ok(admin.live_account.admit(&arrival, draw)?)
}

/// The action of headers (V3 clients) or of parameters (V1 clients). A call by hand
/// may leave out the version, since only one is spoken; another one is refused.
fn named_action(parts: &Parts, params: &Params) -> Result<&'static Action, EsaError> {
    let named = |in_header: &str, in_params: &str| match header(parts, in_header) {
        Some(text) => Ok(Some(text.to_owned())),
        None => params.text(in_params),
    };
    let not_found = |reason: String| EsaError::new(Code::ActionNotFound, reason);
    let version = named("x-acs-version", "Version")?;
    if let Some(version) = version.filter(|version| version != VERSION) {
        return Err(not_found(format!("the version must be {VERSION}, not `{version}`")));
    }
    let name = named("x-acs-action", "Action")?.unwrap_or_default();
    action::find(&name).ok_or_else(|| not_found(format!("there is no action `{name}`")))
}

/// A header's text; an empty one is absent, as a parameter is.
fn header<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    let text = parts.headers.get(name)?.to_str().ok()?;
    (!text.is_empty()).then_some(text)
}

/// The host that was called, as the client named it. RFC 9112, section 3.2.2: an
/// absolute target holds before `Host`.
fn authority(parts: &Parts) -> String {
    match parts.uri.authority() {
        Some(authority) => authority.to_string(),
        None => header(parts, HOST.as_str()).unwrap_or_default().to_owned(),
    }
}

/// What the call came over.
fn scheme(parts: &Parts) -> &str {
    parts.extensions.get().map_or("http", Scheme::as_str)
}

/// An upper-case UUID of version 4.
fn request_id(admin: &Admin) -> String {
    let mut octets = (admin.draw)();
    octets[6] = octets[6] & 0x0F | 0x40;
    octets[8] = octets[8] & 0x3F | 0x80;
    let hex = format!("{:032X}", u128::from_be_bytes(octets));
    let (time, rest) = hex.split_at(8);
    format!("{time}-{}-{}-{}-{}", &rest[..4], &rest[4..8], &rest[8..12], &rest[12..])
}

fn success(request_id: &str, fields: Fields) -> Response {
    let mut answer = Fields::new();
    answer.insert("RequestId".to_owned(), request_id.into());
    answer.extend(fields);
    respond(StatusCode::OK, request_id, &answer.into())
}

fn refusal(request_id: &str, parts: &Parts, failure: &Failure) -> Response {
    let EsaError { code, reason, appended, retry_after_ms } = &failure.error;
    let name = code.as_str();
    let answer = json!({
        "RequestId": request_id,
        "HostId": authority(parts),
        "Code": name,
        "Message": format!("{}{appended}", code.message(failure.action)),
        "Recommend": format!(
            "https://api.aliyun.com/troubleshoot?q={name}&product=ESA&requestId={request_id}"
        ),
        // Ours: clients ignore what they do not know, people read it.
        "Reason": reason,
    });
    let mut response = respond(code.status(), request_id, &answer);
    if let Some(ms) = retry_after_ms {
        response.headers_mut().insert("x-acs-retry-after", HeaderValue::from(*ms));
    }
    response
}

fn respond(status: StatusCode, request_id: &str, answer: &serde_json::Value) -> Response {
    let mut response = Response::new(Body::from(answer.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-acs-request-id", id);
    }
    response
}
