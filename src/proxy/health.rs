//! Checks of endpoints: every one that a live version has is asked by itself, again and
//! again, by one thread for the whole process. Nobody is asked unless the policy says so.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use super::connect::LOOKUPS_AT_ONCE_MAX;
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
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(LOOKUPS_AT_ONCE_MAX)
        .build()?;
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
    asked: JoinSet<Result<(), Unwell>>,
    /// Who is asked by which task.
    asked_by: HashMap<Id, Endpoint>,
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
            asked_by: HashMap::new(),
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
                Some(answer) = self.asked.join_next_with_id(), if !self.asked.is_empty() => {
                    // A question that panicked has no answer; the log has why.
                    let (by, answer) = match answer {
                        Ok((by, answer)) => (by, Some(answer)),
                        Err(error) => (error.id(), None),
                    };
                    if let Some(endpoint) = self.asked_by.remove(&by) {
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
                let asked = endpoint.clone();
                let asking = async move { ask(&asked, &check, tls, limits).await };
                let task = self.asked.spawn_local(asking);
                self.asked_by.insert(task.id(), endpoint);
            }
        }
    }

    fn hear(&mut self, endpoint: Endpoint, answer: Option<Result<(), Unwell>>) {
        // One that is gone meanwhile is not asked again; one that came back has its turn.
        let Some(patient) = self.endpoints.get_mut(&endpoint) else { return };
        if !std::mem::take(&mut patient.is_asked) {
            return;
        }
        // What Serin lacks says nothing about the endpoint.
        let answer = answer.filter(|answer| !answer.as_ref().is_err_and(Unwell::is_shortage));
        let turn = answer.as_ref().and_then(|it| patient.row.takes(it.is_ok(), &self.check));
        match (turn, answer) {
            (Some(Turn::Ill), Some(Err(unwell))) => {
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

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::model::Probe;
    use crate::proxy::error::ProxyError;

    const ENDPOINT: &str = "http://127.0.0.1:1";

    fn checks(wellness: &Wellness) -> Checks<'_> {
        let (often, time) = (NonZeroU32::MIN, Duration::from_hours(1));
        let check = HealthCheck {
            probe: Probe::TcpSocket,
            initial_delay: time,
            period: time,
            timeout: time,
            success_threshold: often,
            failure_threshold: often,
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let asked = Patient { row: Row::default(), is_asked: true, last_asked: Instant::now() };
        Checks {
            wellness,
            check: Arc::new(check),
            tls: Arc::new(UpstreamTls::new(&config, &config)),
            limits: Limits::default(),
            endpoints: HashMap::from([(Endpoint::new(ENDPOINT).unwrap(), asked)]),
            due: BTreeSet::new(),
            asked: JoinSet::new(),
            asked_by: HashMap::new(),
            generation: None,
        }
    }

    #[tokio::test]
    async fn a_question_that_panics_is_asked_again_and_says_nothing() {
        let wellness = Wellness::default();
        let mut checks = checks(&wellness);
        let task = checks.asked.spawn(async { panic!("on purpose") });
        checks.asked_by.insert(task.id(), Endpoint::new(ENDPOINT).unwrap());
        for _ in 0..100 {
            checks.work_until(Instant::now() + Duration::from_millis(100)).await;
            if !checks.due.is_empty() {
                break;
            }
        }
        assert_eq!((checks.due.len(), checks.asked_by.len()), (1, 0));
        assert!(wellness.sick().is_empty());
    }

    #[test]
    fn what_is_lacking_here_is_no_ailment() {
        for (error, is_ill) in [
            (ProxyError::Shortage(io::ErrorKind::OutOfMemory.into()), false),
            (ProxyError::Refused(io::ErrorKind::ConnectionRefused.into()), true),
        ] {
            let wellness = Wellness::default();
            let mut checks = checks(&wellness);
            let endpoint = Endpoint::new(ENDPOINT).unwrap();
            checks.hear(endpoint, Some(Err(Unwell::Unreachable(error))));
            assert_eq!((!wellness.sick().is_empty(), checks.due.len()), (is_ill, 1));
        }
    }
}
