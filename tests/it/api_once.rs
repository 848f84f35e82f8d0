//! `Idempotency-Key`: whoever asks again gets the first answer, and nothing is made twice.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::desk::{Desk, Heard};
use crate::support::wait_until;

const DEPLOYMENT: &str = "/routines/shop/environments/production/deployment";
const ROLLBACK: &str = "/routines/shop/environments/production/rollback";
const DAY: Duration = Duration::from_hours(24);

fn once(desk: &Desk, key: &str, path: &str, body: &Value) -> Heard {
    as_whom(desk, None, key, path, body)
}

fn as_whom(desk: &Desk, secret: Option<&str>, key: &str, path: &str, body: &Value) -> Heard {
    let bearer = secret.map(|secret| format!("Bearer {secret}"));
    let mut headers = vec![("content-type", "application/json"), ("idempotency-key", key)];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    let body = body.to_string();
    desk.request("POST", &format!("/api/v1{path}"), &headers, body.as_bytes())
}

fn whole(version: &str) -> Value {
    json!({ "code_versions": [{ "code_version": version, "percentage": 100 }] })
}

fn shop() -> Desk {
    let desk = Desk::start();
    desk.tell("POST", "/routines", &json!({ "name": "shop" })).with(201);
    for version in ["1", "2"] {
        desk.tell("POST", "/routines/shop/versions", &json!({ "code_version": version })).with(201);
    }
    desk
}

fn deployments(desk: &Desk) -> usize {
    let history = desk.ask("GET", "/routines/shop/deployments").with(200);
    history["deployments"].as_array().unwrap().len()
}

#[track_caller]
fn assert_again(again: &Heard, first: &Heard) {
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    for name in ["etag", "location", "content-type"] {
        assert!(again.header(name).is_some());
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
}

#[test]
fn who_asks_again_gets_the_first_answer() {
    let desk = shop();
    let first = once(&desk, "\"a\"", DEPLOYMENT, &whole("1"));
    assert_eq!(first.with(201)["deployment_id"], "1");
    assert_eq!(first.header("idempotent-replayed"), None);
    desk.tell("POST", DEPLOYMENT, &whole("2")).with(201);
    // Without quotes it is the same key.
    for key in ["\"a\"", "a"] {
        assert_again(&once(&desk, key, DEPLOYMENT, &whole("1")), &first);
    }
    assert_eq!(deployments(&desk), 2);
    assert_eq!(once(&desk, "b", DEPLOYMENT, &whole("1")).with(201)["deployment_id"], "3");
    // Nor is it made again on the other path.
    let back = once(&desk, "a", ROLLBACK, &json!({}));
    assert_eq!(back.with(201)["deployment_id"], "4");
    assert_again(&once(&desk, "a", ROLLBACK, &json!({})), &back);
}

#[test]
fn what_is_minted_is_minted_once() {
    let desk = shop();
    let new = json!({ "description": "by a client that lost the answer" });
    let first = once(&desk, "v", "/routines/shop/versions", &new);
    assert_eq!(first.status, 201);
    assert_again(&once(&desk, "v", "/routines/shop/versions", &new), &first);
    let versions = desk.ask("GET", "/routines/shop/versions").with(200);
    assert_eq!(versions["versions"].as_array().unwrap().len(), 3);
    let first = once(&desk, "r", "/routines", &json!({ "name": "cart" }));
    assert_eq!(first.status, 201);
    assert_again(&once(&desk, "r", "/routines", &json!({ "name": "cart" })), &first);
}

#[test]
fn a_key_is_one_requests() {
    let desk = shop();
    assert_eq!(once(&desk, "a", DEPLOYMENT, &whole("1")).status, 201);
    let other = once(&desk, "a", DEPLOYMENT, &whole("2"));
    assert_eq!(other.with(422)["error"]["code"], "idempotency_key_reused");
    assert_eq!(deployments(&desk), 1);
    for key in ["", "\"\"", "a b", &"k".repeat(256)] {
        let refused = once(&desk, key, DEPLOYMENT, &whole("1"));
        assert_eq!(refused.with(400)["error"]["code"], "bad_request", "{key}");
    }
    let twice =
        [("content-type", "application/json"), ("idempotency-key", "a"), ("idempotency-key", "a")];
    let path = format!("/api/v1{DEPLOYMENT}");
    let twice = desk.request("POST", &path, &twice, whole("1").to_string().as_bytes());
    assert_eq!(twice.with(400)["error"]["code"], "bad_request");
}

#[test]
fn a_refusal_is_tried_again() {
    let desk = shop();
    let refused = once(&desk, "a", DEPLOYMENT, &whole("3"));
    assert_eq!(refused.with(404)["error"]["code"], "version_not_found");
    desk.tell("POST", "/routines/shop/versions", &json!({ "code_version": "3" })).with(201);
    assert_eq!(once(&desk, "a", DEPLOYMENT, &whole("3")).status, 201);
    let dry = json!({ "code_versions": whole("1")["code_versions"], "dry_run": true });
    for _ in 0..2 {
        let told = once(&desk, "b", DEPLOYMENT, &dry);
        assert_eq!((told.status, told.header("idempotent-replayed")), (200, None));
    }
}

#[test]
fn a_key_is_forgotten_after_a_day() {
    let desk = shop();
    assert_eq!(once(&desk, "a", DEPLOYMENT, &whole("1")).status, 201);
    desk.pass(DAY);
    assert_eq!(once(&desk, "a", DEPLOYMENT, &whole("1")).with(201)["deployment_id"], "1");
    desk.pass(Duration::from_nanos(1));
    assert_eq!(once(&desk, "a", DEPLOYMENT, &whole("1")).with(201)["deployment_id"], "2");
}

#[test]
fn a_key_is_one_callers() {
    let keys = [("one", "one-secret", false), ("two", "two-secret", false)];
    let desk = Desk::keyed(&keys);
    let new = json!({ "name": "shop" });
    assert_eq!(as_whom(&desk, Some("one-secret"), "a", "/routines", &new).status, 201);
    let other = as_whom(&desk, Some("two-secret"), "a", "/routines", &new);
    assert_eq!(other.with(409)["error"]["code"], "routine_exists");
    let again = as_whom(&desk, Some("one-secret"), "a", "/routines", &new);
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")));
    let nobody = as_whom(&desk, None, "a", "/routines", &new);
    assert_eq!(nobody.status, 401);
}

#[test]
fn of_those_who_ask_at_once_one_is_carried_out() {
    const ASKING: usize = 8;
    let desk = shop();
    let start = Barrier::new(ASKING);
    let heard: Vec<Heard> = thread::scope(|scope| {
        let ask = || {
            start.wait();
            once(&desk, "a", DEPLOYMENT, &whole("1"))
        };
        let all: Vec<_> = (0..ASKING).map(|_| scope.spawn(ask)).collect();
        all.into_iter().map(|it| it.join().unwrap()).collect()
    });
    for heard in &heard {
        match heard.status {
            201 => assert_eq!(heard.json()["deployment_id"], "1"),
            _ => assert_eq!(heard.with(409)["error"]["code"], "idempotency_key_in_use"),
        }
    }
    let made = heard.iter().filter(|it| it.header("idempotent-replayed").is_none());
    assert_eq!(made.filter(|it| it.status == 201).count(), 1);
    assert_eq!(deployments(&desk), 1);
}

#[test]
fn who_hangs_up_finds_the_answer_later() {
    let desk = shop();
    let body = whole("1").to_string();
    let head = format!(
        "POST /api/v1{DEPLOYMENT} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
         idempotency-key: a\r\ncontent-length: {}\r\n\r\n",
        desk.address,
        body.len()
    );
    let mut stream = TcpStream::connect(desk.address).unwrap();
    stream.write_all((head + &body).as_bytes()).unwrap();
    wait_until(|| deployments(&desk) == 1);
    drop(stream);
    wait_until(|| once(&desk, "a", DEPLOYMENT, &whole("1")).status == 201);
    assert_eq!(deployments(&desk), 1);
}
