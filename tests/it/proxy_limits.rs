//! How many clients there may be, and how long one may take to say what it wants.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::support::edge::{Edge, Setup};
use crate::support::frames::{self, Rude};
use crate::support::raw::{Client, request};
use crate::support::tls::Trust;
use crate::support::upstream::Upstream;
use crate::support::{WAIT_MAX, wait_until};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Clients that have been answered, so that each has its place.
fn seated(edge: &Edge, count: usize) -> Vec<Client> {
    let mut clients: Vec<Client> = (0..count).map(|_| edge.client()).collect();
    for client in &mut clients {
        assert_eq!(client.get("/", &[]).status, 200);
    }
    clients
}

fn is_turned_away(mut client: Client, why: &str) {
    let answer = client.get("/", &[]);
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(answer.header("proxy-status").unwrap().starts_with("serin; error="));
    let message = answer.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains(why), "{message}");
    client.expect_end();
}

#[test]
fn one_client_too_many_is_told_so_and_gets_a_place_when_there_is_one() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url()).with_tls();
    setup.workers = 2;
    setup.policy.limits.connections = 3.try_into().unwrap();
    let edge = setup.start();
    let mut clients = seated(&edge, 3);
    for _ in 0..5 {
        is_turned_away(edge.client(), "too many clients");
        // Staging's clients are counted, too.
        is_turned_away(Client::new(edge.staging), "too many clients");
    }
    // Where nobody would understand the answer, there is none.
    let mut silent = Rude::new(edge.production, &[]);
    assert_eq!(silent.rest(), []);
    let tls = edge.production_tls.unwrap();
    assert!(edge.trust().connect(tls, "localhost").is_err());
    // One who says nothing is told nonetheless.
    let mut quiet = edge.client();
    assert_eq!(quiet.answer().status, 503);

    assert_eq!(clients[0].get("/", &[]).status, 200, "those who are in stay in");
    clients.pop();
    wait_until(|| edge.client().get("/", &[]).status == 200);
    wait_until(|| edge.trust().connect(tls, "localhost").is_ok());
}

#[test]
fn a_crowd_that_is_turned_away_gives_all_places_back() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url());
    setup.policy.limits.connections = 2.try_into().unwrap();
    let edge = setup.start();
    let clients = seated(&edge, 2);
    let crowd: Vec<Client> = (0..400).map(|_| edge.client()).collect();
    drop(crowd);
    drop(clients);
    wait_until(|| {
        let mut one = edge.client();
        one.get("/", &[]).status == 200
    });
    wait_until(|| {
        let (mut one, mut other) = (edge.client(), edge.client());
        one.get("/", &[]).status == 200 && other.get("/", &[]).status == 200
    });
}

#[test]
fn one_address_has_so_many_places_unless_it_is_a_trusted_proxys() {
    let upstream = Upstream::saying(OK);
    let limited = || {
        let mut setup = Setup::before(upstream.url());
        setup.workers = 2;
        setup.policy.limits.connections_per_address = Some(2.try_into().unwrap());
        setup
    };
    let edge = limited().start();
    let mut clients = seated(&edge, 2);
    is_turned_away(edge.client(), "from this address");
    clients.pop();
    wait_until(|| edge.client().get("/", &[]).status == 200);

    let edge = limited().trusting_loopback().start();
    seated(&edge, 5);
}

#[test]
fn a_limit_that_is_set_while_clients_are_there_counts_those_who_come_after() {
    let upstream = Upstream::saying(OK);
    let setup = Setup::before(upstream.url());
    let mut policy = setup.policy.clone();
    let edge = setup.start();
    let clients = seated(&edge, 3);
    policy.limits.connections_per_address = Some(1.try_into().unwrap());
    edge.set_policy(policy.clone());
    wait_until(|| {
        let mut first = edge.client();
        let seated = first.get("/", &[]).status == 200;
        let mut second = edge.client();
        seated && second.get("/", &[]).status == 503
    });
    drop(clients);
    policy.limits.connections_per_address = None;
    edge.set_policy(policy);
    wait_until(|| {
        let (mut first, mut second) = (edge.client(), edge.client());
        first.get("/", &[]).status == 200 && second.get("/", &[]).status == 200
    });
}

#[test]
fn a_connection_is_closed_after_its_last_request() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url());
    setup.policy.limits.requests_per_connection = Some(3.try_into().unwrap());
    let edge = setup.start();
    let mut client = edge.client();
    for _ in 0..2 {
        assert_eq!(client.get("/", &[]).headers("connection"), [""; 0]);
    }
    let last = client.get("/", &[]);
    assert_eq!((last.text(), last.headers("connection")), ("ok", vec!["close"]));
    client.expect_end();

    let mut rude = Rude::new(edge.production, &[]);
    for stream in [1, 3, 5] {
        rude.say(&frames::get_frame(stream, "/"));
    }
    let goaway = rude.hear_kind(frames::GOAWAY).unwrap();
    assert_eq!(goaway.error(), 0);
    let mut answered = 0;
    while let Some(frame) = rude.hear_kind(frames::HEADERS) {
        assert_eq!(frame.status(), 200);
        answered += 1;
    }
    assert!(answered <= 3, "{answered}");
    assert_eq!(upstream.requests().len(), 6, "and every request was answered");
}

/// Connections that have begun to say something, and stop.
fn half_said(edge: &Edge) -> Vec<(&'static str, SocketAddr, Vec<u8>)> {
    let tls = edge.production_tls.unwrap();
    let head = frames::frame(frames::HEADERS, 0, 1, &frames::block(&frames::get("/")));
    vec![
        ("nothing, where TLS is spoken", tls, vec![]),
        ("a record's head", tls, vec![22, 3, 1, 2, 0]),
        ("half a hello", tls, vec![22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]),
        ("half a preface", edge.production, frames::PREFACE[..10].to_vec()),
        ("half a frame", edge.production, [frames::PREFACE, &[0, 0, 6, 4]].concat()),
        ("half a head", edge.production, [frames::PREFACE, &frames::settings(&[]), &head].concat()),
    ]
}

#[test]
fn who_begins_and_stops_is_closed_in_time() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url()).with_tls();
    setup.policy.timeouts.request_head = Duration::from_millis(300);
    let edge = setup.start();
    let started = Instant::now();
    let rude: Vec<_> = half_said(&edge)
        .into_iter()
        .map(|(what, address, said)| {
            let mut rude = Rude::silent(address);
            rude.0.write_all(&said).unwrap();
            (what, rude)
        })
        .collect();
    for (what, mut rude) in rude {
        // Settings and a window may come before the end, and no answer.
        let heard = rude.rest();
        assert!(heard.iter().all(|frame| frame.stream == 0), "{what}: {heard:?}");
    }
    assert!(started.elapsed() < WAIT_MAX / 2, "long before a client would be idle");
    assert_eq!(edge.client().get("/", &[]).status, 200);
}

#[test]
fn a_body_that_stands_still_has_the_time_of_bodies() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.request_head = Duration::from_millis(50);
    let edge = setup.start();
    let mut fields = frames::get("/");
    fields[0].1 = "POST";
    let mut rude = Rude::new(edge.production, &[]);
    rude.say(&frames::frame(frames::HEADERS, frames::END_HEADERS, 1, &frames::block(&fields)));
    let data = frames::frame(frames::DATA, frames::END_STREAM, 1, b"hello");
    rude.say(&data[..11]);
    wait_until(|| !upstream.requests().is_empty());
    let stood = Instant::now();
    // Another client lets the time pass that a head would have had.
    while stood.elapsed() < Duration::from_millis(200) {
        assert_eq!(edge.client().get("/", &[]).status, 200);
    }
    rude.say(&data[11..]);
    assert_eq!(rude.hear_kind(frames::HEADERS).unwrap().status(), 200);
}

#[test]
fn who_says_nothing_has_the_time_of_an_idle_client() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.request_head = Duration::from_millis(20);
    setup.policy.timeouts.client_idle = Duration::from_millis(400);
    let edge = setup.start();
    let started = Instant::now();
    edge.client().expect_end();
    assert!(started.elapsed() >= Duration::from_millis(400));
}

#[test]
fn a_handshake_that_never_ends_does_not_hold_up_the_end() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url()).with_tls();
    setup.drain = WAIT_MAX;
    let mut edge = setup.start();
    let rude: Vec<_> = half_said(&edge)
        .into_iter()
        .map(|(_, address, said)| {
            let mut rude = Rude::silent(address);
            rude.0.write_all(&said).unwrap();
            rude
        })
        .collect();
    // They are all taken once one more is answered on each listener.
    assert_eq!(edge.client().get("/", &[]).status, 200);
    assert!(edge.trust().connect(edge.production_tls.unwrap(), "localhost").is_ok());
    let started = Instant::now();
    edge.drain();
    edge.join();
    assert!(started.elapsed() < WAIT_MAX / 2);
    drop(rude);
}

#[test]
fn a_tunnel_of_bytes_is_none_of_http2s_business() {
    // A request that only begins like a preface is one of HTTP/1.1.
    let (asked, asks) = channel();
    let upstream = Upstream::new(move |visit| {
        while let Some(request) = visit.request() {
            asked.send(request).unwrap();
            visit.say(OK);
        }
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.send("P");
    assert_eq!(edge.client().get("/", &[]).status, 200);
    asks.recv_timeout(WAIT_MAX).unwrap();
    client.send(&request("PATCH", "/", &["content-length: 2"])[1..]).send("hi");
    assert_eq!(client.answer().text(), "ok");
    assert!(asks.recv_timeout(WAIT_MAX).unwrap().starts_with("PATCH / HTTP/1.1\r\n"));
}

#[test]
fn a_client_without_trust_is_no_harm() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).with_tls().start();
    let other = Setup::before(upstream.url()).with_tls().start();
    let address = edge.production_tls.unwrap();
    let stranger: &Trust = other.trust();
    assert!(stranger.connect(address, "localhost").is_err());
    assert!(edge.trust().connect(address, "localhost").is_ok());
}
