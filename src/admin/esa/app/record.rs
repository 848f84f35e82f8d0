//! Hosts that are bound to apps.

use serde::Serialize;

use super::existence::PAGE_MAX;
use super::failed;
use super::params::missing;
use crate::admin::esa::action::Call;
use crate::admin::esa::error::EsaError;
use crate::admin::esa::site::{EdgeRecord, EdgeRecordList, site_name};
use crate::admin::esa::wire::{Fields, fields};
use crate::admin::time::rfc3339_seconds;
use crate::control::{AppCommand, Command};
use crate::model::{EdgeContainerApp, Record, RecordOwner};

pub(super) async fn create(call: &Call<'_>) -> Result<Fields, EsaError> {
    let (id, host) = (call.params.app_id()?, call.params.record_name()?);
    let site = call.params.site_id()?.ok_or_else(|| missing("SiteId"))?;
    let command = Command::App(AppCommand::AddRecord { id, host, site });
    call.admin.control.execute(command).await.map_err(failed)?;
    Ok(Fields::new())
}

pub(super) async fn delete(call: &Call<'_>) -> Result<Fields, EsaError> {
    let (id, host) = (call.params.app_id()?, call.params.record_name()?);
    call.params.site_id()?.ok_or_else(|| missing("SiteId"))?;
    let command = Command::App(AppCommand::DeleteRecord { id, host });
    call.admin.control.execute(command).await.map_err(failed)?;
    Ok(Fields::new())
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RecordList<'a> {
    records: Vec<RecordLine<'a>>,
    page_number: usize,
    page_size: usize,
    total_count: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RecordLine<'a> {
    app_id: &'a str,
    record_name: &'a str,
    cname: String,
    create_time: String,
    update_time: String,
    record_id: i64,
    config_id: i64,
    site_id: i64,
    /// So it is spelled.
    schemd_id: i64,
}

impl<'a> RecordLine<'a> {
    fn new(app: &'a EdgeContainerApp, record: &'a Record) -> Self {
        Self {
            app_id: app.id.as_str(),
            record_name: record.host.as_str(),
            cname: cname(app),
            create_time: rfc3339_seconds(record.created),
            update_time: rfc3339_seconds(record.created),
            record_id: record.id,
            config_id: record.id,
            site_id: record.site.get(),
            schemd_id: record.id,
        }
    }
}

pub(super) async fn list(call: &Call<'_>) -> Result<Fields, EsaError> {
    let app = call.app().await?;
    answer(call, app.records.values().map(|record| (&*app, &**record)).collect())
}

/// Those of every app, by host; of one site where it is named.
pub(super) async fn list_of_site(call: &Call<'_>) -> Result<Fields, EsaError> {
    let params = call.params;
    let site = params.site_id()?;
    let paging = params.paging_up_to(PAGE_MAX)?;
    let sought = params.name_search("RecordName", "RecordMatchType")?;
    let catalog = call.admin.control.catalog().await?;
    let bound = catalog.bound_hosts.iter().filter_map(|(host, owner)| match owner {
        RecordOwner::App(id) => {
            let app = catalog.app(id)?;
            let record = app.records.get(host)?;
            let asked = site.is_none_or(|site| site == record.site);
            (asked && sought.finds(host.as_str())).then_some((app, record))
        }
        RecordOwner::Routine(_) => None,
    });
    let found: Vec<_> = bound.collect();
    let name = |record: &Record| site_name(&catalog, record.site);
    Ok(fields(&EdgeRecordList {
        total_count: found.len(),
        records: paging.of(found
            .into_iter()
            .map(|(app, record)| EdgeRecord::new(record, cname(app), name(record)))),
        page_number: paging.number,
        page_size: paging.size,
    }))
}

/// What a host would point at.
fn cname(app: &EdgeContainerApp) -> String {
    format!("{}.localhost", app.name)
}

fn answer(
    call: &Call<'_>,
    mut records: Vec<(&EdgeContainerApp, &Record)>,
) -> Result<Fields, EsaError> {
    let params = call.params;
    let paging = params.paging_up_to(PAGE_MAX)?;
    let sought = params.text("SearchKey")?.unwrap_or_default();
    let descending = params.one_of("OrderType", &["Asc", "Desc"])? == "Desc";
    let by_time = params.text("OrderKey")?.is_some_and(|key| key == "CreateTime");
    records.retain(|(_, record)| record.host.as_str().contains(&sought));
    records.sort_by(|(_, one), (_, other)| one.host.cmp(&other.host));
    if by_time {
        records.sort_by_key(|(_, record)| record.created);
    }
    if descending {
        records.reverse();
    }
    Ok(fields(&RecordList {
        total_count: records.len(),
        records: paging.of(records.iter().map(|(app, record)| RecordLine::new(app, record))),
        page_number: paging.number,
        page_size: paging.size,
    }))
}
