//! What two readers could read differently is read by nobody.

use crate::support::edge::Setup;
use crate::support::raw::{Answer, headers};
use crate::support::upstream::Upstream;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// The answer to this request, after which the connection must be closed and the
/// upstream must have heard nothing.
fn refused(request: &str) -> Answer {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    // What follows must not be taken for a request.
    let answer = client.send(format!("{request}GET /next HTTP/1.1\r\nhost: a\r\n\r\n")).answer();
    client.expect_end();
    assert_eq!(upstream.requests(), [""; 0], "{request}");
    answer
}

#[test]
fn a_request_names_exactly_one_host() {
    for head in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a.test\r\nhost: a.test\r\n\r\n",
        "GET / HTTP/1.0\r\nhost: a.test\r\nhost: b.test\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a.test, b.test\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a.test/x\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: user@a.test\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nhost:\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: :80\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a.test:b\r\n\r\n",
        "GET http://a.test/ HTTP/1.1\r\nhost: user@a.test\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: \u{e9}.test\r\n\r\n",
        "GET http://user@a.test/ HTTP/1.1\r\nhost: a.test\r\n\r\n",
        "GET a.test HTTP/1.1\r\nhost: a.test\r\n\r\n",
        "GET a.test:80 HTTP/1.1\r\nhost: a.test\r\n\r\n",
    ] {
        let answer = refused(head);
        assert_eq!(answer.status, 400, "{head}");
        assert_eq!(
            answer.header("proxy-status"),
            Some("serin; error=http_request_error"),
            "{head}"
        );
        assert_eq!(answer.json()["error"], "http_request_error");
        assert_eq!(answer.header("connection"), Some("close"), "{head}");
    }
}

#[test]
fn a_request_has_one_length() {
    for lines in [
        "content-length: 2\r\ncontent-length: 3",
        "content-length: +2",
        "content-length: 2, 3",
        "transfer-encoding: chunked, gzip",
        "transfer-encoding: xchunked",
        "transfer-encoding : chunked",
        "content-length: 99999999999999999999",
    ] {
        let head = format!("POST / HTTP/1.1\r\nhost: a.test\r\n{lines}\r\n\r\n");
        assert_eq!(refused(&head).status, 400, "{lines}");
    }
    let old = "POST / HTTP/1.0\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n";
    assert_eq!(refused(old).status, 400);
}

#[test]
fn a_coding_that_nobody_here_undoes_is_not_served() {
    for coding in ["gzip, chunked", "gzip\r\ntransfer-encoding: chunked", "chunked, chunked"] {
        let answer = refused(&format!(
            "POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: {coding}\r\n\r\n0\r\n\r\n"
        ));
        assert_eq!(answer.status, 501, "{coding}");
    }
}

/// RFC 9112, section 6.1: chunks win, the length does not travel, and nothing that
/// follows on the connection is believed.
#[test]
fn a_length_beside_chunks_smuggles_nothing() {
    for lines in [
        "content-length: 4\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 4",
    ] {
        let upstream = Upstream::saying(OK);
        let edge = Setup::before(upstream.url()).start();
        let mut client = edge.client();
        client.send(format!(
            "POST / HTTP/1.1\r\nhost: a.test\r\n{lines}\r\n\r\n2\r\nhi\r\n0\r\n\r\n\
             GET /smuggled HTTP/1.1\r\nhost: a.test\r\n\r\n"
        ));
        assert_eq!(client.answer().text(), "ok");
        client.expect_end();
        let requests = upstream.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        assert_eq!(headers(&requests[0], "content-length"), [""; 0]);
        assert_eq!(headers(&requests[0], "transfer-encoding"), ["chunked"]);
    }
}

#[test]
fn methods_that_no_gateway_serves_are_not_served() {
    for head in [
        "CONNECT a.test:443 HTTP/1.1\r\nhost: a.test:443\r\n\r\n",
        "CONNECT a.test:443 HTTP/1.1\r\nhost: a.test:443\r\ncontent-length: 0\r\n\r\n",
        "TRACE / HTTP/1.1\r\nhost: a.test\r\n\r\n",
    ] {
        let answer = refused(head);
        assert_eq!(answer.status, 405, "{head}");
        assert_eq!(answer.json()["error"], "http_request_denied");
        assert!(answer.header("allow").unwrap().contains("GET"));
    }
}

#[test]
fn what_is_no_request_is_told_so() {
    for nonsense in ["\0\u{1}\u{2}\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /\r\n\r\n"] {
        assert_eq!(refused(nonsense).status, 400, "{nonsense}");
    }
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    let lines = "x: y\r\n".repeat(200);
    client.send(format!("GET / HTTP/1.1\r\nhost: a\r\n{lines}\r\n"));
    assert_eq!(client.answer().status, 431);
    assert_eq!(upstream.connections(), 0);
}
