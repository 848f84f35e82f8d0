//! What may stand before an answer, and how it may be written.

use std::io::Write;
use std::time::Duration;

use crate::support::edge::Setup;
use crate::support::raw::Answer;
use crate::support::upstream::Upstream;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const HINTS: &str = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

/// Of what is no final answer, so many may come before one.
const PROVISIONAL_MAX: usize = 32;

fn expect_refusal(answer: &Answer) {
    assert_eq!(answer.status, 502);
    assert_eq!(answer.header("proxy-status"), Some("serin; error=http_protocol_error"));
}

/// An upstream that says this once and listens on; who waits for more of it waits in vain.
fn saying_once(said: String) -> (Upstream, Setup) {
    let upstream = Upstream::new(move |visit| {
        visit.request();
        visit.say(&said);
        visit.sees_end();
    });
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.response_head = Duration::from_secs(1);
    (upstream, setup)
}

#[test]
fn a_few_provisional_responses_are_followed_by_an_answer() {
    for provisional in [HINTS, CONTINUE] {
        for count in [1, 10, PROVISIONAL_MAX] {
            let (_upstream, setup) = saying_once(provisional.repeat(count) + OK);
            assert_eq!(setup.start().client().get("/", &[]).text(), "ok", "{count}");
        }
    }
}

#[test]
fn too_many_provisional_responses_are_no_answer() {
    for provisional in [HINTS, CONTINUE] {
        let (_upstream, setup) = saying_once(provisional.repeat(PROVISIONAL_MAX + 1));
        expect_refusal(&setup.start().client().get("/", &[]));
    }
}

#[test]
fn a_flood_of_provisional_responses_has_an_end() {
    let upstream = Upstream::new(|visit| {
        visit.request();
        let flood = HINTS.repeat(1_000);
        let mut socket = visit.stream().try_clone().unwrap();
        // Until it is left.
        while socket.write_all(flood.as_bytes()).is_ok() {}
    });
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.response_head = Duration::from_secs(2);
    let edge = setup.start();
    expect_refusal(&edge.client().get("/", &[]));
}

/// RFC 9112, section 7.1.1, wants none; Apache writes them.
#[test]
fn chunk_sizes_padded_with_blanks_are_read() {
    let upstream = Upstream::saying(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5  \r\nhello\r\n6\t \r\n world\r\n0 \r\n\r\n",
    );
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    for _ in 0..3 {
        assert_eq!(client.get("/", &[]).text(), "hello world");
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn an_empty_line_before_a_response_is_none() {
    for line in ["\r\n", "\n", "\r\n\r\n"] {
        let (_upstream, setup) = saying_once(format!("{line}{OK}"));
        expect_refusal(&setup.start().client().get("/", &[]));
    }
}
