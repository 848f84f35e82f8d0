//! What a response says about the version that answered.

use serin::model::{Environment, Headers, Policy, Routine, Sticky};

use crate::support::edge::{Setup, deploy, routine};
use crate::support::raw::{Answer, Client, request};
use crate::support::upstream::Upstream;
use crate::support::wait_until;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// `shop` at half and half between versions `1` and `2`, which answer at `url`.
fn canary(url: Option<&str>, sticky: &[&str]) -> Routine {
    let mut shop = routine("shop", &[("1", url), ("2", url), ("3", url)]);
    shop.sticky = Sticky::parse(sticky.iter().copied()).unwrap();
    let halves = [("1", 50), ("2", 50)];
    deploy(&mut shop, Environment::Production, 7, &halves);
    shop
}

/// `x-serin-routine`, `-version`, `-deployment` and `-reason`.
fn said(answer: &Answer) -> [Vec<&str>; 4] {
    ["routine", "version", "deployment", "reason"]
        .map(|what| answer.headers(&format!("x-serin-{what}")))
}

#[test]
fn a_response_says_which_version_answered_and_why() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::of([canary(Some(upstream.url()), &["header:x-user"])]).start();
    let mut client = edge.client();

    let keyed = client.get("/", &["x-user: ann"]);
    let version = keyed.header("x-serin-version").unwrap();
    assert!(["1", "2"].contains(&version));
    let expected = [vec!["shop"], vec![version], vec!["7"], vec!["key"]];
    assert_eq!(said(&keyed), expected);
    for _ in 0..10 {
        assert_eq!(said(&client.get("/", &["x-user: ann"])), expected);
    }
    assert_eq!(client.get("/", &[]).header("x-serin-reason"), Some("spread"));

    let dark = client.get("/", &["x-serin-version-override: shop=\"3\""]);
    assert_eq!(said(&dark), [vec!["shop"], vec!["3"], vec!["7"], vec!["override"]]);

    let mut staging = Client::new(edge.staging);
    let undeployed = staging.get("/", &["x-serin-version-override: shop=\"3\""]);
    assert_eq!(said(&undeployed), [vec!["shop"], vec!["3"], vec![], vec!["override"]]);
}

#[test]
fn an_upstreams_own_word_on_it_is_replaced() {
    let upstream = Upstream::saying(
        "HTTP/1.1 200 OK\r\nx-serin-routine: a\r\nx-serin-routine: b\r\nx-serin-version: 9\r\n\
         x-serin-deployment: 9\r\nx-serin-reason: x\r\nx-serin-app: c\r\ncontent-length: 0\r\n\r\n",
    );
    let edge = Setup::before(upstream.url()).start();
    let answer = edge.client().get("/", &[]);
    assert_eq!(said(&answer), [vec!["shop"], vec!["1"], vec!["1"], vec!["only"]]);
    assert_eq!(answer.header("x-serin-app"), None);
    // Where nothing is deployed, nothing is said of a deployment, by anybody.
    let lines = ["x-serin-version-override: shop=\"1\""];
    let undeployed = Client::new(edge.staging).get("/", &lines);
    assert_eq!(said(&undeployed), [vec!["shop"], vec!["1"], vec![], vec!["override"]]);
}

#[test]
fn nothing_is_said_where_the_operator_wants_silence() {
    let mut setup = Setup::of([canary(None, &["mint:uid"])]);
    setup.policy.headers.response = false;
    let edge = setup.start();
    let answer = edge.client().get("/", &[]);
    assert_eq!(said(&answer), [const { Vec::<&str>::new() }; 4]);
    assert!(answer.header("set-cookie").is_some());
}

#[test]
fn a_minted_key_is_set_once_and_keeps_its_version() {
    let upstream =
        Upstream::saying("HTTP/1.1 200 OK\r\nset-cookie: theirs=1\r\ncontent-length: 0\r\n\r\n");
    let edge = Setup::of([canary(Some(upstream.url()), &["mint:uid"])]).start();
    let mut client = edge.client();
    let first = client.get("/", &[]);
    // "sixteen bytes id", in base64url.
    let id = "c2l4dGVlbiBieXRlcyBpZA";
    let cookie = format!("uid={id}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000");
    assert_eq!(first.headers("set-cookie"), ["theirs=1", &cookie]);
    assert_eq!(first.header("x-serin-reason"), Some("key"));

    let again = client.get("/", &[&format!("cookie: a=b; uid={id}")]);
    assert_eq!(again.headers("set-cookie"), ["theirs=1"]);
    assert_eq!(said(&again), said(&first));
}

#[test]
fn a_minted_cookie_is_secure_where_a_trusted_proxy_ended_https() {
    let upstream = Upstream::saying(OK);
    let setup = || Setup::of([canary(Some(upstream.url()), &["mint:uid"])]);
    let is_secure = |setup: Setup, scheme: &str| {
        let edge = setup.start();
        let answer = edge.client().get("/", &[&format!("x-forwarded-proto: {scheme}")]);
        answer.header("set-cookie").unwrap().ends_with("; Secure")
    };
    assert!(is_secure(setup().trusting_loopback(), "https"));
    assert!(!is_secure(setup().trusting_loopback(), "http"));
    assert!(!is_secure(setup(), "https"));
}

#[test]
fn an_error_after_the_decision_names_the_version() {
    let upstream = Upstream::new(|_| {});
    let edge = Setup::of([canary(Some(upstream.url()), &["mint:uid"])]).start();
    let answer = edge.client().get("/", &[]);
    assert_eq!(answer.status, 502);
    assert_eq!(answer.header("x-serin-routine"), Some("shop"));
    assert_eq!(answer.header("x-serin-deployment"), Some("7"));
    assert!(answer.header("set-cookie").is_some());
}

#[test]
fn the_built_in_backend_answers_for_a_version_without_an_upstream() {
    let mut shop = canary(None, &["header:x-user"]);
    deploy(&mut shop, Environment::Staging, 8, &[("2", 100)]);
    let edge = Setup::of([shop]).start();
    let mut client = edge.client();

    let answer = client.get("/a?b=c", &["x-user: ann"]);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let version = answer.header("x-serin-version").unwrap();
    let expected = format!(
        "{{\"routine\":\"shop\",\"version\":\"{version}\",\"environment\":\"production\",\
         \"method\":\"GET\",\"path\":\"/a\",\"key\":\"ann\"}}\n"
    );
    assert_eq!(answer.text(), expected);
    assert_eq!(client.get("/", &[]).json()["key"], serde_json::Value::Null);

    for (line, body) in
        [("content-length: 2", "hi"), ("transfer-encoding: chunked", "2\r\nhi\r\n0\r\n\r\n")]
    {
        let post = request("POST", "/", &[line]) + body;
        assert_eq!(client.send(post).answer().json()["method"], "POST");
    }
    let head = client.send(request("HEAD", "/a?b=c", &["x-user: ann"])).head();
    let same_length = expected.len().to_string().parse::<usize>().unwrap() + 1;
    assert_eq!(head.header("content-length").unwrap(), same_length.to_string());
    assert_eq!(client.get("/", &["connection: close"]).status, 200);
    client.expect_end();

    let staging = Client::new(edge.staging).get("/", &[]).json();
    assert_eq!([&staging["environment"], &staging["version"]], ["staging", "2"]);
}

#[test]
fn the_built_in_backend_names_a_minted_key() {
    let edge = Setup::of([canary(None, &["mint:uid"])]).start();
    let answer = edge.client().get("/", &[]);
    assert_eq!(answer.json()["key"], "c2l4dGVlbiBieXRlcyBpZA");
}

#[test]
fn an_upstream_may_be_a_socket_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.sock");
    let upstream = Upstream::unix(&path, |visit| visit.say_to_each(OK));
    let mut setup = Setup::before(upstream.url());
    setup.policy.headers.preserve_host = false;
    let edge = setup.start();
    let mut client = edge.client();
    for _ in 0..3 {
        assert_eq!(client.get("/", &[]).text(), "ok");
        let post = request("POST", "/", &["content-length: 2"]) + "hi";
        assert_eq!(client.send(post).answer().text(), "ok");
    }
    assert_eq!(upstream.connections(), 1);
    assert!(upstream.requests()[0].contains("\r\nhost: localhost\r\n"));
}

#[test]
fn a_policy_that_is_replaced_counts_for_open_connections_too() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    assert_eq!(client.get("/", &[]).header("x-serin-version"), Some("1"));

    let headers = Headers { response: false, ..Headers::default() };
    edge.set_policy(Policy { headers, ..Policy::default() });
    wait_until(|| client.get("/", &[]).header("x-serin-version").is_none());
}
