//! An upstream may answer before it has the whole request, and is heard at once.

use std::io::Write;
use std::sync::{Mutex, mpsc};

use crate::support::WAIT_MAX;
use crate::support::edge::Setup;
use crate::support::raw::{headers, request};
use crate::support::upstream::Upstream;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const REFUSED: &str = "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno";

#[test]
fn an_upload_and_its_response_pass_each_other() {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::new(move |visit| {
        visit.head();
        visit.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        while let Some(chunk) = visit.chunk() {
            visit.say(&chunk);
            tell.send(()).unwrap();
        }
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.send(request("POST", "/", &["transfer-encoding: chunked"]));
    assert_eq!(client.head().status, 200);
    for part in ["one", "two", "three"] {
        client.send(format!("{:x}\r\n{part}\r\n", part.len()));
        assert_eq!(client.chunk(), part.as_bytes());
        told.recv_timeout(WAIT_MAX).unwrap();
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.chunk(), b"");
    told.recv_timeout(WAIT_MAX).unwrap();
}

#[test]
fn an_upload_goes_on_after_its_response_while_the_upstream_takes_it() {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::new(move |visit| {
        visit.head();
        visit.say(OK);
        tell.send(visit.bytes(10)).unwrap();
        visit.say_to_each(OK);
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.send(request("POST", "/", &["content-length: 10"]));
    assert_eq!(client.answer().text(), "ok");
    client.send("01234").send("56789");
    assert_eq!(told.recv_timeout(WAIT_MAX).unwrap().unwrap(), b"0123456789");
    // The client goes on; that connection of the upstream does not.
    assert_eq!(client.get("/", &[]).text(), "ok");
    assert_eq!(upstream.connections(), 2);
}

#[test]
fn all_of_an_upload_leaves_that_was_read_before_the_response_was_through() {
    let (go, gone) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    let (gone, tell) = (Mutex::new(gone), Mutex::new(tell));
    let upstream = Upstream::narrow(move |visit| {
        let Some(head) = visit.head() else { return };
        let length = headers(&head, "content-length")[0].parse().unwrap();
        visit.say(OK);
        gone.lock().unwrap().recv_timeout(WAIT_MAX).unwrap();
        tell.lock().unwrap().send(visit.bytes(length).is_some()).unwrap();
    });
    let edge = Setup::before(upstream.url()).start();
    // Each leaves another part behind where the upstream takes no more.
    for length in [64, 200, 400, 700, 1_000, 1_500, 2_000, 2_800, 3_000, 3_500, 4_000] {
        let length = length << 10;
        let mut client = edge.client();
        let mut writer = client.stream().try_clone().unwrap();
        let length_is = format!("content-length: {length}");
        let all = request("POST", "/", &[&length_is]) + &"a".repeat(length);
        std::thread::scope(|scope| {
            scope.spawn(move || writer.write_all(all.as_bytes()).unwrap());
            assert_eq!(client.answer().text(), "ok");
            go.send(()).unwrap();
            assert_eq!(told.recv_timeout(WAIT_MAX), Ok(true), "{length} bytes");
        });
    }
}

#[test]
fn a_half_used_connection_is_not_used_again() {
    let upstream = Upstream::new(|visit| {
        while visit.head().is_some() {
            visit.say(REFUSED);
        }
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.send(request("POST", "/", &["content-length: 10"]) + "01");
    assert_eq!(client.answer().text(), "no");
    let mut other = edge.client();
    assert_eq!(other.get("/", &[]).status, 403);
    assert_eq!(upstream.connections(), 2);
    // What is left of the body is no request.
    client.send("23456789");
    assert_eq!(client.get("/", &[]).status, 403);
}

/// It resets the connection under an upload that nobody reads, and its answer is passed on
/// all the same.
#[test]
fn an_upstream_that_answers_and_hangs_up_is_heard() {
    for reset in [false, true] {
        let (go, gone) = mpsc::channel::<()>();
        let gone = Mutex::new(gone);
        let upstream = Upstream::new(move |visit| {
            visit.head();
            visit.bytes(1);
            visit.say(REFUSED);
            if reset {
                gone.lock().unwrap().recv_timeout(WAIT_MAX).unwrap();
                visit.reset_at_end();
            }
        });
        let edge = Setup::before(upstream.url()).start();
        for _ in 0..20 {
            let mut client = edge.client();
            let body = vec![b'x'; 1 << 20];
            client.send(request("POST", "/", &[&format!("content-length: {}", body.len())]));
            client.send(&body[..1]);
            if reset {
                // Its answer is on its way before the rest is.
                assert_eq!(client.head().status, 403);
                client.bytes(2);
                go.send(()).unwrap();
                client.send(&body[1..]);
            } else {
                assert_eq!(client.send(&body[1..]).answer().text(), "no");
            }
        }
    }
}
