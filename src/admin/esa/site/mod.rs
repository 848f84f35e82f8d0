//! Actions about sites: what they are, which hosts of them are bound to routines, and
//! which of their requests are routed where. Sites are the config's, and no action
//! changes one.

mod edge_record;
mod listing;
mod record;
mod route;
mod rule;
mod wire;

use super::action::{Action, Call};
use super::error::EsaError;
use super::params::absent;
use crate::control::Refused;
use crate::model::{Catalog, SiteId};

pub(super) use self::wire::{EdgeRecord, EdgeRecordList};

/// The largest page that the pages allow, and the one that is given when none is asked
/// for.
const PAGE_MAX: usize = 500;

/// By name, so that it can be searched.
pub(super) const ACTIONS: &[Action] = &[
    Action::writes("CreateRoutineRelatedRecord", &["Name", "SiteId", "RecordName"], |call| {
        Box::pin(record::create(call))
    }),
    Action::writes("CreateRoutineRelatedRoute", &["Name", "SiteId", "Route"], |call| {
        Box::pin(route::create_of_pattern(call))
    }),
    Action::writes(
        "CreateRoutineRoute",
        &["SiteId", "RoutineName", "RouteName", "RouteEnable", "Rule"],
        |call| Box::pin(route::create(call)),
    ),
    Action::writes(
        "DeleteRoutineRelatedRecord",
        &["Name", "SiteId", "RecordName", "RecordId"],
        |call| Box::pin(record::delete(call)),
    ),
    Action::writes("DeleteRoutineRelatedRoute", &["Name", "SiteId", "RouteId"], |call| {
        Box::pin(route::delete_of_pattern(call))
    }),
    Action::writes("DeleteRoutineRoute", &["SiteId", "ConfigId"], |call| {
        Box::pin(route::delete(call))
    }),
    Action::reads("GetMatchSite", &["RecordName"], |call| Box::pin(listing::matching(call))),
    Action::reads("GetRoutineRoute", &["SiteId", "ConfigId"], |call| Box::pin(route::get(call))),
    Action::reads("ListEdgeRoutineRecords", &["SiteId"], |call| Box::pin(edge_record::list(call))),
    Action::reads("ListRoutineRelatedRecords", &["Name"], |call| Box::pin(record::list(call))),
    Action::reads("ListRoutineRoutes", &["RoutineName"], |call| {
        Box::pin(route::list_of_routine(call))
    }),
    Action::reads("ListSiteRoutes", &["SiteId"], |call| Box::pin(route::list_of_site(call))),
    Action::reads("ListSites", &[], |call| Box::pin(listing::list(call))),
    Action::writes("UpdateRoutineRoute", &["SiteId", "ConfigId"], |call| {
        Box::pin(route::update(call))
    }),
];

impl Call<'_> {
    fn site_id(&self) -> Result<SiteId, EsaError> {
        self.params.site_id()?.ok_or_else(|| absent("SiteId"))
    }

    async fn catalog(&self) -> Result<Catalog, EsaError> {
        Ok(self.admin.control.catalog().await?)
    }
}

/// Refuses a site that the config does not have and under whose number nothing is kept.
fn check_site(catalog: &Catalog, id: SiteId) -> Result<(), EsaError> {
    let has_routes = || catalog.routes_of_site(id).next().is_some();
    // Without sites in the config, records are taken for any number.
    if catalog.sites.is_empty() || catalog.site(id).is_some() || has_routes() {
        return Ok(());
    }
    Err(EsaError::invalid(Refused::NoSite(id)))
}

/// What a site is called; the number alone is left of one that the config dropped.
pub(super) fn site_name(catalog: &Catalog, id: SiteId) -> &str {
    catalog.site(id).map_or("", |site| site.name.as_str())
}
