//! What can be overwritten has a tag, and of two who have seen the same one changes it.

use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};

use crate::support::desk::{Desk, Heard};

const LIVE: &str = "/routines/shop/environments/production";
const DEPLOYMENT: &str = "/routines/shop/environments/production/deployment";
const ROLLBACK: &str = "/routines/shop/environments/production/rollback";
const OTHER: &str = "\"00000000000000000000000000000000\"";

fn with(desk: &Desk, method: &str, path: &str, field: (&str, &str), body: &Value) -> Heard {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let headers = [field, ("content-type", "application/json")];
    desk.request(method, &format!("/api/v1{path}"), &headers, body.as_bytes())
}

#[track_caller]
fn tag(heard: &Heard) -> String {
    heard.header("etag").unwrap_or_else(|| panic!("{heard:?}")).to_owned()
}

fn whole(version: &str) -> Value {
    json!({ "code_versions": [{ "code_version": version, "percentage": 100 }] })
}

/// Routine `shop` with versions `1` and `2`, of which `1` is deployed, and an app with a
/// version that is published.
fn stocked() -> (Desk, String) {
    let desk = Desk::start();
    desk.tell("POST", "/routines", &json!({ "name": "shop" })).with(201);
    for version in ["1", "2"] {
        desk.tell("POST", "/routines/shop/versions", &json!({ "code_version": version })).with(201);
    }
    desk.tell("POST", DEPLOYMENT, &whole("1")).with(201);
    let params = [("Name", "checkout"), ("ServicePort", "80"), ("TargetPort", "80")];
    let app = desk.call("CreateEdgeContainerApp", &params).with(200);
    (desk, app["AppId"].as_str().unwrap().to_owned())
}

fn add_app_version(desk: &Desk, app: &str) -> String {
    let containers = r#"[{"Name":"a","Image":"i","Spec":"1C2G"}]"#;
    let params = [("AppId", app), ("Name", "version-1"), ("Containers", containers)];
    let version = desk.call("CreateEdgeContainerAppVersion", &params).with(200);
    version["VersionId"].as_str().unwrap().to_owned()
}

#[test]
fn what_can_be_overwritten_has_a_tag_that_spares_its_content() {
    let (desk, app) = stocked();
    let version = add_app_version(&desk, &app);
    for path in [
        "/routines/shop".to_owned(),
        "/routines/shop/versions/1".to_owned(),
        LIVE.to_owned(),
        "/account".to_owned(),
        format!("/apps/{app}"),
        format!("/apps/{app}/versions/{version}"),
    ] {
        let first = desk.ask("GET", &path);
        let now = tag(&first);
        assert!(now.starts_with('"') && now.len() == 34, "{now}");
        assert_eq!(tag(&desk.ask("GET", &path)), now, "{path}");
        let head = desk.ask("HEAD", &path);
        assert_eq!((head.status, tag(&head), head.body.as_str()), (200, now.clone(), ""));
        assert_eq!(head.header("content-length"), first.header("content-length"));

        for known in [now.clone(), format!("W/{now}"), "*".to_owned(), format!("{OTHER}, {now}")] {
            for method in ["GET", "HEAD"] {
                let spared = with(&desk, method, &path, ("if-none-match", &known), &Value::Null);
                assert_eq!((spared.status, spared.body.as_str()), (304, ""), "{path} {known}");
                assert_eq!(tag(&spared), now);
            }
        }
        let news = with(&desk, "GET", &path, ("if-none-match", OTHER), &Value::Null);
        assert_eq!(news.body, first.body);
        let met = with(&desk, "GET", &path, ("if-match", &now), &Value::Null);
        assert_eq!(met.status, 200);
        let lost = with(&desk, "GET", &path, ("if-match", OTHER), &Value::Null);
        assert_eq!(lost.with(412)["error"]["code"], "precondition_failed");
    }
    let elsewhere = with(&desk, "GET", "/routines/none", ("if-none-match", "*"), &Value::Null);
    assert_eq!(elsewhere.status, 404);
}

#[test]
fn a_change_is_made_of_what_its_caller_has_seen() {
    let (desk, app) = stocked();
    let app_version = add_app_version(&desk, &app);
    let (app, app_version) =
        (format!("/apps/{app}"), format!("/apps/{app}/versions/{app_version}"));
    let upstream = json!({ "upstream": "http://127.0.0.1:9001" });
    for (method, path, seen, body) in [
        ("PATCH", "/routines/shop", "/routines/shop", json!({ "cohort": "b" })),
        ("PATCH", "/routines/shop/versions/1", "/routines/shop/versions/1", upstream.clone()),
        ("DELETE", "/routines/shop/versions/2", "/routines/shop/versions/2", Value::Null),
        ("POST", DEPLOYMENT, LIVE, whole("1")),
        ("POST", ROLLBACK, LIVE, Value::Null),
        ("PATCH", app.as_str(), app.as_str(), json!({ "cohort": "b" })),
        ("PATCH", app_version.as_str(), app_version.as_str(), upstream),
        ("PATCH", "/account", "/account", json!({ "locked_calls": 3, "quotas": {"routes": 4} })),
        ("DELETE", "/account", "/account", Value::Null),
        ("DELETE", "/routines/shop", "/routines/shop", Value::Null),
    ] {
        let before = desk.ask("GET", seen);
        let now = tag(&before);
        for (field, value) in
            [("if-match", OTHER), ("if-match", &format!("W/{now}")), ("if-none-match", "*")]
        {
            let refused = with(&desk, method, path, (field, value), &body);
            let error = refused.with(412)["error"].clone();
            assert_eq!(error["code"], "precondition_failed", "{method} {path}");
            assert!(error["message"].as_str().unwrap().contains(&now), "{error}");
            assert_eq!(desk.ask("GET", seen).body, before.body, "{method} {path}");
        }
        let malformed = with(&desk, method, path, ("if-match", "now"), &body);
        assert_eq!(malformed.with(400)["error"]["code"], "bad_request");
        let changed = with(&desk, method, path, ("if-match", &format!("{OTHER}, {now}")), &body);
        assert!(matches!(changed.status, 200 | 201 | 204), "{method} {path}: {changed:?}");
        if changed.status != 204 {
            assert_eq!(tag(&changed), tag(&desk.ask("GET", seen)), "{method} {path}");
        }
    }
}

#[test]
fn what_is_not_there_is_told_before_a_tag_is() {
    let (desk, _) = stocked();
    for (method, path, body) in [
        ("PATCH", "/routines/none", json!({ "cohort": "b" })),
        ("DELETE", "/routines/none", Value::Null),
        ("DELETE", "/routines/shop/versions/9", Value::Null),
        ("POST", "/routines/none/environments/production/deployment", whole("1")),
    ] {
        assert_eq!(with(&desk, method, path, ("if-match", OTHER), &body).status, 404, "{path}");
    }
}

#[test]
fn a_first_deployment_can_want_to_be_the_first() {
    let (desk, _) = stocked();
    let staging = "/routines/shop/environments/staging/deployment";
    let second = with(&desk, "POST", staging, ("if-match", "*"), &whole("1"));
    let message = second.with(412)["error"]["message"].clone();
    assert!(
        message.as_str().unwrap().ends_with("nothing of `shop` is live in staging"),
        "{message}"
    );
    let dry = json!({ "code_versions": whole("1")["code_versions"], "dry_run": true });
    assert_eq!(with(&desk, "POST", staging, ("if-match", "*"), &dry).status, 412);
    assert_eq!(with(&desk, "POST", staging, ("if-none-match", "*"), &dry).status, 200);
    let first = with(&desk, "POST", staging, ("if-none-match", "*"), &whole("1"));
    assert_eq!(first.with(201)["deployment_id"], "2");
    let another = with(&desk, "POST", staging, ("if-none-match", "*"), &whole("1"));
    let message = another.with(412)["error"]["message"].clone();
    assert!(message.as_str().unwrap().contains("deployment 2 of `shop` is live"), "{message}");
}

#[test]
fn what_is_made_says_where_it_is() {
    let (desk, _) = stocked();
    let made = desk.tell("POST", "/routines", &json!({ "name": "cart" }));
    assert_eq!(made.header("location"), Some("/api/v1/routines/cart"));
    assert_eq!(tag(&made), tag(&desk.ask("GET", "/routines/cart")));
    let made = desk.tell("POST", "/routines/cart/versions", &json!({ "code_version": "a.1_b-" }));
    assert_eq!(made.header("location"), Some("/api/v1/routines/cart/versions/a.1_b-"));
    assert_eq!(tag(&made), tag(&desk.ask("GET", "/routines/cart/versions/a.1_b-")));
    let made = desk.tell("POST", DEPLOYMENT, &whole("2"));
    assert_eq!(made.header("location"), Some("/api/v1/routines/shop/environments/production"));
    assert_eq!(tag(&made), tag(&desk.ask("GET", LIVE)));
}

#[test]
fn of_those_who_saw_the_same_exactly_one_wins() {
    const OPERATORS: usize = 8;
    let (desk, _) = stocked();
    let start = Barrier::new(OPERATORS);
    for path in [DEPLOYMENT, "/account"] {
        let (method, seen) = if path == DEPLOYMENT { ("POST", LIVE) } else { ("PATCH", path) };
        let now = tag(&desk.ask("GET", seen));
        let statuses: Vec<u16> = thread::scope(|scope| {
            let operator = |number: usize| {
                let (desk, start, now) = (&desk, &start, &now);
                let body = if path == DEPLOYMENT {
                    whole("2")
                } else {
                    json!({ "locked_calls": number + 1 })
                };
                move || {
                    start.wait();
                    with(desk, method, path, ("if-match", now), &body).status
                }
            };
            let all: Vec<_> = (0..OPERATORS).map(|it| scope.spawn(operator(it))).collect();
            all.into_iter().map(|it| it.join().unwrap()).collect()
        });
        let won = statuses.iter().filter(|status| matches!(status, 200 | 201)).count();
        let lost = statuses.iter().filter(|status| **status == 412).count();
        assert_eq!((won, lost), (1, OPERATORS - 1), "{statuses:?}");
    }
    let history = desk.ask("GET", "/routines/shop/deployments").with(200);
    assert_eq!(history["deployments"].as_array().unwrap().len(), 2);
}
