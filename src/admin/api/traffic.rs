//! What the data plane says of its requests and of those who answer them: `/traffic`,
//! `/endpoints`, and the traffic of one routine or app.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::{CodeVersionText, EnvironmentText, MomentText};
use super::error::ApiError;
use super::extract::{Asked, At, limit};
use super::{app, routine};
use crate::admin::Admin;
use crate::admin::time::rfc3339;
use crate::model::{AppId, Endpoint, RoutineName, Timestamp};
use crate::observe::{Tallied, TrafficCounts};
use crate::routing::{SubjectName, Tally};

const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 1_000;

/// Counts since the start, as [`TrafficCounts`] explains them.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Traffic", description = "Counts since the start.")]
pub(super) struct TrafficShape {
    faults: BTreeMap<&'static str, u64>,
    errors: BTreeMap<&'static str, u64>,
    reconnects: u64,
    moves: u64,
    retries: u64,
    retries_denied: u64,
    failovers: u64,
    fallbacks: u64,
    ejections: u64,
    /// Connections that have switched protocols and are open now.
    open_tunnels: usize,
}

pub(super) async fn all(State(admin): State<Arc<Admin>>) -> Json<TrafficShape> {
    let TrafficCounts {
        faults,
        errors,
        reconnects,
        moves,
        retries,
        retries_denied,
        failovers,
        fallbacks,
        ejections,
        limits: _,
    } = admin.traffic.total();
    Json(TrafficShape {
        faults,
        errors,
        reconnects,
        moves,
        retries,
        retries_denied,
        failovers,
        fallbacks,
        ejections,
        open_tunnels: admin.tallies.tunnels().total(),
    })
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TrafficByVersion")]
pub(super) struct OfSubject {
    /// Each that is live in an environment, or was since the start.
    versions: Vec<TalliedShape>,
}

/// Counts since the start, as [`Tallied`] explains them.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TrafficOfVersion", description = "Counts since the start.")]
struct TalliedShape {
    #[schemars(with = "EnvironmentText")]
    environment: &'static str,
    #[schemars(with = "CodeVersionText")]
    code_version: String,
    assigned: u64,
    served: u64,
    failed: u64,
    failed_over: u64,
}

pub(super) async fn of_routine(
    State(admin): State<Arc<Admin>>,
    At(name): At<RoutineName>,
) -> Result<Json<OfSubject>, ApiError> {
    let routine = routine::find(&admin, &name).await?;
    Ok(Json(tallied(&admin, &SubjectName::Routine(routine.name.clone()))))
}

pub(super) async fn of_app(
    State(admin): State<Arc<Admin>>,
    At(id): At<AppId>,
) -> Result<Json<OfSubject>, ApiError> {
    let app = app::find(&admin, &id).await?;
    Ok(Json(tallied(&admin, &SubjectName::App(app.name.clone()))))
}

fn tallied(admin: &Admin, name: &SubjectName) -> OfSubject {
    let versions = admin.table.read(|table| {
        let versions = table.tallies(name).map(|(environment, version, Tally(number))| {
            let Tallied { assigned, served, failed, failed_over } = admin.tallies.total(number);
            TalliedShape {
                environment: environment.as_str(),
                code_version: version.to_string(),
                assigned,
                served,
                failed,
                failed_over,
            }
        });
        versions.collect()
    });
    OfSubject { versions }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// A part of the endpoint.
    #[serde(default)]
    search: String,
    /// The last endpoint of the page before.
    #[serde(default)]
    after: String,
    #[schemars(range(min = 1, max = PAGE_MAX), extend("default" = PAGE_DEFAULT))]
    limit: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Endpoints")]
pub(super) struct Listed {
    endpoints: Vec<EndpointShape>,
    /// How many there are on all pages.
    total: usize,
    /// What `after` is for the next page; null on the last.
    next: Option<String>,
}

/// An endpoint of a live version.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Endpoint")]
struct EndpointShape {
    endpoint: String,
    /// As the checks found it. One that was never checked is healthy.
    healthy: bool,
    /// Why it is not.
    reason: Option<String>,
    #[schemars(with = "Option<MomentText>")]
    unhealthy_since: Option<String>,
    /// How many workers have ejected it, and until when the last one does without it.
    ejected_by: usize,
    #[schemars(with = "Option<MomentText>")]
    ejected_until: Option<String>,
}

pub(super) async fn endpoints(
    State(admin): State<Arc<Admin>>,
    Asked(page): Asked<Page>,
) -> Result<Json<Listed>, ApiError> {
    let limit = limit(page.limit, PAGE_DEFAULT, PAGE_MAX)? as usize;
    let found: BTreeMap<String, Endpoint> = admin.table.read(|table| {
        let found = table.endpoints().filter(|it| it.as_str().contains(&page.search));
        found.map(|endpoint| (endpoint.to_string(), endpoint.clone())).collect()
    });
    let (sick, ejected) = (admin.wellness.sick(), admin.wellness.ejections().all());
    let moments = Moments { now: (admin.clock)(), instant: Instant::now() };
    let shape = |endpoint: &Endpoint| {
        let ailment = sick.get(endpoint);
        let ejected = ejected.get(endpoint).filter(|(_, until)| *until > moments.instant);
        EndpointShape {
            endpoint: endpoint.to_string(),
            healthy: ailment.is_none(),
            reason: ailment.map(|ailment| ailment.reason.to_string()),
            unhealthy_since: ailment.map(|ailment| moments.text(ailment.since)),
            ejected_by: ejected.map_or(0, |(workers, _)| *workers),
            ejected_until: ejected.map(|(_, until)| moments.text(*until)),
        }
    };
    let mut rest = found.values().filter(|endpoint| endpoint.as_str() > &*page.after);
    let endpoints: Vec<_> = rest.by_ref().take(limit).map(shape).collect();
    let last = endpoints.last().map(|shape| shape.endpoint.clone());
    Ok(Json(Listed { endpoints, total: found.len(), next: rest.next().and(last) }))
}

/// Now, on both clocks.
struct Moments {
    now: Timestamp,
    instant: Instant,
}

impl Moments {
    fn text(&self, moment: Instant) -> String {
        let ns = |from: Instant, to: Instant| {
            i64::try_from(to.saturating_duration_since(from).as_nanos()).unwrap_or(i64::MAX)
        };
        let distance = ns(self.instant, moment).saturating_sub(ns(moment, self.instant));
        rfc3339(Timestamp(self.now.0.saturating_add(distance)))
    }
}
