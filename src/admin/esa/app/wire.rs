//! Response shapes of apps, spelled as ESA spells them.

use serde::Serialize;
use serde_json::Value;

use super::status::reached;
use crate::admin::time::rfc3339_seconds;
use crate::model::{AppId, AppVersion, Domain, EdgeContainerApp, Environment, Timestamp};

/// Nothing is built, so what was made is ready.
const CREATED: &str = "created";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AppIdOnly<'a> {
    pub(super) app_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct VersionIdOnly<'a> {
    pub(super) version_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct HealthCheck {
    #[serde(rename = "Type")]
    pub(super) kind: String,
    pub(super) host: String,
    pub(super) uri: String,
    pub(super) method: String,
    pub(super) http_code: String,
    pub(super) port: i64,
    pub(super) interval: i64,
    pub(super) timeout: i64,
    pub(super) succ_times: i64,
    pub(super) fail_times: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AppList<'a> {
    pub(super) apps: Vec<AppInfo<'a>>,
    pub(super) page_number: usize,
    pub(super) page_size: usize,
    pub(super) total_count: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AppInfo<'a> {
    app_id: &'a str,
    name: &'a str,
    remarks: &'a str,
    status: &'static str,
    gateway_type: &'static str,
    domain_name: String,
    quic_cid: &'static str,
    create_time: String,
    update_time: String,
    service_port: u16,
    target_port: u16,
    version_count: usize,
    /// Of the version that was published last, in production.
    percentage: u8,
    health_check: Value,
}

impl<'a> AppInfo<'a> {
    pub(super) fn new(app: &'a EdgeContainerApp, domain: Option<&Domain>) -> Self {
        let live = app.publish(Environment::Production);
        Self {
            app_id: app.id.as_str(),
            name: app.name.as_str(),
            remarks: &app.remarks,
            status: CREATED,
            gateway_type: "l7",
            domain_name: format!("{}.{}", app.name, domain.map_or("localhost", Domain::as_str)),
            quic_cid: "",
            create_time: rfc3339_seconds(app.created),
            update_time: rfc3339_seconds(app.updated),
            service_port: app.service_port,
            target_port: app.target_port,
            version_count: app.versions.len(),
            percentage: live.map_or(0, |live| reached(live, &live.version)),
            health_check: json_of(&app.health_check),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AppVersionList<'a> {
    pub(super) versions: Vec<AppVersionInfo<'a>>,
    pub(super) page_number: usize,
    pub(super) page_size: usize,
    pub(super) total_count: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AppVersionInfo<'a> {
    app_id: &'a str,
    version_id: &'a str,
    name: &'a str,
    remarks: &'a str,
    status: &'static str,
    create_time: String,
    update_time: String,
    publish_time: String,
    last_publish_time: String,
    containers: Value,
}

impl<'a> AppVersionInfo<'a> {
    pub(super) fn new(id: &'a AppId, version: &'a AppVersion) -> Self {
        let time = |moment: Option<Timestamp>| moment.map(rfc3339_seconds).unwrap_or_default();
        Self {
            app_id: id.as_str(),
            version_id: version.version_id.as_str(),
            name: &version.name,
            remarks: &version.remarks,
            status: CREATED,
            create_time: rfc3339_seconds(version.created),
            update_time: rfc3339_seconds(version.updated),
            publish_time: time(version.published),
            last_publish_time: time(version.last_published),
            containers: json_of(&version.containers),
        }
    }
}

/// What was kept as JSON text. It was JSON when it was taken in.
fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}
