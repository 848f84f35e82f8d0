//! Requests that are sent before the answers to those before them: each is answered, in
//! order, however their bytes arrive.

use std::io::Write;
use std::num::NonZeroU64;
use std::sync::mpsc;
use std::time::Duration;

use crate::support::WAIT_MAX;
use crate::support::edge::{Edge, Setup, deploy, routine};
use crate::support::raw::{Client, request};
use crate::support::upstream::Upstream;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A proxy that answers by itself, with the path that it was asked for.
fn telling() -> Edge {
    let mut shop = routine("shop", &[("1", None)]);
    deploy(&mut shop, serin::model::Environment::Production, 1, &[("1", 100)]);
    Setup::of([shop]).start()
}

fn expect_path(client: &mut Client, path: &str) {
    let answer = client.answer();
    assert_eq!((answer.status, answer.json()["path"].as_str()), (200, Some(path)));
}

#[test]
fn many_at_once_are_answered_in_order() {
    const REQUESTS: usize = 10_000;
    let edge = telling();
    let mut client = edge.client();
    let mut stream = client.stream().try_clone().unwrap();
    let all: String = (0..REQUESTS).map(|at| request("GET", &format!("/{at}"), &[])).collect();
    let sender = std::thread::spawn(move || stream.write_all(all.as_bytes()).unwrap());
    for at in 0..REQUESTS {
        expect_path(&mut client, &format!("/{at}"));
    }
    sender.join().unwrap();
}

#[test]
fn no_cut_between_bytes_changes_an_answer() {
    let upstream = Upstream::new(|visit| {
        while let Some(request) = visit.request() {
            let target = request.split(' ').nth(1).unwrap();
            let length = target.len();
            visit.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{target}"));
        }
    });
    let edge = Setup::before(upstream.url()).start();
    let stream = [
        request("GET", "/a", &[]),
        request("GET", "/<b>", &[]),
        request("POST", "/c", &["content-length: 5"]) + "GET /\r\n",
        request("POST", "/d", &["transfer-encoding: chunked"]) + "2\r\nhi\r\n0\r\n\r\n\r\n",
        request("GET", "/e", &["upgrade: websocket", "connection: upgrade"]),
        request("POST", "/<f>", &["content-length: 2"]) + "hi",
        request("GET", "/g", &[]),
        "GET /\r\n\r\n".to_owned(),
    ]
    .concat();
    let answers = ["/a", "/%3Cb%3E", "/c", "/d", "/e", "/%3Cf%3E", "/g"];
    for cut in 0..=stream.len() {
        let mut client = edge.client();
        let (before, behind) = stream.as_bytes().split_at(cut);
        client.send(before);
        // An answer tells that the first part was read.
        let (first, rest) = answers.split_at(usize::from(cut >= request("GET", "/a", &[]).len()));
        for answer in first {
            assert_eq!(client.answer().text(), *answer, "{cut}");
        }
        client.send(behind);
        for answer in rest {
            assert_eq!(client.answer().text(), *answer, "{cut}");
        }
        assert_eq!(client.answer().status, 400, "{cut}");
        client.expect_end();
    }
}

#[test]
fn bytes_that_arrive_one_by_one_are_as_good() {
    let edge = telling();
    let mut client = edge.client();
    let bytes = request("GET", "/1", &[]) + &request("GET", "/2", &[]);
    for byte in bytes.repeat(3).as_bytes() {
        client.send([*byte]);
    }
    for _ in 0..3 {
        expect_path(&mut client, "/1");
        expect_path(&mut client, "/2");
    }
}

#[test]
fn a_slow_reader_is_answered_to_the_last() {
    const LENGTH: usize = 8 << 20;
    let (blocked, blocks) = mpsc::channel();
    let body = vec![b'x'; LENGTH];
    let upstream = Upstream::new(move |visit| {
        while visit.request().is_some() {
            visit.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {LENGTH}\r\n\r\n"));
            let said = visit.say_until_blocked(&body, Duration::from_millis(100));
            blocked.send(said).unwrap();
            visit.say(&body[said..]);
        }
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.send(request("GET", "/", &[]).repeat(3));
    for _ in 0..3 {
        blocks.recv_timeout(WAIT_MAX).unwrap();
        assert_eq!(client.answer().body.len(), LENGTH);
    }
}

#[test]
fn what_is_sent_behind_the_last_request_is_answered_by_nobody() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url());
    setup.policy.limits.requests_per_connection = NonZeroU64::new(2);
    let edge = setup.start();
    let get = request("GET", "/", &[]);
    let mut client = edge.client();
    client.send(get.repeat(5));
    assert_eq!(client.answer().headers("connection"), [""; 0]);
    assert_eq!(client.answer().headers("connection"), ["close"]);
    client.expect_end();
    let mut client = edge.client();
    client.send(request("GET", "/", &["connection: close"]) + &get.repeat(5));
    assert_eq!(client.answer().text(), "ok");
    client.expect_end();
    assert_eq!(upstream.requests().len(), 3);
}
