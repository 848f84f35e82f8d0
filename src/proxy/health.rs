//! Checks of endpoints: every one that a live version has is asked by itself, again and
//! again, by one thread for the whole process. Nobody is asked unless the policy says so.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::probe::{Row, Turn, Unwell, ask};
use super::{Proxy, SharedProxy, UpstreamTls};
use crate::model::{Endpoint, HealthCheck, Limits};
use crate::observe::{Ailment, Wellness};
use crate::routing::TableReader;

/// Endpoints that are asked at once. Where there are more than can be asked in a period,
/// rounds take longer.
const ASKED_AT_ONCE_MAX: usize = 256;

/// How often the table is looked at for endpoints that came or went.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The part of a period over which first questions are spread.
const SPREAD: u32 = 10;

/// Starts the checks. They end when `shutdown` turns true; `duty` is dropped then.
pub fn start_checks(
    proxy: SharedProxy,
    shutdown: watch::Receiver<bool>,
    duty: impl Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("health".to_owned()).spawn(move || {
        let _duty = duty;
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, run(&proxy, shutdown));
        drop(local);
        // Threads that still ask a resolver are not waited for.
        runtime.shutdown_background();
    })
}

async fn run(proxy: &SharedProxy, mut shutdown: watch::Receiver<bool>) {
    let mut policies = proxy.policy.clone();
    let wellness = &proxy.wellness;
    let mut ended = std::pin::pin!(async move { drop(shutdown.wait_for(|&ended| ended).await) });
    loop {
        let check = policies.borrow_and_update().health.clone();
        // A policy that changes nothing here does not begin again.
        let changed = async {
            while policies.changed().await.is_ok() {
                if policies.borrow_and_update().health != check {
                    return;
                }
            }
            std::future::pending::<()>().await;
        };
        let checking = async {
            match &check {
                None => std::future::pending().await,
                Some(check) => Checks::new(proxy, check.clone()).go_on(&proxy.table).await,
            }
        };
        tokio::select! {
            () = &mut ended => return,
            () = changed => {}
            () = checking => {}
        }
        // Who is not asked any more, or in another way, is healthy until it is found not
        // to be.
        wellness.change(imbl::HashMap::clear);
    }
}

/// All endpoints that are asked, in one way.
struct Checks<'a> {
    wellness: &'a Wellness,
    check: Arc<HealthCheck>,
    tls: Arc<UpstreamTls>,
    limits: Limits,
    endpoints: HashMap<Endpoint, Patient>,
    /// Whom to ask when, soonest first.
    due: BTreeSet<(Instant, Ordered)>,
    asked: JoinSet<(Endpoint, Result<(), Unwell>)>,
    /// The table that the endpoints are of.
    generation: Option<u64>,
}

struct Patient {
    row: Row,
    /// Whether an answer is waited for.
    is_asked: bool,
    last_asked: Instant,
}

/// An endpoint by its text.
#[derive(PartialEq, Eq)]
struct Ordered(Endpoint);

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.as_str().cmp(other.0.as_str())
    }
}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<'a> Checks<'a> {
    fn new(proxy: &'a Proxy, check: HealthCheck) -> Self {
        Self {
            wellness: &proxy.wellness,
            check: Arc::new(check),
            tls: proxy.tls.clone(),
            limits: proxy.policy.borrow().limits,
            endpoints: HashMap::new(),
            due: BTreeSet::new(),
            asked: JoinSet::new(),
            generation: None,
        }
    }

    async fn go_on(mut self, table: &TableReader) {
        loop {
            self.look(table);
            let until_look = Instant::now() + LOOK_EVERY;
            self.work_until(until_look).await;
        }
    }

    /// Takes endpoints in that are new in the table, and leaves out those that are gone.
    fn look(&mut self, table: &TableReader) {
        let found = table.read(|table| {
            let is_known = self.generation.replace(table.generation()) == Some(table.generation());
            (!is_known).then(|| table.endpoints().cloned().collect::<HashSet<_>>())
        });
        let Some(found) = found else { return };
        self.due.retain(|(_, endpoint)| found.contains(&endpoint.0));
        self.endpoints.retain(|endpoint, _| found.contains(endpoint));
        if self.wellness.sick().keys().any(|endpoint| !found.contains(endpoint)) {
            self.wellness.change(|sick| sick.retain(|endpoint, _| found.contains(endpoint)));
        }
        let now = Instant::now();
        for endpoint in found {
            if !self.endpoints.contains_key(&endpoint) {
                let first = now + self.check.initial_delay + spread(&endpoint, self.check.period);
                self.due.insert((first, Ordered(endpoint.clone())));
                let patient = Patient { row: Row::default(), is_asked: false, last_asked: first };
                self.endpoints.insert(endpoint, patient);
            }
        }
    }

    async fn work_until(&mut self, end: Instant) {
        loop {
            self.ask_who_is_due();
            let has_room = self.asked.len() < ASKED_AT_ONCE_MAX;
            let next = self.due.first().map(|(due, _)| *due).filter(|_| has_room);
            let wake = next.map_or(end, |next| next.min(end));
            tokio::select! {
                Some(answer) = self.asked.join_next(), if !self.asked.is_empty() => {
                    // A question that panicked is asked no more; the log has why.
                    if let Ok((endpoint, answer)) = answer {
                        self.hear(endpoint, answer);
                    }
                }
                () = tokio::time::sleep_until(wake) => {
                    if wake == end {
                        return;
                    }
                }
            }
            if Instant::now() >= end {
                return;
            }
        }
    }

    fn ask_who_is_due(&mut self) {
        let now = Instant::now();
        while self.asked.len() < ASKED_AT_ONCE_MAX
            && self.due.first().is_some_and(|(due, _)| *due <= now)
            && let Some((_, Ordered(endpoint))) = self.due.pop_first()
        {
            if let Some(patient) = self.endpoints.get_mut(&endpoint) {
                (patient.is_asked, patient.last_asked) = (true, now);
                let (check, tls, limits) = (self.check.clone(), self.tls.clone(), self.limits);
                self.asked.spawn_local(async move {
                    let answer = ask(&endpoint, &check, tls, limits).await;
                    (endpoint, answer)
                });
            }
        }
    }

    fn hear(&mut self, endpoint: Endpoint, answer: Result<(), Unwell>) {
        // One that is gone meanwhile is not asked again; one that came back has its turn.
        let Some(patient) = self.endpoints.get_mut(&endpoint) else { return };
        if !std::mem::take(&mut patient.is_asked) {
            return;
        }
        match (patient.row.takes(answer.is_ok(), &self.check), answer) {
            (Some(Turn::Ill), Err(unwell)) => {
                let reason = unwell.to_string();
                tracing::warn!(%endpoint, reason, "endpoint is unhealthy");
                let since = std::time::Instant::now();
                let ailment = Ailment { reason: reason.into(), since };
                self.wellness.change(|sick| drop(sick.insert(endpoint.clone(), ailment)));
            }
            (Some(Turn::Well), _) => {
                tracing::info!(%endpoint, "endpoint is healthy again");
                self.wellness.change(|sick| drop(sick.remove(&endpoint)));
            }
            _ => {}
        }
        let next = patient.last_asked + self.check.period;
        self.due.insert((next, Ordered(endpoint)));
    }
}

/// A time that differs from endpoint to endpoint and is always the same for one.
fn spread(endpoint: &Endpoint, period: Duration) -> Duration {
    let part = u32::try_from(endpoint.precomputed_hash() >> 32).unwrap_or(u32::MAX);
    (period / SPREAD).mul_f64(f64::from(part) / f64::from(u32::MAX))
}
