//! A response that breaks off arrives as far as it came, and then as what it is: cut.

use std::sync::{Mutex, mpsc};

use http::Request;
use http_body_util::BodyExt;

use crate::support::WAIT_MAX;
use crate::support::edge::{Edge, Setup};
use crate::support::h2::{Sent, Speaker, run};
use crate::support::raw::request;
use crate::support::secured::{behind_tls, insecure};
use crate::support::upstream::Upstream;

const SHORT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello";
const UNTIL_CLOSE: &str = "HTTP/1.0 200 OK\r\n\r\nhello";
const BAD_CHUNK: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nZZ\r\n";
const BAD_TRAILER: &str =
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\na b: c\r\n\r\n";
const FEW_CHUNKS: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";

/// An upstream that says this to a request and closes.
fn saying(said: &'static str) -> Upstream {
    Upstream::new(move |visit| {
        visit.request();
        visit.say(said);
    })
}

/// The same behind TLS; `notes` whether it says that it closes.
fn saying_in_private(said: &'static str, notes: bool) -> Upstream {
    Upstream::new(behind_tls(move |mut visit| {
        visit.request();
        if notes { visit.say_last(said) } else { visit.say(said) }
    }))
}

/// Asks a few times, since an end may come with what is before it or later.
fn expect_cuts(edge: &Edge, said: &str) {
    for _ in 0..10 {
        let mut client = edge.client();
        client.send(request("GET", "/", &[]));
        let came = String::from_utf8(client.rest()).unwrap();
        let (head, body) = came.split_once("\r\n\r\n").unwrap_or_default();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{said}: {came}");
        // Of a length, five bytes are too few, and chunks have no last one.
        let part = if head.contains("content-length") { "hello" } else { "5\r\nhello\r\n" };
        assert_eq!(body, part, "{said}");
    }
    run(async {
        let mut speaker = Speaker::plain(edge.production).await;
        for _ in 0..10 {
            let asked = Request::get("http://shop.test/").body(Sent::nothing()).unwrap();
            let response = speaker.send(asked).await.unwrap();
            assert_eq!(response.status(), 200, "{said}");
            let mut body = response.into_body();
            let mut came = Vec::new();
            let end = loop {
                match body.frame().await {
                    Some(Ok(frame)) => came.extend(frame.into_data().unwrap()),
                    end => break end,
                }
            };
            assert_eq!(came, b"hello", "{said}");
            assert!(matches!(end, Some(Err(_))), "{said}");
        }
    });
}

#[test]
fn a_response_that_breaks_off_arrives_as_far_as_it_came() {
    for said in [SHORT, BAD_CHUNK, BAD_TRAILER, FEW_CHUNKS] {
        let upstream = saying(said);
        expect_cuts(&Setup::before(upstream.url()).start(), said);
    }
}

#[test]
fn under_tls_it_does_so_too() {
    for (said, notes) in [
        (SHORT, true),
        (SHORT, false),
        (BAD_CHUNK, true),
        (BAD_TRAILER, true),
        (FEW_CHUNKS, true),
        (FEW_CHUNKS, false),
        // An end that nobody vouches for.
        (UNTIL_CLOSE, false),
    ] {
        let upstream = saying_in_private(said, notes);
        expect_cuts(&Setup::before(&insecure(&upstream)).start(), said);
    }
}

#[test]
fn under_tls_a_body_until_the_close_ends_with_a_goodbye() {
    let upstream = saying_in_private(UNTIL_CLOSE, true);
    let edge = Setup::before(&insecure(&upstream)).start();
    for _ in 0..10 {
        assert_eq!(edge.client().get("/", &[]).text(), "hello");
    }
}

/// What is left of the upload lies between the proxy and its socket when the connection is
/// reset, and that is noticed together with the answer.
#[test]
fn under_tls_an_upstream_that_answers_early_and_resets_is_heard() {
    let (asked, asks) = mpsc::channel();
    let (go, gone) = mpsc::channel();
    let (did, done) = mpsc::channel();
    let (gone, done) = (Mutex::new(gone), Mutex::new(done));
    let upstream = Upstream::narrow(behind_tls(move |mut visit| {
        visit.head();
        asked.send(()).unwrap();
        gone.lock().unwrap().recv_timeout(WAIT_MAX).unwrap();
        visit.say("HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno");
        visit.reset();
        did.send(()).unwrap();
    }));
    let setup = Setup::before(&insecure(&upstream)).busy_with(move || {
        go.send(()).unwrap();
        done.lock().unwrap().recv_timeout(WAIT_MAX).unwrap();
    });
    let edge = setup.start();
    // From what its socket holds to more than the proxy holds beside it.
    let statuses = (1..=50).map(|number| {
        let head = request("POST", "/", &["content-length: 90000000"]).into_bytes();
        let mut client = edge.client();
        client.send([head, vec![b'x'; number * 4096]].concat());
        asks.recv_timeout(WAIT_MAX).unwrap();
        // Until the worker has sent all that its socket takes.
        drop(edge.asking(""));
        edge.client().send("GET / HTTP/1.1\r\nhost: busy.localhost\r\n\r\n").answer();
        client.head().status
    });
    assert_eq!(statuses.collect::<Vec<_>>(), [413; 50]);
}
