//! A version's endpoints share its requests, and one that fails costs no request that
//! another could have answered.

use std::net::TcpListener;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serin::model::{Ejection, Retries};

use crate::support::edge::{Edge, Setup};
use crate::support::h2_peer::framed;
use crate::support::raw::{Client, request};
use crate::support::upstream::Upstream;
use crate::support::wait_until;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";

/// Where nobody listens.
fn nobody() -> String {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", free.local_addr().unwrap())
}

fn before(urls: &[&str]) -> Setup {
    Setup::before(&urls.join(" "))
}

fn requests(upstreams: &[&Upstream]) -> Vec<usize> {
    upstreams.iter().map(|upstream| upstream.requests().len()).collect()
}

#[track_caller]
fn all_are_ok(client: &mut Client, count: usize) {
    for _ in 0..count {
        assert_eq!(client.get("/", &[]).text(), "ok");
    }
}

#[test]
fn endpoints_are_asked_in_turn() {
    let [a, b, c] = [(); 3].map(|()| Upstream::saying(OK));
    let edge = before(&[a.url(), b.url(), c.url()]).start();
    all_are_ok(&mut edge.client(), 9);
    assert_eq!(requests(&[&a, &b, &c]), [3, 3, 3]);
}

#[test]
fn each_endpoint_sees_its_own_name() {
    let [a, b] = [(); 2].map(|()| Upstream::saying(OK));
    let dead = nobody();
    let mut setup = before(&[&dead, a.url(), b.url()]);
    setup.policy.headers.preserve_host = false;
    let edge = setup.start();
    all_are_ok(&mut edge.client(), 6);
    for upstream in [&a, &b] {
        let host = format!("\r\nhost: {}\r\n", upstream.authority());
        let requests = upstream.requests();
        assert!(!requests.is_empty() && requests.iter().all(|head| head.contains(&host)));
    }
    let edge = before(&[&dead, a.url()]).start();
    all_are_ok(&mut edge.client(), 1);
    assert!(a.requests().last().unwrap().contains("\r\nhost: shop.test\r\n"));
}

#[test]
fn who_takes_no_connection_is_passed_over_whatever_the_request_is() {
    let (well, dead) = (Upstream::saying(OK), nobody());
    let edge = before(&[&dead, well.url()]).start();
    let mut client = edge.client();
    for _ in 0..10 {
        for (method, line, body) in [
            ("GET", "x: y", ""),
            ("POST", "content-length: 0", ""),
            ("POST", "content-length: 2", "hi"),
            ("PATCH", "transfer-encoding: chunked", "2\r\nhi\r\n0\r\n\r\n"),
        ] {
            let answer = client.send(request(method, "/", &[line]) + body).answer();
            assert_eq!(answer.text(), "ok", "{method} {line}");
        }
    }
    assert_eq!(well.requests().len(), 40);
    let counts = edge.counts();
    assert!(counts.moves > 0 && counts.errors.is_empty());
    assert_eq!((counts.faults["connection_refused"], counts.retries), (counts.moves, 0));
}

#[test]
fn three_endpoints_are_tried_and_no_more() {
    let (well, dead) = (Upstream::saying(OK), [(); 3].map(|()| nobody()));
    let edge = before(&[&dead[0], &dead[1], &dead[2], well.url()]).start();
    let mut client = edge.client();
    let answer = client.get("/", &[]);
    assert_eq!((answer.status, &answer.json()["error"]), (502, &"connection_refused".into()));
    assert_eq!(client.get("/", &[]).status, 200);
    assert_eq!(edge.counts().errors["connection_refused"], 1);
}

/// One that reads a request and closes, beside one that is well.
fn closing_beside_well() -> (Upstream, Upstream) {
    (Upstream::new(|visit| drop(visit.request())), Upstream::saying(OK))
}

#[test]
fn what_changes_nothing_is_sent_to_another_endpoint_once() {
    let (closing, well) = closing_beside_well();
    let edge = before(&[closing.url(), well.url()]).start();
    all_are_ok(&mut edge.client(), 4);
    assert_eq!(requests(&[&closing, &well]), [2, 4]);
    assert_eq!(edge.counts().retries, 2);

    let [first, second] = [(); 2].map(|()| Upstream::new(|visit| drop(visit.request())));
    let edge = before(&[first.url(), second.url(), well.url()]).start();
    assert_eq!(edge.client().get("/", &[]).status, 502);
    assert_eq!(requests(&[&first, &second, &well]), [1, 1, 4]);
}

#[test]
fn what_an_endpoint_may_have_done_no_other_does_again() {
    let (closing, well) = closing_beside_well();
    let edge = before(&[closing.url(), well.url()]).start();
    for (method, line, body) in [
        ("POST", "content-length: 0", ""),
        ("POST", "content-length: 2", "hi"),
        ("PUT", "content-length: 2", "hi"),
    ] {
        let mut client = edge.client();
        let send =
            |client: &mut Client| client.send(request(method, "/", &[line]) + body).answer().status;
        // One of two in a row goes to each.
        let mut answers = [send(&mut client), send(&mut client)];
        answers.sort_unstable();
        assert_eq!(answers, [200, 502], "{method} {line}");
    }
    assert_eq!(requests(&[&closing, &well]), [3, 3]);
    assert_eq!(edge.counts().retries, 0);
}

#[test]
fn silence_is_not_asked_again() {
    let silent = Upstream::new(|visit| {
        visit.request();
        visit.sees_end();
    });
    let well = Upstream::saying(OK);
    let mut setup = before(&[silent.url(), well.url()]);
    setup.policy.timeouts.response_head = Duration::from_millis(100);
    let edge = setup.start();
    assert_eq!(edge.client().get("/", &[]).status, 504);
    assert_eq!(requests(&[&silent, &well]), [1, 0]);
}

#[test]
fn the_budget_bounds_what_is_sent_twice() {
    let (closing, well) = closing_beside_well();
    let mut setup = before(&[closing.url(), well.url()]);
    setup.policy.retries = Retries { budget_percent: 10, at_least_per_second: 0 };
    let edge = setup.start();
    let mut client = edge.client();
    let failed = (0..100).filter(|_| client.get("/", &[]).status == 502).count();
    // Half of them met the one that closes, the last of these as the 99th; of ten requests
    // one was sent twice, and the others failed as they were.
    let counts = edge.counts();
    assert_eq!((counts.retries, counts.retries_denied, failed), (9, 41, 41));
    assert_eq!(requests(&[&closing, &well]), [50, 50 + 9]);

    let (closing, well) = closing_beside_well();
    let mut setup = before(&[closing.url(), well.url()]);
    setup.policy.retries = Retries { budget_percent: 0, at_least_per_second: 0 };
    let edge = setup.start();
    assert_eq!(edge.client().get("/", &[]).status, 502);
    assert_eq!(edge.counts().retries_denied, 1);
}

fn ejecting(failures: u32, base: Duration) -> Ejection {
    Ejection { failures: NonZeroU32::new(failures).unwrap(), base, max: 4 * base }
}

const LONG: Duration = Duration::from_hours(1);

#[test]
fn an_endpoint_that_fails_in_a_row_is_left_out() {
    let (busy, well) = (Upstream::saying(BUSY), Upstream::saying(OK));
    let mut setup = before(&[busy.url(), well.url()]);
    setup.policy.ejection = Some(ejecting(3, LONG));
    let edge = setup.start();
    let mut client = edge.client();
    // What the endpoint says is passed on: it is an answer.
    let statuses: Vec<_> = (0..40).map(|_| client.get("/", &[]).status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 503).count(), 3);
    assert_eq!(requests(&[&busy, &well]), [3, 37]);
    let ejected = edge.wellness.ejections().all();
    assert_eq!(ejected.keys().map(ToString::to_string).collect::<Vec<_>>(), [busy.url()]);
    assert_eq!(edge.counts().ejections, 1);
}

#[test]
fn all_but_one_are_ejected_and_none_that_is_alone() {
    let upstreams = [(); 3].map(|()| Upstream::saying(BUSY));
    let urls = upstreams.each_ref().map(Upstream::url);
    let mut setup = before(&urls);
    setup.policy.ejection = Some(ejecting(1, LONG));
    let edge = setup.start();
    let mut client = edge.client();
    for _ in 0..20 {
        assert_eq!(client.get("/", &[]).status, 503);
    }
    assert_eq!(requests(&upstreams.each_ref()), [1, 1, 18]);

    let mut setup = before(&urls[..1]);
    setup.policy.ejection = Some(ejecting(1, LONG));
    let edge = setup.start();
    assert!((0..20).all(|_| edge.client().get("/", &[]).status == 503));
    assert_eq!(edge.counts().ejections, 0);
}

#[test]
fn a_dead_endpoint_comes_back_after_its_time_by_one_request() {
    let is_well = Arc::new(AtomicBool::new(false));
    let well = is_well.clone();
    let sick = Upstream::new(move |visit| {
        while visit.request().is_some() && well.load(Ordering::SeqCst) {
            visit.say(OK);
        }
    });
    let other = Upstream::saying(OK);
    let mut setup = before(&[sick.url(), other.url()]);
    setup.policy.ejection = Some(ejecting(2, Duration::from_millis(20)));
    let edge = setup.start();
    let mut client = edge.client();
    // No client ever notices: what changes nothing goes to the other one.
    let is_out = |edge: &Edge| !edge.wellness.ejections().all().is_empty();
    wait_until(|| {
        all_are_ok(&mut client, 1);
        is_out(&edge)
    });
    wait_until(|| {
        all_are_ok(&mut client, 1);
        edge.counts().ejections > 2
    });
    is_well.store(true, Ordering::SeqCst);
    wait_until(|| {
        all_are_ok(&mut client, 1);
        !is_out(&edge)
    });
    let before = requests(&[&sick, &other]);
    all_are_ok(&mut client, 10);
    assert_eq!(requests(&[&sick, &other]), [before[0] + 5, before[1] + 5]);
}

#[test]
fn a_client_that_fails_says_nothing_about_an_endpoint() {
    let [a, b] = [(); 2].map(|()| {
        Upstream::new(|visit| {
            while visit.request().is_some() {
                visit.say(OK);
            }
        })
    });
    let mut setup = before(&[a.url(), b.url()]);
    setup.policy.ejection = Some(ejecting(1, LONG));
    let edge = setup.start();
    for _ in 0..4 {
        let broken = request("POST", "/", &["transfer-encoding: chunked"]) + "zz\r\n";
        assert_eq!(edge.client().send(broken).answer().status, 400);
    }
    assert!(edge.wellness.ejections().all().is_empty());
}

/// Before two endpoints that speak HTTP/2, of which the second one is well.
fn before_h2(first: &Upstream, failures: u32) -> (Setup, Upstream) {
    let well = framed(|_, frames| frames.answer_each());
    let urls = [first, &well].map(|upstream| format!("h2c://{}", upstream.authority()));
    let mut setup = before(&urls.each_ref().map(String::as_str));
    setup.policy.ejection = Some(ejecting(failures, LONG));
    (setup, well)
}

fn statuses(client: &mut Client, count: usize) -> Vec<u16> {
    (0..count).map(|_| client.get("/", &[]).status).collect()
}

#[test]
fn who_dies_under_requests_of_http2_is_passed_over_and_left_out() {
    let dying = framed(|_, frames| {
        frames.request();
    });
    let (setup, _well) = before_h2(&dying, 2);
    let edge = setup.start();
    assert_eq!(statuses(&mut edge.client(), 10), [200; 10]);
    assert_eq!((dying.connections(), edge.counts().ejections), (2, 1));
    assert_eq!((edge.counts().retries, edge.counts().reconnects), (2, 0));
}

#[test]
fn who_is_silent_in_http2_is_left_out() {
    let silent = framed(|_, frames| while frames.request().is_some() {});
    let (mut setup, _well) = before_h2(&silent, 2);
    setup.policy.timeouts.response_head = Duration::from_millis(300);
    let edge = setup.start();
    assert_eq!(statuses(&mut edge.client(), 6), [504, 200, 504, 200, 200, 200]);
    assert_eq!((silent.connections(), edge.counts().ejections), (2, 1));
}

#[test]
fn who_refuses_every_stream_is_passed_over_whatever_the_request_is() {
    let refusing = framed(|_, frames| {
        while let Some(stream) = frames.request() {
            frames.refuse(stream);
        }
    });
    let (setup, _well) = before_h2(&refusing, 3);
    let edge = setup.start();
    let mut client = edge.client();
    for _ in 0..10 {
        let answer = client.send(request("POST", "/", &["content-length: 0"])).answer();
        assert_eq!(answer.status, 200);
    }
    assert_eq!((refusing.connections(), edge.counts().ejections), (3, 1));
    assert_eq!((edge.counts().moves, edge.counts().retries), (3, 0));
}

#[test]
fn an_old_connection_of_http2_that_dies_says_nothing_about_its_endpoint() {
    let tired = framed(|_, frames| {
        let stream = frames.request().unwrap();
        frames.answer(stream);
        frames.request();
    });
    let (setup, _well) = before_h2(&tired, 1);
    let edge = setup.start();
    assert_eq!(statuses(&mut edge.client(), 10), [200; 10]);
    assert_eq!((tired.connections(), edge.counts().ejections), (5, 0));
}

#[test]
fn silence_on_an_old_connection_counts_as_on_a_new_one() {
    let tired = Upstream::new(|visit| {
        visit.request();
        visit.say(OK);
        visit.request();
        visit.sees_end();
    });
    let well = Upstream::saying(OK);
    let mut setup = before(&[tired.url(), well.url()]);
    setup.policy.ejection = Some(ejecting(1, LONG));
    setup.policy.timeouts.response_head = Duration::from_millis(300);
    let edge = setup.start();
    assert_eq!(statuses(&mut edge.client(), 6), [200, 200, 504, 200, 200, 200]);
    assert_eq!((tired.connections(), edge.counts().ejections), (1, 1));
}

#[test]
fn every_worker_goes_round() {
    let [a, b] = [(); 2].map(|()| Upstream::saying(OK));
    let mut setup = before(&[a.url(), b.url()]);
    setup.workers = 2;
    let edge = setup.start();
    for _ in 0..4 {
        all_are_ok(&mut edge.client(), 10);
    }
    assert_eq!(requests(&[&a, &b]), [20, 20]);
}
