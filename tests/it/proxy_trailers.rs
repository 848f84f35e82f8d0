//! Trailer fields travel both ways, where both sides want them and they harm nobody.

use crate::support::edge::Setup;
use crate::support::raw::{headers, request};
use crate::support::upstream::Upstream;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const CHUNKED: &str = "transfer-encoding: chunked";

/// What of this the upstream reads after the head, which must be `expected`.
fn assert_passed_on(lines: &'static [&str], sent: &'static str, expected: &'static str) {
    let upstream = Upstream::new(move |visit| {
        while visit.head().is_some() {
            let read = visit.bytes(expected.len()).unwrap();
            let is_expected = read == expected.as_bytes();
            let read = String::from_utf8_lossy(&read);
            let other =
                format!("HTTP/1.1 500 Other\r\ncontent-length: {}\r\n\r\n{read}", read.len());
            visit.say(if is_expected { OK } else { &other });
        }
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    for _ in 0..2 {
        client.send(request("POST", "/", lines) + sent);
        assert_eq!(client.answer().text(), "ok", "{lines:?}");
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn announced_trailers_of_a_request_are_passed_on() {
    assert_passed_on(
        &[CHUNKED, "trailer: X-Sum"],
        "2\r\nhi\r\n0\r\nx-sum: 1\r\n\r\n",
        "2\r\nhi\r\n0\r\nx-sum: 1\r\n\r\n",
    );
}

#[test]
fn what_may_not_be_a_trailer_goes_no_further() {
    assert_passed_on(
        &[CHUNKED, "trailer: x-sum, host, content-length, x-forwarded-for, cookie, connection"],
        "2\r\nhi\r\n0\r\nhost: bank\r\nx-sum: 1\r\ncontent-length: 9\r\n\
         x-forwarded-for: 1.1.1.1\r\ncookie: a=b\r\nconnection: close\r\n\r\n",
        "2\r\nhi\r\n0\r\nx-sum: 1\r\n\r\n",
    );
}

#[test]
fn trailers_that_nobody_announced_do_no_harm() {
    for lines in [&[CHUNKED][..], &[CHUNKED, "trailer: x-other"], &[CHUNKED, "trailer: host"]] {
        let lines: &'static [&str] = Vec::leak(lines.to_vec());
        assert_passed_on(lines, "2\r\nhi\r\n0\r\nx-sum: 1\r\n\r\n", "2\r\nhi\r\n0\r\n\r\n");
    }
}

#[test]
fn an_announcement_is_kept_for_what_may_travel_alone() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    let names = "trailer: X-Sum, host, grpc-status";
    client.send(request("POST", "/", &[CHUNKED, names]) + "0\r\n\r\n").answer();
    client.send(request("POST", "/", &["content-length: 0", names])).answer();
    client.get("/", &["te: gzip, trailers", names]);
    client.get("/", &["te: gzip"]);
    let seen = upstream.requests();
    assert_eq!(headers(&seen[0], "trailer"), ["x-sum, grpc-status"]);
    assert_eq!(headers(&seen[1], "trailer"), [""; 0]);
    assert_eq!(headers(&seen[2], "trailer"), [""; 0]);
    // Whether a client takes trailers is said again, for the next hop.
    assert_eq!(headers(&seen[2], "te"), ["trailers"]);
    assert_eq!(headers(&seen[2], "connection"), ["te"]);
    assert_eq!(headers(&seen[3], "te"), [""; 0]);
}

#[test]
fn trailers_of_a_response_are_for_clients_that_want_them() {
    let upstream = Upstream::new(|visit| {
        while visit.request().is_some() {
            visit.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n");
            visit.say("trailer: x-sum, set-cookie\r\n\r\n");
            visit.say("2\r\nok\r\n0\r\nx-sum: 1\r\nset-cookie: a=b\r\nx-late: 1\r\n\r\n");
        }
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    for _ in 0..2 {
        let head = client.send(request("GET", "/", &["te: trailers"])).head();
        assert_eq!(head.headers("trailer"), ["x-sum"]);
        let expected = b"2\r\nok\r\n0\r\nx-sum: 1\r\n\r\n";
        assert_eq!(client.bytes(expected.len()), expected);

        let answer = client.get("/", &[]);
        assert_eq!(answer.headers("trailer"), [""; 0]);
        assert_eq!(answer.text(), "ok");
    }
    client.send("GET / HTTP/1.0\r\nte: trailers\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.text(), answer.headers("trailer")), ("ok", vec![]));
    assert_eq!(upstream.connections(), 1);
}
