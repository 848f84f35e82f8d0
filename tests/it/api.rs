//! The native API.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use serin::model::Endpoint;
use serin::observe::Ailment;

use crate::support::desk::{Desk, Heard};

/// A routine `shop` with versions 1 and 2.
fn shop() -> Desk {
    let desk = Desk::start();
    let new = json!({"name": "shop", "description": "the shop"});
    desk.tell("POST", "/routines", &new).with(201);
    let new = json!({"code_version": "1", "upstream": "http://127.0.0.1:9001"});
    desk.tell("POST", "/routines/shop/versions", &new).with(201);
    let new = json!({"code_version": "2", "description": "canary"});
    desk.tell("POST", "/routines/shop/versions", &new).with(201);
    desk
}

fn deploy(desk: &Desk, shares: &[(&str, u8)]) -> Heard {
    let share = |&(version, percentage): &(&str, u8)| json!({"code_version": version, "percentage": percentage});
    let list: Vec<Value> = shares.iter().map(share).collect();
    let path = "/routines/shop/environments/production/deployment";
    desk.tell("POST", path, &json!({ "code_versions": list }))
}

#[track_caller]
fn assert_refused(heard: &Heard, status: u16, code: &str) {
    let error = &heard.with(status)["error"];
    assert_eq!(error["code"], code, "{heard:?}");
    assert!(!error["message"].as_str().unwrap().is_empty());
}

#[test]
fn a_routine_is_made_changed_and_deleted() {
    let desk = shop();
    let routine = desk.ask("GET", "/routines/shop");
    assert_eq!(routine.header("content-type"), Some("application/json"));
    assert_eq!(routine.header("cache-control"), Some("no-store"));
    let routine = routine.with(200);
    assert_eq!(routine["description"], "the shop");
    assert_eq!(routine["records"], json!(["shop.localhost", "shop.edge.test"]));
    assert_eq!(routine["sticky"], json!(["header:x-serin-key", "cookie:serin_key", "spread"]));
    assert_eq!(routine["created"], "2024-03-11T01:23:21.067203242Z");
    assert_eq!(routine["environments"], json!({"staging": null, "production": null}));

    let change = json!({"sticky": ["header:X-User-Id", "client-ip"], "cohort": "b"});
    let changed = desk.tell("PATCH", "/routines/shop", &change).with(200);
    assert_eq!(changed["sticky"], json!(["header:x-user-id", "client-ip"]));
    assert_eq!((&changed["cohort"], &changed["description"]), (&json!("b"), &json!("the shop")));
    assert_eq!(desk.ask("GET", "/routines/shop").with(200), changed);

    assert_eq!(desk.ask("DELETE", "/routines/shop").status, 204);
    assert_refused(&desk.ask("GET", "/routines/shop"), 404, "routine_not_found");
}

#[test]
fn routines_are_listed_in_pages() {
    let desk = Desk::start();
    for name in ["aa", "ab", "ba", "bb", "bc"] {
        let new = json!({ "name": name });
        desk.tell("POST", "/routines", &new).with(201);
    }
    let names = |page: &Value| -> Vec<String> {
        let routines = page["routines"].as_array().unwrap();
        let name = |routine: &Value| routine["name"].as_str().unwrap().to_owned();
        routines.iter().map(name).collect()
    };
    let page = desk.ask("GET", "/routines?search=b&limit=2").with(200);
    assert_eq!(names(&page), ["ab", "ba"]);
    assert_eq!((&page["total"], &page["next"]), (&json!(4), &json!("ba")));
    let page = desk.ask("GET", "/routines?search=b&limit=2&after=ba").with(200);
    assert_eq!(names(&page), ["bb", "bc"]);
    assert_eq!(page["next"], Value::Null);
}

#[test]
fn a_version_answers_where_it_is_bound() {
    let desk = shop();
    desk.pass(Duration::from_secs(1));
    let minted = desk.tell("POST", "/routines/shop/versions", &json!({}));
    let minted = minted.with(201)["code_version"].as_str().unwrap().to_owned();
    assert_eq!(minted, "1710120202067203242");
    let listed = desk.ask("GET", "/routines/shop/versions").with(200);
    assert_eq!(listed["versions"][0]["code_version"], minted, "newest first");
    assert_eq!(listed["versions"].as_array().unwrap().len(), 3);

    let version = desk.ask("GET", "/routines/shop/versions/1").with(200);
    assert_eq!(version["upstream"], "http://127.0.0.1:9001");
    let built_in = json!({"upstream": null});
    let bound = desk.tell("PATCH", "/routines/shop/versions/1", &built_in);
    assert_eq!(bound.with(200)["upstream"], Value::Null);
    let bad = json!({"upstream": "ftp://a.test"});
    let bad = desk.tell("PATCH", "/routines/shop/versions/1", &bad);
    assert_refused(&bad, 422, "invalid");
    let nothing = desk.tell("PATCH", "/routines/shop/versions/1", &json!({}));
    assert_refused(&nothing, 422, "invalid");

    deploy(&desk, &[("2", 100)]).with(201);
    let used = desk.ask("DELETE", "/routines/shop/versions/2");
    assert_refused(&used, 409, "version_deployed");
    assert_eq!(desk.ask("DELETE", "/routines/shop/versions/1").status, 204);
    let gone = desk.ask("GET", "/routines/shop/versions/1");
    assert_refused(&gone, 404, "version_not_found");
}

#[test]
fn a_deployment_says_who_moves() {
    let desk = shop();
    let live = "/routines/shop/environments/production";
    assert_refused(&desk.ask("GET", live), 404, "no_deployment");
    let first = deploy(&desk, &[("1", 100)]).with(201);
    assert_eq!((&first["replaced"], &first["moved"]), (&Value::Null, &Value::Null));
    assert_eq!(first["deployment_id"], "1");

    let second = deploy(&desk, &[("2", 10), ("1", 90)]).with(201);
    assert_eq!(second["routine"], "shop");
    assert_eq!(second["environment"], "production");
    assert_eq!(
        second["code_versions"],
        json!([{"code_version": "2", "percentage": 10}, {"code_version": "1", "percentage": 90}])
    );
    assert_eq!(second["replaced"], "1");
    assert_eq!(
        second["moved"],
        json!({"percent": 10.0, "exact": true, "flows": [
            {"from": "1", "to": "2", "percent": 10.0},
        ]})
    );
    assert_eq!(desk.ask("GET", live).with(200)["code_versions"], second["code_versions"]);
    let routine = desk.ask("GET", "/routines/shop").with(200);
    assert_eq!(routine["environments"]["production"]["deployment_id"], "2");
    assert_eq!(routine["environments"]["staging"], Value::Null);
}

#[test]
fn a_rollback_deploys_what_was_deployed() {
    let desk = shop();
    let path = "/routines/shop/environments/production/rollback";
    assert_refused(&desk.ask("POST", path), 404, "no_deployment");
    deploy(&desk, &[("1", 100)]).with(201);
    assert_refused(&desk.ask("POST", path), 409, "no_earlier_deployment");
    deploy(&desk, &[("1", 90), ("2", 10)]).with(201);
    deploy(&desk, &[("2", 100)]).with(201);
    let back = desk.ask("POST", path).with(201);
    assert_eq!((&back["deployment_id"], &back["replaced"]), (&json!("4"), &json!("3")));
    assert_eq!(back["moved"]["percent"], 90.0);
    let further = desk.tell("POST", path, &json!({"deployment_id": "1"})).with(201);
    assert_eq!(further["code_versions"], json!([{"code_version": "1", "percentage": 100}]));
    for (id, status) in [("99", 404), ("x", 422), ("-1", 422)] {
        let refused = desk.tell("POST", path, &json!({ "deployment_id": id }));
        assert_eq!(refused.status, status, "{refused:?}");
    }
    let number = desk.tell("POST", path, &json!({"deployment_id": 1}));
    assert_refused(&number, 422, "invalid");

    let history = |query: &str| {
        let path = format!("/routines/shop/deployments{query}");
        let page = desk.ask("GET", &path).with(200);
        let deployments = page["deployments"].as_array().unwrap().clone();
        let ids: Vec<String> = deployments
            .iter()
            .map(|deployment| deployment["deployment_id"].as_str().unwrap().to_owned())
            .collect();
        (ids.join(" "), page["next"].clone())
    };
    assert_eq!(history(""), ("5 4 3 2 1".to_owned(), Value::Null));
    assert_eq!(history("?limit=2"), ("5 4".to_owned(), json!("4")));
    assert_eq!(history("?before=4&limit=3"), ("3 2 1".to_owned(), Value::Null));
    assert_eq!(history("?environment=staging"), (String::new(), Value::Null));
}

#[test]
fn a_decision_is_explained() {
    let desk = shop();
    let sticky = json!({"sticky": ["header:x-user-id"]});
    desk.tell("PATCH", "/routines/shop", &sticky).with(200);
    let before = desk.ask("GET", "/explain?routine=shop&key=alice").with(200);
    assert_eq!((&before["version"], &before["reason"]), (&Value::Null, &Value::Null));
    deploy(&desk, &[("1", 90), ("2", 10)]).with(201);

    let user = desk.ask("GET", "/explain?routine=shop&key=alice&environment=production");
    let user = user.with(200);
    assert_eq!(user["matched"], Value::Null);
    assert_eq!(user["deployment_id"], "1");
    assert_eq!((&user["key"], &user["reason"]), (&json!("alice"), &json!("key")));
    assert_eq!((&user["newer"], &user["percentage"]), (&json!("2"), &json!(10)));
    for name in ["seed", "position", "threshold"] {
        let text = user[name].as_str().unwrap();
        assert_eq!(text.len(), 16, "{name}");
        u64::from_str_radix(text, 16).unwrap();
    }
    assert_eq!(user["threshold"], "1999999999999999");
    let joins_at = user["joins_at"].as_u64().unwrap();
    let expected = if joins_at <= 10 { ("2", "built-in") } else { ("1", "http://127.0.0.1:9001") };
    assert_eq!(
        (user["version"].as_str(), user["upstream"].as_str()),
        (Some(expected.0), Some(expected.1))
    );

    let request = "/explain?host=shop.localhost&path=/x&header=X-User-Id:%20alice&client=192.0.2.1";
    let request = desk.ask("GET", request).with(200);
    assert_eq!(request["matched"], "record");
    assert_eq!(request["key_source"], "header:x-user-id");
    for name in ["key", "seed", "position", "bucket", "joins_at", "version"] {
        assert_eq!(request[name], user[name], "{name}");
    }
    let keyless = desk.ask("GET", "/explain?host=shop.localhost").with(200);
    assert_eq!((&keyless["version"], &keyless["reason"]), (&Value::Null, &json!("spread")));

    let unknown = desk.ask("GET", "/explain?host=other.test");
    assert_refused(&unknown, 404, "no_routine_matches");
    let unknown = desk.ask("GET", "/explain?routine=other");
    assert_refused(&unknown, 404, "routine_not_found");
    assert_refused(&desk.ask("GET", "/explain"), 400, "bad_request");
}

/// Sends each body; all must be refused, and nothing changed.
#[track_caller]
fn assert_all_refused(method: &str, path: &str, bodies: &[(Value, u16, &str)]) {
    let desk = shop();
    deploy(&desk, &[("1", 100)]).with(201);
    let state = || desk.ask("GET", "/routines").with(200);
    let before = state();
    for (body, status, code) in bodies {
        let refused = desk.tell(method, path, body);
        assert_refused(&refused, *status, code);
        assert_eq!(state(), before, "{body}");
    }
}

#[test]
fn a_refused_routine_changes_nothing() {
    let bodies = [
        (json!({"name": "Shop"}), 422, "invalid"),
        (json!({"name": 1}), 422, "invalid"),
        (json!({}), 422, "invalid"),
        (json!([]), 422, "invalid"),
        (json!({"name": "new", "x": 1}), 422, "invalid"),
        (json!({"name": "shop"}), 409, "routine_exists"),
    ];
    assert_all_refused("POST", "/routines", &bodies);
    let bodies = [
        (json!({"sticky": "spread"}), 422, "invalid"),
        (json!({"sticky": ["spread", "client-ip"]}), 422, "invalid"),
        (json!({"cohort": "b", "sticky": ["x"]}), 422, "invalid"),
        (json!({"cohort": null}), 422, "invalid"),
        (json!({"cohort": "b", "name": "other"}), 422, "invalid"),
    ];
    assert_all_refused("PATCH", "/routines/shop", &bodies);
    for path in ["/routines/none", "/routines/No_Name"] {
        let bodies = [(json!({"cohort": "b"}), 404, "routine_not_found")];
        assert_all_refused("PATCH", path, &bodies);
    }
}

#[test]
fn a_refused_version_changes_nothing() {
    let bodies = [
        (json!({"code_version": "a b"}), 422, "invalid"),
        (json!({"code_version": "1"}), 409, "version_exists"),
        (json!({"upstream": "ftp://x"}), 422, "invalid"),
    ];
    assert_all_refused("POST", "/routines/shop/versions", &bodies);
}

#[test]
fn a_refused_deployment_changes_nothing() {
    let one = |version: Value, percentage: Value| {
        let share = json!({"code_version": version, "percentage": percentage});
        json!({ "code_versions": [share] })
    };
    let bodies = [
        (one(json!("1"), json!(99)), 422, "invalid"),
        (one(json!("1"), json!(0)), 422, "invalid"),
        (one(json!("1"), json!("100")), 422, "invalid"),
        (one(json!("1"), json!(100.0)), 422, "invalid"),
        (one(json!(1), json!(100)), 422, "invalid"),
        (one(json!("3"), json!(100)), 404, "version_not_found"),
        (json!({"code_versions": []}), 422, "invalid"),
    ];
    let path = "/routines/shop/environments/production/deployment";
    assert_all_refused("POST", path, &bodies);
    let path = "/routines/shop/environments/prod/deployment";
    let bodies = [(one(json!("1"), json!(100)), 404, "environment_not_found")];
    assert_all_refused("POST", path, &bodies);
}

#[test]
fn a_malformed_request_changes_nothing() {
    let desk = shop();
    deploy(&desk, &[("1", 100)]).with(201);
    let state = || desk.ask("GET", "/routines").with(200);
    let before = state();
    for query in ["?limit=0", "?limit=x", "?colour=red", "?limit=1001"] {
        let refused = desk.ask("GET", &format!("/routines{query}"));
        assert_refused(&refused, 400, "bad_request");
    }
    let json = [("content-type", "application/json")];
    let broken = desk.request("POST", "/api/v1/routines", &json, b"{\"name\":");
    assert_refused(&broken, 400, "bad_request");
    let unlabelled = desk.request("POST", "/api/v1/routines", &[], b"{\"name\":\"new\"}");
    assert_refused(&unlabelled, 415, "not_json");
    let large = vec![b' '; 1024 * 1024 + 1];
    let large = desk.request("POST", "/api/v1/routines", &json, &large);
    assert_refused(&large, 413, "body_too_large");
    assert_eq!(state(), before);
}

#[test]
fn what_is_not_there_is_told_in_json() {
    let desk = Desk::start();
    for path in ["/nothing", "/routines/", "/routines/shop/nothing"] {
        assert_refused(&desk.ask("GET", path), 404, "path_not_found");
    }
    assert_refused(&desk.request("GET", "/favicon.ico", &[], b""), 404, "path_not_found");
    let wrong = desk.ask("PUT", "/routines");
    assert_refused(&wrong, 405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), Some("GET,HEAD,POST"));
    let wrong = desk.request("DELETE", "/livez", &[], b"");
    assert_refused(&wrong, 405, "method_not_allowed");
}

#[test]
fn it_is_ready_with_no_routine_at_all() {
    let desk = Desk::start();
    assert_eq!(desk.request("GET", "/livez", &[], b"").status, 200);
    assert_eq!(desk.request("GET", "/readyz", &[], b"").status, 200);
    desk.ready.store(false, Ordering::Release);
    assert_eq!(desk.request("GET", "/readyz", &[], b"").status, 503);
    assert_eq!(desk.request("GET", "/livez", &[], b"").status, 200);
}

#[test]
fn traffic_is_told_as_it_was_counted() {
    let desk = shop();
    deploy(&desk, &[("1", 90), ("2", 10)]).with(201);
    let worker = desk.traffic.of_worker(0);
    worker.fault("connection_refused");
    worker.error("connection_refused");
    worker.count(|counts| counts.retries += 2);
    let traffic = desk.ask("GET", "/traffic").with(200);
    assert_eq!(traffic["faults"], json!({"connection_refused": 1}));
    assert_eq!(traffic["errors"], json!({"connection_refused": 1}));
    assert_eq!(traffic["open_tunnels"], 0);
    let open = desk.tallies.of_worker(0).tunnel();
    assert_eq!(desk.ask("GET", "/traffic").with(200)["open_tunnels"], 1);
    drop(open);
    assert_eq!((&traffic["retries"], &traffic["moves"]), (&json!(2), &json!(0)));

    let tallies = desk.tallies.of_worker(0);
    tallies.assigned(0);
    tallies.served(1);
    let versions = desk.ask("GET", "/routines/shop/traffic").with(200)["versions"].clone();
    let shape = |version: &str, assigned: u64, served: u64| {
        json!({
            "environment": "production", "code_version": version,
            "assigned": assigned, "served": served, "failed": 0, "failed_over": 0,
        })
    };
    assert_eq!(versions, json!([shape("1", 1, 0), shape("2", 0, 1)]));
    assert_refused(&desk.ask("GET", "/routines/cart/traffic"), 404, "routine_not_found");
    assert_refused(&desk.ask("GET", "/apps/app-1/traffic"), 404, "app_not_found");
}

#[test]
fn endpoints_are_listed_with_how_they_are() {
    let desk = shop();
    let upstream = "http://127.0.0.1:9003 http://127.0.0.1:9002";
    let change = json!({ "upstream": upstream });
    desk.tell("PATCH", "/routines/shop/versions/1", &change).with(200);
    deploy(&desk, &[("1", 90), ("2", 10)]).with(201);
    let [two, three] = ["http://127.0.0.1:9002", "http://127.0.0.1:9003"];
    let endpoint = |text: &str| Endpoint::new(text).unwrap();
    let now = Instant::now();
    desk.wellness.change(|sick| {
        drop(sick.insert(endpoint(two), Ailment { reason: "it is late".into(), since: now }));
    });
    desk.wellness.ejections().ejected(0, &endpoint(three), now + Duration::from_hours(1));
    let listed = desk.ask("GET", "/endpoints").with(200);
    assert_eq!((&listed["total"], &listed["next"]), (&json!(2), &Value::Null));
    let [sick, ejected] = [&listed["endpoints"][0], &listed["endpoints"][1]];
    assert_eq!([&sick["endpoint"], &sick["reason"]], [two, "it is late"]);
    assert_eq!((&sick["healthy"], &sick["ejected_by"]), (&json!(false), &json!(0)));
    assert!(sick["unhealthy_since"].as_str().unwrap().starts_with("2024-03-11T01:23:"));
    assert_eq!((&ejected["healthy"], &ejected["ejected_by"]), (&json!(true), &json!(1)));
    assert!(ejected["ejected_until"].as_str().unwrap().starts_with("2024-03-11T02:23:"));

    let page = desk.ask("GET", "/endpoints?limit=1").with(200);
    assert_eq!((&page["next"], &page["total"]), (&json!(two), &json!(2)));
    let page = desk.ask("GET", &format!("/endpoints?search=900&after={two}")).with(200);
    assert_eq!(page["endpoints"].as_array().map(Vec::len), Some(1));
    assert_eq!(page["endpoints"][0]["endpoint"], three);
}
