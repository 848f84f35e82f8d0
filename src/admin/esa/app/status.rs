//! What an environment of an app serves, and what is on its way.

use serde::Serialize;
use serde_json::json;

use crate::admin::esa::action::Call;
use crate::admin::esa::error::EsaError;
use crate::admin::esa::wire::Fields;
use crate::admin::time::rfc3339_seconds;
use crate::model::{
    Allotment, EdgeContainerApp, Environment, Publish, Reach, RegionName, ScheduledPublish,
    Timestamp, VersionId,
};

pub(super) async fn get(call: &Call<'_>) -> Result<Fields, EsaError> {
    let environment = call.params.publish_env()?.unwrap_or(Environment::Production);
    let app = call.app().await?;
    let mut answer = Fields::new();
    answer.insert("AppStatus".to_owned(), json!(AppStatus::new(&app, environment)));
    Ok(answer)
}

/// A text is empty where there is nothing to say.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AppStatus<'a> {
    app_id: &'a str,
    publish_env: &'static str,
    publish_type: &'static str,
    publish_status: &'static str,
    deploy_status: &'static str,
    deployed_version: &'a str,
    publishing_version: &'a str,
    base_line_version: &'a str,
    publish_time: String,
    deploy_time: String,
    rollback_time: String,
    un_deploy_time: String,
    expect_percentage: u8,
    publish_percentage: u8,
    full_release: bool,
    regions: RegionList<'a>,
    remarks: &'a str,
    /// Ours: every publish that waits for its time.
    scheduled: Vec<Waiting<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RegionList<'a> {
    region: Vec<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Waiting<'a> {
    version_id: &'a str,
    start_time: String,
    publish_type: &'static str,
    expect_percentage: u8,
    full_release: bool,
    regions: RegionList<'a>,
}

impl<'a> AppStatus<'a> {
    /// Speaks of the publish that is under way; else of the one that starts next; else
    /// of the last one. One that waits to take the same version further is under way.
    fn new(app: &'a EdgeContainerApp, environment: Environment) -> Self {
        let live = app.publish(environment).map(AsRef::as_ref);
        let next = app.waiting(environment).next();
        let next = next
            .filter(|next| live.is_none_or(|live| live.is_whole() || live.version == next.version));
        let baseline = live.and_then(Publish::settled).map_or("", VersionId::as_str);
        let (version, reach, remarks, started, status) = match (next, live) {
            (Some(next), _) => (
                Some(&next.version),
                Some(&next.reach),
                &*next.remarks,
                Some(next.start),
                "publishing",
            ),
            (None, Some(live)) => {
                let status = match (live.rollback, live.is_whole()) {
                    (false, false) => "publishing",
                    (false, true) => "published",
                    (true, false) => "rollbacking",
                    (true, true) => "rollbacked",
                };
                let started = Some(live.created);
                (Some(&live.version), Some(&live.reach), &*live.remarks, started, status)
            }
            (None, None) => (None, None, "", None, ""),
        };
        let time = |moment: Option<Timestamp>| moment.map(rfc3339_seconds).unwrap_or_default();
        let since = live.map(|live| live.created);
        Self {
            app_id: app.id.as_str(),
            publish_env: publish_env(environment),
            publish_type: reach.map_or("", publish_type),
            publish_status: status,
            deploy_status: if live.is_some() { "deployed" } else { "undeploy" },
            deployed_version: baseline,
            publishing_version: version.map_or("", VersionId::as_str),
            base_line_version: baseline,
            publish_time: time(started),
            deploy_time: time(since),
            rollback_time: time(since.filter(|_| live.is_some_and(|live| live.rollback))),
            un_deploy_time: String::new(),
            expect_percentage: reach.map_or(0, asked),
            publish_percentage: version
                .zip(live)
                .map_or(0, |(version, live)| reached(live, version)),
            full_release: reach.is_some_and(is_full),
            regions: regions(reach),
            remarks,
            scheduled: app.waiting(environment).map(Waiting::new).collect(),
        }
    }
}

impl<'a> Waiting<'a> {
    fn new(waiting: &'a ScheduledPublish) -> Self {
        Self {
            version_id: waiting.version.as_str(),
            start_time: rfc3339_seconds(waiting.start),
            publish_type: publish_type(&waiting.reach),
            expect_percentage: asked(&waiting.reach),
            full_release: is_full(&waiting.reach),
            regions: regions(Some(&waiting.reach)),
        }
    }
}

pub(super) fn publish_env(environment: Environment) -> &'static str {
    match environment {
        Environment::Production => "prod",
        Environment::Staging => "staging",
    }
}

fn publish_type(reach: &Reach) -> &'static str {
    match reach {
        Reach::Percent(_) => "percentage",
        Reach::Regions(_) | Reach::FullRelease(_) => "region",
    }
}

/// A region that is named gets all of it.
fn asked(reach: &Reach) -> u8 {
    match reach {
        Reach::Percent(percent) => percent.get(),
        Reach::Regions(_) | Reach::FullRelease(_) => 100,
    }
}

/// The share of its users that `version` has: of all, or of those in its regions.
pub(super) fn reached(live: &Publish, version: &VersionId) -> u8 {
    match live.allotment() {
        Allotment::Shares(shares) => {
            let mut shares = shares.iter().filter(|(it, _)| it.as_str() == version.as_str());
            shares.next().map_or(0, |(_, percent)| percent.get())
        }
        Allotment::Regional { inside, .. } => {
            if inside == version {
                100
            } else {
                0
            }
        }
    }
}

fn is_full(reach: &Reach) -> bool {
    matches!(reach, Reach::FullRelease(_))
}

fn regions(reach: Option<&Reach>) -> RegionList<'_> {
    let names: &[RegionName] = match reach {
        Some(Reach::Regions(names) | Reach::FullRelease(names)) => names,
        Some(Reach::Percent(_)) | None => &[],
    };
    RegionList { region: names.iter().map(RegionName::as_str).collect() }
}
