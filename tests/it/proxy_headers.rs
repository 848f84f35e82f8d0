//! What a head gains and loses on its way, in both directions.

use crate::support::edge::{Edge, Setup};
use crate::support::raw::{Answer, headers, request};
use crate::support::upstream::Upstream;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// What the upstream sees of a request with these lines.
fn seen(edge: &Edge, upstream: &Upstream, request: impl AsRef<[u8]>) -> String {
    assert_eq!(edge.client().send(request).answer().status, 200);
    upstream.requests().pop().unwrap()
}

/// What a client sees of this response.
fn passed_on(response: &'static str) -> Answer {
    let upstream = Upstream::saying(response);
    let edge = Setup::before(upstream.url()).start();
    edge.client().get("/", &[])
}

const NONE: [&str; 0] = [];

#[test]
fn what_is_meant_for_one_hop_is_dropped_from_requests() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let lines = [
        "connection: x-one, keep-alive , X-Two",
        "connection: x-three,,\tx-four",
        "x-one: 1",
        "x-two: 2",
        "x-three: 3",
        "x-four: 4",
        "x-five: 5",
        "keep-alive: timeout=5",
        "proxy-connection: keep-alive",
        "proxy-authorization: Basic eDp5",
        "te: gzip",
        "trailer: x-sum",
        "upgrade: websocket",
    ];
    let head = seen(&edge, &upstream, request("GET", "/", &lines));
    for name in [
        "connection",
        "x-one",
        "x-two",
        "x-three",
        "x-four",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "te",
        "trailer",
        "upgrade",
    ] {
        assert_eq!(headers(&head, name), NONE, "{name}");
    }
    assert_eq!(headers(&head, "x-five"), ["5"]);
}

#[test]
fn what_is_meant_for_one_hop_is_dropped_from_responses() {
    let answer = passed_on(
        "HTTP/1.1 200 Fine\r\nconnection: x-one\r\nconnection: keep-alive, x-two\r\nx-one: 1\r\n\
         x-two: 2\r\nx-three: 3\r\nkeep-alive: timeout=5\r\nproxy-connection: close\r\n\
         proxy-authenticate: Basic\r\ntrailer: x-sum\r\nupgrade: h2c\r\nte: trailers\r\n\
         set-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 2\r\n\r\nok",
    );
    for name in [
        "connection",
        "x-one",
        "x-two",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "trailer",
        "upgrade",
        "te",
    ] {
        assert_eq!(answer.headers(name), NONE, "{name}");
    }
    assert_eq!(answer.headers("x-three"), ["3"]);
    assert_eq!(answer.headers("set-cookie"), ["a=1", "b=2"]);
    assert!(answer.head.starts_with("HTTP/1.1 200 Fine\r\n"));
}

#[test]
fn a_connection_line_cannot_take_the_host_or_the_length_away() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let lines = ["connection: host, content-length", "content-length: 2"];
    let head = seen(&edge, &upstream, request("POST", "/", &lines) + "hi");
    assert_eq!(headers(&head, "host"), ["shop.test"]);
    assert_eq!(headers(&head, "content-length"), ["2"]);

    let answer =
        passed_on("HTTP/1.1 200 OK\r\nconnection: content-length\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(answer.headers("content-length"), ["2"]);
    assert_eq!(answer.text(), "ok");
}

#[test]
fn a_client_cannot_say_who_it_is() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let lines = [
        "x-forwarded-for: 198.51.100.1",
        "x-forwarded-for: 198.51.100.2",
        "x-forwarded-host: bank.test",
        "x-forwarded-proto: https",
        "x-forwarded-port: 443",
        "x-forwarded-prefix: /bank",
        "forwarded: for=198.51.100.1",
        "connection: x-forwarded-for, via",
    ];
    let head = seen(&edge, &upstream, request("GET", "/", &lines));
    assert_eq!(headers(&head, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(headers(&head, "x-forwarded-host"), ["shop.test"]);
    assert_eq!(headers(&head, "x-forwarded-proto"), ["http"]);
    for name in ["x-forwarded-port", "x-forwarded-prefix", "forwarded"] {
        assert_eq!(headers(&head, name), NONE, "{name}");
    }
    assert_eq!(headers(&head, "via"), ["1.1 serin"]);
}

#[test]
fn the_word_of_a_trusted_proxy_is_continued() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url()).trusting_loopback();
    setup.policy.headers.forwarded = true;
    let edge = setup.start();
    let lines = [
        "x-forwarded-for: 198.51.100.1",
        "x-forwarded-for: 198.51.100.2",
        "x-forwarded-host: bank.test",
        "x-forwarded-proto: https",
        "forwarded: for=198.51.100.1",
        "via: 1.0 outer",
    ];
    let head = seen(&edge, &upstream, request("GET", "/", &lines));
    let all = ["198.51.100.1, 198.51.100.2, 127.0.0.1"];
    assert_eq!(headers(&head, "x-forwarded-for"), all);
    assert_eq!(headers(&head, "x-forwarded-host"), ["bank.test"]);
    assert_eq!(headers(&head, "x-forwarded-proto"), ["https"]);
    let both = ["for=198.51.100.1, for=127.0.0.1;proto=http;host=\"shop.test\""];
    assert_eq!(headers(&head, "forwarded"), both);
    assert_eq!(headers(&head, "via"), ["1.0 outer, 1.1 serin"]);
}

#[test]
fn forwarded_is_said_when_the_operator_wants_it() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url());
    setup.policy.headers.forwarded = true;
    let edge = setup.start();
    let head = seen(&edge, &upstream, request("GET", "/", &["forwarded: for=bank"]));
    let ours = ["for=127.0.0.1;proto=http;host=\"shop.test\""];
    assert_eq!(headers(&head, "forwarded"), ours);
}

#[test]
fn via_names_the_version_in_which_a_message_came() {
    let upstream = Upstream::new(|visit| {
        visit.request();
        visit.say("HTTP/1.0 200 OK\r\nvia: 1.1 inner\r\ncontent-length: 2\r\n\r\nok");
    });
    let edge = Setup::before(upstream.url()).start();
    let answer = edge.client().send("GET / HTTP/1.0\r\n\r\n").answer();
    assert_eq!(answer.headers("via"), ["1.1 inner, 1.0 serin"]);
    assert_eq!(headers(&upstream.requests()[0], "via"), ["1.0 serin"]);
}

#[test]
fn the_host_is_kept_or_the_upstreams_own() {
    let upstream = Upstream::saying(OK);
    for (preserve_host, expected) in [(true, "shop.test"), (false, upstream.authority())] {
        let mut setup = Setup::before(upstream.url());
        setup.policy.headers.preserve_host = preserve_host;
        let head = seen(&setup.start(), &upstream, request("GET", "/", &[]));
        assert_eq!(headers(&head, "host"), [expected]);
        assert_eq!(headers(&head, "x-forwarded-host"), ["shop.test"]);
    }
    let edge = Setup::before(upstream.url()).start();
    let head = seen(&edge, &upstream, "GET / HTTP/1.0\r\n\r\n");
    assert_eq!(headers(&head, "host"), [upstream.authority()]);
    assert_eq!(headers(&head, "x-forwarded-host"), NONE);
}

#[test]
fn the_authority_of_an_absolute_target_is_the_host() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let absolute = "GET http://other.test:81/a/../b?c=%20d HTTP/1.1\r\nhost: shop.test\r\n\r\n";
    let head = seen(&edge, &upstream, absolute);
    assert!(head.starts_with("GET /a/../b?c=%20d HTTP/1.1\r\n"), "{head}");
    assert_eq!(headers(&head, "host"), ["other.test:81"]);
    assert_eq!(headers(&head, "x-forwarded-host"), ["other.test:81"]);

    let head = seen(&edge, &upstream, "GET http://other.test HTTP/1.1\r\nhost: a\r\n\r\n");
    assert!(head.starts_with("GET / HTTP/1.1\r\n"), "{head}");
    let head = seen(&edge, &upstream, request("OPTIONS", "*", &[]));
    assert!(head.starts_with("OPTIONS * HTTP/1.1\r\n"), "{head}");
}

#[test]
fn a_target_travels_as_it_is() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    for target in ["//a//b", "/%2e%2E/%zz?&=?/", "/a;b=c?", "/é"] {
        let head = seen(&edge, &upstream, request("GET", target, &[]));
        assert!(head.starts_with(&format!("GET {target} HTTP/1.1\r\n")), "{head}");
    }
}

#[test]
fn an_upgrade_is_not_heard() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    let lines = ["connection: upgrade, http2-settings", "upgrade: h2c", "http2-settings: AAMA"];
    for _ in 0..2 {
        assert_eq!(client.get("/", &lines).text(), "ok");
    }
    let head = upstream.requests().pop().unwrap();
    for name in ["connection", "upgrade", "http2-settings"] {
        assert_eq!(headers(&head, name), NONE, "{name}");
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn the_version_override_travels_on() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let lines = [
        "x-serin-version-override: shop=\"1\", cart=\"7\"",
        "cloudflare-workers-version-overrides: shop=\"1\"",
    ];
    let head = seen(&edge, &upstream, request("GET", "/", &lines));
    let ours = ["shop=\"1\", cart=\"7\""];
    assert_eq!(headers(&head, "x-serin-version-override"), ours);
    let alias = ["shop=\"1\""];
    assert_eq!(headers(&head, "cloudflare-workers-version-overrides"), alias);
}
