//! Response shapes of sites, records and routes.

use serde::Serialize;

use super::listing::ACTIVE;
use crate::admin::time::rfc3339_seconds;
use crate::model::{Record, RouteTimeout, RoutineRoute, Site, Timestamp};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SiteList<'a> {
    pub(super) sites: Vec<SiteLine<'a>>,
    pub(super) page_number: usize,
    pub(super) page_size: usize,
    pub(super) total_count: usize,
}

/// The config says of a site what it is called and nothing else; the rest is what a
/// site of one's own has that is reached by CNAME.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SiteLine<'a> {
    site_id: i64,
    site_name: &'a str,
    status: &'static str,
    access_type: &'static str,
    coverage: &'static str,
    create_time: String,
    update_time: String,
    instance_id: String,
    plan_name: &'static str,
    plan_spec_name: &'static str,
    cname_zone: String,
    name_server_list: &'static str,
    offline_reason: &'static str,
    resource_group_id: &'static str,
    tags: Tags,
    verify_code: &'static str,
    visit_time: String,
}

#[derive(Serialize)]
struct Tags {}

/// A site in the config has no birthday.
const NO_TIME: Timestamp = Timestamp(0);

impl<'a> SiteLine<'a> {
    pub(super) fn new(site: &'a Site) -> Self {
        Self {
            site_id: site.id.get(),
            site_name: site.name.as_str(),
            status: ACTIVE,
            access_type: "CNAME",
            coverage: "global",
            create_time: rfc3339_seconds(NO_TIME),
            update_time: rfc3339_seconds(NO_TIME),
            instance_id: format!("esa-site-{}", site.id),
            plan_name: "serin",
            plan_spec_name: "serin",
            cname_zone: format!("{}.localhost", site.name),
            name_server_list: "",
            offline_reason: "",
            resource_group_id: "",
            tags: Tags {},
            verify_code: "",
            visit_time: rfc3339_seconds(NO_TIME),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MatchedSite<'a> {
    pub(super) site_id: i64,
    pub(super) site_name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RecordMade {
    status: &'static str,
    record_id: i64,
}

impl RecordMade {
    pub(super) fn new(record_id: i64) -> Self {
        Self { status: "OK", record_id }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RecordList<'a> {
    pub(super) related_records: Vec<RelatedRecord<'a>>,
    pub(super) page_number: usize,
    pub(super) page_size: usize,
    pub(super) total_count: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RelatedRecord<'a> {
    record_id: i64,
    record_name: &'a str,
    site_id: i64,
    site_name: &'a str,
}

impl<'a> RelatedRecord<'a> {
    pub(super) fn new(record: &'a Record, site_name: &'a str) -> Self {
        Self {
            record_id: record.id,
            record_name: record.host.as_str(),
            site_id: record.site.get(),
            site_name,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::admin::esa) struct EdgeRecordList<'a> {
    pub(in crate::admin::esa) records: Vec<EdgeRecord<'a>>,
    pub(in crate::admin::esa) page_number: usize,
    pub(in crate::admin::esa) page_size: usize,
    pub(in crate::admin::esa) total_count: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::admin::esa) struct EdgeRecord<'a> {
    record_name: &'a str,
    record_cname: String,
    site_id: i64,
    site_name: &'a str,
    create_time: String,
    update_time: String,
}

impl<'a> EdgeRecord<'a> {
    pub(in crate::admin::esa) fn new(
        record: &'a Record,
        record_cname: String,
        site_name: &'a str,
    ) -> Self {
        Self {
            record_name: record.host.as_str(),
            record_cname,
            site_id: record.site.get(),
            site_name,
            create_time: rfc3339_seconds(record.created),
            update_time: rfc3339_seconds(record.created),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RouteMade {
    pub(super) config_id: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RouteList<'a> {
    pub(super) configs: Vec<RouteLine<'a>>,
    pub(super) page_number: usize,
    pub(super) page_size: usize,
    pub(super) total_count: usize,
    pub(super) total_page: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RouteLine<'a> {
    #[serde(flatten)]
    route: RouteInfo<'a>,
    site_id: i64,
    site_name: &'a str,
}

impl<'a> RouteLine<'a> {
    pub(super) fn new(route: &'a RoutineRoute, site_name: &'a str) -> Self {
        Self { route: RouteInfo::new(route), site_id: route.site.get(), site_name }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RouteInfo<'a> {
    config_id: i64,
    config_type: &'static str,
    mode: &'static str,
    sequence: u32,
    site_version: u32,
    routine_name: &'a str,
    route_name: &'a str,
    route_enable: &'static str,
    /// As it was written: clients read it back.
    rule: &'a str,
    bypass: &'static str,
    fallback: &'static str,
    /// Seconds, as text; empty where the route says none.
    timeout: String,
}

impl<'a> RouteInfo<'a> {
    pub(super) fn new(route: &'a RoutineRoute) -> Self {
        let timeout = route.timeout.map(RouteTimeout::seconds);
        Self {
            config_id: route.id.0,
            config_type: "rule",
            mode: route.mode.as_str(),
            sequence: route.sequence,
            site_version: 0,
            routine_name: route.routine.as_str(),
            route_name: &route.name,
            route_enable: switch(route.enabled),
            rule: &route.rule_text,
            bypass: switch(route.bypass),
            fallback: switch(route.fallback),
            timeout: timeout.map(|seconds| seconds.to_string()).unwrap_or_default(),
        }
    }
}

const fn switch(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
