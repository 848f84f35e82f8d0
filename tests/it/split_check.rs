//! Whether users get the versions that were asked for, as a running Serin sees it.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::http::Connection;
use crate::support::process::{ANY_PORT, Process};
use crate::support::wait_until;

/// A Serin with routine `shop` at 70 and 30 percent, whose version 2 answers itself or lives
/// at an address where nobody listens; the other version takes over there.
fn shop(folder: &tempfile::TempDir, upstream: Option<&str>) -> Process {
    let upstream = upstream.map_or(String::new(), |it| format!("upstream = \"http://{it}\""));
    let config = format!(
        r#"{ANY_PORT}
[failover]
policy = "other-version"
[[routine]]
name   = "shop"
routes = ["shop.test/*"]
[[routine.version]]
code_version = "1"
[[routine.version]]
code_version = "2"
{upstream}
[[routine.deployment]]
env = "production"
code_versions = [
    {{ code_version = "1", percentage = 70 }},
    {{ code_version = "2", percentage = 30 }},
]
"#
    );
    let path = folder.path().join("serin.toml");
    std::fs::write(&path, config).unwrap();
    Process::start(&path)
}

/// Has each of `users` ask twice.
fn ask(serin: &Process, users: std::ops::Range<u32>) {
    let mut client = Connection::open(serin.production).unwrap();
    for user in users.clone().chain(users) {
        let user = format!("user-{user}");
        client.get("shop.test", &[("x-serin-key", &user)]).unwrap();
    }
}

fn check(serin: &Process) -> Value {
    let answered =
        serin.call("GET", "/api/v1/routines/shop/environments/production/check", &Value::Null);
    assert_eq!(answered.status, 200, "{answered:?}");
    answered.json()
}

/// The check, once it knows of `users`.
fn check_of(serin: &Process, users: u64) -> Value {
    let mut said = Value::Null;
    wait_until(|| {
        said = check(serin);
        said["users"] == users
    });
    said
}

#[test]
fn an_honest_split_is_as_configured_and_each_user_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let serin = shop(&folder, None);
    assert_eq!(check(&serin)["verdict"], "no_users");
    ask(&serin, 0..200);
    let said = check_of(&serin, 200);
    assert_eq!(said["verdict"], "as_configured", "{said}");
    assert_eq!(said["deployment_id"], "1");
    assert_eq!(said["alarm_at_users"], Value::Null);
    let of_version = |number: usize| &said["versions"][number];
    assert_eq!(of_version(0)["code_version"], "1");
    assert_eq!(of_version(1)["percentage"], 30);
    let users = [0, 1].map(|number| of_version(number)["users"].as_u64().unwrap());
    assert_eq!(users.iter().sum::<u64>(), 200);
    let newer = of_version(1);
    let band = ["expected_least", "expected_most"].map(|end| newer[end].as_u64().unwrap());
    assert!(band[0] <= users[1] && users[1] <= band[1], "{said}");

    // A deployment asks for something else, so the check begins again.
    serin.deploy("shop", "production", &[("1", 90), ("2", 10)]);
    assert_eq!(check(&serin)["verdict"], "no_users");
    ask(&serin, 0..20);
    assert_eq!(check_of(&serin, 20)["deployment_id"], "2");
    serin.deploy("shop", "production", &[("2", 100)]);
    assert_eq!(check(&serin)["verdict"], "nothing_to_check");
}

#[test]
fn a_version_that_others_answer_for_raises_the_alarm() {
    let folder = tempfile::tempdir().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let serin = shop(&folder, Some(&closed.to_string()));
    ask(&serin, 0..100);
    let said = check_of(&serin, 100);
    assert_eq!(said["verdict"], "mismatch", "{said}");
    assert_eq!(said["versions"][1]["users"], 0);
    assert!(said["p_value"].as_f64().unwrap() < 0.001);
    serin.says(
        "the split of routine `shop` in production is not what was asked for: of 100 users, \
         version `2` has answered 0 and was to get 30 %",
    );
}

#[test]
fn what_is_not_there_has_no_check() {
    let folder = tempfile::tempdir().unwrap();
    let serin = shop(&folder, None);
    let at = |path: &str| serin.call("GET", path, &json!(null)).status;
    assert_eq!(at("/api/v1/routines/nobody/environments/production/check"), 404);
    assert_eq!(at("/api/v1/routines/shop/environments/nowhere/check"), 404);
    let staging =
        serin.call("GET", "/api/v1/routines/shop/environments/staging/check", &json!(null));
    assert_eq!(staging.json()["verdict"], "nothing_to_check");
}
