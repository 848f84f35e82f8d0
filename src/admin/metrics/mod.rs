//! `/metrics`: what the process says of itself, in Prometheus' text format 0.0.4 or in
//! `OpenMetrics` 1.0, as `Accept` would have it.
//!
//! Labels are names that an operator gave and words of Serin's own: never a key, and nothing
//! of a client. `routine` is a routine's name or an app's; what nobody answered, or a site's
//! origin, has an empty one.
//!
//! A page has a bound. Up to [`VERSIONS_MAX`](crate::observe::VERSIONS_MAX) versions have
//! series of their own for their requests: those that are asked for first. A version that is
//! live no more keeps its series for half an hour to an hour, and then leaves its place to
//! another. The requests of all others are told together, as `routine="(others)"`. Shares are
//! told of 2,000 live versions, of the rest none. Workers are not asked: they write to cells
//! that are read here, and a scrape costs them nothing.

mod exposition;
mod names;
mod versions;

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, VARY};

use self::exposition::{Format, Metric, Page};
use self::versions::Baselines;
use super::Admin;
use crate::model::{Environment, Timestamp};
use crate::observe::{Process, TrafficCounts};
use crate::routing::RoutingTable;

/// What one scrape leaves for the next.
pub(super) struct Scrapes {
    started: Timestamp,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    baselines: Baselines,
    /// Of the table of this generation.
    digest: Option<(u64, u64)>,
}

impl Scrapes {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { started: now, kept: Mutex::default() }
    }

    fn page(&self, admin: &Admin, format: Format) -> String {
        let mut page = Page::new(format);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        build(&mut page);
        admin.table.read(|table| {
            versions::requests(&mut page, admin, table);
            versions::shares(&mut page, admin, table, &mut kept.baselines);
            self::table(&mut page, table, &mut kept.digest);
        });
        running(&mut page, admin);
        trouble(&mut page, admin);
        tellers(&mut page, admin);
        control(&mut page, admin);
        process(&mut page, self.started);
        page.end()
    }
}

pub(super) fn answer(admin: &Admin, headers: &HeaderMap, scrapes: &Scrapes) -> Response {
    let format = Format::of(headers);
    let page = scrapes.page(admin, format);
    ([(CONTENT_TYPE, format.content_type()), (VARY, "accept")], page).into_response()
}

fn build(page: &mut Page) {
    page.begin(names::BUILD);
    page.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1_u64);
}

fn table(page: &mut Page, table: &RoutingTable, known: &mut Option<(u64, u64)>) {
    let generation = table.generation();
    let digest = match *known {
        Some((of, digest)) if of == generation => digest,
        _ => table.digest(),
    };
    *known = Some((generation, digest));
    page.single(names::GENERATION, Some(generation));
    page.single(names::SWAPS, Some(generation));
    page.begin(names::TABLE);
    page.sample(&[("digest", &format!("{digest:016x}"))], 1_u64);
}

fn running(page: &mut Page, admin: &Admin) {
    let connections = admin.requests.connections();
    page.single(names::IN_FLIGHT, Some(admin.requests.in_flight()));
    page.single(names::CLIENTS, Some(admin.requests.clients().total()));
    page.single(names::TUNNELS, Some(admin.tallies.tunnels().total()));
    page.begin(names::CONNECTIONS);
    page.sample(&[("state", "active")], connections.active);
    page.sample(&[("state", "idle")], connections.idle);
    page.single(names::CONNECTIONS_OPENED, Some(connections.opened));
}

/// Picks one of the counts that have no kind.
type Count = fn(&TrafficCounts) -> u64;

fn trouble(page: &mut Page, admin: &Admin) {
    let counts = admin.traffic.total();
    for (metric, label, counts) in [
        (names::ERRORS, "kind", &counts.errors),
        (names::FAULTS, "kind", &counts.faults),
        (names::LIMITS, "limit", &counts.limits),
    ] {
        page.begin(metric);
        for (kind, count) in counts {
            page.sample(&[(label, kind)], *count);
        }
    }
    let each: [(Metric, Count); 7] = [
        (names::RECONNECTS, |counts| counts.reconnects),
        (names::MOVES, |counts| counts.moves),
        (names::RETRIES, |counts| counts.retries),
        (names::RETRIES_DENIED, |counts| counts.retries_denied),
        (names::FAILOVERS, |counts| counts.failovers),
        (names::FALLBACKS, |counts| counts.fallbacks),
        (names::EJECTIONS, |counts| counts.ejections),
    ];
    for (metric, count) in each {
        page.single(metric, Some(count(&counts)));
    }
    page.single(names::UNHEALTHY, Some(admin.wellness.sick().len()));
    let now = Instant::now();
    let ejected = admin.wellness.ejections().all();
    let ejected = ejected.values().filter(|(_, until)| *until > now).count();
    page.single(names::EJECTED, Some(ejected));
}

fn tellers(page: &mut Page, admin: &Admin) {
    let (lines, spans) = (admin.access_log.counts(), admin.spans.counts());
    page.single(names::LOG_LINES, Some(lines.written));
    page.single(names::LOG_DROPPED, Some(lines.dropped));
    page.single(names::SPANS, Some(spans.sent));
    page.single(names::SPANS_DROPPED, Some(spans.dropped));
}

fn control(page: &mut Page, admin: &Admin) {
    let commits = admin.control.commits();
    page.begin(names::DEPLOYMENTS);
    for environment in Environment::ALL {
        page.sample(&[("env", environment.as_str())], commits.deployed(environment));
    }
    let (took, failed) = (commits.took(), commits.failed());
    page.begin(names::COMMITS);
    page.sample(&[("outcome", "stored")], took.count().saturating_sub(failed));
    page.sample(&[("outcome", "failed")], failed);
    page.begin(names::COMMIT_DURATION);
    page.durations(&[], &took);
}

fn process(page: &mut Page, started: Timestamp) {
    let process = Process::now();
    page.single(names::CPU, process.cpu_seconds);
    page.single(names::RESIDENT, process.resident);
    page.single(names::VIRTUAL, process.virtual_size);
    page.single(names::THREADS, process.threads);
    page.single(names::OPEN_FDS, process.open_descriptors);
    page.single(names::MAX_FDS, process.descriptors_max);
    #[expect(clippy::cast_precision_loss, reason = "to the microsecond for centuries")]
    let started = started.0 as f64 / 1e9;
    page.single(names::STARTED, Some(started));
}
