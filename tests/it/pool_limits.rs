//! An endpoint has so many connections and no more; who finds none waits in turn, for a
//! while.

use std::io::Write;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use rustls::ServerConnection;
use serin::model::Limits;

use crate::support::edge::{Edge, Setup};
use crate::support::h2_peer::{Frames, framed};
use crate::support::raw::{Answer, Client, request};
use crate::support::upstream::{Upstream, Visit};
use crate::support::web::Identity;
use crate::support::{WAIT_MAX, wait_until};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Answers each request when it is told to.
fn held(answer: &'static str) -> (mpsc::Sender<()>, Upstream) {
    let (go, gone) = mpsc::channel();
    let gone = Mutex::new(gone);
    let upstream = Upstream::new(move |visit: &mut Visit| {
        while visit.request().is_some() {
            if gone.lock().unwrap().recv_timeout(WAIT_MAX).is_err() {
                break;
            }
            visit.say(answer);
            if answer.contains("close") {
                break;
            }
        }
    });
    (go, upstream)
}

fn limited(upstream: &Upstream, connections: usize, waiting: usize) -> Setup {
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.connect = WAIT_MAX;
    setup.policy.limits = Limits {
        connections_per_endpoint: connections.try_into().unwrap(),
        waiting_per_endpoint: waiting,
        ..Limits::default()
    };
    setup
}

fn asking(edge: &Edge, path: &str) -> Client {
    edge.asking(request("GET", path, &[]))
}

fn expect_crowded(answer: &Answer) {
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.header("proxy-status"), Some("serin; error=connection_limit_reached"));
    assert_eq!(answer.json()["error"], "connection_limit_reached");
}

#[test]
fn who_finds_no_connection_gets_the_next_in_order_of_arrival() {
    let (go, upstream) = held(OK);
    let edge = limited(&upstream, 1, 10).start();
    let clients: Vec<_> =
        ["/0", "/1", "/2", "/3"].map(|path| asking(&edge, path)).into_iter().collect();
    for (number, mut client) in clients.into_iter().enumerate() {
        wait_until(|| upstream.requests().len() == number + 1);
        go.send(()).unwrap();
        assert_eq!(client.answer().text(), "ok");
        let line = format!("GET /{number} HTTP/1.1\r\n");
        assert!(upstream.requests()[number].starts_with(&line), "{:?}", upstream.requests());
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn one_more_than_may_wait_is_sent_away() {
    let (go, upstream) = held(OK);
    let edge = limited(&upstream, 2, 1).start();
    let clients = ["/0", "/1", "/2"].map(|path| asking(&edge, path));
    expect_crowded(&edge.client().get("/", &[]));
    // Which of the two answers first is theirs to say.
    for _ in &clients {
        go.send(()).unwrap();
    }
    for mut client in clients {
        assert_eq!(client.answer().text(), "ok");
    }
    assert_eq!(upstream.connections(), 2);
    // Nobody waits any more.
    go.send(()).unwrap();
    assert_eq!(edge.client().get("/", &[]).text(), "ok");
}

#[test]
fn nobody_waits_where_nobody_may() {
    let (go, upstream) = held(OK);
    let edge = limited(&upstream, 1, 0).start();
    let mut client = asking(&edge, "/");
    expect_crowded(&edge.client().get("/", &[]));
    go.send(()).unwrap();
    assert_eq!(client.answer().text(), "ok");
}

#[test]
fn who_waits_too_long_is_sent_away() {
    let (go, upstream) = held(OK);
    let mut setup = limited(&upstream, 1, 10);
    setup.policy.timeouts.connect = Duration::from_millis(300);
    let edge = setup.start();
    let mut client = asking(&edge, "/");
    wait_until(|| upstream.requests().len() == 1);
    expect_crowded(&edge.client().get("/", &[]));
    go.send(()).unwrap();
    assert_eq!(client.answer().text(), "ok");
}

#[test]
fn who_goes_away_leaves_the_queue() {
    let (go, upstream) = held(OK);
    let edge = limited(&upstream, 1, 1).start();
    let mut first = asking(&edge, "/first");
    drop(asking(&edge, "/gone"));
    let mut next = None;
    wait_until(|| {
        let mut client = edge.client();
        client.send(request("GET", "/next", &[]));
        let short = Duration::from_millis(200);
        client.stream().set_read_timeout(Some(short)).unwrap();
        // Who is not sent away at once waits.
        let waits = client.try_answer().is_err();
        client.stream().set_read_timeout(Some(WAIT_MAX)).unwrap();
        next = Some(client);
        waits
    });
    for client in [&mut first, &mut next.unwrap()] {
        go.send(()).unwrap();
        assert_eq!(client.answer().text(), "ok");
    }
    let asked = upstream.requests();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked[1].starts_with("GET /next "));
}

#[test]
fn a_connection_that_ends_leaves_its_place() {
    let (go, upstream) =
        held("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
    let edge = limited(&upstream, 1, 10).start();
    let clients = ["/0", "/1", "/2"].map(|path| asking(&edge, path));
    for _ in &clients {
        go.send(()).unwrap();
    }
    for mut client in clients {
        assert_eq!(client.answer().text(), "ok");
    }
    assert_eq!(upstream.connections(), 3);
}

#[test]
fn a_connection_makes_room_for_who_asks_for_another_protocol() {
    let (go, upstream) = held(OK);
    let edge = limited(&upstream, 1, 10).start();
    let upgrade = request("GET", "/switch", &["connection: upgrade", "upgrade: websocket"]);
    // From the pool, and as soon as it comes back.
    for (idle, connections) in [(true, 2), (false, 3)] {
        let mut client = asking(&edge, "/");
        if idle {
            go.send(()).unwrap();
            assert_eq!(client.answer().text(), "ok");
        }
        let mut switches = edge.client();
        switches.send(&upgrade);
        if !idle {
            go.send(()).unwrap();
            assert_eq!(client.answer().text(), "ok");
        }
        go.send(()).unwrap();
        assert_eq!(switches.answer().text(), "ok");
        assert_eq!(upstream.connections(), connections);
    }
}

#[test]
fn a_client_that_goes_away_takes_its_connection_along() {
    let (go, upstream) = held(OK);
    let edge = limited(&upstream, 1, 10).start();
    drop(asking(&edge, "/gone"));
    let mut client = asking(&edge, "/next");
    wait_until(|| upstream.connections() == 2);
    go.send(()).unwrap();
    go.send(()).unwrap();
    assert_eq!(client.answer().text(), "ok");
}

/// Shakes hands, and reads nothing after that.
fn stalling_behind_tls() -> Upstream {
    let config = Identity::of(&["127.0.0.1"]).speaking(&["http/1.1"]).tls.unwrap();
    Upstream::new(move |visit| {
        let mut tls = ServerConnection::new(config.clone()).unwrap();
        let mut socket = visit.stream().try_clone().unwrap();
        while tls.is_handshaking() {
            tls.complete_io(&mut socket).unwrap();
        }
        visit.sees_bytes_but_reads_none();
    })
}

#[test]
fn an_endpoint_that_reads_nothing_keeps_no_place() {
    let tls = stalling_behind_tls();
    let http2 = framed(|_, frames: &mut Frames| frames.stall());
    for url in
        [format!("https+insecure://{}", tls.authority()), format!("h2c://{}", http2.authority())]
    {
        let mut setup = Setup::before(&url);
        setup.policy.timeouts.response_head = Duration::from_millis(100);
        setup.policy.limits.connections_per_endpoint = 2.try_into().unwrap();
        let edge = setup.start();
        let body = vec![b'x'; 16 << 20];
        for _ in 0..5 {
            let mut client = edge.client();
            client.send(request("POST", "/", &[&format!("content-length: {}", body.len())]));
            let (mut sending, body) = (client.stream().try_clone().unwrap(), body.clone());
            // It is not heard out once it is answered.
            let sender = std::thread::spawn(move || drop(sending.write_all(&body)));
            assert_eq!(client.answer().status, 504, "{url}");
            drop(client);
            drop(sender);
        }
    }
}

#[test]
fn a_raised_limit_counts_at_once() {
    let (go, upstream) = held(OK);
    let setup = limited(&upstream, 1, 10);
    let mut policy = setup.policy.clone();
    let edge = setup.start();
    let clients = ["/0", "/1"].map(|path| asking(&edge, path));
    policy.limits.connections_per_endpoint = 4.try_into().unwrap();
    edge.set_policy(policy);
    wait_until(|| upstream.connections() == 2);
    // Which of the two answers first is theirs to say.
    for _ in &clients {
        go.send(()).unwrap();
    }
    for mut client in clients {
        assert_eq!(client.answer().text(), "ok");
    }
}

#[test]
fn a_head_beyond_the_limits_is_refused() {
    let upstream = Upstream::new(|visit| {
        while let Some(request) = visit.request() {
            let fields = if request.starts_with("GET /many ") {
                "x-many: 1\r\n".repeat(20)
            } else if request.starts_with("GET /long ") {
                format!("x-long: {}\r\n", "a".repeat(9_000))
            } else {
                String::new()
            };
            visit.say(format!("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n{fields}\r\nok"));
        }
    });
    let mut setup = Setup::before(upstream.url());
    setup.policy.limits.header_count = 10.try_into().unwrap();
    setup.policy.limits.header_bytes = 8_192.try_into().unwrap();
    let edge = setup.start();
    assert_eq!(edge.client().get("/", &[]).text(), "ok");
    for path in ["/many", "/long"] {
        let answer = edge.client().get(path, &[]);
        let error = &answer.json()["error"];
        assert_eq!((answer.status, error), (502, &"http_response_header_section_size".into()));
    }
}
