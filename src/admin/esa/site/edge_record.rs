//! Every host of a site that is bound to a routine, whichever.

use super::wire::{EdgeRecord, EdgeRecordList};
use super::{PAGE_MAX, check_site, site_name};
use crate::admin::esa::action::Call;
use crate::admin::esa::error::EsaError;
use crate::admin::esa::wire::{Fields, default_record, fields};
use crate::model::RecordOwner;

/// By host.
pub(super) async fn list(call: &Call<'_>) -> Result<Fields, EsaError> {
    let params = call.params;
    let id = call.site_id()?;
    let paging = params.paging_of(PAGE_MAX, PAGE_MAX)?;
    let sought = params.name_search("RecordName", "RecordMatchType")?;
    let catalog = call.catalog().await?;
    check_site(&catalog, id)?;
    let site = site_name(&catalog, id);
    let bound = catalog.bound_hosts.iter().filter_map(|(host, owner)| match owner {
        RecordOwner::Routine(name) => {
            let record = catalog.routine(name)?.records.get(host)?;
            (record.site == id && sought.finds(host.as_str())).then_some((name, record))
        }
        RecordOwner::App(_) => None,
    });
    let found: Vec<_> = bound.collect();
    let cname = |name| default_record(name, &call.admin.account);
    Ok(fields(&EdgeRecordList {
        total_count: found.len(),
        records: paging
            .of(found.into_iter().map(|(name, record)| EdgeRecord::new(record, cname(name), site))),
        page_number: paging.number,
        page_size: paging.size,
    }))
}
