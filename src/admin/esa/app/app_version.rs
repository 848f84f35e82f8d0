//! The versions of an app.

use serde_json::{Value, json};

use super::failed;
use super::params::missing;
use super::wire::{AppVersionInfo, AppVersionList, VersionIdOnly};
use crate::admin::esa::action::Call;
use crate::admin::esa::error::EsaError;
use crate::admin::esa::wire::{Fields, fields};
use crate::control::{AppCommand, AppRefused, Command, NewAppVersion, Refused, Reply};
use crate::model::Upstream;

/// The largest page that the pages allow.
const PAGE_MAX: usize = 100;
/// What the pages allow of a container; a field that is left out is not refused.
const CHOICES: [(&str, &[&str]); 3] = [
    ("Spec", &["1C2G", "2C4G", "2C8G", "4C8G", "4C16G", "8C16G", "8C32G"]),
    ("Storage", &["0.5G", "10G", "20G", "30G"]),
    ("ProbeType", &["exec", "tcpSocket", "httpGet"]),
];

pub(super) async fn create(call: &Call<'_>) -> Result<Fields, EsaError> {
    let id = call.params.app_id()?;
    let name = call.params.needed("Name")?;
    if !(6..=128).contains(&name.chars().count()) {
        return Err(EsaError::invalid("Name must have 6 to 128 characters"));
    }
    let remarks = call.params.remarks()?;
    let (containers, upstream) = containers(call)?;
    let version = NewAppVersion { name, remarks, containers, upstream };
    let command = Command::App(AppCommand::AddVersion { id, version });
    match call.admin.control.execute(command).await.map_err(failed)? {
        Reply::AppVersion(version) => {
            Ok(fields(&VersionIdOnly { version_id: version.version_id.as_str() }))
        }
        _ => unreachable!("a new version is answered with the version"),
    }
}

/// The containers as JSON text, kept as they were given, and the first
/// `UPSTREAM=URL` among their variables.
fn containers(call: &Call<'_>) -> Result<(String, Option<Upstream>), EsaError> {
    let given = call.params.json_if_given("Containers")?.ok_or_else(|| missing("Containers"))?;
    let Some(list) = given.as_array().filter(|list| !list.is_empty()) else {
        return Err(EsaError::invalid("Containers must be a list of at least one container"));
    };
    let mut upstream = None;
    for container in list {
        let text = |key: &str| container.get(key).and_then(Value::as_str).unwrap_or_default();
        if text("Image").is_empty() {
            return Err(EsaError::invalid("Containers: each must have an Image"));
        }
        for (key, known) in CHOICES {
            let value = text(key);
            if !value.is_empty() && !known.contains(&value) {
                let known = known.join("`, `");
                let reason = format!("Containers: {key} must be one of `{known}`, not `{value}`");
                return Err(EsaError::invalid(reason));
            }
        }
        let mut variables = text("EnvVariables").split(',').map(str::trim);
        let noted = variables.find_map(|variable| variable.strip_prefix("UPSTREAM="));
        if let Some(noted) = noted.filter(|_| upstream.is_none()) {
            let noted = Upstream::new(noted);
            let wrong = |error| EsaError::invalid(format!("Containers: EnvVariables: {error}"));
            upstream = Some(noted.map_err(wrong)?);
        }
    }
    Ok((given.to_string(), upstream))
}

pub(super) async fn get(call: &Call<'_>) -> Result<Fields, EsaError> {
    let (id, version_id) = (call.params.app_id()?, call.params.version_id()?);
    let app = call.app().await?;
    let Some(version) = app.versions.get(&version_id) else {
        return Err(failed(Refused::from(AppRefused::NoVersion(id, version_id)).into()));
    };
    let mut answer = Fields::new();
    answer.insert("Version".to_owned(), json!(AppVersionInfo::new(&id, version)));
    Ok(answer)
}

pub(super) async fn list(call: &Call<'_>) -> Result<Fields, EsaError> {
    let params = call.params;
    let id = params.app_id()?;
    let paging = params.paging_up_to(PAGE_MAX)?;
    let sought = params.text("SearchKey")?.unwrap_or_default();
    let by_name = match params.text("SearchType")? {
        None => None,
        Some(_) => Some(params.one_of("SearchType", &["VersionId", "Name"])? == "Name"),
    };
    let ascending = params.one_of("OrderType", &["Desc", "Asc"])? == "Asc";
    let by = params.one_of("OrderKey", &["CreateTime", "Name", "ModifyTime"])?;
    let app = call.app().await?;
    let mut found = app.versions_newest_first();
    found.reverse();
    match by {
        "Name" => found.sort_by(|one, other| one.name.cmp(&other.name)),
        "ModifyTime" => found.sort_by_key(|version| version.updated),
        _ => {}
    }
    if !ascending {
        found.reverse();
    }
    found.retain(|version| {
        let by_id = by_name != Some(true) && version.version_id.as_str().contains(&sought);
        by_id || by_name != Some(false) && version.name.contains(&sought)
    });
    Ok(fields(&AppVersionList {
        total_count: found.len(),
        versions: paging.of(found.into_iter().map(|version| AppVersionInfo::new(&id, version))),
        page_number: paging.number,
        page_size: paging.size,
    }))
}

pub(super) async fn delete(call: &Call<'_>) -> Result<Fields, EsaError> {
    let (id, version_id) = (call.params.app_id()?, call.params.version_id()?);
    let command = Command::App(AppCommand::DeleteVersion { id, version_id });
    call.admin.control.execute(command).await.map_err(failed)?;
    Ok(Fields::new())
}
