//! The versions of a routine: `/routines/{name}/versions`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::NoContent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::{CodeVersionText, UpstreamText};
use super::error::ApiError;
use super::extract::{At, Sent, given};
use super::routine::find;
use super::shape::{VersionShape, versions};
use super::tag::{EntityTag, Found, Made, Preconditions, Tagged};
use crate::admin::Admin;
use crate::control::{Command, Condition, Refused, Reply};
use crate::model::{Catalog, CodeVersion, RoutineName, Upstream};

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Versions")]
pub(super) struct Listed {
    /// Newest first.
    versions: Vec<VersionShape>,
}

pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    At(name): At<RoutineName>,
) -> Result<Json<Listed>, ApiError> {
    let routine = find(&admin, &name).await?;
    Ok(Json(Listed { versions: versions(&routine) }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewVersion {
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "CodeVersionText")]
    code_version: Option<String>,
    /// Null is the built-in backend.
    #[serde(default)]
    #[schemars(with = "Option<UpstreamText>")]
    upstream: Option<String>,
    #[serde(default)]
    description: String,
}

pub(super) async fn add(
    State(admin): State<Arc<Admin>>,
    At(name): At<RoutineName>,
    Sent(new): Sent<NewVersion>,
) -> Result<Made<VersionShape>, ApiError> {
    let code_version = new.code_version.as_deref().map(CodeVersion::new);
    let command = Command::AddVersion {
        name: name.clone(),
        code_version: code_version.transpose().map_err(ApiError::invalid)?,
        description: new.description,
        upstream: upstream(new.upstream.as_deref())?,
    };
    let body = changed(&admin.control.execute(command).await?);
    let at = format!("/api/v1/routines/{name}/versions/{}", body.code_version());
    Ok(Made { tag: EntityTag::of(&body), body, at })
}

pub(super) async fn get(
    State(admin): State<Arc<Admin>>,
    At((name, code_version)): At<(RoutineName, CodeVersion)>,
) -> Result<Tagged<VersionShape>, ApiError> {
    let routine = find(&admin, &name).await?;
    match routine.versions.get(&code_version) {
        Some(version) => Ok(Tagged(VersionShape::new(version))),
        None => Err(Refused::NoVersion(name, code_version).into()),
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Binding")]
pub(super) struct Binding {
    /// Must be there; null is the built-in backend.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schemars(with = "Option<UpstreamText>", required)]
    upstream: Option<String>,
}

pub(super) async fn bind(
    State(admin): State<Arc<Admin>>,
    At((name, code_version)): At<(RoutineName, CodeVersion)>,
    wanted: Preconditions,
    Sent(binding): Sent<Binding>,
) -> Result<Tagged<VersionShape>, ApiError> {
    let upstream = upstream(binding.upstream.as_deref())?;
    let wanted = about(wanted, name.clone(), code_version.clone());
    let command = Command::BindVersion { name, code_version, upstream };
    Ok(Tagged(changed(&admin.control.execute_if(wanted, command).await?)))
}

pub(super) async fn delete(
    State(admin): State<Arc<Admin>>,
    At((name, code_version)): At<(RoutineName, CodeVersion)>,
    wanted: Preconditions,
) -> Result<NoContent, ApiError> {
    let wanted = about(wanted, name.clone(), code_version.clone());
    let command = Command::DeleteVersion { name, code_version };
    admin.control.execute_if(wanted, command).await?;
    Ok(NoContent)
}

fn upstream(text: Option<&str>) -> Result<Option<Upstream>, ApiError> {
    let upstream = text.map(Upstream::new).transpose();
    upstream.map_err(ApiError::invalid)
}

/// What `wanted` asks of the version as a GET would tell it.
fn about(wanted: Preconditions, name: RoutineName, code_version: CodeVersion) -> Condition {
    wanted.about(move |catalog: &Catalog| {
        let routine = catalog.routine(&name);
        match routine.and_then(|routine| routine.versions.get(&code_version)) {
            Some(version) => {
                let tag = EntityTag::of(&VersionShape::new(version));
                Found::There(format!("code version `{code_version}` is there"), tag)
            }
            None => Found::Nowhere,
        }
    })
}

fn changed(reply: &Reply) -> VersionShape {
    match reply {
        Reply::Version(version) => VersionShape::new(version),
        _ => unreachable!("a change of a version is answered with the version"),
    }
}
