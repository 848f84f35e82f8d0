//! What two readers could read differently is read by nobody.

use crate::support::edge::Setup;
use crate::support::raw::Answer;
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
