//! Parts of a request, read once and refused in one way.

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::code::Code;
use super::document::{
    AppIdText, CodeVersionText, Description, EnvironmentText, RoutineNameText, VersionIdText,
};
use super::error::ApiError;
use crate::admin::body;
use crate::model::{AppId, CodeVersion, Environment, RoutineName, VersionId};

/// The body of a request, in bytes.
pub(super) const BODY_MAX_BYTES: usize = 1024 * 1024;

/// What the segments of a path name. A text that can be no name names nothing: 404.
pub(super) struct At<T>(pub(super) T);

impl<T, S> FromRequestParts<S> for At<T>
where
    T: Named + Send,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(texts) = Path::<Vec<String>>::from_request_parts(parts, state)
            .await
            .map_err(|error| ApiError::new(Code::PathNotFound, error.body_text()))?;
        let mut texts = texts.iter().map(String::as_str);
        let first = texts.next().unwrap_or_default();
        T::new(first, texts.next().unwrap_or_default()).map(Self)
    }
}

/// What one or two segments of a path name.
pub(super) trait Named: Sized {
    fn new(first: &str, second: &str) -> Result<Self, ApiError>;

    /// The segments, for the document.
    fn describe(description: &mut Description);
}

impl Named for RoutineName {
    fn new(first: &str, _: &str) -> Result<Self, ApiError> {
        RoutineName::new(first).map_err(|error| ApiError::new(Code::RoutineNotFound, error))
    }

    fn describe(description: &mut Description) {
        description.segment::<RoutineNameText>("name", Code::RoutineNotFound);
    }
}

impl Named for (RoutineName, CodeVersion) {
    fn new(first: &str, second: &str) -> Result<Self, ApiError> {
        let version = CodeVersion::new(second)
            .map_err(|error| ApiError::new(Code::VersionNotFound, error))?;
        Ok((<RoutineName as Named>::new(first, "")?, version))
    }

    fn describe(description: &mut Description) {
        <RoutineName as Named>::describe(description);
        description.segment::<CodeVersionText>("version", Code::VersionNotFound);
    }
}

impl Named for (RoutineName, Environment) {
    fn new(first: &str, second: &str) -> Result<Self, ApiError> {
        let name = <RoutineName as Named>::new(first, "")?;
        let environment = Environment::new(second)
            .ok_or_else(|| ApiError::new(Code::EnvironmentNotFound, not_an_environment(second)))?;
        Ok((name, environment))
    }

    fn describe(description: &mut Description) {
        <RoutineName as Named>::describe(description);
        description.segment::<EnvironmentText>("environment", Code::EnvironmentNotFound);
    }
}

impl Named for AppId {
    fn new(first: &str, _: &str) -> Result<Self, ApiError> {
        AppId::new(first).map_err(|error| ApiError::new(Code::AppNotFound, error))
    }

    fn describe(description: &mut Description) {
        description.segment::<AppIdText>("app", Code::AppNotFound);
    }
}

impl Named for (AppId, VersionId) {
    fn new(first: &str, second: &str) -> Result<Self, ApiError> {
        let version =
            VersionId::new(second).map_err(|error| ApiError::new(Code::VersionNotFound, error))?;
        Ok((<AppId as Named>::new(first, "")?, version))
    }

    fn describe(description: &mut Description) {
        <AppId as Named>::describe(description);
        description.segment::<VersionIdText>("version", Code::VersionNotFound);
    }
}

impl Named for (AppId, Environment) {
    fn new(first: &str, second: &str) -> Result<Self, ApiError> {
        let environment = Environment::new(second)
            .ok_or_else(|| ApiError::new(Code::EnvironmentNotFound, not_an_environment(second)))?;
        Ok((<AppId as Named>::new(first, "")?, environment))
    }

    fn describe(description: &mut Description) {
        <AppId as Named>::describe(description);
        description.segment::<EnvironmentText>("environment", Code::EnvironmentNotFound);
    }
}

/// Parameters of the query.
pub(in crate::admin) struct Asked<T>(pub(in crate::admin) T);

impl<T, S> FromRequestParts<S> for Asked<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(error) => Err(ApiError::bad_request(error.body_text())),
        }
    }
}

/// A JSON body.
pub(super) struct Sent<T>(pub(super) T);

impl<T, S> FromRequest<S> for Sent<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let octets = body::read(body, BODY_MAX_BYTES).await?;
        json(&parts, &octets).map(Self)
    }
}

/// A JSON body that may be left out.
pub(super) struct MaybeSent<T>(pub(super) T);

impl<T, S> FromRequest<S> for MaybeSent<T>
where
    T: DeserializeOwned + Default,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let octets = body::read(body, BODY_MAX_BYTES).await?;
        if octets.is_empty() {
            return Ok(Self(T::default()));
        }
        json(&parts, &octets).map(Self)
    }
}

fn json<T: DeserializeOwned>(parts: &Parts, octets: &[u8]) -> Result<T, ApiError> {
    let kind = parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .and_then(|kind| kind.split(';').next())
        .unwrap_or_default();
    if !kind.trim().eq_ignore_ascii_case("application/json") {
        return Err(ApiError::not_json());
    }
    serde_json::from_slice(octets).map_err(|error| {
        if error.is_data() {
            ApiError::invalid(error)
        } else {
            ApiError::bad_request(format!("the body is no JSON: {error}"))
        }
    })
}

/// Reads a field that is there; unlike a bare `Option`, it takes no null for an
/// absent one.
pub(super) fn given<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// An environment named in a query.
pub(in crate::admin) fn environment(text: &str) -> Result<Environment, ApiError> {
    Environment::new(text).ok_or_else(|| ApiError::bad_request(not_an_environment(text)))
}

fn not_an_environment(text: &str) -> String {
    format!("an environment is `staging` or `production`, not `{text}`")
}

/// How many items an answer may have: `limit` when it is given and sound.
pub(super) fn limit(asked: Option<u32>, default: u32, max: u32) -> Result<u32, ApiError> {
    match asked {
        None => Ok(default),
        Some(limit) if (1..=max).contains(&limit) => Ok(limit),
        Some(limit) => Err(ApiError::bad_request(format!("limit must be 1 to {max}, not {limit}"))),
    }
}
