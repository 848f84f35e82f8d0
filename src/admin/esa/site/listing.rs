//! Sites as such.

use super::PAGE_MAX;
use super::wire::{MatchedSite, SiteLine, SiteList};
use crate::admin::esa::action::Call;
use crate::admin::esa::error::EsaError;
use crate::admin::esa::wire::{Fields, fields};

/// The status of every site: one that is declared is there.
pub(super) const ACTIVE: &str = "active";

pub(super) async fn list(call: &Call<'_>) -> Result<Fields, EsaError> {
    let params = call.params;
    let paging = params.paging_of(PAGE_MAX, PAGE_MAX)?;
    let sought = params.name_search("SiteName", "SiteSearchType")?;
    let status = params.text("Status")?;
    let catalog = call.catalog().await?;
    let is_asked = status.is_none_or(|status| status.eq_ignore_ascii_case(ACTIVE));
    let found: Vec<_> = catalog
        .sites
        .values()
        .filter(|site| is_asked && sought.finds(site.name.as_str()))
        .collect();
    Ok(fields(&SiteList {
        total_count: found.len(),
        sites: paging.of(found.into_iter().map(|site| SiteLine::new(site))),
        page_number: paging.number,
        page_size: paging.size,
    }))
}

/// The site that a host belongs to, bound or not.
pub(super) async fn matching(call: &Call<'_>) -> Result<Fields, EsaError> {
    let host = call.params.record_name()?;
    let catalog = call.catalog().await?;
    let site = catalog.site_of(&host).ok_or_else(|| {
        EsaError::invalid(format!("no site holds `{host}`: declare one as a `[[site]]`"))
    })?;
    Ok(fields(&MatchedSite { site_id: site.id.get(), site_name: site.name.as_str() }))
}
