//! Routines and apps as the page shows them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::admin::Admin;
use crate::admin::api::{AppShape, CheckShape, RoutineShape, check};
use crate::admin::time::rfc3339;
use crate::model::{
    Allotment, CodeVersion, DeploymentId, Domain, EdgeContainerApp, Environment, Routine, Shares,
    Split, Timestamp, Upstream,
};
use crate::observe::{Answering, CLASSES, Courses, Outcome, Tallied};
use crate::routing::SubjectName;

/// What a row is of.
pub(super) enum Subject {
    Routine(Arc<Routine>),
    App(Arc<EdgeContainerApp>),
}

/// What an environment serves.
struct Live<'s> {
    id: DeploymentId,
    created: Timestamp,
    allotment: Allotment<'s>,
}

impl Subject {
    pub(super) fn name(&self) -> SubjectName {
        match self {
            Self::Routine(routine) => SubjectName::Routine(routine.name.clone()),
            Self::App(app) => SubjectName::App(app.name.clone()),
        }
    }

    pub(super) fn split(&self, shares: &Shares) -> Split {
        match self {
            Self::Routine(routine) => routine.split(shares),
            Self::App(app) => app.split(shares),
        }
    }

    /// As the native API tells it.
    pub(super) fn detail(&self, domain: Option<&Domain>) -> Value {
        match self {
            Self::Routine(routine) => json!(RoutineShape::new(routine, domain)),
            Self::App(app) => json!(AppShape::new(app, domain)),
        }
    }

    fn live(&self, environment: Environment) -> Option<Live<'_>> {
        match self {
            Self::Routine(routine) => {
                let live = routine.deployment(environment)?;
                let allotment = Allotment::Shares(live.shares.clone());
                Some(Live { id: live.id, created: live.created, allotment })
            }
            Self::App(app) => {
                let live = app.publish(environment)?;
                let allotment = live.allotment();
                Some(Live { id: live.id, created: live.created, allotment })
            }
        }
    }

    fn upstream(&self, version: &CodeVersion) -> Option<&Upstream> {
        match self {
            Self::Routine(routine) => routine.versions.get(version)?.upstream.as_ref(),
            Self::App(app) => app.versions.get(version.as_str())?.upstream.as_ref(),
        }
    }

    /// What a person called it; empty of one without a name or a description.
    fn label(&self, version: &CodeVersion) -> &str {
        match self {
            Self::Routine(it) => it.versions.get(version).map_or("", |it| &it.description),
            Self::App(it) => it.versions.get(version.as_str()).map_or("", |it| &it.name),
        }
    }
}

#[derive(Serialize)]
pub(super) struct RowShape {
    /// Its kind and its key, `routine/shop`: unique.
    pub(super) id: String,
    kind: &'static str,
    /// By which it is asked for: of an app its id.
    key: String,
    name: String,
    description: String,
    versions: usize,
    production: Option<LiveShape>,
    staging: Option<LiveShape>,
}

#[derive(Serialize)]
struct LiveShape {
    deployment_id: String,
    created: String,
    /// Of a release by regions: where the last version answers.
    regions: Option<Vec<String>>,
    /// Older first.
    versions: Vec<VersionShape>,
    check: CheckShape,
}

#[derive(Serialize)]
struct VersionShape {
    code_version: String,
    label: String,
    /// Null of a release by regions.
    percentage: Option<u8>,
    /// Null is the built-in backend.
    upstream: Option<String>,
    endpoints: usize,
    /// How many of these are not healthy, and what is wrong with the first.
    unwell: usize,
    reason: Option<String>,
    #[serde(flatten)]
    counts: CountsShape,
}

/// As [`Tallied`] and [`Outcome`] explain them.
#[derive(Serialize)]
pub(super) struct CountsShape {
    assigned: u64,
    served: u64,
    failed: u64,
    failed_over: u64,
    #[serde(flatten)]
    outcome: Option<OutcomeShape>,
}

#[derive(Serialize)]
struct OutcomeShape {
    /// Requests that were not answered, and those of 1xx to 5xx.
    classes: [u64; CLASSES],
    p50_ms: Option<f64>,
    p90_ms: Option<f64>,
    p99_ms: Option<f64>,
}

impl CountsShape {
    pub(super) fn new(counts: &Tallied, outcome: Option<&Outcome>) -> Self {
        let Tallied { assigned, served, failed, failed_over } = *counts;
        let ms = |duration: Duration| duration.as_secs_f64() * 1_000.0;
        let outcome = outcome.map(|outcome| OutcomeShape {
            classes: outcome.by_class,
            p50_ms: outcome.p50.map(ms),
            p90_ms: outcome.p90.map(ms),
            p99_ms: outcome.p99.map(ms),
        });
        Self { assigned, served, failed, failed_over, outcome }
    }
}

impl RowShape {
    pub(super) fn new(admin: &Admin, subject: &Subject) -> Self {
        let name = subject.name();
        let counted = counted(admin, &name);
        let live = |environment| LiveShape::new(admin, subject, environment, &counted);
        let (key, description, versions) = match subject {
            Subject::Routine(it) => (it.name.to_string(), &it.description, it.versions.len()),
            Subject::App(it) => (it.id.to_string(), &it.remarks, it.versions.len()),
        };
        Self {
            id: format!("{}/{key}", name.noun()),
            kind: name.noun(),
            key,
            description: description.clone(),
            versions,
            production: live(Environment::Production),
            staging: live(Environment::Staging),
            name: name.to_string(),
        }
    }
}

type Counted = HashMap<(Environment, CodeVersion), (Tallied, Outcome)>;

/// What was counted of every version that is or was live, since the start.
fn counted(admin: &Admin, name: &SubjectName) -> Counted {
    admin.table.read(|table| {
        let tallies = table.tallies(name).map(|(environment, version, number)| {
            let answered = admin.requests.of(Answering::Version(number.0));
            let counts = (admin.tallies.total(number.0), Courses::of(&answered).outcome());
            ((environment, version.clone()), counts)
        });
        tallies.collect()
    })
}

impl LiveShape {
    fn new(
        admin: &Admin,
        subject: &Subject,
        environment: Environment,
        counted: &Counted,
    ) -> Option<Self> {
        let Live { id, created, allotment } = subject.live(environment)?;
        let (versions, regions) = match allotment {
            Allotment::Shares(shares) => (older_first(subject, &shares), None),
            Allotment::Regional { regions, inside, outside } => {
                let versions = [outside, inside].map(|it| (it.code_version(), None));
                let regions = regions.iter().map(ToString::to_string).collect();
                (Vec::from(versions), Some(regions))
            }
        };
        let sick = admin.wellness.sick();
        let version = |(version, percentage): (CodeVersion, Option<u8>)| {
            let upstream = subject.upstream(&version);
            let endpoints = upstream.map(Upstream::endpoints).unwrap_or_default();
            let ailments: Vec<_> = endpoints.iter().filter_map(|it| sick.get(it)).collect();
            let counts = counted.get(&(environment, version.clone())).cloned();
            let (counts, outcome) = counts.unwrap_or_default();
            VersionShape {
                label: subject.label(&version).to_owned(),
                percentage,
                upstream: upstream.map(ToString::to_string),
                endpoints: endpoints.len(),
                unwell: ailments.len(),
                reason: ailments.first().map(|it| it.reason.to_string()),
                counts: CountsShape::new(&counts, Some(&outcome)),
                code_version: version.to_string(),
            }
        };
        Some(Self {
            deployment_id: id.to_string(),
            created: rfc3339(created),
            regions,
            versions: versions.into_iter().map(version).collect(),
            check: check(admin, &subject.name(), environment),
        })
    }
}

fn older_first(subject: &Subject, shares: &Shares) -> Vec<(CodeVersion, Option<u8>)> {
    let split = subject.split(shares);
    let mut versions: Vec<_> = shares.iter().collect();
    versions.sort_by_key(|(version, _)| split.newer() == Some(version));
    versions.into_iter().map(|(version, it)| (version.clone(), Some(it.get()))).collect()
}
