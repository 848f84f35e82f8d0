//! A client that breaks off ends what it asked for at once, whatever it has sent behind
//! the request that runs.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use socket2::SockRef;

use crate::support::WAIT_MAX;
use crate::support::edge::Setup;
use crate::support::raw::request;
use crate::support::upstream::Upstream;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Within so long the upstream is to know. No limit of the proxy is as short.
const SOON: Duration = Duration::from_secs(2);

/// More than is read behind a request that runs.
const FLOOD_BYTES: usize = 96 << 10;
/// The same, that the kernel takes whole: an end behind what it does not is unknown to it.
const SMALL_FLOOD_BYTES: usize = 24 << 10;

/// An upstream that never answers: when it was asked, and whether it was left soon.
fn silent() -> (Upstream, Receiver<()>, Receiver<bool>) {
    let (asked, asks) = channel();
    let (ended, ends) = channel();
    let upstream = Upstream::new(move |visit| {
        if visit.request().is_some() {
            asked.send(()).unwrap();
            ended.send(visit.sees_end_within(SOON)).unwrap();
        }
    });
    (upstream, asks, ends)
}

fn reset(stream: &TcpStream) {
    SockRef::from(stream).set_linger(Some(Duration::ZERO)).unwrap();
}

/// A request, and each of what may follow it.
fn followed(flood_bytes: usize) -> Vec<(&'static str, Vec<u8>)> {
    let get = request("GET", "/", &[]);
    let upgrade = request("GET", "/", &["upgrade: websocket", "connection: upgrade"]);
    let sized = request("POST", "/", &["content-length: 2"]) + "hi";
    let chunked = request("POST", "/", &["transfer-encoding: chunked"]) + "2\r\nhi\r\n0\r\n\r\n";
    let flood = vec![b'x'; flood_bytes];
    let heads = get.repeat(flood_bytes / get.len());
    let behind = |first: &str, rest: &[u8]| [first.as_bytes(), rest].concat();
    vec![
        ("nothing", get.clone().into_bytes()),
        ("the next request", behind(&get, get.as_bytes())),
        ("the next request, behind a length", behind(&sized, get.as_bytes())),
        ("the next request, behind chunks", behind(&chunked, get.as_bytes())),
        ("the beginning of a head", behind(&get, &get.as_bytes()[..9])),
        ("a head that is refused", behind(&get, b"GET /\r\n\r\n")),
        ("a head in another spelling", behind(&get, b"GET /<a> HTTP/1.1\r\nhost: a\r\n\r\n")),
        ("more requests than are read", behind(&get, heads.as_bytes())),
        ("more than a head may have", behind(&get, &flood)),
        ("another protocol", behind(&upgrade, b"hi")),
        ("more of another protocol than is read", behind(&upgrade, &flood)),
    ]
}

#[test]
fn a_reset_is_seen_whatever_is_behind_the_request() {
    let (upstream, asks, ends) = silent();
    let edge = Setup::before(upstream.url()).start();
    let mut missed = Vec::new();
    for (what, bytes) in followed(FLOOD_BYTES) {
        let mut client = edge.client();
        client.send(bytes);
        asks.recv_timeout(WAIT_MAX).unwrap();
        reset(client.stream());
        drop(client);
        if !ends.recv_timeout(WAIT_MAX).unwrap() {
            missed.push(what);
        }
    }
    assert_eq!(missed, [""; 0]);
}

/// Within so long it is to know of one who may wait for an answer: that is given a second.
const SOON_ENOUGH: Duration = Duration::from_secs(8);

/// It is taken for gone like one that has sent nothing behind its request.
#[test]
fn an_end_is_seen_whatever_is_behind_the_request() {
    let (asked, asks) = channel();
    let (ended, ends) = channel();
    let upstream = Upstream::new(move |visit| {
        if visit.request().is_some() {
            asked.send(()).unwrap();
            ended.send((visit.number, visit.sees_end_within(SOON_ENOUGH))).unwrap();
        }
    });
    let edge = Setup::before(upstream.url()).start();
    let clients: Vec<_> = followed(SMALL_FLOOD_BYTES)
        .into_iter()
        .map(|(what, bytes)| {
            let mut client = edge.client();
            client.send(bytes);
            asks.recv_timeout(WAIT_MAX).unwrap();
            client.stream().shutdown(Shutdown::Write).unwrap();
            (what, client)
        })
        .collect();
    let mut missed = Vec::new();
    for _ in &clients {
        let (number, is_seen) = ends.recv_timeout(WAIT_MAX).unwrap();
        if !is_seen {
            missed.push(clients[number].0);
        }
    }
    assert_eq!(missed, [""; 0]);
}

#[test]
fn a_reset_is_seen_under_tls() {
    let (upstream, asks, ends) = silent();
    let edge = Setup::before(upstream.url()).with_tls().start();
    let trust = edge.trust().speaking(&["http/1.1"]);
    let mut missed = Vec::new();
    for (what, bytes) in followed(FLOOD_BYTES) {
        let mut client = trust.connect(edge.production_tls.unwrap(), "localhost").unwrap();
        client.write_all(&bytes).unwrap();
        asks.recv_timeout(WAIT_MAX).unwrap();
        reset(&client.sock);
        drop(client);
        if !ends.recv_timeout(WAIT_MAX).unwrap() {
            missed.push(what);
        }
    }
    assert_eq!(missed, [""; 0]);
}

#[test]
fn a_reset_is_seen_while_a_response_streams() {
    let (asked, asks) = channel();
    let (ended, ends) = channel();
    let upstream = Upstream::new(move |visit| {
        visit.request();
        visit.say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
        asked.send(()).unwrap();
        ended.send(visit.sees_end_within(SOON)).unwrap();
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.send(request("GET", "/", &[]).repeat(2));
    asks.recv_timeout(WAIT_MAX).unwrap();
    assert_eq!(client.head().status, 200);
    assert_eq!(client.bytes(4), b"half");
    reset(client.stream());
    drop(client);
    assert_eq!(ends.recv_timeout(WAIT_MAX), Ok(true));
}

#[test]
fn a_reset_ends_the_second_of_three_requests() {
    let (asked, asks) = channel();
    let (ended, ends) = channel();
    let upstream = Upstream::new(move |visit| {
        visit.request();
        visit.say(OK);
        visit.request();
        asked.send(()).unwrap();
        ended.send(visit.sees_end_within(SOON)).unwrap();
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.send(request("GET", "/", &[]).repeat(3));
    assert_eq!(client.answer().text(), "ok");
    asks.recv_timeout(WAIT_MAX).unwrap();
    reset(client.stream());
    drop(client);
    assert_eq!(ends.recv_timeout(WAIT_MAX), Ok(true));
    assert_eq!(upstream.requests().len(), 2);
}
