//! A dead pooled connection is never a 502 for a request that can be sent again
//! safely, and no request is sent twice that may have arrived.

use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use serin::model::Retries;

use crate::support::edge::Setup;
use crate::support::raw::{Answer, request};
use crate::support::upstream::{Upstream, Visit, write_until_blocked};
use crate::support::{WAIT_MAX, wait_until};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Answers once on its first connection, then lets `die` end it; a good server ever
/// after.
fn dying(die: impl Fn(&mut Visit) + Send + Sync + 'static) -> Upstream {
    Upstream::new(move |visit| {
        if visit.number == 0 {
            visit.request();
            visit.say(OK);
            die(visit);
        } else {
            visit.say_to_each(OK);
        }
    })
}

/// Dies when the next request has come.
fn dying_under_a_request(reset: bool) -> Upstream {
    dying(move |visit| {
        visit.head();
        if reset {
            visit.reset_at_end();
        }
    })
}

#[test]
fn a_request_that_changes_nothing_is_sent_again_when_its_connection_dies() {
    for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"] {
        for reset in [false, true] {
            let upstream = dying_under_a_request(reset);
            let edge = Setup::before(upstream.url()).start();
            let mut client = edge.client();
            client.get("/first", &[]);
            let line = ["content-length: 0"];
            let lines = if method == "PUT" { &line[..] } else { &[] };
            client.send(request(method, "/again", lines));
            assert_eq!(client.head().status, 200, "{method} {reset}");
            let requests = upstream.requests();
            let again = format!("{method} /again HTTP/1.1\r\n");
            assert_eq!(requests.len(), 3);
            assert!(requests[1..].iter().all(|request| request.starts_with(&again)));
            assert_eq!(requests[1], requests[2]);
            assert_eq!(upstream.connections(), 2);
            assert_eq!((edge.counts().retries, edge.counts().errors.len()), (1, 0));
        }
    }
}

#[test]
fn half_a_head_on_an_old_connection_is_a_dead_connection() {
    let upstream = dying(|visit| {
        visit.head();
        visit.say("HTTP/1.1 200 OK\r\ncontent-le");
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.get("/", &[]);
    assert_eq!(client.get("/", &[]).text(), "ok");
}

#[test]
fn a_request_is_sent_again_once() {
    let upstream = Upstream::new(|visit| {
        if visit.number == 0 {
            visit.request();
            visit.say(OK);
        }
        visit.head();
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.get("/", &[]);
    let answer = client.get("/", &[]);
    assert_eq!((answer.status, upstream.connections()), (502, 2));
    // A new connection that dies proves nothing old about it.
    let upstream = Upstream::new(|visit| drop(visit.head()));
    let edge = Setup::before(upstream.url()).start();
    assert_eq!(edge.client().get("/", &[]).status, 502);
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn a_post_that_may_have_arrived_is_never_sent_again() {
    for reset in [false, true] {
        for (line, body) in [
            ("content-length: 0", ""),
            ("content-length: 2", "hi"),
            ("transfer-encoding: chunked", "2\r\nhi\r\n0\r\n\r\n"),
        ] {
            let upstream = dying_under_a_request(reset);
            let edge = Setup::before(upstream.url()).start();
            let mut client = edge.client();
            client.get("/", &[]);
            let answer = client.send(request("POST", "/", &[line]) + body).answer();
            assert_eq!(answer.status, 502, "{line} {reset}");
            assert_eq!(answer.json()["error"], "connection_terminated");
            assert_eq!((upstream.requests().len(), upstream.connections()), (2, 1));
        }
    }
}

#[test]
fn a_put_with_a_body_is_not_sent_again() {
    let upstream = dying_under_a_request(false);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.get("/", &[]);
    let put = request("PUT", "/", &["content-length: 2"]) + "hi";
    assert_eq!(client.send(put).answer().status, 502);
    assert_eq!(upstream.connections(), 1);
}

/// The upstream has closed, or reset, before the next request: whether the proxy has
/// noticed or not, the request goes out on a new connection.
#[test]
fn what_was_closed_before_is_not_written_to() {
    for reset in [false, true] {
        let (tell, told) = mpsc::channel();
        let upstream = Upstream::new(move |visit| {
            visit.request();
            visit.say(OK);
            if reset {
                visit.reset_at_end();
            }
            visit.hang_up();
            tell.send(()).unwrap();
        });
        let edge = Setup::before(upstream.url()).start();
        let mut client = edge.client();
        for number in 0..200 {
            let asked = if number % 2 == 0 {
                request("POST", "/", &["content-length: 2"]) + "hi"
            } else {
                request("GET", "/", &[])
            };
            // A reset may overtake the response that it follows; a close may not.
            let answer = client.send(asked).answer();
            if reset {
                assert!([200, 502].contains(&answer.status));
            } else {
                assert_eq!(answer.text(), "ok");
            }
            told.recv_timeout(WAIT_MAX).unwrap();
        }
    }
}

#[test]
fn a_response_that_nobody_asked_for_is_nobodys() {
    let stray = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstray";
    // At once with the response before it, and later.
    let (stray_sent, sent) = mpsc::channel();
    let (go, gone) = mpsc::channel::<()>();
    let gone = Mutex::new(gone);
    let upstream = Upstream::new(move |visit| {
        visit.request();
        if visit.number == 0 {
            visit.say(format!("{OK}{stray}"));
            visit.sees_end();
        } else {
            visit.say(OK);
            gone.lock().unwrap().recv_timeout(WAIT_MAX).unwrap();
            visit.say(stray);
            stray_sent.send(()).unwrap();
            visit.sees_end();
        }
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    for _ in 0..20 {
        let post = request("POST", "/", &["content-length: 0"]);
        assert_eq!(client.send(post).answer().text(), "ok");
        if upstream.connections() > 1 {
            go.send(()).unwrap();
            sent.recv_timeout(WAIT_MAX).unwrap();
        }
    }
    assert_eq!(upstream.connections(), 20);
}

/// Longer than a pooled connection is used without asking its socket.
const LONGER_THAN_TRUSTED: Duration = Duration::from_millis(2);

/// What happens to a pooled connection while its worker is busy, in the middle of two
/// requests of one client: the worker cannot have noticed when it sends the second.
fn second_answer(
    method: &str,
    patience: Duration,
    happen: impl Fn(&mut Visit) + Send + Sync + 'static,
) -> Answer {
    let (busy, is_busy) = mpsc::channel::<()>();
    let (happened, has_happened) = mpsc::channel();
    let (is_busy, has_happened) = (Mutex::new(is_busy), Mutex::new(has_happened));
    let upstream = Upstream::new(move |visit| {
        visit.request();
        visit.say(OK);
        if visit.number == 0 {
            is_busy.lock().unwrap().recv_timeout(WAIT_MAX).unwrap();
            happen(visit);
            happened.send(()).unwrap();
        }
        visit.say_to_each(OK);
    });
    let setup = Setup::before(upstream.url()).busy_with(move || {
        busy.send(()).unwrap();
        let happened = has_happened.lock().unwrap();
        let since = Instant::now();
        happened.recv_timeout(WAIT_MAX).unwrap();
        wait_until(|| since.elapsed() >= patience);
    });
    let edge = setup.start();
    let mut client = edge.client();
    assert_eq!(client.get("/", &[]).text(), "ok");
    let first = "GET / HTTP/1.1\r\nhost: busy.localhost\r\n\r\n";
    client.send(first.to_owned() + &request(method, "/", &["content-length: 0"]));
    assert_eq!(client.answer().status, 200);
    client.answer()
}

#[test]
fn what_happened_behind_a_busy_workers_back_is_noticed_before_a_request_is_sent() {
    for method in ["GET", "POST"] {
        let second = |happen: fn(&mut Visit)| second_answer(method, LONGER_THAN_TRUSTED, happen);
        assert_eq!(second(Visit::hang_up).text(), "ok", "{method} after a close");
        assert_eq!(second(reset).text(), "ok", "{method} after a reset");
        let stray = second(|visit| {
            visit.say("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstray");
        });
        assert_eq!(stray.text(), "ok", "{method} after a response nobody asked for");
    }
}

fn reset(visit: &mut Visit) {
    visit.reset_at_end();
    visit.hang_up();
}

/// A connection that was in use a moment ago is written to unasked, and the write may fail.
#[test]
fn a_request_whose_write_fails_is_sent_again() {
    for happen in [Visit::hang_up, reset] {
        assert_eq!(second_answer("GET", Duration::ZERO, happen).text(), "ok");
    }
}

#[test]
fn what_is_sent_twice_is_paid_for() {
    for (retries, status) in [(0, 502), (1, 200)] {
        let upstream = dying_under_a_request(false);
        let mut setup = Setup::before(upstream.url());
        setup.policy.retries = Retries { budget_percent: 0, at_least_per_second: retries };
        let edge = setup.start();
        let mut client = edge.client();
        client.get("/", &[]);
        assert_eq!(client.get("/", &[]).status, status);
        let counts = edge.counts();
        let retries = u64::from(retries);
        assert_eq!((counts.retries, counts.retries_denied), (retries, 1 - retries));
    }
}

#[test]
fn a_connection_whose_request_is_still_coming_is_not_used_again() {
    let upstream = Upstream::new(|visit| {
        if visit.number == 0 {
            visit.head();
            visit.say(OK);
            visit.sees_end();
        } else {
            visit.say_to_each(OK);
        }
    });
    let edge = Setup::before(upstream.url()).start();
    let mut uploading = edge.client();
    uploading.send(request("POST", "/", &["content-length: 4"])).send("ha");
    assert_eq!(uploading.answer().text(), "ok");
    let mut other = edge.client();
    for _ in 0..3 {
        assert_eq!(other.get("/", &[]).text(), "ok");
    }
    assert_eq!(upstream.connections(), 2);
}

/// The whole upload was taken from the client, but the upstream, which has answered
/// already, takes no more of it: the connection looks free and is stuck.
#[test]
fn a_stuck_connection_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.sock");
    let (tell, told) = mpsc::channel::<()>();
    let told = Mutex::new(told);
    let upstream = Upstream::unix(&path, move |visit| {
        while let Some(head) = visit.head() {
            if head.starts_with("POST") {
                told.lock().unwrap().recv_timeout(WAIT_MAX).unwrap();
                visit.say(OK);
                visit.sees_bytes_but_reads_none();
            } else {
                visit.say(OK);
            }
        }
    });
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.response_head = Duration::from_millis(500);
    let edge = setup.start();
    // From less than a socket file holds to more than the proxy holds beside it.
    for length in (100_000..800_000).step_by(50_000) {
        let mut client = edge.client();
        client.send(request("POST", "/", &[&format!("content-length: {length}")]));
        let mut socket = client.stream().try_clone().unwrap().into();
        let body = vec![b'x'; length];
        write_until_blocked(&mut socket, &body, Duration::from_millis(50));
        tell.send(()).unwrap();
        assert_eq!(client.answer().text(), "ok");
        // Whether on that connection or on another, there is an answer.
        assert!([200, 504].contains(&edge.client().get("/", &[]).status));
    }
}
