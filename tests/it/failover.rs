//! Where a version does not answer, the deployment's other one does, if the policy says
//! so. Whose request it is never changes by that.

use std::collections::HashMap;
use std::net::TcpListener;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serin::model::{Environment, Failover, HealthCheck, Probe};

use crate::support::edge::{Edge, Setup, deploy, routine};
use crate::support::fixtures::{OVERRIDE, route_of, site};
use crate::support::raw::{Answer, Client, request};
use crate::support::upstream::{Upstream, Visit};
use crate::support::wait_until;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Where nobody listens.
fn nobody() -> String {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", free.local_addr().unwrap())
}

/// `shop` with half of the users on each of versions 1 and 2, at these places; `None` is
/// the built-in backend.
fn shop(one: Option<&str>, two: Option<&str>) -> Setup {
    let mut shop = routine("shop", &[("1", one), ("2", two), ("3", one)]);
    deploy(&mut shop, Environment::Production, 7, &[("1", 50), ("2", 50)]);
    let mut setup = Setup::of([shop]);
    setup.policy.failover = Failover::OtherVersion;
    setup
}

fn keyed(client: &mut Client, key: &str) -> Answer {
    client.get("/", &[&format!("x-serin-key: {key}")])
}

/// A key of a user of `version`.
fn key_of(edge: &Edge, version: &str) -> String {
    let mut client = edge.client();
    let mut keys = (0..).map(|number| format!("user-{number}"));
    let found = keys.find(|key| {
        let answer = keyed(&mut client, key);
        assigned(&answer) == version
    });
    found.unwrap()
}

/// Whose request it was: who was said to be assigned, or who answered.
fn assigned(answer: &Answer) -> String {
    let assigned = answer.header("x-serin-assigned").or(answer.header("x-serin-version"));
    assigned.unwrap().to_owned()
}

fn said(answer: &Answer) -> [Option<&str>; 4] {
    ["version", "assigned", "reason", "deployment"]
        .map(|what| answer.header(&format!("x-serin-{what}")))
}

#[test]
fn the_other_version_answers_and_the_response_says_so() {
    let well = Upstream::saying(
        "HTTP/1.1 200 OK\r\nx-serin-assigned: forged\r\ncontent-length: 2\r\n\r\nok",
    );
    let edge = shop(Some(well.url()), Some(&nobody())).start();
    let (of_one, of_two) = (key_of(&edge, "1"), key_of(&edge, "2"));
    let mut client = edge.client();
    let answer = keyed(&mut client, &of_one);
    assert_eq!(said(&answer), [Some("1"), None, Some("key"), Some("7")]);
    let answer = keyed(&mut client, &of_two);
    assert_eq!((answer.status, answer.text()), (200, "ok"));
    assert_eq!(said(&answer), [Some("1"), Some("2"), Some("failover"), Some("7")]);
    // A body of which nothing was sent goes along.
    let post = request("POST", "/", &[&format!("x-serin-key: {of_two}"), "content-length: 2"]);
    assert_eq!(client.send(post + "hi").answer().text(), "ok");
    assert!(well.requests().last().unwrap().ends_with("\r\n\r\nhi"));
}

#[test]
fn without_a_policy_it_fails() {
    let well = Upstream::saying(OK);
    let mut setup = shop(Some(well.url()), Some(&nobody()));
    setup.policy.failover = Failover::None;
    let edge = setup.start();
    let of_two = key_of(&edge, "2");
    let answer = keyed(&mut edge.client(), &of_two);
    assert_eq!(answer.status, 502);
    assert_eq!(said(&answer), [Some("2"), None, Some("key"), Some("7")]);
    assert_eq!(edge.counts().failovers, 0);
}

#[test]
fn both_versions_are_counted() {
    let well = Upstream::saying(OK);
    let edge = shop(Some(well.url()), Some(&nobody())).start();
    let mut client = edge.client();
    let mut of: HashMap<String, u64> = HashMap::new();
    for number in 0..100 {
        *of.entry(assigned(&keyed(&mut client, &number.to_string()))).or_default() += 1;
    }
    let (one, two) = (edge.tallied("1"), edge.tallied("2"));
    assert_eq!((one.assigned, two.assigned), (of["1"], of["2"]));
    assert_eq!((one.served, one.failed, one.failed_over), (100, 0, 0));
    assert_eq!((two.served, two.failed, two.failed_over), (0, of["2"], of["2"]));
    let counts = edge.counts();
    assert_eq!((counts.failovers, counts.faults["connection_refused"]), (of["2"], of["2"]));
    assert!(counts.errors.is_empty());
}

#[test]
fn who_named_a_version_gets_no_other() {
    let well = Upstream::saying(OK);
    let edge = shop(Some(well.url()), Some(&nobody())).start();
    let named = format!("{OVERRIDE}: shop=\"2\"");
    let answer = edge.client().get("/", &[&named]);
    assert_eq!(answer.status, 502);
    assert_eq!(said(&answer), [Some("2"), None, Some("override"), Some("7")]);
    assert_eq!(well.connections(), 0);
}

/// An answer of version 2, which does this to a request; whether version 1 was asked.
fn after(
    method: &str,
    body: &str,
    two: impl Fn(&mut Visit) + Send + Sync + 'static,
) -> (u16, bool) {
    let (well, two) = (Upstream::saying(OK), Upstream::new(two));
    let mut setup = shop(Some(well.url()), Some(two.url()));
    setup.policy.timeouts.response_head = Duration::from_millis(200);
    let edge = setup.start();
    // Found by rule and not by asking: 1 must not have been asked before.
    let key = key_of(&shop(None, None).start(), "2");
    let lines = [format!("x-serin-key: {key}"), format!("content-length: {}", body.len())];
    let asked = request(method, "/", &lines.each_ref().map(String::as_str)) + body;
    let answer = edge.client().send(asked).answer();
    (answer.status, well.connections() > 0)
}

#[test]
fn what_the_version_may_have_done_the_other_does_not_do_again() {
    let closes = |visit: &mut Visit| drop(visit.request());
    let stalls = |visit: &mut Visit| {
        visit.request();
        visit.sees_end();
    };
    assert_eq!(after("GET", "", closes), (200, true));
    assert_eq!(after("GET", "", stalls), (200, true));
    assert_eq!(after("POST", "", closes), (502, false));
    assert_eq!(after("POST", "", stalls), (504, false));
    assert_eq!(after("POST", "hi", closes), (502, false));
    assert_eq!(after("PUT", "hi", closes), (502, false));
    // Something was heard of the answer.
    let garbles = |visit: &mut Visit| {
        visit.request();
        visit.say("what?\r\n\r\n");
    };
    assert_eq!(after("GET", "", garbles), (502, false));
    let says_no = |visit: &mut Visit| {
        visit.say_to_each("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");
    };
    assert_eq!(after("GET", "", says_no), (503, false));
}

#[test]
fn the_built_in_backend_takes_over_too_and_knows_the_key() {
    let edge = shop(None, Some(&nobody())).start();
    let of_two = key_of(&edge, "2");
    let answer = keyed(&mut edge.client(), &of_two);
    assert_eq!(said(&answer), [Some("1"), Some("2"), Some("failover"), Some("7")]);
    assert_eq!([&answer.json()["version"], &answer.json()["key"]], ["1", of_two.as_str()]);
}

#[test]
fn when_both_fail_the_last_one_is_told_and_the_sites_origin_comes_after_them() {
    let edge = shop(Some(&nobody()), Some(&nobody())).start();
    let answer = edge.client().get("/", &["x-serin-key: a"]);
    assert_eq!((answer.status, answer.header("x-serin-reason")), (502, Some("failover")));
    assert_eq!((edge.tallied("1").failed, edge.tallied("2").failed), (1, 1));

    let origin = Upstream::saying(OK);
    let mut route = route_of(1, 1, "shop", "true");
    route.fallback = true;
    let setup = shop(Some(&nobody()), Some(&nobody()));
    let edge = setup.placed([site(1, "shop.test", Some(origin.url()))], [route]).start();
    let post = request("POST", "/", &["x-serin-key: a", "content-length: 2"]) + "hi";
    let answer = edge.client().send(post).answer();
    assert_eq!((answer.status, answer.text()), (200, "ok"));
    assert_eq!(said(&answer), [None, None, Some("origin"), None]);
    assert!(origin.requests()[0].ends_with("\r\n\r\nhi"));
    let counts = edge.counts();
    assert_eq!((counts.failovers, counts.fallbacks), (1, 1));
}

/// An upstream that can be switched off: it closes on everybody, probes included.
fn mortal() -> (Upstream, Arc<AtomicBool>) {
    let alive = Arc::new(AtomicBool::new(true));
    let is_alive = alive.clone();
    let upstream = Upstream::new(move |visit| {
        while visit.request().is_some() && is_alive.load(Ordering::SeqCst) {
            visit.say(OK);
        }
    });
    (upstream, alive)
}

const KEYS: usize = 2_000;

/// Whose each of many users is, and who answers each.
fn assignments(edge: &Edge) -> Vec<(String, String)> {
    let mut client = edge.client();
    let answers = (0..KEYS).map(|number| keyed(&mut client, &format!("user-{number}")));
    let pairs = answers.map(|answer| {
        assert_eq!(answer.status, 200);
        (assigned(&answer), answer.header("x-serin-version").unwrap().to_owned())
    });
    pairs.collect()
}

#[test]
fn health_never_rewrites_an_assignment() {
    for is_checked in [false, true] {
        let (one, (two, alive)) = (Upstream::saying(OK), mortal());
        let mut setup = shop(Some(one.url()), Some(two.url()));
        let often = NonZeroU32::MIN;
        setup.policy.health = is_checked.then(|| HealthCheck {
            probe: Probe::HttpGet { path: "/".to_owned(), host: None },
            initial_delay: Duration::ZERO,
            period: Duration::from_millis(20),
            timeout: Duration::from_secs(5),
            success_threshold: often,
            failure_threshold: often,
        });
        let edge = setup.start();
        let before = assignments(&edge);
        assert!(before.iter().all(|(assigned, served)| assigned == served));

        alive.store(false, Ordering::SeqCst);
        if is_checked {
            wait_until(|| !edge.wellness.sick().is_empty());
        }
        let during = assignments(&edge);
        assert!(during.iter().all(|(_, served)| served == "1"));
        let of = |pairs: &[(String, String)]| -> Vec<String> {
            pairs.iter().map(|(assigned, _)| assigned.clone()).collect()
        };
        assert_eq!(of(&during), of(&before));

        alive.store(true, Ordering::SeqCst);
        wait_until(|| {
            let answer = keyed(&mut edge.client(), &of_two(&before));
            answer.header("x-serin-version") == Some("2")
        });
        assert_eq!(assignments(&edge), before);
    }
}

fn of_two(pairs: &[(String, String)]) -> String {
    let number = pairs.iter().position(|(assigned, _)| assigned == "2").unwrap();
    format!("user-{number}")
}

#[test]
fn a_release_by_regions_fails_over_too_and_one_version_alone_does_not() {
    let well = Upstream::saying(OK);
    let mut shop = routine("shop", &[("1", Some(well.url())), ("2", Some(&nobody()))]);
    deploy(&mut shop, Environment::Production, 1, &[("2", 100)]);
    let mut setup = Setup::of([shop]);
    setup.policy.failover = Failover::OtherVersion;
    let edge = setup.start();
    let answer = edge.client().get("/", &[]);
    assert_eq!((answer.status, said(&answer)[2]), (502, Some("only")));
}
