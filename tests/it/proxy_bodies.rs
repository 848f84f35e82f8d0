//! Bodies are streamed both ways, and arrive as what they were.

use std::io::Write as _;
use std::sync::mpsc;
use std::time::Duration;

use crate::support::WAIT_MAX;
use crate::support::edge::Setup;
use crate::support::raw::{headers, request};
use crate::support::upstream::{Upstream, write_until_blocked};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Far more than all the buffers between two ends of a connection hold.
const HUGE: usize = 100 << 20;
/// What those buffers may hold at most, the kernel's included.
const BUFFERED_MAX: usize = 40 << 20;
/// Nothing was taken for this long: all buffers are full.
const BLOCKED: Duration = Duration::from_millis(300);

#[test]
fn a_response_is_passed_on_as_it_comes() {
    let (go, gone) = mpsc::channel();
    let gone = std::sync::Mutex::new(gone);
    let upstream = Upstream::new(move |visit| {
        for response in [
            [
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n",
                "3\r\ntwo\r\n0\r\n\r\n",
            ],
            ["HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\none", "two"],
        ] {
            visit.request();
            visit.say(response[0]);
            gone.lock().unwrap().recv_timeout(WAIT_MAX).unwrap();
            visit.say(response[1]);
        }
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();

    client.send(request("GET", "/", &[])).head();
    assert_eq!(client.chunk(), b"one");
    go.send(()).unwrap();
    assert_eq!([client.chunk(), client.chunk()], [&b"two"[..], b""]);

    client.send(request("GET", "/", &[])).head();
    assert_eq!(client.bytes(3), b"one");
    go.send(()).unwrap();
    assert_eq!(client.bytes(3), b"two");
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn an_upload_is_passed_on_as_it_comes() {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::new(move |visit| {
        visit.head();
        tell.send(visit.chunk()).unwrap();
        tell.send(visit.chunk()).unwrap();
        visit.chunk();
        visit.say(OK);
        visit.head();
        tell.send(visit.bytes(3)).unwrap();
        tell.send(visit.bytes(3)).unwrap();
        visit.say(OK);
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    let heard = || told.recv_timeout(WAIT_MAX).unwrap().unwrap();

    client.send(request("POST", "/", &["transfer-encoding: chunked"]));
    client.send("3\r\none\r\n");
    assert_eq!(heard(), b"3\r\none\r\n");
    client.send("3\r\ntwo\r\n0\r\n\r\n");
    assert_eq!(heard(), b"3\r\ntwo\r\n");
    assert_eq!(client.answer().text(), "ok");

    client.send(request("POST", "/", &["content-length: 6"])).send("one");
    assert_eq!(heard(), b"one");
    client.send("two");
    assert_eq!(heard(), b"two");
    assert_eq!(client.answer().text(), "ok");
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn a_length_stays_a_length_and_chunks_stay_chunks_whatever_the_method() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS"] {
        client.send(request(method, "/", &["transfer-encoding: chunked"]));
        client.send("2\r\nhi\r\n0\r\n\r\n");
        assert_eq!(client.answer().text(), "ok");
        client.send(request(method, "/", &["content-length: 2"])).send("hi");
        assert_eq!(client.answer().text(), "ok");
    }
    for pair in upstream.requests().chunks(2) {
        assert!(pair[0].ends_with("\r\n\r\n2\r\nhi\r\n0\r\n\r\n"), "{}", pair[0]);
        assert_eq!(headers(&pair[0], "transfer-encoding"), ["chunked"]);
        assert_eq!(headers(&pair[0], "content-length"), [""; 0]);
        assert!(pair[1].ends_with("\r\n\r\nhi"), "{}", pair[1]);
        assert_eq!(headers(&pair[1], "content-length"), ["2"]);
        assert_eq!(headers(&pair[1], "transfer-encoding"), [""; 0]);
    }
}

#[test]
fn a_request_without_a_body_gets_none() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.get("/", &[]);
    client.send(request("POST", "/", &["content-length: 0"])).answer();
    let requests = upstream.requests();
    assert_eq!(headers(&requests[0], "content-length"), [""; 0]);
    assert_eq!(headers(&requests[0], "transfer-encoding"), [""; 0]);
    assert_eq!(headers(&requests[1], "content-length"), ["0"]);
}

#[test]
fn responses_without_a_body_keep_what_they_say_of_it_and_the_connection() {
    let upstream = Upstream::new(|visit| {
        for head in [
            "200 OK\r\ncontent-length: 1234",
            "200 OK\r\ntransfer-encoding: chunked",
            "204 No Content",
            "304 Not Modified\r\ncontent-length: 1234\r\netag: \"a\"",
            "200 OK\r\ncontent-length: 0",
        ] {
            visit.request();
            visit.say(format!("HTTP/1.1 {head}\r\n\r\n"));
        }
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    let mut ask = |method| client.send(request(method, "/", &[])).head();

    assert_eq!(ask("HEAD").headers("content-length"), ["1234"]);
    let unsized_one = ask("HEAD");
    assert_eq!(unsized_one.headers("content-length"), [""; 0]);
    let nothing = ask("GET");
    assert_eq!(nothing.status, 204);
    assert_eq!(nothing.headers("content-length"), [""; 0]);
    assert_eq!(nothing.headers("transfer-encoding"), [""; 0]);
    let unchanged = ask("GET");
    assert_eq!(unchanged.status, 304);
    assert_eq!(unchanged.headers("etag"), ["\"a\""]);
    assert_eq!(ask("GET").headers("content-length"), ["0"]);
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn a_client_of_http_1_0_is_answered_in_its_words() {
    let upstream = Upstream::saying(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n",
    );
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.send("GET / HTTP/1.0\r\n\r\n");
    let answer = client.answer();
    assert!(answer.head.starts_with("HTTP/1.0 200"), "{}", answer.head);
    assert_eq!(answer.headers("transfer-encoding"), [""; 0]);
    assert_eq!(answer.text(), "onetwo");
    assert!(upstream.requests()[0].starts_with("GET / HTTP/1.1\r\n"));
}

#[test]
fn an_upstream_of_http_1_0_is_understood() {
    let upstream = Upstream::new(|visit| {
        visit.request();
        visit.say("HTTP/1.0 200 OK\r\n\r\nuntil the end");
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    for _ in 0..2 {
        let answer = client.get("/", &[]);
        assert!(answer.head.starts_with("HTTP/1.1 200"), "{}", answer.head);
        assert_eq!(answer.text(), "until the end");
    }
}

#[test]
fn a_huge_response_waits_for_its_client() {
    let (blocked, blocks) = mpsc::channel();
    let upstream = Upstream::new(move |visit| {
        visit.request();
        visit.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {HUGE}\r\n\r\n"));
        let body = vec![b'x'; HUGE];
        let written = visit.say_until_blocked(&body, BLOCKED);
        blocked.send(written).unwrap();
        visit.say(&body[written..]);
        visit.sees_end();
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.send(request("GET", "/", &[])).head();
    let held = blocks.recv_timeout(WAIT_MAX).unwrap();
    assert!(held < BUFFERED_MAX, "{held} bytes are held on the way");
    assert!(client.bytes(HUGE).iter().all(|&b| b == b'x'));
}

#[test]
fn a_huge_upload_waits_for_its_upstream() {
    let (go, gone) = mpsc::channel();
    let gone = std::sync::Mutex::new(gone);
    let upstream = Upstream::new(move |visit| {
        visit.head();
        gone.lock().unwrap().recv_timeout(WAIT_MAX).unwrap();
        let body = visit.bytes(HUGE).unwrap_or_default();
        let whole = body.len() == HUGE && body.iter().all(|&b| b == b'x');
        visit.say(if whole { OK } else { "HTTP/1.1 500 Short\r\ncontent-length: 0\r\n\r\n" });
        visit.sees_end();
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.send(request("POST", "/", &[&format!("content-length: {HUGE}")]));
    let body = vec![b'x'; HUGE];
    let mut socket = client.stream().try_clone().unwrap().into();
    let held = write_until_blocked(&mut socket, &body, BLOCKED);
    assert!(held < BUFFERED_MAX, "{held} bytes are held on the way");
    go.send(()).unwrap();
    socket.write_all(&body[held..]).unwrap();
    assert_eq!(client.answer().status, 200);
}
