//! An upstream may answer before it has the whole request, and is heard at once.

use std::io::Write;
use std::num::NonZeroU64;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use socket2::Socket;

use crate::support::edge::Setup;
use crate::support::raw::{headers, request};
use crate::support::upstream::{Upstream, write_until_blocked};
use crate::support::{WAIT_MAX, wait_until};

/// Between the parts of an upload that takes its time.
const PART_INTERVAL: Duration = Duration::from_millis(50);

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

/// What is to end a connection ends none that somebody still takes an upload from.
#[test]
fn an_upload_behind_its_response_outlasts_what_ends_idle_connections() {
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Ended {
        Idle,
        LastRequest,
        Drained,
    }
    for ended in [Ended::Idle, Ended::LastRequest, Ended::Drained] {
        let (tell, told) = mpsc::channel();
        let upstream = Upstream::new(move |visit| {
            visit.head();
            visit.say(OK);
            tell.send(visit.bytes(40)).unwrap();
        });
        let mut setup = Setup::before(upstream.url());
        setup.policy.timeouts.client_idle = PART_INTERVAL * 4;
        setup.drain = WAIT_MAX;
        if ended == Ended::LastRequest {
            setup.policy.limits.requests_per_connection = NonZeroU64::new(1);
        }
        let edge = setup.start();
        let mut client = edge.client();
        client.send(request("POST", "/", &["content-length: 40"]));
        assert_eq!(client.answer().text(), "ok");
        if ended == Ended::Drained {
            edge.drain();
        }
        for _ in 0..40 {
            let told = told.recv_timeout(PART_INTERVAL);
            assert_eq!(told, Err(RecvTimeoutError::Timeout), "{ended:?}");
            client.send("x");
        }
        assert_eq!(told.recv_timeout(WAIT_MAX).unwrap().unwrap(), [b'x'; 40]);
    }
}

#[test]
fn who_sends_without_being_asked_is_heard_out_and_goes_on() {
    let edge = Setup::of([]).start();
    let mut client = edge.client();
    let expecting = request("POST", "/", &["expect: 100-continue", "content-length: 4"]);
    client.send(expecting.clone() + "said" + &request("GET", "/next", &[]));
    for _ in 0..2 {
        assert_eq!(client.answer().status, 404);
    }
    // Of one who waits nobody knows what comes next.
    client.send(&expecting);
    let answer = client.answer();
    assert_eq!((answer.status, answer.header("connection")), (404, Some("close")));
    client.expect_end();
}

#[test]
fn a_client_that_breaks_off_an_upload_which_stands_still_is_seen() {
    let upstream = Upstream::narrow(|visit| {
        if visit.head().is_some_and(|head| head.starts_with("POST")) {
            visit.sees_bytes_but_reads_none();
        } else {
            visit.say(OK);
        }
    });
    let mut setup = Setup::before(upstream.url());
    setup.policy.limits.connections = 1.try_into().unwrap();
    let edge = setup.start();
    let mut client = edge.client();
    client.send(request("POST", "/", &["content-length: 100000000"]));
    let mut socket = Socket::from(client.stream().try_clone().unwrap());
    write_until_blocked(&mut socket, &vec![0; 100_000_000], PART_INTERVAL * 10);
    assert_eq!(edge.client().get("/", &[]).status, 503, "there is no room for another one");
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    drop((client, socket));
    wait_until(|| {
        let answer = edge.client().send(request("GET", "/", &[])).try_answer();
        answer.is_ok_and(|answer| answer.status == 200)
    });
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
