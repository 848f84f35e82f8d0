//! Endpoints that speak TLS are who they say, or get no request.

use std::time::Duration;

use http::HeaderValue;
use http::header::CONNECTION;

use crate::support::edge::{Edge, Setup};
use crate::support::raw::Answer;
use crate::support::upstream::{Upstream, Visit};
use crate::support::web::{Greeting, Identity, Web, reply};

/// Before an endpoint at `url`, and trusting this server.
fn trusting(identity: &Identity, url: &str) -> Edge {
    let mut setup = Setup::before(url);
    setup.trusted_authority = Some(identity.certificate());
    setup.start()
}

fn failed_as(answer: &Answer) -> (u16, &str) {
    let status = answer.header("proxy-status").unwrap();
    (answer.status, status.strip_prefix("serin; error=").unwrap())
}

#[test]
fn an_endpoint_that_speaks_tls_answers_in_either_http() {
    let identity = Identity::of(&["127.0.0.1"]);
    for protocols in [&["h2", "http/1.1"][..], &["http/1.1"], &["h2"], &[]] {
        let web = Web::saying(identity.speaking(protocols), "in private");
        let edge = trusting(&identity, &web.url("https"));
        let mut client = edge.client();
        for _ in 0..3 {
            assert_eq!(client.get("/", &[]).text(), "in private", "{protocols:?}");
        }
        assert_eq!(web.connections(), 1, "{protocols:?}");
    }
}

#[test]
fn a_name_is_told_to_the_endpoint_and_an_address_is_not() {
    let identity = Identity::of(&["127.0.0.1", "localhost"]);
    let web = Web::saying(identity.speaking(&["http/1.1"]), "ok");
    for (host, told) in [("localhost", Some("localhost")), ("127.0.0.1", None)] {
        let url = format!("https://{host}:{}", web.port());
        assert_eq!(trusting(&identity, &url).client().get("/", &[]).status, 200);
        assert_eq!(web.greetings().pop().unwrap().name.as_deref(), told);
    }
}

#[test]
fn a_certificate_that_is_not_to_be_trusted_ends_the_request_before_it_is_sent() {
    let identity = Identity::of(&["other.test"]);
    let stranger = Identity::of(&["127.0.0.1"]);
    for (shown, trusted) in [(&identity, &identity), (&stranger, &identity)] {
        let web = Web::saying(shown.speaking(&["h2", "http/1.1"]), "stolen");
        let edge = trusting(trusted, &web.url("https"));
        let answer = edge.client().get("/", &[]);
        assert_eq!(failed_as(&answer), (502, "tls_certificate_error"));
        assert_eq!(answer.json()["error"], "tls_certificate_error");
        assert_eq!(web.greetings(), []);
    }
}

#[test]
fn an_insecure_endpoint_may_show_any_certificate() {
    let web = Web::saying(Identity::of(&["other.test"]).speaking(&["h2"]), "whoever");
    let edge = Setup::before(&web.url("https+insecure")).start();
    assert_eq!(edge.client().get("/", &[]).text(), "whoever");
}

#[test]
fn who_asks_for_another_protocol_is_not_offered_http2() {
    let identity = Identity::of(&["127.0.0.1"]);
    let web = Web::start(identity.speaking(&["h2", "http/1.1"]), |request| async move {
        let asked = request.headers().get("upgrade").cloned();
        reply(format!("{:?} {asked:?}", request.version()))
    });
    let edge = trusting(&identity, &web.url("https"));
    let lines = ["connection: upgrade", "upgrade: websocket"];
    for _ in 0..2 {
        assert_eq!(edge.client().get("/", &[]).text(), "HTTP/2.0 None");
        let switches = edge.client().get("/", &lines);
        assert_eq!(switches.text(), "HTTP/1.1 Some(\"websocket\")");
    }
}

#[test]
fn a_session_is_resumed() {
    let identity = Identity::of(&["localhost"]);
    let web = Web::start(identity.speaking(&["http/1.1"]), |_| async {
        let mut reply = reply("ok");
        reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        reply
    });
    let edge = trusting(&identity, &format!("https://localhost:{}", web.port()));
    for _ in 0..2 {
        assert_eq!(edge.client().get("/", &[]).text(), "ok");
    }
    let resumed: Vec<_> = web.greetings().iter().map(|Greeting { resumed, .. }| *resumed).collect();
    assert_eq!(resumed, [false, true]);
}

#[test]
fn each_way_in_which_a_handshake_fails_has_its_name() {
    let silent = Upstream::new(Visit::sees_bytes_but_reads_none);
    let alert = Upstream::new(|visit| {
        visit.bytes(5);
        // A fatal `handshake_failure`.
        visit.say([21, 3, 3, 0, 2, 2, 40]);
        visit.sees_end();
    });
    let plain = Upstream::new(|visit| {
        visit.bytes(5);
        visit.say("HTTP/1.1 400 Bad Request\r\n\r\n");
        visit.sees_end();
    });
    let gone = Upstream::new(|visit| drop(visit.bytes(5)));
    for (upstream, status, error) in [
        (&silent, 504, "connection_timeout"),
        (&alert, 502, "tls_alert_received"),
        (&plain, 502, "tls_protocol_error"),
        (&gone, 502, "tls_protocol_error"),
    ] {
        let mut setup = Setup::before(&format!("https://{}", upstream.authority()));
        if status == 504 {
            setup.policy.timeouts.connect = Duration::from_millis(50);
        }
        let edge = setup.start();
        let answer = edge.client().get("/", &[]);
        assert_eq!(failed_as(&answer), (status, error));
    }
}
