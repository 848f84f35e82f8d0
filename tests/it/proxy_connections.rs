//! Connections are kept as long as they are of use, and no longer.

use std::io::{ErrorKind, Read};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use crate::support::edge::Setup;
use crate::support::raw::{Client, request};
use crate::support::upstream::Upstream;
use crate::support::{WAIT_MAX, wait_until};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[test]
fn many_requests_of_one_client_use_one_upstream_connection() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    for number in 0..100 {
        let answer = if number % 2 == 0 {
            client.get("/", &[])
        } else {
            let post = request("POST", "/", &["content-length: 2"]);
            client.send(post).send("hi").answer()
        };
        assert_eq!(answer.text(), "ok");
    }
    assert_eq!(upstream.connections(), 1);
    assert_eq!(upstream.requests().len(), 100);
}

#[test]
fn pipelined_requests_are_answered_in_order_over_one_upstream_connection() {
    let upstream = Upstream::new(|visit| {
        while let Some(request) = visit.request() {
            let path = request.split(' ').nth(1).unwrap();
            let len = path.len();
            visit.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {len}\r\n\r\n{path}"));
        }
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    let paths: Vec<String> = (0..20).map(|number| format!("/{number}")).collect();
    let requests: String = paths.iter().map(|path| request("GET", path, &[])).collect();
    client.send(requests);
    for path in &paths {
        assert_eq!(client.answer().text(), path);
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn clients_one_after_the_other_share_an_upstream_connection() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    for _ in 0..5 {
        assert_eq!(edge.client().get("/", &[]).status, 200);
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn an_idle_upstream_connection_is_closed() {
    let (ended, ends) = mpsc::channel();
    let upstream = Upstream::new(move |visit| {
        visit.request();
        visit.say(OK);
        ended.send(visit.sees_end()).unwrap();
    });
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.upstream_idle = Duration::from_millis(50);
    let edge = setup.start();
    let mut client = edge.client();
    for connections in 1..3 {
        assert_eq!(client.get("/", &[]).text(), "ok");
        assert_eq!(ends.recv_timeout(WAIT_MAX), Ok(true));
        assert_eq!(upstream.connections(), connections);
    }
}

#[test]
fn a_client_that_asks_for_the_end_gets_it() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    let answer = client.get("/", &["connection: close"]);
    assert_eq!(answer.headers("connection"), ["close"]);
    client.expect_end();
    // The wish was for this hop alone.
    assert_eq!(edge.client().get("/", &[]).status, 200);
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn idle_and_silent_clients_are_closed() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.client_idle = Duration::from_millis(50);
    let edge = setup.start();

    let mut idle = edge.client();
    assert_eq!(idle.get("/", &[]).status, 200);
    idle.expect_end();
    edge.client().expect_end();
}

#[test]
fn a_running_request_is_not_idle() {
    let upstream = Upstream::new(|visit| {
        visit.request();
        // Five times as long as a client may be idle.
        assert!(!visit.sees_end_within(Duration::from_millis(250)));
        visit.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no");
        assert!(!visit.sees_end_within(Duration::from_millis(250)));
        visit.say("k");
        visit.sees_end();
    });
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.client_idle = Duration::from_millis(50);
    let edge = setup.start();
    let answer = edge.client().get("/", &[]);
    assert_eq!(answer.text(), "ok");
    assert_eq!(answer.headers("connection"), [""; 0], "nobody was dismissed");
}

#[test]
fn a_drain_ends_what_is_idle_and_finishes_what_runs() {
    let (asked, asks) = mpsc::channel();
    let (go, gone) = mpsc::channel::<()>();
    let gone = std::sync::Mutex::new(gone);
    let upstream = Upstream::new(move |visit| {
        while let Some(request) = visit.request() {
            if request.starts_with("GET /slow") {
                asked.send(()).unwrap();
                gone.lock().unwrap().recv_timeout(WAIT_MAX).unwrap();
            }
            visit.say(OK);
        }
    });
    let mut edge = Setup::before(upstream.url()).start();
    let mut silent = edge.client();
    let mut idle = edge.client();
    idle.get("/", &[]);
    let mut running = edge.client();
    running.send(request("GET", "/slow", &[]));
    asks.recv_timeout(WAIT_MAX).unwrap();

    edge.drain();
    silent.expect_end();
    idle.expect_end();
    for address in [edge.production, edge.staging] {
        wait_until(|| {
            let refused = TcpStream::connect(address).map_err(|error| error.kind());
            refused.err() == Some(ErrorKind::ConnectionRefused)
        });
    }
    go.send(()).unwrap();
    let last = running.answer();
    assert_eq!(last.text(), "ok");
    assert_eq!(last.headers("connection"), ["close"]);
    running.expect_end();
    edge.join();
}

#[test]
fn a_drain_cuts_what_takes_too_long() {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::new(move |visit| {
        visit.request();
        visit.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no");
        tell.send(visit.sees_end()).unwrap();
    });
    let mut setup = Setup::before(upstream.url());
    setup.drain = Duration::from_millis(50);
    let mut edge = setup.start();
    let mut running = edge.client();
    running.send(request("GET", "/", &[])).head();
    assert_eq!(running.bytes(1), b"o");
    edge.drain();
    running.expect_end();
    edge.join();
    assert_eq!(told.recv_timeout(WAIT_MAX), Ok(true));
}

#[test]
fn a_client_that_goes_away_ends_its_request() {
    let (asked, asks) = mpsc::channel();
    let (ended, ends) = mpsc::channel();
    let upstream = Upstream::new(move |visit| {
        let request = visit.request().unwrap();
        if request.starts_with("GET /body") {
            visit.say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
        }
        asked.send(()).unwrap();
        ended.send(visit.sees_end()).unwrap();
    });
    let edge = Setup::before(upstream.url()).start();
    for path in ["/", "/body"] {
        let mut client = edge.client();
        client.send(request("GET", path, &[]));
        asks.recv_timeout(WAIT_MAX).unwrap();
        if path == "/body" {
            client.head();
        }
        drop(client);
        assert_eq!(ends.recv_timeout(WAIT_MAX), Ok(true), "{path}");
    }
}

#[test]
fn both_listeners_and_every_worker_answer() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url());
    setup.workers = 3;
    let edge = setup.start();
    for _ in 0..30 {
        assert_eq!(edge.client().get("/", &[]).status, 200);
        // Nothing is deployed there.
        assert_eq!(Client::new(edge.staging).get("/", &[]).status, 503);
    }
}

/// Each worker has upstream connections of its own.
#[test]
fn clients_are_shared_evenly_whoever_accepts_them() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url());
    setup.workers = 3;
    let edge = setup.start();
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..3 {
        let mut client = edge.client();
        assert_eq!(client.get("/", &[]).status, 200);
        clients.push(client);
    }
    assert_eq!(upstream.connections(), 3);
}

/// Longer than a connection is idle that keeps what it may need next.
const PARKED_AFTER: Duration = Duration::from_secs(3);

#[test]
fn who_has_asked_for_nothing_for_a_while_is_answered_as_ever() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let get = request("GET", "/", &[]);
    let [mut whole, mut cut, mut two, mut blank, mut gone] = [(); 5].map(|()| edge.client());
    for client in [&mut whole, &mut cut, &mut two, &mut blank, &mut gone] {
        assert_eq!(client.get("/", &[]).status, 200);
    }
    blank.send("\r");
    // All wait at once, and one of them shows that nothing comes.
    whole.stream().set_read_timeout(Some(PARKED_AFTER)).unwrap();
    let error = whole.reader().read(&mut [0]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
    whole.stream().set_read_timeout(Some(WAIT_MAX)).unwrap();

    assert_eq!(whole.get("/", &[]).status, 200);
    let (begin, rest) = get.split_at(9);
    cut.send(begin);
    // Others are answered before the rest is sent.
    assert_eq!(edge.client().get("/", &[]).status, 200);
    assert_eq!(cut.send(rest).answer().status, 200);
    two.send(get.repeat(2));
    assert_eq!((two.answer().status, two.answer().status), (200, 200));
    blank.send("\n").send(&get);
    assert_eq!(blank.answer().status, 200);
    gone.stream().shutdown(Shutdown::Write).unwrap();
    gone.expect_end();
    edge.drain();
    whole.expect_end();
}
