//! A connection goes on in another protocol where client and upstream agree, and only
//! there.

use std::sync::mpsc;
use std::time::Duration;

use serin::model::{Environment, Sticky};

use crate::support::WAIT_MAX;
use crate::support::edge::{Edge, Setup, deploy, routine};
use crate::support::raw::{Answer, Client, headers, request};
use crate::support::upstream::{Upstream, Visit};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// What a WebSocket client says beside `Host`.
const ASKS: &[&str] = &[
    "connection: Upgrade",
    "upgrade: websocket",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version: 13",
];

const AGREES: &str = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\
                      connection: Upgrade\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// This soon, nothing came that should not.
const SOON: Duration = Duration::from_millis(100);

/// Gives back what comes, until the end.
fn echo(visit: &mut Visit) {
    while let Some(byte) = visit.bytes(1) {
        visit.say(byte);
    }
}

/// Agrees with everybody and echoes.
fn echoing() -> (Upstream, Edge) {
    let upstream = Upstream::new(|visit| {
        visit.request();
        visit.say(AGREES);
        echo(visit);
    });
    let edge = Setup::before(upstream.url()).start();
    (upstream, edge)
}

fn handshake(client: &mut Client) -> Answer {
    client.send(request("GET", "/chat", ASKS)).head()
}

fn assert_echoes(client: &mut Client, said: &str) {
    assert_eq!(client.send(said).bytes(said.len()), said.as_bytes());
}

fn assert_failed(answer: &Answer, kind: &str) {
    assert_eq!(answer.status, 502, "{}", answer.head);
    assert_eq!(answer.header("proxy-status"), Some(&*format!("serin; error={kind}")));
}

#[test]
fn a_handshake_is_passed_on_with_exactly_what_it_needs() {
    let (upstream, edge) = echoing();
    let mut client = edge.client();
    let answer = client
        .send(request(
            "GET",
            "/chat",
            &[
                "connection: keep-alive, x-hop",
                "upgrade: h2c, WebSocket",
                "x-hop: one",
                "connection: Upgrade, http2-settings",
                "http2-settings: AAMAAABkAAQAAP__",
                "connection: te",
                "te: trailers",
                "keep-alive: timeout=5",
                "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
                "sec-websocket-version: 13",
                "sec-websocket-protocol: chat",
                "sec-websocket-extensions: permessage-deflate",
            ],
        ))
        .head();
    let asked = &upstream.requests()[0];
    for (name, values) in [
        ("connection", &["upgrade"][..]),
        ("upgrade", &["websocket"]),
        ("x-hop", &[]),
        ("http2-settings", &[]),
        ("te", &[]),
        ("keep-alive", &[]),
        ("sec-websocket-key", &["dGhlIHNhbXBsZSBub25jZQ=="]),
        ("sec-websocket-version", &["13"]),
        ("sec-websocket-protocol", &["chat"]),
        ("sec-websocket-extensions", &["permessage-deflate"]),
        ("content-length", &[]),
        ("transfer-encoding", &[]),
    ] {
        assert_eq!(headers(asked, name), values, "{name}");
    }
    assert_eq!(answer.status, 101);
    for (name, values) in [
        ("connection", &["upgrade"][..]),
        ("upgrade", &["websocket"]),
        ("sec-websocket-accept", &["s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]),
        ("content-length", &[]),
        ("transfer-encoding", &[]),
        ("x-serin-routine", &["shop"]),
        ("x-serin-version", &["1"]),
    ] {
        assert_eq!(answer.headers(name), values, "{name}");
    }
    assert_echoes(&mut client, "\x01\x05hello");
}

#[test]
fn bytes_behind_the_heads_of_both_sides_are_delivered() {
    let upstream = Upstream::new(|visit| {
        visit.request();
        visit.say(format!("{AGREES}first"));
        echo(visit);
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.send(request("GET", "/", ASKS) + "early");
    assert_eq!(client.head().status, 101);
    let mut heard = client.bytes(10);
    heard.sort_unstable();
    assert_eq!(heard, b"aefilrrsty");
    assert_echoes(&mut client, "later");
}

#[test]
fn nothing_is_forwarded_before_the_upstream_agrees() {
    let upstream = Upstream::new(|visit| {
        visit.request();
        let heard = visit.hears_within(SOON);
        visit.say(AGREES);
        visit.say(if heard { "heard" } else { "quiet" });
        echo(visit);
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.send(request("GET", "/", ASKS)).send("early");
    assert_eq!(client.head().status, 101);
    assert_eq!(client.bytes(5), b"quiet");
    assert_eq!(client.bytes(5), b"early");
}

#[test]
fn a_refused_upgrade_is_an_ordinary_response_and_the_connection_goes_on() {
    let upstream = Upstream::new(|visit| {
        while let Some(request) = visit.request() {
            let refused = headers(&request, "upgrade") == ["websocket"];
            let refusal = "HTTP/1.1 403 Forbidden\r\nupgrade: x\r\ncontent-length: 2\r\n\r\nno";
            visit.say(if refused { refusal } else { OK });
        }
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    // The second one is on its way before the first is answered.
    client.send(request("GET", "/chat", ASKS) + &request("GET", "/next", &[]));
    let answer = client.answer();
    assert_eq!((answer.status, answer.text()), (403, "no"));
    assert_eq!(answer.headers("upgrade"), [""; 0]);
    assert_eq!(client.answer().text(), "ok");
    assert_eq!(client.get("/last", &[]).text(), "ok");
    let paths: Vec<_> = upstream.requests().iter().map(|r| r[..9].to_owned()).collect();
    assert_eq!(paths, ["GET /chat", "GET /next", "GET /last"]);
    assert_eq!(upstream.connections(), 1, "the refused one is used again");
}

#[test]
fn a_switch_to_what_was_not_asked_for_is_a_failure() {
    for agreed in [
        "upgrade: h2c\r\nconnection: upgrade",
        "upgrade: websocket, h2c\r\nconnection: upgrade",
        "connection: upgrade",
        "upgrade: websocket\r\nconnection: close",
    ] {
        let upstream = Upstream::new(move |visit| {
            let request = visit.request().unwrap();
            if headers(&request, "upgrade").is_empty() {
                return visit.say(OK);
            }
            visit.say(format!("HTTP/1.1 101 Switching Protocols\r\n{agreed}\r\n\r\nbytes"));
            assert!(visit.sees_end());
        });
        let edge = Setup::before(upstream.url()).start();
        let mut client = edge.client();
        assert_failed(&client.send(request("GET", "/", ASKS)).answer(), "http_upgrade_failed");
        assert_eq!(client.get("/", &[]).text(), "ok", "{agreed}");
    }
}

/// Found with servers that say no `Connection`; they cannot mean anything else.
#[test]
fn a_switch_without_connection_is_understood() {
    let upstream = Upstream::new(|visit| {
        visit.request();
        visit.say(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\ncontent-length: 5\r\n\r\n",
        );
        echo(visit);
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    let answer = handshake(&mut client);
    assert_eq!(answer.status, 101);
    assert_eq!(answer.headers("connection"), ["upgrade"]);
    assert_eq!(answer.headers("content-length"), [""; 0]);
    assert_echoes(&mut client, "hello");
}

#[test]
fn what_is_no_upgrade_here_is_served_as_http() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    let settings = "http2-settings: AAMAAABkAAQAAP__";
    for (method, lines) in [
        // As curl asks with `--http2`.
        ("GET", &["connection: Upgrade, HTTP2-Settings", "upgrade: h2c", settings][..]),
        ("POST", &["connection: Upgrade", "upgrade: h2c", settings, "content-length: 0"]),
        ("GET", &["connection: upgrade", "upgrade: TLS/1.0"]),
        ("GET", &["upgrade: websocket"]),
        ("GET", &["connection: upgrade"]),
        ("GET", &["connection: upgrade", "upgrade: \"websocket\", websocket/13, ,"]),
        ("POST", &["connection: upgrade", "upgrade: websocket", "content-length: 0"]),
    ] {
        let answer = client.send(request(method, "/", lines)).answer();
        assert_eq!((answer.status, answer.text()), (200, "ok"), "{lines:?}");
        let asked = upstream.requests().pop().unwrap();
        for name in ["connection", "upgrade", "http2-settings"] {
            assert_eq!(headers(&asked, name), [""; 0], "{lines:?}");
        }
    }
    let old = request("GET", "/", ASKS).replace("HTTP/1.1", "HTTP/1.0");
    let answer = edge.client().send(old).answer();
    assert_eq!((answer.status, answer.text()), (200, "ok"));
    assert_eq!(headers(&upstream.requests().pop().unwrap(), "upgrade"), [""; 0]);
}

/// The upstream is the server that judges them (RFC 6455, section 4.2.1).
#[test]
fn a_handshake_with_mistakes_is_for_the_upstream_to_refuse() {
    let upstream = Upstream::saying("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    for lines in [
        &ASKS[..2],
        &["connection: upgrade", "upgrade: websocket", "sec-websocket-key: \u{ff}"],
        &["connection: upgrade", "upgrade: websocket", "content-length: 2"],
    ] {
        client.send(request("GET", "/", lines));
        if lines.contains(&"content-length: 2") {
            client.send("hi");
        }
        assert_eq!(client.answer().status, 400, "{lines:?}");
        let asked = upstream.requests().pop().unwrap();
        assert_eq!(headers(&asked, "upgrade"), ["websocket"], "{lines:?}");
    }
}

fn allowing_tcp(upstream: &Upstream) -> Edge {
    let mut setup = Setup::before(upstream.url());
    setup.policy.upgrades.protocols = vec!["tcp".to_owned()];
    setup.start()
}

const ATTACHES: &[&str] = &["connection: upgrade", "upgrade: tcp", "content-length: 2"];

/// As container engines are attached to.
#[test]
fn a_request_with_a_body_may_ask_for_an_allowed_protocol() {
    let upstream = Upstream::new(|visit| {
        let request = visit.request().unwrap();
        visit.say("HTTP/1.1 101 UPGRADED\r\nconnection: Upgrade\r\nupgrade: tcp\r\n\r\n");
        visit.say(&request[request.len() - 2..]);
        echo(visit);
    });
    let edge = allowing_tcp(&upstream);
    let mut client = edge.client();
    client.send(request("POST", "/attach", ATTACHES)).send("{}raw");
    assert_eq!(client.head().status, 101);
    assert_eq!(client.bytes(5), b"{}raw");
    assert_eq!(headers(&upstream.requests()[0], "upgrade"), ["tcp"]);

    // And one that is not allowed any more is not heard.
    let mut client = edge.client();
    client.send(request("GET", "/", ASKS));
    assert_failed(&client.answer(), "http_protocol_error");
    assert_eq!(headers(&upstream.requests()[1], "upgrade"), [""; 0]);
}

/// What follows would be read as the rest of the body by one, and not by the other.
#[test]
fn a_switch_before_the_end_of_the_request_is_a_failure() {
    let upstream = Upstream::new(|visit| {
        visit.head();
        visit.say("HTTP/1.1 101 UPGRADED\r\nconnection: Upgrade\r\nupgrade: tcp\r\n\r\n");
        visit.sees_end();
    });
    let edge = allowing_tcp(&upstream);
    let mut client = edge.client();
    client.send(request("POST", "/attach", ATTACHES));
    assert_failed(&client.answer(), "http_upgrade_failed");
    client.send("{}");
}

#[test]
fn an_upgrade_is_sent_once_over_a_connection_of_its_own() {
    let upstream = Upstream::new(|visit| {
        while let Some(request) = visit.request() {
            if !headers(&request, "upgrade").is_empty() {
                return;
            }
            visit.say(OK);
        }
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    assert_eq!(client.get("/", &[]).text(), "ok");
    assert_failed(&client.send(request("GET", "/", ASKS)).answer(), "connection_terminated");
    assert_eq!(upstream.connections(), 2);
    assert_eq!(upstream.requests().len(), 2);
    assert_eq!(client.get("/", &[]).text(), "ok");
}

#[test]
fn a_client_that_leaves_before_the_switch_is_missed() {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::new(move |visit| {
        visit.request();
        tell.send(()).unwrap();
        visit.sees_end();
        tell.send(()).unwrap();
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.send(request("GET", "/", ASKS));
    told.recv_timeout(WAIT_MAX).unwrap();
    drop(client);
    told.recv_timeout(WAIT_MAX).unwrap();
}

/// The session stays where the handshake was decided, and the next one should go there.
#[test]
fn a_minted_key_comes_with_the_switch() {
    let upstream = Upstream::new(|visit| {
        visit.request();
        visit.say(AGREES.replace("\r\n\r\n", "\r\nset-cookie: own=1\r\n\r\n"));
        echo(visit);
    });
    let mut shop = routine("shop", &[("1", Some(upstream.url())), ("2", Some(upstream.url()))]);
    shop.sticky = Sticky::parse(["mint:uid"]).unwrap();
    deploy(&mut shop, Environment::Production, 1, &[("1", 50), ("2", 50)]);
    let edge = Setup::of([shop]).start();
    let answer = handshake(&mut edge.client());
    let cookies = answer.headers("set-cookie");
    assert_eq!(cookies[0], "own=1");
    assert!(cookies[1].starts_with("uid="), "{cookies:?}");
}
