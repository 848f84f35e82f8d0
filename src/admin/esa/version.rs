//! Actions about the versions of a routine's code.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::action::Call;
use super::error::EsaError;
use super::wire::{Fields, Status, VersionCode, VersionInfo, VersionLine, VersionList, fields};
use crate::admin::time::rfc3339_seconds;
use crate::control::{Command, Refused};
use crate::model::{CodeVersion, RoutineName, Version};

/// Newest first: clients take the first entry as the latest.
pub(super) async fn list(call: &Call<'_>) -> Result<Fields, EsaError> {
    let name = call.params.routine_name("Name")?;
    let paging = call.params.paging()?;
    let sought = call.params.text("SearchKeyWord")?.unwrap_or_default();
    let routine = call.routine(&name).await?;
    let mut found = routine.versions_newest_first();
    found.retain(|version| {
        version.code_version.as_str().contains(&sought) || version.description.contains(&sought)
    });
    Ok(fields(&VersionList {
        total_count: found.len(),
        code_versions: paging.of(found.into_iter().map(|version| VersionLine::new(version))),
        page_number: paging.number,
        page_size: paging.size,
    }))
}

pub(super) async fn get(call: &Call<'_>) -> Result<Fields, EsaError> {
    let (_, version) = call.version().await?;
    Ok(fields(&VersionInfo::new(&version)))
}

pub(super) async fn get_code(call: &Call<'_>) -> Result<Fields, EsaError> {
    let (name, version) = call.version().await?;
    let code_version = version.code_version.clone();
    let code = call.admin.control.code(name, code_version).await?;
    Ok(fields(&VersionCode {
        code_description: &version.description,
        create_time: rfc3339_seconds(version.created),
        routine_code: BASE64_STANDARD.encode(code.unwrap_or_default()),
    }))
}

pub(super) async fn delete(call: &Call<'_>) -> Result<Fields, EsaError> {
    let command = Command::DeleteVersion {
        name: call.params.routine_name("Name")?,
        code_version: call.params.code_version("CodeVersion")?,
    };
    call.admin.control.execute(command).await?;
    Ok(fields(&Status::OK))
}

impl Call<'_> {
    async fn version(&self) -> Result<(RoutineName, Arc<Version>), EsaError> {
        let name = self.params.routine_name("Name")?;
        let code_version: CodeVersion = self.params.code_version("CodeVersion")?;
        let routine = self.routine(&name).await?;
        match routine.versions.get(&code_version) {
            Some(version) => Ok((name, version.clone())),
            None => Err(EsaError::invalid(Refused::NoVersion(name, code_version))),
        }
    }
}
