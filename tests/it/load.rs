//! A load generator that does not flatter: what it finds, and what it does not blame.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use serin::load::{
    Configured, KeyIn, Latencies, LoadError, Model, Pattern, Plan, Protocol, Quantiles, Rate,
    Summary, Target, Users, VersionFrom, VersionSummary, run,
};
use serin::model::Environment;
use serin::tls::unchecked_client_config;

use crate::support::WAIT_MAX;
use crate::support::edge::{Edge, Setup, deploy, routine};
use crate::support::upstream::Upstream;

/// A run of so many requests, which no clock ends.
fn plan(url: &str, requests: u64) -> Plan {
    Plan {
        target: Target::parse(url).unwrap(),
        protocol: Protocol::Http1,
        model: Model::Closed,
        connections: 4,
        threads: 1,
        duration: WAIT_MAX,
        requests_max: Some(requests),
        timeout: WAIT_MAX,
        method: "GET".to_owned(),
        headers: Vec::new(),
        body: None,
        users: Users { exponent: 1.0, ..Users::alike(500) },
        key: KeyIn::Header("x-serin-key".to_owned()),
        version_from: VersionFrom::Header("x-serin-version".to_owned()),
        is_told_where: false,
        split: Configured::Unknown,
        deployments: Vec::new(),
        errors_max: 0,
        tls: Arc::new(unchecked_client_config()),
    }
}

fn carry_out(plan: Plan) -> Summary {
    run(plan, Arc::new(AtomicBool::new(false)), None).unwrap()
}

fn constant(rate: f64) -> Model {
    Model::Open(Rate { from: rate, to: rate, over: Duration::ZERO })
}

fn given(shares: &[(&str, u64)]) -> Configured {
    let shares = shares.iter().map(|&(version, percent)| (version.to_owned(), percent));
    Configured::Given(shares.collect())
}

/// A Serin whose `shop` has version 2 at 30 %.
fn canary(configure: impl FnOnce(Setup) -> Setup) -> Edge {
    let mut shop = routine("shop", &[("1", None), ("2", None)]);
    deploy(&mut shop, Environment::Production, 1, &[("1", 70), ("2", 30)]);
    configure(Setup::of([shop])).start()
}

fn ok(version: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nx-serin-version: {version}\r\ncontent-length: 0\r\n\r\n")
}

/// The key of a request.
fn key_of(request: &str) -> &str {
    let line = request.lines().find(|line| line.starts_with("x-serin-key: "));
    line.unwrap().trim_start_matches("x-serin-key: ")
}

#[test]
fn a_canary_is_counted_by_users_and_by_answers_and_nothing_is_found() {
    let edge = canary(|setup| setup);
    let split = given(&[("1", 70), ("2", 30)]);
    let plan = plan(&format!("http://{}/", edge.production), 4_000);
    let summary = carry_out(Plan { split, threads: 2, ..plan });
    assert!(summary.ok, "{:?}", summary.findings);
    assert_eq!((summary.answers, summary.errors.total), (4_000, 0));
    assert_eq!((summary.connections.opened, summary.connections.reused), (4, 3_996));
    assert_eq!(summary.statuses, BTreeMap::from([(200, 4_000)]));
    let counted = |version: &str| {
        let found = summary.versions.iter().find(|counted| counted.version == version);
        found.unwrap().requests
    };
    for version in ["1", "2"] {
        assert_eq!(counted(version), edge.tallied(version).served);
    }
    let shares = &summary.periods[0].shares;
    assert_eq!(shares.iter().map(|share| share.keys).sum::<u64>(), summary.stickiness.users);
    for share in shares {
        let [from, to] = share.keys_expected.unwrap();
        assert!((from..=to).contains(&share.share), "{share:?}");
        assert!(to - from < 0.25, "{share:?}");
    }
    assert_eq!(summary.periods[0].sample_ratio.as_ref().unwrap().alarm_at_key, None);
}

#[test]
fn http2_and_tls_carry_the_same_requests() {
    let edge = canary(Setup::with_tls);
    let plain = format!("http://{}/", edge.production);
    let secure = format!("https://localhost:{}/", edge.production_tls.unwrap().port());
    let many = Protocol::Http2 { streams: 5 };
    for (url, protocol) in [(&plain, many), (&secure, many), (&secure, Protocol::Http1)] {
        let split = given(&[("1", 70), ("2", 30)]);
        let summary = carry_out(Plan { split, protocol, connections: 2, ..plan(url, 1_000) });
        assert!(summary.ok, "{url} {protocol:?}: {:?}", summary.findings);
        assert_eq!(summary.answers, 1_000);
        assert_eq!((summary.connections.opened, summary.connections.reused), (2, 998));
    }
}

#[test]
fn a_target_that_speaks_no_http2_is_an_error_and_no_wait() {
    let upstream = Upstream::new(|visit| {
        visit.head();
        visit.say("HTTP/1.1 400 What\r\ncontent-length: 0\r\n\r\n");
    });
    let protocol = Protocol::Http2 { streams: 2 };
    let summary = carry_out(Plan { protocol, connections: 1, ..plan(upstream.url(), 6) });
    assert_eq!((summary.answers, summary.errors.total), (0, 6));
    assert_eq!(summary.errors.by_class.timeout, 0);
}

#[test]
fn a_connection_that_is_not_open_in_time_is_an_error_and_no_wait() {
    // One connection is taken and answered. One or two more wait to be taken, which nobody
    // does, and whoever comes after them is not heard at all.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        socket.listen(1).unwrap().into_std().unwrap()
    });
    listener.set_nonblocking(false).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let upstream = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0]).unwrap();
        let response = ok("1").replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
        stream.write_all(response.as_bytes()).unwrap();
        (listener, stream)
    });
    let timeout = Duration::from_millis(100);
    let users = Users::alike(1);
    let plan = Plan { timeout, users, connections: 1, errors_max: 5, ..plan(&url, 6) };
    let summary = carry_out(plan);
    drop(upstream.join().unwrap());
    let errors = summary.errors.by_class;
    assert_eq!((summary.answers, errors.connect + errors.timeout), (1, 5), "{errors:?}");
    assert!(errors.connect >= 2, "{errors:?}");
    let waited = of(&summary, "1").latency.uncorrected.as_ref().unwrap();
    assert_eq!(waited.count, 1 + errors.timeout);
    assert_eq!(of(&summary, "1").errors.connect, errors.connect);
}

#[test]
fn a_user_who_changes_version_without_a_deployment_is_named() {
    // The user who asks for the tenth time of all is lied to.
    let asked = AtomicUsize::new(0);
    let upstream = Upstream::new(move |visit| {
        while visit.request().is_some() {
            let number = asked.fetch_add(1, Ordering::SeqCst);
            visit.say(ok(if number == 10 { "2" } else { "1" }));
        }
    });
    let users = Users::alike(1);
    let summary = carry_out(Plan { users, connections: 1, ..plan(upstream.url(), 20) });
    assert!(!summary.ok);
    let stickiness = &summary.stickiness;
    assert_eq!((stickiness.users, stickiness.users_changed, stickiness.changes), (1, 1, 2));
    let change = &stickiness.examples[0];
    assert_eq!(
        (change.user.as_str(), change.from.as_str(), change.to.as_str()),
        ("user-0", "1", "2")
    );
    assert_eq!(summary.findings, ["1 of 1 users changed version without a deployment, 2 times"]);
}

#[test]
fn a_split_that_is_not_the_configured_one_is_found_by_its_users() {
    // A quarter of the users, and each always.
    let upstream = Upstream::new(|visit| {
        while let Some(request) = visit.request() {
            let number: u64 = key_of(&request).trim_start_matches("user-").parse().unwrap();
            visit.say(ok(if number.is_multiple_of(4) { "v2" } else { "v1" }));
        }
    });
    let load = |shares: &[(&str, u64)]| {
        let users = Users::alike(2_000);
        carry_out(Plan { users, split: given(shares), ..plan(upstream.url(), 3_000) })
    };
    let honest = load(&[("v1", 75), ("v2", 25)]);
    assert!(honest.ok, "{:?}", honest.findings);
    let wrong = load(&[("v1", 90), ("v2", 10)]);
    assert!(wrong.findings[0].contains("not the configured one"), "{:?}", wrong.findings);
    assert_eq!(wrong.stickiness.changes, 0);
    let strange = load(&[("v1", 75), ("v3", 25)]);
    assert!(strange.findings[0].contains("not expected"), "{:?}", strange.findings);
}

/// At 100 requests a second a target that says nothing for half a second has 50 of them
/// wait, and keeps back two connections.
#[test]
fn a_stall_shows_from_when_requests_were_due_and_hardly_from_when_they_were_sent() {
    const STALL: Duration = Duration::from_millis(500);
    let answered = AtomicUsize::new(0);
    let stalled = Arc::new(std::sync::Mutex::new(()));
    let upstream = Upstream::new(move |visit| {
        while visit.request().is_some() {
            if answered.fetch_add(1, Ordering::SeqCst) == 50 {
                let _all = stalled.lock().unwrap();
                // Nothing comes: its client waits.
                assert!(!visit.hears_within(STALL));
            }
            drop(stalled.lock().unwrap());
            visit.say(ok("1"));
        }
    });
    let model = constant(100.0);
    let summary = carry_out(Plan { model, connections: 2, ..plan(upstream.url(), 200) });
    assert!(summary.ok, "{:?}", summary.findings);
    assert_eq!(summary.answers, 200);
    let stall_ms = 500.0;
    let Latencies { corrected: Some(due), uncorrected: Some(sent) } = &summary.latency else {
        panic!("{:?}", summary.latency)
    };
    assert!(due.max >= stall_ms && sent.max >= stall_ms, "{due:?} {sent:?}");
    // Of the 50 that were due in it, 30 had 200 ms of it before them, and are more than a
    // tenth of all.
    assert!(due.p90 >= 200.0, "{due:?}");
    // Of those that waited, all but two waited to be sent; a machine that is busy adds to
    // both alike.
    let least = |of: &Quantiles, ms: f64| -> u64 {
        of.histogram.iter().filter(|(to, _)| *to > ms).map(|(_, count)| count).sum()
    };
    assert!(least(due, 250.0) >= least(sent, 250.0) + 15, "{due:?} {sent:?}");
}

#[test]
fn a_rate_is_kept_and_a_ramp_comes_to_its_middle() {
    let upstream = Upstream::saying(ok("1"));
    let model = Model::Open(Rate { from: 100.0, to: 700.0, over: Duration::from_millis(500) });
    let began = Instant::now();
    let duration = Duration::from_millis(500);
    let limited = Plan { model, duration, requests_max: None, ..plan(upstream.url(), 1) };
    let summary = carry_out(limited);
    // 400 a second for half a second, some of them unsent where the machine stands still.
    let errors = summary.errors;
    assert_eq!(summary.answers + errors.by_class.unsent, 200);
    assert_eq!(errors.total, errors.by_class.unsent);
    assert!(began.elapsed() >= duration);
}

#[test]
fn what_was_due_and_never_sent_is_an_error() {
    // One answer, and none after it.
    let upstream = Upstream::new(|visit| {
        if visit.request().is_some() {
            visit.say(ok("1"));
        }
        visit.request();
        visit.sees_bytes_but_reads_none();
    });
    let (duration, timeout) = (Duration::from_millis(200), Duration::from_millis(1_500));
    let slow = Plan {
        model: constant(100.0),
        duration,
        timeout,
        connections: 1,
        requests_max: None,
        ..plan(upstream.url(), 1)
    };
    let summary = carry_out(slow);
    let errors = summary.errors.by_class;
    assert_eq!((summary.answers, errors.timeout, errors.unsent), (1, 1, 18));
    assert_eq!(summary.errors.total, 19);
    // They have waited, and that is not left out.
    assert!(summary.latency.corrected.unwrap().p50 > 1_000.0);
    assert!(summary.findings[0].contains("1 timeout, 18 unsent"), "{:?}", summary.findings);
}

#[test]
fn hostile_answers_are_counted_by_what_is_wrong_with_them() {
    let upstream = Upstream::new(|visit| {
        let number = visit.number;
        if visit.request().is_none() {
            return;
        }
        match number {
            0 => visit.say("hello\r\n\r\n"),
            1 => visit.say("HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n"),
            2 => visit.say(ok("1") + "HTTP/1.1 200 OK\r\n\r\n"),
            3 => visit.say("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfive"),
            4 => {}
            5 => visit.reset_at_end(),
            6 => {
                visit.say("HTTP/1.1 503 Not\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
            7 => visit.say("HTTP/1.1 404 Not\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
            _ => {
                visit.say(ok("1"));
                visit.say_to_each(&ok("1"));
            }
        }
    });
    let plan = Plan { connections: 1, errors_max: 7, ..plan(upstream.url(), 12) };
    let summary = carry_out(plan);
    let errors = summary.errors.by_class;
    assert_eq!((errors.bad_response, errors.closed, errors.reset), (2, 2, 1), "{errors:?}");
    assert_eq!((errors.status_5xx, errors.status_4xx, errors.unasked), (1, 1, 1), "{errors:?}");
    assert_eq!((summary.answers, summary.errors.total), (7, 8));
    assert_eq!(summary.connections.opened, 9);
    assert!(summary.findings.iter().any(|finding| finding.starts_with("8 errors")));
}

/// What was counted of one version.
fn of<'a>(summary: &'a Summary, version: &str) -> &'a VersionSummary {
    summary.versions.iter().find(|counted| counted.version == version).unwrap()
}

#[test]
fn a_version_that_fails_after_a_while_is_the_one_that_is_slow_and_has_the_errors() {
    const WHILE: Duration = Duration::from_millis(40);
    // Odd users get version 2 once, and nothing after that.
    let seen = std::sync::Mutex::new(std::collections::BTreeSet::new());
    let upstream = Upstream::new(move |visit| {
        while let Some(request) = visit.request() {
            let is_odd = key_of(&request).ends_with(['1', '3', '5', '7', '9']);
            let is_new = seen.lock().unwrap().insert(key_of(&request).to_owned());
            if is_odd && !is_new {
                assert!(!visit.hears_within(WHILE));
                return visit.reset_at_end();
            }
            visit.say(ok(if is_odd { "2" } else { "1" }));
        }
    });
    let plan = Plan { users: Users::alike(6), connections: 1, ..plan(upstream.url(), 30) };
    let summary = carry_out(Plan { errors_max: 30, ..plan });
    let (good, bad) = (of(&summary, "1"), of(&summary, "2"));
    assert!(bad.errors.reset > 0 && bad.errors.reset == summary.errors.total, "{bad:?}");
    assert_eq!((bad.requests, good.errors.reset, summary.unnamed.errors.reset), (3, 0, 0));
    assert_eq!(good.requests + bad.requests + bad.errors.reset, 30);
    for waited in [&bad.latency.corrected, &bad.latency.uncorrected] {
        let waited = waited.as_ref().unwrap();
        assert_eq!(waited.count, bad.requests + bad.errors.reset);
        assert!(waited.max >= 40.0, "{waited:?}");
    }
    // Nothing that took time belongs to nobody, and what is nobody's has no time.
    assert!(summary.unnamed.latency.corrected.is_none());
    let json = serde_json::to_value(&summary).unwrap();
    assert_eq!(json["unnamed"]["latency"]["corrected"], Value::Null);
    let mut printed = Vec::new();
    serin::load::print(&summary, false, &mut printed).unwrap();
    let printed = String::from_utf8(printed).unwrap();
    let rows = printed.lines().skip_while(|line| *line != "Errors by version");
    let mut rows: Vec<_> =
        rows.skip(1).take(3).map(|row| row.split_whitespace().collect::<Vec<_>>()).collect();
    // In the order in which they were first seen.
    rows.sort_unstable();
    let resets = bad.errors.reset.to_string();
    assert_eq!(rows, [vec!["1"], vec!["2", &resets], vec!["errors", "reset"]], "{printed}");
}

#[test]
fn users_who_are_never_answered_are_counted_and_no_split_is_blamed_for_them() {
    let upstream = Upstream::new(|visit| {
        while let Some(request) = visit.request() {
            if key_of(&request).ends_with(['1', '3', '5', '7', '9']) {
                return;
            }
            visit.say(ok("1"));
        }
    });
    let users = Users::alike(100);
    let split = given(&[("1", 50), ("2", 50)]);
    let plan = Plan { users, split, errors_max: 400, ..plan(upstream.url(), 400) };
    let summary = carry_out(plan);
    let unanswered = summary.periods[0].users_unanswered;
    assert!((30..=50).contains(&unanswered), "{unanswered}");
    let told = format!("{unanswered} never were, so it may be that a version fails");
    assert!(summary.findings[0].contains(&told), "{:?}", summary.findings);
    assert_eq!(summary.unnamed.errors.closed, summary.errors.total);
}

#[test]
fn what_comes_unasked_is_an_error_of_the_version_that_was_answering() {
    let twice = ok("1") + &ok("2");
    let upstream = Upstream::new(move |visit| {
        visit.request();
        visit.say(&twice);
        visit.request();
    });
    let summary = carry_out(Plan { connections: 1, ..plan(upstream.url(), 5) });
    assert_eq!((summary.answers, summary.errors.by_class.unasked), (5, 5));
    assert_eq!(of(&summary, "1").errors.unasked, 5);
    assert_eq!(summary.versions.len(), 1, "nobody has asked for version 2");
    assert_eq!(summary.findings, ["5 errors: 5 unasked"]);
}

#[test]
fn versions_beyond_those_that_are_told_apart_are_told() {
    // Each user always gets one of his own.
    let upstream = Upstream::new(|visit| {
        while let Some(request) = visit.request() {
            visit.say(ok(key_of(&request)));
        }
    });
    let summary = carry_out(Plan { users: Users::alike(100), ..plan(upstream.url(), 1_000) });
    assert_eq!((summary.stickiness.changes, summary.unnamed.requests), (0, 0));
    assert!(summary.too_many_versions);
    assert_eq!(summary.findings.len(), 1, "{:?}", summary.findings);
    assert_eq!(summary.versions.len(), 65);
    assert_eq!(summary.versions[64].version, "(others)");
}

#[test]
fn users_have_keys_and_places_of_their_own() {
    let upstream = Upstream::saying(ok("1"));
    let users = Users {
        heavy: Some((1, 0.9)),
        key_prefix: "shopper-".to_owned(),
        regions: vec![("eu".to_owned(), 1.0), ("cn".to_owned(), 1.0)],
        region_header: "X-Where".to_owned(),
        ..Users::alike(1_000)
    };
    assert!(carry_out(Plan { users, ..plan(upstream.url(), 200) }).ok);
    let requests = upstream.requests();
    let key = |request: &str| {
        let key = key_of(request).to_owned();
        let line = request.lines().find(|line| line.starts_with("X-Where: "));
        (key, line.unwrap().to_owned())
    };
    let asked: Vec<_> = requests.iter().map(|request| key(request)).collect();
    let heavy = asked.iter().filter(|(key, _)| key == "shopper-0").count();
    // These draws are these: nine in ten.
    assert!((160..=199).contains(&heavy), "{heavy}");
    let places: std::collections::BTreeMap<_, _> = asked.iter().cloned().collect();
    assert!(asked.iter().all(|(key, place)| places[key] == *place));
    let all: std::collections::BTreeSet<_> = places.values().map(String::as_str).collect();
    assert_eq!(all.into_iter().collect::<Vec<_>>(), ["X-Where: cn", "X-Where: eu"]);
}

#[test]
fn what_is_drawn_meanwhile_is_all_in_the_report() {
    let upstream = Upstream::new(|visit| {
        while let Some(request) = visit.request() {
            visit.say(ok(if key_of(&request).ends_with('7') { "v2" } else { "v1" }));
        }
    });
    let plan = Plan {
        model: constant(200.0),
        duration: Duration::from_millis(1_300),
        requests_max: None,
        threads: 2,
        split: given(&[("v1", 90), ("v2", 10)]),
        ..plan(upstream.url(), 1)
    };
    let mut drawn = Vec::new();
    let summary = run(plan, Arc::new(AtomicBool::new(false)), Some(&mut drawn)).unwrap();
    // Nothing is lost between those who count and the one who draws, nor told twice.
    assert_eq!(summary.answers + summary.errors.total, 260);
    assert_eq!(summary.answers, upstream.requests().len() as u64);
    let waited = summary.latency.uncorrected.unwrap();
    assert_eq!((waited.count, summary.connections.opened), (summary.answers, 4));
    let in_seconds: u64 = summary.seconds.iter().flat_map(|second| second.values()).sum();
    assert_eq!(in_seconds, summary.answers);
    let drawn = String::from_utf8(drawn).unwrap();
    for part in ["/s of 200/s", "version", "v1", "v2", "expected", "p99.9", "–", "changed version"]
    {
        assert!(drawn.contains(part), "{part}: {drawn}");
    }
}

#[test]
fn a_terminal_obeys_nothing_of_what_a_peer_says() {
    let body = r#"{"version":"\u001b[2Jv1"}"#;
    let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let upstream = Upstream::saying(response);
    let version_from = VersionFrom::Json("version".to_owned());
    let summary = carry_out(Plan { version_from, ..plan(upstream.url(), 2) });
    assert_eq!(summary.versions[0].version, "\u{1b}[2Jv1");
    let mut printed = Vec::new();
    serin::load::print(&summary, false, &mut printed).unwrap();
    assert!(!printed.contains(&0x1b));
}

#[test]
fn a_connection_that_ends_while_it_rests_is_nobodys_fault() {
    let upstream = Upstream::new(|visit| {
        visit.request();
        visit.say(ok("1"));
    });
    // The next request is due long after the close has come, unless the machine stands
    // still just then.
    let seen = (0..5).find_map(|_| {
        let plan = Plan { model: constant(20.0), connections: 1, ..plan(upstream.url(), 5) };
        let summary = carry_out(plan);
        summary.ok.then_some((summary.connections.opened, summary.connections.reused))
    });
    assert_eq!(seen, Some((5, 0)));
}

#[test]
fn a_version_is_found_where_a_foreign_proxy_names_it() {
    let body = r#"{"app":{"version":"v7"}}"#;
    let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let upstream = Upstream::saying(response);
    for version_from in [
        VersionFrom::Json("app.version".to_owned()),
        VersionFrom::Pattern(Pattern::new(r#""(v\d+)""#).unwrap()),
    ] {
        let split = given(&[("v7", 100)]);
        let summary = carry_out(Plan { version_from, split, ..plan(upstream.url(), 20) });
        assert!(summary.ok, "{:?}", summary.findings);
        assert_eq!(
            (summary.versions[0].version.as_str(), summary.versions[0].requests),
            ("v7", 20)
        );
    }
    let summary = carry_out(Plan { split: given(&[("v7", 100)]), ..plan(upstream.url(), 20) });
    assert_eq!(summary.findings, ["20 answers name no version"]);
    assert!(carry_out(plan(upstream.url(), 20)).ok, "nobody has said that one is named");
    let summary = carry_out(Plan { is_told_where: true, ..plan(upstream.url(), 20) });
    assert_eq!(summary.findings, ["no answer names a version, so nothing was judged"]);
    let empty = Upstream::saying(ok(""));
    let summary = carry_out(Plan { is_told_where: true, ..plan(empty.url(), 1) });
    assert_eq!(summary.unnamed.requests, 1);
}

#[test]
fn a_key_travels_in_a_cookie_beside_others() {
    let upstream = Upstream::saying(ok("1"));
    let plan = Plan {
        key: KeyIn::Cookie("uid".to_owned()),
        headers: vec![
            ("Cookie".to_owned(), "a=b".to_owned()),
            ("Host".to_owned(), "shop.test".to_owned()),
        ],
        method: "POST".to_owned(),
        body: Some(b"hello".to_vec()),
        users: Users::alike(1),
        ..plan(upstream.url(), 1)
    };
    assert!(carry_out(plan).ok);
    let request = upstream.requests().remove(0).to_lowercase();
    assert!(request.starts_with("post / http/1.1\r\n"), "{request}");
    assert!(request.contains("\r\ncookie: a=b; uid=user-0\r\n"), "{request}");
    assert_eq!(request.matches("host: ").count(), 1);
    assert!(request.ends_with("\r\n\r\nhello"), "{request}");
}

#[test]
fn a_target_that_is_not_there_is_told_from_one_that_fails() {
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let failed = run(plan(&gone, 1), Arc::new(AtomicBool::new(false)), None).unwrap_err();
    assert!(matches!(failed, LoadError::Unreachable(..)), "{failed}");
    assert_eq!(failed.exit_status(), 3);
    let many = Plan { connections: 0, ..plan(&gone, 1) };
    let failed = run(many, Arc::new(AtomicBool::new(false)), None).unwrap_err();
    assert_eq!(failed.exit_status(), 2);
}
