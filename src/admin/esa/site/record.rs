//! Hosts that are bound to routines.

use super::site_name;
use super::wire::{RecordList, RecordMade, RelatedRecord};
use crate::admin::esa::action::Call;
use crate::admin::esa::error::EsaError;
use crate::admin::esa::params::absent;
use crate::admin::esa::wire::{Fields, Status, fields};
use crate::control::{Command, Reply};

pub(super) async fn create(call: &Call<'_>) -> Result<Fields, EsaError> {
    let name = call.params.routine_name("Name")?;
    let (host, site) = (call.params.record_name()?, call.site_id()?);
    match call.admin.control.execute(Command::AddRecord { name, host, site }).await? {
        Reply::Record(record) => Ok(fields(&RecordMade::new(record.id))),
        _ => unreachable!("a new record is answered with the record"),
    }
}

pub(super) async fn delete(call: &Call<'_>) -> Result<Fields, EsaError> {
    let name = call.params.routine_name("Name")?;
    let (host, site) = (call.params.record_name()?, call.site_id()?);
    let id = call.params.integer("RecordId", 1..=i64::MAX)?.ok_or_else(|| absent("RecordId"))?;
    call.admin.control.execute(Command::DeleteRecord { name, host, site, id }).await?;
    Ok(fields(&Status::OK))
}

/// By name.
pub(super) async fn list(call: &Call<'_>) -> Result<Fields, EsaError> {
    let name = call.params.routine_name("Name")?;
    let paging = call.params.paging()?;
    let sought = call.params.text("SearchKeyWord")?.unwrap_or_default();
    let routine = call.routine(&name).await?;
    let catalog = call.catalog().await?;
    let records = routine.records.values();
    let found: Vec<_> = records.filter(|record| record.host.as_str().contains(&sought)).collect();
    let line = |record| RelatedRecord::new(record, site_name(&catalog, record.site));
    Ok(fields(&RecordList {
        total_count: found.len(),
        related_records: paging.of(found.into_iter().map(|record| line(record))),
        page_number: paging.number,
        page_size: paging.size,
    }))
}
