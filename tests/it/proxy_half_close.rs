//! A client that has said all and listens on is answered; one that is gone is not waited
//! for. Until something is said to it, the one looks like the other.

use std::io::{ErrorKind, Read};
use std::net::Shutdown;
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::support::WAIT_MAX;
use crate::support::edge::Setup;
use crate::support::raw::{Client, request};
use crate::support::upstream::Upstream;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// For so long the answer may be waited for.
const HALF_CLOSE_MAX: Duration = Duration::from_secs(1);

/// Says this and no more.
fn half_close(mut client: Client, bytes: impl AsRef<[u8]>) -> Client {
    client.send(bytes);
    client.stream().shutdown(Shutdown::Write).unwrap();
    client
}

/// An upstream that answers when it can be sure that the end would have reached it, had it
/// been passed on at once.
fn slow() -> Upstream {
    Upstream::new(|visit| {
        while visit.request().is_some() {
            assert!(!visit.hears_within(HALF_CLOSE_MAX / 5));
            visit.say(OK);
        }
    })
}

#[test]
fn who_says_no_more_is_answered() {
    let upstream = slow();
    let edge = Setup::before(upstream.url()).start();
    let get = request("GET", "/", &[]);
    for (bytes, answers) in [
        (get.clone(), 1),
        (get.repeat(3), 3),
        (request("POST", "/", &["content-length: 2"]) + "hi", 1),
        (request("POST", "/", &["transfer-encoding: chunked"]) + "2\r\nhi\r\n0\r\n\r\n", 1),
        (request("GET", "/<a>", &[]), 1),
        (request("GET", "/", &["connection: close"]), 1),
        ("GET / HTTP/1.0\r\nhost: shop.test\r\n\r\n".to_owned(), 1),
        // What asks for another protocol, and gets none.
        (request("GET", "/", &["upgrade: h2c", "connection: upgrade"]), 1),
        (request("GET", "/", &["upgrade: websocket", "connection: upgrade"]) + &get, 2),
        // What was asked in full is answered, and what was not is nobody's.
        (format!("{get}GET / HT"), 1),
        (format!("{get}\r\n"), 1),
    ] {
        let mut client = half_close(edge.client(), &bytes);
        for _ in 0..answers {
            assert_eq!(client.answer().text(), "ok", "{bytes}");
        }
        client.expect_end();
    }
}

#[test]
fn an_answer_that_comes_in_parts_comes_whole() {
    let upstream = Upstream::new(|visit| {
        visit.request();
        visit.say("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
        // Longer in all than may be waited for at once.
        for part in ["p", "a", "r", "t", "s"] {
            assert!(!visit.sees_end_within(HALF_CLOSE_MAX / 3));
            visit.say(part);
        }
        visit.sees_end();
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = half_close(edge.client(), request("GET", "/", &[]));
    assert_eq!(client.answer().text(), "parts");
    client.expect_end();
}

#[test]
fn a_slow_reader_is_no_less_there_for_saying_no_more() {
    const LENGTH: usize = 32 << 20;
    let (blocked, blocks) = mpsc::channel();
    let upstream = Upstream::new(move |visit| {
        visit.request();
        visit.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {LENGTH}\r\n\r\n"));
        let body = vec![b'x'; LENGTH];
        let said = visit.say_until_blocked(&body, 2 * HALF_CLOSE_MAX);
        blocked.send(said).unwrap();
        visit.say(&body[said..]);
        visit.sees_end();
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = half_close(edge.client(), request("GET", "/", &[]));
    assert!(blocks.recv_timeout(WAIT_MAX).unwrap() < LENGTH);
    assert_eq!(client.answer().body.len(), LENGTH);
    client.expect_end();
}

#[test]
fn who_is_not_answered_in_time_is_taken_for_gone() {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::new(move |visit| {
        let request = visit.request().unwrap();
        if request.starts_with("GET /body") {
            visit.say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
        }
        let asked = Instant::now();
        let ended = visit.sees_end();
        tell.send((ended, asked.elapsed())).unwrap();
    });
    let edge = Setup::before(upstream.url()).start();
    for path in ["/", "/body"] {
        let mut client = half_close(edge.client(), request("GET", path, &[]));
        let (ended, after) = told.recv_timeout(WAIT_MAX).unwrap();
        assert!(ended && after > HALF_CLOSE_MAX / 2, "{path}: {after:?}");
        assert!(!client.rest().ends_with(b"ok"));
    }
}

#[test]
fn a_reset_and_an_end_within_a_body_are_no_half_close() {
    let (asked, asks) = mpsc::channel();
    let (ended, ends) = mpsc::channel();
    let asked = Mutex::new(asked);
    let upstream = Upstream::new(move |visit| {
        visit.head();
        asked.lock().unwrap().send(()).unwrap();
        // The part of the body comes before.
        let mut rest = Vec::new();
        drop(std::io::Read::read_to_end(visit.reader(), &mut rest));
        ended.send(String::from_utf8(rest).unwrap()).unwrap();
    });
    let edge = Setup::before(upstream.url()).start();
    let part = request("POST", "/", &["content-length: 9"]) + "part";
    for (bytes, resets) in [(part, false), (request("GET", "/", &[]), true)] {
        let mut client = edge.client();
        client.send(&bytes);
        asks.recv_timeout(WAIT_MAX).unwrap();
        if resets {
            SockRef::from(client.stream()).set_linger(Some(Duration::ZERO)).unwrap();
            drop(client);
        } else {
            client = half_close(client, "");
            drop(client.rest());
        }
        let seen = ends.recv_timeout(WAIT_MAX).unwrap();
        assert!(seen.is_empty() || seen == "part", "{seen}");
    }
}

/// The end of the connection would be that of the content.
#[test]
fn content_that_has_no_end_of_its_own_is_broken_off_and_not_ended() {
    let upstream = Upstream::new(|visit| {
        visit.request();
        visit.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n");
        visit.sees_end();
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = half_close(edge.client(), "GET / HTTP/1.0\r\nhost: shop.test\r\n\r\n");
    assert_eq!(client.head().status, 200);
    assert_eq!(client.bytes(4), b"half");
    let error = client.reader().read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}
