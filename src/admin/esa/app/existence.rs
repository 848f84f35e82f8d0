//! Apps as such: made, told, listed, deleted.

use serde_json::json;

use super::failed;
use super::params::missing;
use super::wire::{AppIdOnly, AppInfo, AppList, HealthCheck};
use crate::admin::esa::action::Call;
use crate::admin::esa::error::EsaError;
use crate::admin::esa::wire::{Fields, fields};
use crate::control::{AppCommand, Command, NewApp, Reply};
use crate::model::EdgeContainerApp;

/// The largest page that the pages allow.
pub(super) const PAGE_MAX: usize = 500;

pub(super) async fn create(call: &Call<'_>) -> Result<Fields, EsaError> {
    let params = call.params;
    let name = params.app_name()?;
    let service_port = params.integer("ServicePort", 80..=443)?;
    let service_port = service_port.ok_or_else(|| missing("ServicePort"))?;
    if service_port != 80 && service_port != 443 {
        return Err(EsaError::invalid("ServicePort must be 80 or 443"));
    }
    let target_port = params.integer("TargetPort", 1..=65_535)?;
    let new = NewApp {
        name,
        remarks: params.remarks()?,
        service_port: port(service_port),
        target_port: port(target_port.ok_or_else(|| missing("TargetPort"))?),
        health_check: health_check(call)?,
    };
    let command = Command::App(AppCommand::Create(new));
    match call.admin.control.execute(command).await.map_err(failed)? {
        Reply::App(app) => Ok(fields(&AppIdOnly { app_id: app.id.as_str() })),
        _ => unreachable!("a new app is answered with the app"),
    }
}

fn port(number: i64) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// What was given, and the defaults of the pages.
fn health_check(call: &Call<'_>) -> Result<String, EsaError> {
    let params = call.params;
    let number = |name: &str, most: i64, default: i64| {
        Ok::<_, EsaError>(params.integer(name, 1..=most)?.unwrap_or(default))
    };
    let uri = params.text("HealthCheckURI")?.unwrap_or_else(|| "/".to_owned());
    if uri.chars().count() > 80 {
        return Err(EsaError::invalid("HealthCheckURI has more than 80 characters"));
    }
    let check = HealthCheck {
        kind: params.one_of("HealthCheckType", &["l7", "l4"])?.to_owned(),
        host: params.text("HealthCheckHost")?.unwrap_or_default(),
        uri,
        method: params.one_of("HealthCheckMethod", &["HEAD", "GET"])?.to_owned(),
        http_code: params.one_of("HealthCheckHttpCode", &["http_2xx", "http_3xx"])?.to_owned(),
        port: number("HealthCheckPort", 65_535, 80)?,
        interval: number("HealthCheckInterval", 50, 5)?,
        timeout: number("HealthCheckTimeout", 100, 3)?,
        succ_times: number("HealthCheckSuccTimes", 10, 2)?,
        fail_times: number("HealthCheckFailTimes", 10, 5)?,
    };
    Ok(json!(check).to_string())
}

pub(super) async fn get(call: &Call<'_>) -> Result<Fields, EsaError> {
    let app = call.app().await?;
    let mut answer = Fields::new();
    answer.insert("App".to_owned(), json!(AppInfo::new(&app, call.admin.domain().as_ref())));
    Ok(answer)
}

/// What is published is withdrawn with it.
pub(super) async fn delete(call: &Call<'_>) -> Result<Fields, EsaError> {
    let id = call.params.app_id()?;
    let command = Command::App(AppCommand::Delete { id });
    call.admin.control.execute(command).await.map_err(failed)?;
    let mut answer = Fields::new();
    answer.insert("State".to_owned(), "OK".into());
    Ok(answer)
}

pub(super) async fn list(call: &Call<'_>) -> Result<Fields, EsaError> {
    let params = call.params;
    let paging = params.paging_up_to(PAGE_MAX)?;
    let sought = params.text("SearchKey")?.unwrap_or_default();
    let by = params.text("SearchType")?;
    let by =
        if by.is_none() { None } else { Some(params.one_of("SearchType", &["AppId", "Name"])?) };
    let key = params.one_of("OrderKey", &["CreateTime", "Name", "ModifyTime"])?;
    let ascending = params.one_of("OrderType", &["Desc", "Asc"])? == "Asc";
    let catalog = call.admin.control.catalog().await?;
    let has = |text: &str| text.contains(&sought);
    let mut apps: Vec<&EdgeContainerApp> = catalog
        .apps
        .values()
        .map(AsRef::as_ref)
        .filter(|app| {
            by != Some("Name") && has(app.id.as_str())
                || by != Some("AppId") && has(app.name.as_str())
        })
        .collect();
    apps.sort_by(|one, other| match key {
        "Name" => one.name.cmp(&other.name),
        "ModifyTime" => (one.updated, &one.id).cmp(&(other.updated, &other.id)),
        _ => (one.created, &one.id).cmp(&(other.created, &other.id)),
    });
    if !ascending {
        apps.reverse();
    }
    let domain = call.admin.domain();
    let domain = domain.as_ref();
    Ok(fields(&AppList {
        total_count: apps.len(),
        apps: paging.of(apps.into_iter().map(|app| AppInfo::new(app, domain))),
        page_number: paging.number,
        page_size: paging.size,
    }))
}
