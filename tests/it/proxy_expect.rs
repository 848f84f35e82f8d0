//! A client that waits to be asked for its body is asked when the upstream wants it.

use std::io::Read as _;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use crate::support::WAIT_MAX;
use crate::support::edge::Setup;
use crate::support::raw::{Client, headers, request};
use crate::support::upstream::Upstream;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
const EXPECTING: [&str; 2] = ["expect: 100-continue", "content-length: 2"];

/// Asserts that nothing comes for a while that is shorter than the longest wait.
fn expect_nothing(client: &Client) {
    let mut stream = client.stream();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let read = stream.read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(read, Err(std::io::ErrorKind::WouldBlock));
    stream.set_read_timeout(Some(WAIT_MAX)).unwrap();
}

#[test]
fn the_client_is_asked_when_the_upstream_asks() {
    let (go, gone) = mpsc::channel();
    let gone = Mutex::new(gone);
    let upstream = Upstream::new(move |visit| {
        while visit.head().is_some() {
            gone.lock().unwrap().recv_timeout(WAIT_MAX).unwrap();
            visit.say(CONTINUE);
            assert_eq!(visit.bytes(2).unwrap(), b"hi");
            visit.say(OK);
        }
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    for _ in 0..2 {
        client.send(request("POST", "/", &EXPECTING));
        expect_nothing(&client);
        go.send(()).unwrap();
        assert_eq!(client.head().status, 100);
        assert_eq!(client.send("hi").answer().text(), "ok");
    }
    assert_eq!(upstream.connections(), 1);
    assert_eq!(headers(&upstream.requests()[0], "expect"), ["100-continue"]);
}

#[test]
fn an_upstream_that_refuses_is_heard_before_the_body_is_asked_for() {
    for said in [
        "HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno",
        "HTTP/1.1 417 Expectation Failed\r\ncontent-length: 2\r\n\r\nno",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
        "HTTP/1.1 302 Found\r\nlocation: /\r\nconnection: close\r\n\r\nno",
    ] {
        for line in ["content-length: 2", "transfer-encoding: chunked"] {
            let (tell, told) = mpsc::channel();
            let upstream = Upstream::new(move |visit| {
                visit.head();
                visit.say(said);
                if said.contains("close") {
                    visit.hang_up();
                }
                tell.send(said.contains("close") || visit.sees_end()).unwrap();
            });
            let edge = Setup::before(upstream.url()).start();
            let mut client = edge.client();
            let answer = client.send(request("POST", "/", &[EXPECTING[0], line])).answer();
            assert_eq!(answer.text(), "no", "{said}");
            assert_eq!(answer.headers("connection"), ["close"], "{said}");
            client.expect_end();
            // Nothing of a body was sent, and the connection is not kept for another.
            assert_eq!(told.recv_timeout(WAIT_MAX), Ok(true), "{said}");
        }
    }
}

#[test]
fn an_upstream_that_knows_nothing_of_expectations_gets_the_body_all_the_same() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    assert_eq!(client.send(request("POST", "/", &EXPECTING)).head().status, 100);
    assert_eq!(client.send("hi").answer().text(), "ok");
    let lines = ["expect: 100-Continue", "transfer-encoding: chunked"];
    assert_eq!(client.send(request("PUT", "/", &lines)).head().status, 100);
    assert_eq!(client.send("2\r\nhi\r\n0\r\n\r\n").answer().text(), "ok");
    assert_eq!(upstream.connections(), 1);
}

/// curl sends the body after a second, asked or not.
#[test]
fn a_client_that_does_not_wait_is_served() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.send(request("POST", "/", &EXPECTING) + "hi");
    let mut answer = client.answer();
    if answer.status == 100 {
        answer = client.answer();
    }
    assert_eq!(answer.text(), "ok");
}

#[test]
fn an_expectation_of_http_1_0_is_none() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.send("POST / HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nhi");
    assert_eq!(client.answer().text(), "ok");
    assert_eq!(headers(&upstream.requests()[0], "expect"), [""; 0]);
}

#[test]
fn without_a_body_there_is_nothing_to_ask_for() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    assert_eq!(client.get("/", &["expect: 100-continue"]).text(), "ok");
    let lines = ["expect: 100-continue", "content-length: 0"];
    assert_eq!(client.send(request("POST", "/", &lines)).answer().text(), "ok");
    for seen in upstream.requests() {
        assert_eq!(headers(&seen, "expect"), [""; 0]);
    }
}

#[test]
fn other_expectations_are_for_the_upstream() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.send(request("POST", "/", &["expect: the-moon", "content-length: 2"]) + "hi");
    assert_eq!(client.answer().text(), "ok");
    assert_eq!(headers(&upstream.requests()[0], "expect"), ["the-moon"]);
}

#[test]
fn a_client_is_not_asked_for_what_nobody_will_take() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let dying = Upstream::new(|visit| drop(visit.head()));
    for url in [&url, dying.url()] {
        let edge = Setup::before(url).start();
        let mut client = edge.client();
        assert_eq!(client.send(request("POST", "/", &EXPECTING)).head().status, 502);
    }
}
