//! The versions of a routine: `/routines/{name}/versions`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::extract::{At, Sent, given};
use super::routine::find;
use super::shape::{VersionShape, versions};
use crate::admin::Admin;
use crate::control::{Command, Refused, Reply};
use crate::model::{CodeVersion, RoutineName, Upstream};

#[derive(Serialize)]
pub(super) struct Listed {
    versions: Vec<VersionShape>,
}

pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    At(name): At<RoutineName>,
) -> Result<Json<Listed>, ApiError> {
    let routine = find(&admin, &name).await?;
    Ok(Json(Listed { versions: versions(&routine) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewVersion {
    #[serde(default, deserialize_with = "given")]
    code_version: Option<String>,
    /// Null is the built-in backend.
    #[serde(default)]
    upstream: Option<String>,
    #[serde(default)]
    description: String,
}

pub(super) async fn add(
    State(admin): State<Arc<Admin>>,
    At(name): At<RoutineName>,
    Sent(new): Sent<NewVersion>,
) -> Result<(StatusCode, Json<VersionShape>), ApiError> {
    let code_version = new.code_version.as_deref().map(CodeVersion::new);
    let command = Command::AddVersion {
        name,
        code_version: code_version.transpose().map_err(ApiError::invalid)?,
        description: new.description,
        upstream: upstream(new.upstream.as_deref())?,
    };
    let version = changed(&admin, command).await?;
    Ok((StatusCode::CREATED, version))
}

pub(super) async fn get(
    State(admin): State<Arc<Admin>>,
    At((name, code_version)): At<(RoutineName, CodeVersion)>,
) -> Result<Json<VersionShape>, ApiError> {
    let routine = find(&admin, &name).await?;
    match routine.versions.get(&code_version) {
        Some(version) => Ok(Json(VersionShape::new(version))),
        None => Err(Refused::NoVersion(name, code_version).into()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Binding {
    /// Must be there; null is the built-in backend.
    #[serde(deserialize_with = "Option::deserialize")]
    upstream: Option<String>,
}

pub(super) async fn bind(
    State(admin): State<Arc<Admin>>,
    At((name, code_version)): At<(RoutineName, CodeVersion)>,
    Sent(binding): Sent<Binding>,
) -> Result<Json<VersionShape>, ApiError> {
    let command = Command::BindVersion {
        name,
        code_version,
        upstream: upstream(binding.upstream.as_deref())?,
    };
    changed(&admin, command).await
}

pub(super) async fn delete(
    State(admin): State<Arc<Admin>>,
    At((name, code_version)): At<(RoutineName, CodeVersion)>,
) -> Result<StatusCode, ApiError> {
    let command = Command::DeleteVersion { name, code_version };
    admin.control.execute(command).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn upstream(text: Option<&str>) -> Result<Option<Upstream>, ApiError> {
    let upstream = text.map(Upstream::new).transpose();
    upstream.map_err(ApiError::invalid)
}

async fn changed(admin: &Admin, command: Command) -> Result<Json<VersionShape>, ApiError> {
    match admin.control.execute(command).await? {
        Reply::Version(version) => Ok(Json(VersionShape::new(&version))),
        _ => unreachable!("a change of a version is answered with the version"),
    }
}
