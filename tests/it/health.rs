//! Endpoints are asked how they are, and those that are not well get no request.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serin::model::{Environment, HealthCheck, Policy, Probe};

use crate::support::edge::{Edge, Setup, deploy, routine};
use crate::support::upstream::Upstream;
use crate::support::wait_until;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const NO: &str = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";

fn check(probe: Probe) -> HealthCheck {
    let twice = NonZeroU32::new(2).unwrap();
    HealthCheck {
        probe,
        initial_delay: Duration::ZERO,
        period: Duration::from_millis(10),
        timeout: Duration::from_secs(5),
        success_threshold: twice,
        failure_threshold: twice,
    }
}

fn get(host: Option<&str>) -> Probe {
    Probe::HttpGet { path: "/healthz?full".to_owned(), host: host.map(str::to_owned) }
}

/// An upstream that says whether it is well, and answers everybody else. Probes are not
/// among its requests.
struct Patient {
    upstream: Upstream,
    is_well: Arc<AtomicBool>,
    probes: Arc<AtomicUsize>,
}

impl Patient {
    fn new() -> Self {
        let (is_well, probes) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
        let (well, asked) = (is_well.clone(), probes.clone());
        let upstream = Upstream::new(move |visit| {
            while let Some(request) = visit.request() {
                let is_probe = request.starts_with("GET /healthz?full HTTP/1.1\r\n");
                asked.fetch_add(usize::from(is_probe), Ordering::SeqCst);
                visit.say(if !is_probe || well.load(Ordering::SeqCst) { OK } else { NO });
            }
        });
        Self { upstream, is_well, probes }
    }

    fn turns(&self, is_well: bool) {
        self.is_well.store(is_well, Ordering::SeqCst);
    }

    fn probes(&self) -> usize {
        self.probes.load(Ordering::SeqCst)
    }

    fn requests(&self) -> usize {
        let requests = self.upstream.requests();
        requests.iter().filter(|request| !request.starts_with("GET /healthz")).count()
    }
}

fn sick(edge: &Edge) -> Vec<(String, String)> {
    let sick = edge.wellness.sick();
    sick.iter().map(|(at, ailment)| (at.to_string(), ailment.reason.to_string())).collect()
}

fn asking(urls: &[&str], probe: Probe) -> Setup {
    let mut setup = Setup::before(&urls.join(" "));
    setup.policy.health = Some(check(probe));
    setup
}

#[test]
fn who_says_that_it_is_unwell_gets_no_request_until_it_is_well() {
    let (a, b) = (Patient::new(), Patient::new());
    let edge = asking(&[a.upstream.url(), b.upstream.url()], get(None)).start();
    let mut client = edge.client();
    b.turns(false);
    wait_until(|| !sick(&edge).is_empty());
    let reason = "it answered 400 Bad Request".to_owned();
    assert_eq!(sick(&edge), [(b.upstream.url().to_owned(), reason)]);
    // The worker takes its copy when it comes to it.
    wait_until(|| {
        let before = b.requests();
        (0..4).for_each(|_| assert_eq!(client.get("/", &[]).status, 200));
        b.requests() == before
    });
    b.turns(true);
    wait_until(|| sick(&edge).is_empty());
    let before = b.requests();
    wait_until(|| client.get("/", &[]).status == 200 && b.requests() > before);
}

#[test]
fn when_none_is_well_the_request_is_refused_at_once() {
    let (a, b) = (Patient::new(), Patient::new());
    let edge = asking(&[a.upstream.url(), b.upstream.url()], get(None)).start();
    a.turns(false);
    b.turns(false);
    wait_until(|| sick(&edge).len() == 2);
    let mut client = edge.client();
    wait_until(|| client.get("/", &[]).status == 503);
    let requests = a.requests() + b.requests();
    let answer = client.get("/", &[]);
    assert_eq!((answer.status, &answer.json()["error"]), (503, &"destination_unavailable".into()));
    assert_eq!(answer.header("proxy-status"), Some("serin; error=destination_unavailable"));
    assert_eq!(answer.json()["message"], "no endpoint of the upstream is healthy");
    assert_eq!(a.requests() + b.requests(), requests);
}

#[test]
fn a_probe_names_the_endpoint_or_who_it_is_told_to() {
    for host in [None, Some("shop.test")] {
        let a = Patient::new();
        let _edge = asking(&[a.upstream.url()], get(host)).start();
        wait_until(|| a.probes() > 1);
        let probe = &a.upstream.requests()[0];
        let host = format!("\r\nhost: {}\r\n", host.unwrap_or(a.upstream.authority()));
        assert!(probe.contains(&host) && probe.contains("\r\nuser-agent: serin-health\r\n"));
    }
}

#[test]
fn a_socket_that_takes_no_connection_is_unwell() {
    let well = Upstream::saying(OK);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.sock");
    let dead = format!("unix:{}", path.display());
    let edge = asking(&[well.url(), &dead], Probe::TcpSocket).start();
    wait_until(|| !sick(&edge).is_empty());
    let reason = "the upstream refuses connections".to_owned();
    assert_eq!(sick(&edge), [(dead.clone(), reason)]);
    let _alive = Upstream::unix(&path, |visit| visit.say_to_each(OK));
    wait_until(|| sick(&edge).is_empty());
}

#[test]
fn a_retry_is_paid_only_where_somebody_is_left_to_ask() {
    let closing = Upstream::new(|visit| drop(visit.request()));
    let folder = tempfile::tempdir().unwrap();
    let dead = format!("unix:{}", folder.path().join("shop.sock").display());
    let edge = asking(&[closing.url(), &dead], Probe::TcpSocket).start();
    wait_until(|| !sick(&edge).is_empty());
    let mut client = edge.client();
    let asked_for = || edge.counts().retries + edge.counts().retries_denied;
    // The worker takes its copy when it comes to it.
    wait_until(|| {
        let before = asked_for();
        (0..4).for_each(|_| assert_eq!(client.get("/", &[]).status, 502));
        asked_for() == before
    });
}

#[test]
fn silence_is_unwell() {
    let silent = Upstream::new(|visit| {
        visit.request();
        visit.sees_end();
    });
    let mut setup = asking(&[silent.url()], get(None));
    setup.policy.health.as_mut().unwrap().timeout = Duration::from_millis(20);
    let edge = setup.start();
    wait_until(|| !sick(&edge).is_empty());
    assert_eq!(sick(&edge)[0].1, "it gave no answer in time");
}

#[test]
fn nobody_is_asked_unless_written_and_who_is_gone_is_asked_no_more() {
    let (a, b) = (Patient::new(), Patient::new());
    b.turns(false);
    let shop = |url| {
        let mut shop = routine("shop", &[("1", Some(url)), ("2", Some("http://127.0.0.1:1"))]);
        deploy(&mut shop, Environment::Production, 1, &[("1", 100)]);
        shop
    };
    let edge = Setup::of([shop(a.upstream.url())]).start();
    assert_eq!(edge.client().get("/", &[]).status, 200);
    assert_eq!(a.probes(), 0);

    // A reload turns it on. The version that is not live is not asked.
    edge.set_policy(Policy { health: Some(check(get(None))), ..Policy::default() });
    wait_until(|| a.probes() > 3);
    assert_eq!(sick(&edge), []);

    edge.publish([shop(b.upstream.url())]);
    wait_until(|| !sick(&edge).is_empty());
    let before = a.probes();
    let others = b.probes();
    wait_until(|| b.probes() > others + 5);
    assert_eq!(a.probes(), before);

    edge.set_policy(Policy::default());
    wait_until(|| sick(&edge).is_empty());
    wait_until(|| edge.client().get("/", &[]).status == 200);
}

#[test]
fn an_endpoint_of_many_versions_is_asked_once_a_period() {
    let a = Patient::new();
    let shops = (0..50).map(|number| {
        let url = a.upstream.url();
        let name = if number == 0 { "shop".to_owned() } else { format!("shop-{number}") };
        let mut shop = routine(&name, &[("1", Some(url)), ("2", Some(url))]);
        let share = [("1", 50), ("2", 50)];
        deploy(&mut shop, Environment::Production, 1, &share);
        shop
    });
    let mut setup = Setup::of(shops);
    setup.policy.health = Some(check(get(None)));
    let period = Duration::from_millis(500);
    setup.policy.health.as_mut().unwrap().period = period;
    let since = std::time::Instant::now();
    let _edge = setup.start();
    wait_until(|| a.probes() >= 3);
    assert!(since.elapsed() >= 2 * period);
}
