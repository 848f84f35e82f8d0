//! What an upstream says is distrusted as what a client says is: it becomes one
//! unambiguous response, or a 502.

use crate::support::edge::{Edge, Setup};
use crate::support::raw::{Answer, request};
use crate::support::upstream::Upstream;

/// An upstream that says this to each request, and the edge before it.
fn before(said: &str) -> (Upstream, Edge) {
    let upstream = Upstream::saying(said);
    let edge = Setup::before(upstream.url()).start();
    (upstream, edge)
}

/// What a client gets when it asks, the connection being of use afterwards.
fn asked(method: &str, said: &str) -> Answer {
    let (_upstream, edge) = before(said);
    let mut client = edge.client();
    client.send(request(method, "/", &[]));
    let is_bodiless = method == "HEAD";
    let answer = if is_bodiless { client.head() } else { client.answer() };
    client.send(request(method, "/", &[]));
    let again = if is_bodiless { client.head() } else { client.answer() };
    assert_eq!(again.status, answer.status, "{said}");
    answer
}

#[test]
fn an_ambiguous_or_broken_response_is_a_502() {
    for (said, error) in [
        // Two framings, or two lengths.
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "http_protocol_error",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "http_protocol_error",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!",
            "http_protocol_error",
        ),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2, 3\r\n\r\nok!", "http_protocol_error"),
        (
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n",
            "http_protocol_error",
        ),
        (
            "HTTP/1.1 204 No Content\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n",
            "http_protocol_error",
        ),
        // A length that is none.
        ("HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nok", "http_protocol_error"),
        ("HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok", "http_protocol_error"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0x2\r\n\r\nok", "http_protocol_error"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2 2\r\n\r\nok", "http_protocol_error"),
        ("HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\nok", "http_protocol_error"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\nok",
            "http_protocol_error",
        ),
        ("HTTP/1.1 304 Not Modified\r\ncontent-length: many\r\n\r\n", "http_protocol_error"),
        // Codings that nobody undoes.
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "http_response_transfer_coding",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\n\r\nok",
            "http_response_transfer_coding",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "http_response_transfer_coding",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: xchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "http_response_transfer_coding",
        ),
        (
            "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "http_protocol_error",
        ),
        ("HTTP/1.0 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n", "http_protocol_error"),
        // Status lines.
        ("HTTP/1.1 099 Low\r\ncontent-length: 0\r\n\r\n", "http_protocol_error"),
        ("HTTP/1.1 600 High\r\ncontent-length: 0\r\n\r\n", "http_protocol_error"),
        ("HTTP/1.1 999 High\r\ncontent-length: 0\r\n\r\n", "http_protocol_error"),
        ("HTTP/1.1 20 Short\r\ncontent-length: 0\r\n\r\n", "http_protocol_error"),
        ("HTTP/1.1 2000 Long\r\ncontent-length: 0\r\n\r\n", "http_protocol_error"),
        ("HTTP/1.1 2x0 OK\r\ncontent-length: 0\r\n\r\n", "http_protocol_error"),
        ("HTTP/1.1  200 OK\r\ncontent-length: 0\r\n\r\n", "http_protocol_error"),
        ("HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n", "http_protocol_error"),
        ("HTTP/1.2 200 OK\r\ncontent-length: 0\r\n\r\n", "http_protocol_error"),
        ("http/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "http_protocol_error"),
        ("ICY 200 OK\r\n\r\n", "http_protocol_error"),
        ("HTTP/1.1 200 O\0K\r\ncontent-length: 0\r\n\r\n", "http_protocol_error"),
        // Fields.
        ("HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 0\r\n\r\n", "http_protocol_error"),
        ("HTTP/1.1 200 OK\r\n x: a\r\ncontent-length: 0\r\n\r\n", "http_protocol_error"),
        ("HTTP/1.1 200 OK\r\nx : a\r\ncontent-length: 0\r\n\r\n", "http_protocol_error"),
        ("HTTP/1.1 200 OK\r\n: a\r\ncontent-length: 0\r\n\r\n", "http_protocol_error"),
        ("HTTP/1.1 200 OK\r\nx y: a\r\ncontent-length: 0\r\n\r\n", "http_protocol_error"),
        ("HTTP/1.1 200 OK\r\nx: a\rb\r\ncontent-length: 0\r\n\r\n", "http_protocol_error"),
        ("HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n", "http_protocol_error"),
        ("HTTP/1.1 200 OK\r\nx\r\ncontent-length: 0\r\n\r\n", "http_protocol_error"),
    ] {
        let answer = asked("GET", said);
        assert_eq!(answer.status, 502, "{said}");
        let status = format!("serin; error={error}");
        assert_eq!(answer.header("proxy-status"), Some(status.as_str()), "{said}");
    }
}

#[test]
fn what_can_be_read_in_one_way_becomes_that() {
    for said in [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nCONTENT-LENGTH:  2 \t\r\n\r\nok",
        // RFC 9112, section 2.2.
        "HTTP/1.1 200 OK\ncontent-length: 2\n\nok",
        "HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok",
    ] {
        let answer = asked("GET", said);
        assert_eq!((answer.status, answer.text()), (200, "ok"), "{said}");
        assert_eq!(answer.headers("content-length"), ["2"], "{said}");
        assert!(!answer.head.contains("\n\n"));
    }
}

#[test]
fn a_response_that_may_say_how_long_it_would_be_says_so() {
    for (method, said, length) in [
        ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n", &["1234"][..]),
        ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", &["0"]),
        ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 7, 7\r\n\r\n", &["7"]),
        ("HEAD", "HTTP/1.1 200 OK\r\n\r\n", &[]),
        ("HEAD", "HTTP/1.1 304 Not Modified\r\ncontent-length: 1234\r\n\r\n", &["1234"]),
        ("GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 1234\r\n\r\n", &["1234"]),
        ("GET", "HTTP/1.1 304 Not Modified\r\n\r\n", &[]),
        ("GET", "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n", &[]),
        ("GET", "HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n", &[]),
    ] {
        let (upstream, edge) = before(said);
        let mut client = edge.client();
        for _ in 0..2 {
            let answer = client.send(request(method, "/", &[])).head();
            assert_eq!(answer.headers("content-length"), length, "{method} {said}");
            assert_eq!(answer.headers("transfer-encoding"), [""; 0], "{method} {said}");
        }
        assert_eq!(upstream.connections(), 1, "{method} {said}");
    }
}

/// What follows a response that is over is nobody's response.
#[test]
fn bytes_beyond_a_response_poison_its_connection() {
    for (method, said) in [
        ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\nok"),
        ("GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\n\r\nok"),
        (
            "GET",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
        ),
        ("GET", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nmore"),
    ] {
        let (upstream, edge) = before(said);
        let mut client = edge.client();
        let mut first = None;
        for number in 1..4 {
            let head = client.send(request(method, "/", &[])).head();
            if head.header("transfer-encoding") == Some("chunked") {
                assert_eq!(client.chunk(), b"");
            }
            let first = *first.get_or_insert(head.status);
            assert_eq!(head.status, first, "{method} {said}");
            assert_ne!(head.header("content-length"), Some("4"), "{said}");
            assert_eq!(upstream.connections(), number, "{method} {said}");
        }
    }
}

#[test]
fn a_body_that_ends_with_its_connection_is_whole() {
    let upstream = Upstream::new(|visit| {
        visit.request();
        visit.say("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nuntil the end");
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    for _ in 0..2 {
        let answer = client.get("/", &[]);
        assert_eq!(answer.headers("transfer-encoding"), ["chunked"]);
        assert_eq!(answer.text(), "until the end");
    }
    client.send("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
    let answer = client.answer();
    assert_eq!(answer.headers("transfer-encoding"), [""; 0]);
    assert_eq!(answer.text(), "until the end");
}

#[test]
fn a_client_of_http_1_0_keeps_its_connection_if_it_asks() {
    let (_upstream, edge) = before("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    let mut client = edge.client();
    for _ in 0..2 {
        let answer = client.send("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n").answer();
        assert_eq!((answer.text(), answer.headers("connection")), ("ok", vec!["keep-alive"]));
    }
    assert_eq!(client.send("GET / HTTP/1.0\r\n\r\n").answer().text(), "ok");
    client.expect_end();
}

#[test]
fn what_an_upstream_says_on_the_way_is_not_its_answer() {
    let answer = asked(
        "GET",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\
         link: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    );
    assert_eq!((answer.status, answer.text()), (200, "ok"));
    assert_eq!(answer.headers("link"), [""; 0]);
}
