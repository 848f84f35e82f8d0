//! Response shapes of apps.

use schemars::JsonSchema;
use serde::Serialize;

use super::document::{
    AppIdText, AppNameText, DeploymentIdText, EnvironmentText, KeySourceText, MomentText,
    UpstreamText, VersionIdText,
};
use crate::admin::time::rfc3339;
use crate::model::{
    AppId, AppVersion, Domain, EdgeContainerApp, Environment, Publish, Reach, RegionName,
    ScheduledPublish,
};

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "App")]
pub(in crate::admin) struct AppShape {
    #[schemars(with = "AppIdText")]
    app_id: String,
    #[schemars(with = "AppNameText")]
    name: String,
    remarks: String,
    #[schemars(with = "MomentText")]
    created: String,
    /// Whether the config declares it, and so owns its shape at each start.
    declared: bool,
    /// Hosts that reach it by its name, then those that are bound to it.
    records: Vec<String>,
    #[schemars(with = "Vec<KeySourceText>")]
    sticky: Vec<String>,
    cohort: String,
    /// Newest first.
    versions: Vec<AppVersionShape>,
    environments: Environments,
    /// What waits for its time, soonest first.
    scheduled: Vec<ScheduledShape>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LivePublishes")]
struct Environments {
    staging: Option<PublishShape>,
    production: Option<PublishShape>,
}

impl AppShape {
    pub(in crate::admin) fn new(app: &EdgeContainerApp, domain: Option<&Domain>) -> Self {
        let live =
            |environment| Some(PublishShape::new(&app.id, environment, app.publish(environment)?));
        let domains = std::iter::once("localhost").chain(domain.map(Domain::as_str));
        let by_name = domains.map(|domain| format!("{}.{domain}", app.name));
        Self {
            app_id: app.id.to_string(),
            name: app.name.to_string(),
            remarks: app.remarks.clone(),
            created: rfc3339(app.created),
            declared: app.declared,
            records: by_name.chain(app.records.keys().map(ToString::to_string)).collect(),
            sticky: app.sticky.sources().iter().map(ToString::to_string).collect(),
            cohort: app.cohort.clone(),
            versions: versions(app),
            environments: Environments {
                staging: live(Environment::Staging),
                production: live(Environment::Production),
            },
            scheduled: app.scheduled.iter().map(|waiting| ScheduledShape::new(waiting)).collect(),
        }
    }
}

/// Newest first.
pub(super) fn versions(app: &EdgeContainerApp) -> Vec<AppVersionShape> {
    let newest_first = app.versions_newest_first();
    newest_first.into_iter().map(|version| AppVersionShape::new(version)).collect()
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AppVersion")]
pub(super) struct AppVersionShape {
    #[schemars(with = "VersionIdText")]
    version_id: String,
    name: String,
    remarks: String,
    #[schemars(with = "MomentText")]
    created: String,
    /// Null is the built-in backend.
    #[schemars(with = "Option<UpstreamText>")]
    upstream: Option<String>,
    declared: bool,
}

impl AppVersionShape {
    pub(super) fn new(version: &AppVersion) -> Self {
        Self {
            version_id: version.version_id.to_string(),
            name: version.name.clone(),
            remarks: version.remarks.clone(),
            created: rfc3339(version.created),
            upstream: version.upstream.as_ref().map(ToString::to_string),
            declared: version.declared,
        }
    }
}

/// Of the two one is given; a release by regions that is completed is full.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Reach")]
struct ReachShape {
    #[schemars(range(min = 1, max = 100))]
    percentage: Option<u8>,
    regions: Option<Vec<String>>,
    full_release: bool,
}

impl ReachShape {
    fn new(reach: &Reach) -> Self {
        let names = |names: &[RegionName]| Some(names.iter().map(ToString::to_string).collect());
        match reach {
            Reach::Percent(percent) => {
                Self { percentage: Some(percent.get()), regions: None, full_release: false }
            }
            Reach::Regions(regions) => {
                Self { percentage: None, regions: names(regions), full_release: false }
            }
            Reach::FullRelease(regions) => {
                Self { percentage: None, regions: names(regions), full_release: true }
            }
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Publish", description = "A version of an app that became live.")]
pub(super) struct PublishShape {
    #[schemars(with = "AppIdText")]
    app_id: String,
    #[schemars(with = "EnvironmentText")]
    environment: &'static str,
    #[schemars(with = "DeploymentIdText")]
    deployment_id: String,
    #[schemars(with = "MomentText")]
    created: String,
    #[schemars(with = "VersionIdText")]
    version_id: String,
    #[serde(flatten)]
    reach: ReachShape,
    /// The version that keeps the rest of the users; null where there is none.
    #[schemars(with = "Option<VersionIdText>")]
    rest: Option<String>,
    rollback: bool,
    remarks: String,
}

impl PublishShape {
    pub(super) fn new(id: &AppId, environment: Environment, publish: &Publish) -> Self {
        Self {
            app_id: id.to_string(),
            environment: environment.as_str(),
            deployment_id: publish.id.to_string(),
            created: rfc3339(publish.created),
            version_id: publish.version.to_string(),
            reach: ReachShape::new(&publish.reach),
            rest: publish.rest.as_ref().filter(|_| !publish.is_whole()).map(ToString::to_string),
            rollback: publish.rollback,
            remarks: publish.remarks.clone(),
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ScheduledPublish", description = "A publish that waits for its time.")]
struct ScheduledShape {
    #[schemars(with = "EnvironmentText")]
    environment: &'static str,
    #[schemars(with = "VersionIdText")]
    version_id: String,
    #[serde(flatten)]
    reach: ReachShape,
    #[schemars(with = "MomentText")]
    start: String,
    remarks: String,
}

impl ScheduledShape {
    fn new(waiting: &ScheduledPublish) -> Self {
        Self {
            environment: waiting.environment.as_str(),
            version_id: waiting.version.to_string(),
            reach: ReachShape::new(&waiting.reach),
            start: rfc3339(waiting.start),
            remarks: waiting.remarks.clone(),
        }
    }
}
