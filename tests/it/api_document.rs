//! What the API says of itself is so.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::desk::Desk;

/// What stands for a segment of a path. Nothing of it is there.
fn instance(path: &str) -> String {
    path.replace("{name}", "shop")
        .replace("{version}", "1")
        .replace("{environment}", "production")
        .replace("{app}", "app-880688675783790000")
}

#[test]
fn what_is_described_is_served_and_nothing_else() {
    let desk = Desk::start();
    let heard = desk.ask("GET", "/openapi.json");
    assert_eq!(heard.header("content-type"), Some("application/json"));
    let document = heard.with(200);
    assert_eq!(
        (&document["openapi"], &document["servers"]),
        (&json!("3.1.0"), &json!([{ "url": "/api/v1" }]))
    );
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 20);
    for (path, item) in paths {
        let mut described: BTreeSet<String> =
            item.as_object().unwrap().keys().map(|verb| verb.to_ascii_uppercase()).collect();
        if described.contains("GET") {
            described.insert("HEAD".to_owned());
        }
        for method in ["OPTIONS", "BREW", "PUT"] {
            let wrong = desk.ask(method, &instance(path));
            assert_eq!(wrong.with(405)["error"]["code"], "method_not_allowed");
            let served = wrong.header("allow").unwrap().split(',').map(str::to_owned);
            assert_eq!(served.collect::<BTreeSet<_>>(), described, "{path}");
        }
    }
}

#[test]
fn the_one_list_of_operations_makes_every_route() {
    let api = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/admin/api");
    let mut folders = vec![api];
    let mut routes = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                routes += [".route(", ".route_service(", ".nest(", ".merge(", ".nest_service("]
                    .map(|call| text.matches(call).count())
                    .into_iter()
                    .sum::<usize>();
            }
        }
    }
    // The one that goes through the list, and the operation's own way to be in it.
    assert_eq!(routes, 2);
}

#[test]
fn where_callers_are_known_the_document_says_how() {
    let desk = Desk::keyed(&[("watcher", "only-looking", true)]);
    assert_eq!(desk.ask("GET", "/openapi.json").status, 401);
    let bearer = [("authorization", "Bearer only-looking")];
    let document = desk.request("GET", "/api/v1/openapi.json", &bearer, b"").with(200);
    assert!(document["components"]["securitySchemes"]["bearer"].is_object());
    let open = Desk::start().ask("GET", "/openapi.json").with(200);
    assert_eq!(open.get("security"), None);
}

/// Each example of the document, in the order in which they tell a story.
fn examples() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/admin/api/document/examples.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn an_example_is_what_is_answered() {
    let desk = Desk::start();
    let mut answered = Vec::new();
    for example in examples() {
        let text = |name: &str| example[name].as_str().unwrap().to_owned();
        let heard = match example.get("request") {
            Some(request) => desk.tell(&text("method"), &text("path"), request),
            None => desk.ask(&text("method"), &text("path")),
        };
        let mut now = example.clone();
        now["status"] = heard.status.into();
        if heard.status != 204 {
            now["answer"] = heard.json();
        }
        answered.push(now);
    }
    let told = Value::from(examples());
    assert!(told == Value::from(answered.clone()), "{:#}", Value::from(answered));
}
