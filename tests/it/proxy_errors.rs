//! What goes wrong behind the proxy is said in its own words, and truthfully.

use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::support::WAIT_MAX;
use crate::support::edge::{Setup, routine};
use crate::support::raw::{Answer, Client, request};
use crate::support::upstream::{Upstream, Visit, write_until_blocked};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn assert_error(answer: &Answer, status: u16, error: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.headers("content-type"), ["application/json"]);
    let proxy_status = format!("serin; error={error}");
    assert_eq!(answer.headers("proxy-status"), [proxy_status]);
    let body = answer.json();
    assert_eq!(body["error"], error);
    assert!(body["message"].as_str().is_some_and(|text| !text.is_empty()));
}

/// A GET through the proxy to an upstream that follows `script`.
fn asked(script: impl Fn(&mut Visit) + Send + Sync + 'static) -> Answer {
    let upstream = Upstream::new(script);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    let answer = client.get("/", &[]);
    // An upstream's fault costs the client no connection.
    assert!(client.get("/", &[]).status >= 500);
    answer
}

#[test]
fn nobody_listens() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    for url in [url.as_str(), "unix:/nowhere/serin.sock"] {
        let edge = Setup::before(url).start();
        assert_error(&edge.client().get("/", &[]), 502, "connection_refused");
    }
}

#[test]
fn nobody_accepts() {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    listener.bind(&any.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    // Fills the queue of those who wait to be accepted.
    let patience = Duration::from_millis(100);
    let waiting: Vec<_> =
        (0..16).map_while(|_| TcpStream::connect_timeout(&address, patience).ok()).collect();
    assert!(waiting.len() < 16, "the queue has an end");

    let mut setup = Setup::before(&format!("http://{address}"));
    setup.policy.timeouts.connect = Duration::from_millis(100);
    let edge = setup.start();
    assert_error(&edge.client().get("/", &[]), 504, "connection_timeout");
}

#[test]
fn a_name_without_an_address() {
    let mut setup = Setup::before("http://nowhere.invalid:80");
    setup.policy.timeouts.connect = Duration::from_secs(1);
    let answer = setup.start().client().get("/", &[]);
    // A resolver may say no, or nothing.
    match answer.status {
        502 => assert_error(&answer, 502, "dns_error"),
        _ => assert_error(&answer, 504, "connection_timeout"),
    }
}

#[test]
fn silence_before_the_head() {
    let upstream = Upstream::new(|visit| {
        visit.request();
        visit.sees_end();
    });
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.response_head = Duration::from_millis(100);
    let edge = setup.start();
    let mut client = edge.client();
    for (line, body) in [("x: y", ""), ("content-length: 2", "hi")] {
        let answer = client.send(request("GET", "/", &[line]) + body).answer();
        assert_error(&answer, 504, "http_response_timeout");
    }
    // The late connection is not waited for by the next request.
    assert_eq!(upstream.connections(), 2);
}

#[test]
fn an_end_before_the_head_or_inside_it() {
    for said in ["", "HTTP/1.1 200 OK\r\ncontent-length"] {
        let answer = asked(move |visit| {
            visit.request();
            visit.say(said);
        });
        assert_error(&answer, 502, "connection_terminated");
    }
    let answer = asked(|visit| {
        visit.request();
        visit.reset_at_end();
    });
    assert_error(&answer, 502, "connection_terminated");
    // Accepted, and closed before anything was asked.
    assert_error(&asked(|_| {}), 502, "connection_terminated");
}

#[test]
fn what_is_not_http() {
    for said in [
        "SSH-2.0-OpenSSH_9.6\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nok",
    ] {
        let answer = asked(move |visit| {
            visit.request();
            visit.say(said);
            visit.sees_end();
        });
        assert_error(&answer, 502, "http_protocol_error");
    }
}

#[test]
fn protocols_switched_unasked() {
    let answer = asked(|visit| {
        visit.request();
        visit.say("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n");
        visit.sees_end();
    });
    assert_error(&answer, 502, "http_protocol_error");
}

#[test]
fn a_coding_that_nobody_undoes() {
    let answer = asked(|visit| {
        visit.request();
        visit
            .say("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
        visit.sees_end();
    });
    assert_error(&answer, 502, "http_response_transfer_coding");
}

#[test]
fn a_body_that_breaks_off_is_broken_for_the_client() {
    for said in [
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nz\r\n",
    ] {
        for reset in [false, true] {
            let (read, reads) = mpsc::channel::<()>();
            let reads = std::sync::Mutex::new(reads);
            let upstream = Upstream::new(move |visit| {
                visit.request();
                visit.say(said);
                reads.lock().unwrap().recv_timeout(WAIT_MAX).unwrap();
                if reset {
                    visit.reset_at_end();
                }
            });
            let edge = Setup::before(upstream.url()).start();
            let mut client = edge.client();
            client.send(request("GET", "/", &[]));
            read.send(()).unwrap();
            // Nothing but the head may have come before a reset.
            assert!(client.try_answer().is_err(), "{said}");
        }
    }
}

#[test]
fn an_upload_that_moves_is_no_silence() {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::new(move |visit| {
        visit.head();
        for _ in 0..10 {
            visit.bytes(1);
            tell.send(()).unwrap();
        }
        visit.say(OK);
        visit.sees_end();
    });
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.response_head = Duration::from_millis(300);
    let edge = setup.start();
    let mut client = edge.client();
    client.send(request("POST", "/", &["content-length: 10"]));
    for _ in 0..10 {
        client.send("x");
        told.recv_timeout(WAIT_MAX).unwrap();
        // Each pause is shorter than the limit, all together are longer.
        assert!(told.recv_timeout(Duration::from_millis(60)).is_err());
    }
    assert_eq!(client.answer().text(), "ok");
}

#[test]
fn an_upload_that_falls_silent_is_the_clients_fault() {
    let upstream = Upstream::new(|visit| {
        visit.request();
    });
    let mut built_in = routine("built-in", &[("1", None)]);
    crate::support::edge::deploy(
        &mut built_in,
        serin::model::Environment::Production,
        1,
        &[("1", 100)],
    );
    let mut setup = Setup::before(upstream.url());
    let name = built_in.name.clone();
    setup.catalog.routines.insert(name, built_in.into());
    setup.policy.timeouts.request_body_idle = Duration::from_millis(100);
    let edge = setup.start();
    for host in ["shop.localhost", "built-in.localhost"] {
        let mut client = edge.client();
        client.send(format!("POST / HTTP/1.1\r\nhost: {host}\r\ncontent-length: 9\r\n\r\nhi"));
        let answer = client.answer();
        assert_error(&answer, 408, "http_request_error");
        assert_eq!(answer.headers("connection"), ["close"], "{host}");
        client.expect_end();
    }
}

#[test]
fn an_upload_that_the_upstream_does_not_take_is_the_upstreams_fault() {
    let upstream = Upstream::new(|visit| {
        visit.head();
        visit.sees_bytes_but_reads_none();
    });
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.response_head = Duration::from_millis(500);
    let edge = setup.start();
    let mut client = edge.client();
    let length = 100 << 20;
    client.send(request("POST", "/", &[&format!("content-length: {length}")]));
    let mut socket = client.stream().try_clone().unwrap().into();
    write_until_blocked(&mut socket, &vec![b'x'; length], Duration::from_millis(100));
    assert_error(&client.answer(), 504, "http_response_timeout");
}

#[test]
fn an_upload_that_breaks_is_the_clients_fault() {
    let upstream = Upstream::new(|visit| {
        visit.request();
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.send(request("POST", "/", &["transfer-encoding: chunked"]));
    client.send("2\r\nhi\r\nnonsense\r\n");
    assert_error(&client.answer(), 400, "http_request_error");
    client.expect_end();
}

#[test]
fn no_routine_names_the_host() {
    let mut setup = Setup::of([]);
    setup.default_routine = None;
    let edge = setup.start();
    let mut client = edge.client();
    let answer = client.get("/", &[]);
    assert_error(&answer, 404, "destination_not_found");
    assert_eq!(answer.json()["host"], "shop.test");
    assert_eq!(answer.json()["environment"], "production");
    assert_eq!(answer.header("x-serin-version"), None);

    client.send("GET http://other.test:81/ HTTP/1.1\r\nhost: shop.test\r\n\r\n");
    assert_eq!(client.answer().json()["host"], "other.test:81");
    client.send(request("HEAD", "/", &[]));
    assert_eq!(client.head().status, 404);
    assert_eq!(client.get("/", &[]).status, 404);
}

#[test]
fn no_deployment_names_the_routine_and_the_environment() {
    let edge = Setup::of([routine("shop", &[("1", None)])]).start();
    for (address, environment) in [(edge.production, "production"), (edge.staging, "staging")] {
        let answer = Client::new(address).get("/", &[]);
        assert_error(&answer, 503, "destination_unavailable");
        assert_eq!(answer.json()["routine"], "shop");
        assert_eq!(answer.json()["environment"], environment);
    }
}

#[test]
fn a_bad_override_is_said_to_be_one() {
    let edge = Setup::before("http://127.0.0.1:1").start();
    let mut client = edge.client();
    for value in ["shop=\"9\"", "shop=1", "shop=\"", "\u{e9}"] {
        let answer = client.get("/", &[&format!("x-serin-version-override: {value}")]);
        assert_error(&answer, 400, "http_request_denied");
    }
}

/// A client that sends its whole body before it looks for the response, as many do.
#[test]
fn a_client_that_sends_first_and_reads_then_gets_its_answer() {
    const BODY_BYTES: usize = 20 << 20;
    let refusing = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", refusing.local_addr().unwrap());
    drop(refusing);
    let early = Upstream::new(|visit| {
        visit.head();
        visit.say("HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n");
        visit.sees_bytes_but_reads_none();
    });
    let unknown = Setup::of([]).start();
    let refused = Setup::before(&url).start();
    let early = Setup::before(early.url()).start();
    for (edge, status) in [(unknown, 404), (refused, 502), (early, 413)] {
        let mut client = edge.client();
        let length = format!("content-length: {BODY_BYTES}");
        client.send(request("POST", "/", &[&length])).send(vec![b'x'; BODY_BYTES]);
        assert_eq!(client.answer().status, status);
    }
}

/// Reading a body that the client holds back would ask for it.
#[test]
fn a_client_that_waits_to_be_asked_is_not_asked_after_the_answer() {
    let edge = Setup::of([]).start();
    let mut client = edge.client();
    let lines = ["expect: 100-continue", "content-length: 2"];
    assert_eq!(client.send(request("POST", "/", &lines)).head().status, 404);
}
