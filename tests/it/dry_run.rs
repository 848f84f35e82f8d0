//! A deployment that is only asked about tells what it would do to those who came lately.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::http::Connection;
use crate::support::process::{ANY_PORT, Process};

const ROUTINE: &str = r#"
[[routine]]
name   = "shop"
routes = ["shop.test/*"]
sticky = ["header:x-user"]
[[routine.version]]
code_version = "1"
[[routine.version]]
code_version = "2"
[[routine.deployment]]
env = "production"
code_versions = [{ code_version = "1", percentage = 100 }]
"#;

const USERS: u32 = 60;

fn started(folder: &tempfile::TempDir) -> Process {
    let path = folder.path().join("serin.toml");
    std::fs::write(&path, format!("{ANY_PORT}{ROUTINE}")).unwrap();
    Process::start(&path)
}

/// Each user asks once, and the first as often as all of them; the versions they get.
fn ask(serin: &Process) -> Vec<String> {
    let mut client = Connection::open(serin.production).unwrap();
    let mut ask = |user: u32| {
        let got = client.get("shop.test", &[("x-user", &format!("user-{user}"))]).unwrap();
        got.header("x-serin-version").unwrap().to_owned()
    };
    for _ in 1..USERS {
        ask(0);
    }
    (0..USERS).map(ask).collect()
}

fn dry_run(serin: &Process, newer: u64) -> Value {
    let shares = [("1", 100 - newer), ("2", newer)];
    let shares: Vec<_> = shares
        .iter()
        .filter(|(_, percentage)| *percentage > 0)
        .map(|(version, percentage)| json!({"code_version": version, "percentage": percentage}))
        .collect();
    let path = "/api/v1/routines/shop/environments/production/deployment";
    let told = serin.call("POST", path, &json!({"code_versions": shares, "dry_run": true}));
    assert_eq!(told.status, 200, "{told:?}");
    told.json()
}

#[test]
fn a_dry_run_names_those_who_then_move_and_deploys_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let serin = started(&folder);
    assert_eq!(dry_run(&serin, 30)["users"], 0);
    let before = ask(&serin);
    assert!(before.iter().all(|version| version == "1"));

    let told = dry_run(&serin, 30);
    assert_eq!((&told["dry_run"], &told["exact"]), (&json!(true), &json!(true)));
    assert_eq!(told["users"], USERS);
    assert_eq!(told["requests"], 2 * USERS - 1);
    assert!(ask(&serin).iter().all(|version| version == "1"), "nothing was deployed");
    let heaviest = &told["heaviest"][0];
    assert_eq!((&heaviest["requests"], &heaviest["before"]), (&json!(USERS), &json!("1")));
    let danger = told["dangers"].as_array().unwrap().iter().find(|it| it["danger"] == "heavy_key");
    let text = danger.expect("one key has half of the requests")["text"].as_str().unwrap();
    assert!(text.starts_with("50 % of requests come from one key in bucket "), "{text}");
    assert!(!told.to_string().contains("user-0"), "a key may be a secret: {told}");

    serin.deploy("shop", "production", &[("1", 70), ("2", 30)]);
    let after = ask(&serin);
    let moved = after.iter().filter(|version| *version == "2").count();
    assert_eq!(told["moved"]["users"], moved, "{told}");
    assert_eq!(told["versions"][1]["after"]["users"], moved);
    assert_eq!(heaviest["after"], json!(after[0]));

    // From there on.
    let told = dry_run(&serin, 50);
    serin.deploy("shop", "production", &[("1", 50), ("2", 50)]);
    let then = ask(&serin);
    let moved = then.iter().zip(&after).filter(|(is, was)| is != was).count();
    assert_eq!(told["moved"]["users"], moved);
    assert_eq!(told["least"]["users"], USERS / 5);
}

/// Whoever asks without a pause, as one user does here until Serin has seen time go by.
#[test]
fn a_dry_run_tells_who_would_see_both_versions_in_one_session() {
    let folder = tempfile::tempdir().unwrap();
    let serin = started(&folder);
    let mut client = Connection::open(serin.production).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    let told = loop {
        client.get("shop.test", &[("x-user", "ann")]).unwrap();
        let told = dry_run(&serin, 100);
        if told["see_both_in_a_session"] != Value::Null {
            break told;
        }
        assert!(Instant::now() < until, "no time goes by: {told}");
    };
    assert_eq!(told["moved"]["users"], 1);
    assert_eq!(told["see_both_in_a_session"], 1.0, "{told}");
    assert_eq!(dry_run(&serin, 0)["see_both_in_a_session"], 0.0, "nobody moves");
}

#[test]
fn a_dry_run_tells_who_meets_one_canary_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let serin = started(&folder);
    let third = json!({"code_version": "3"});
    assert_eq!(serin.call("POST", "/api/v1/routines/shop/versions", &third).status, 201);
    serin.deploy("shop", "production", &[("1", 60), ("2", 40)]);
    let in_last = ask(&serin);
    serin.deploy("shop", "production", &[("2", 100)]);
    let path = "/api/v1/routines/shop/environments/production/deployment";
    let shares =
        json!([{"code_version": "2", "percentage": 70}, {"code_version": "3", "percentage": 30}]);
    let asked = json!({"code_versions": shares, "dry_run": true});
    let told = serin.call("POST", path, &asked).json();
    serin.deploy("shop", "production", &[("2", 70), ("3", 30)]);
    let both = ask(&serin).iter().zip(in_last).filter(|(is, was)| *is == "3" && was == "2").count();
    let last = &told["overlap"]["last"];
    assert_eq!((&last["code_version"], &last["percentage"]), (&json!("2"), &json!(40)), "{told}");
    assert_eq!(told["overlap"]["in_both"], both);
    assert!(!told["dangers"].to_string().contains("same_users"), "{told}");
}

#[test]
fn a_dry_run_is_refused_where_the_deployment_would_be() {
    let folder = tempfile::tempdir().unwrap();
    let serin = started(&folder);
    let path = "/api/v1/routines/shop/environments/production/deployment";
    let unknown = json!({"code_versions": [{"code_version": "9", "percentage": 100}]});
    let mut asked = unknown.clone();
    asked["dry_run"] = json!(true);
    let [made, told] = [unknown, asked].map(|body| serin.call("POST", path, &body));
    assert_eq!((told.status, &told.body), (made.status, &made.body));
    assert_eq!(told.status / 100, 4);
}

#[test]
fn esa_spells_a_dry_run_its_own_way() {
    let folder = tempfile::tempdir().unwrap();
    let serin = started(&folder);
    ask(&serin);
    let shares = r#"[{"CodeVersion":"2","Percentage":40},{"CodeVersion":"1","Percentage":60}]"#;
    let call = |dry_run: &str| {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", "CreateRoutineCodeDeployment")
            .append_pair("Version", "2024-09-10")
            .append_pair("Name", "shop")
            .append_pair("Env", "production")
            .append_pair("Strategy", "percentage")
            .append_pair("CodeVersions", shares)
            .append_pair("DryRun", dry_run)
            .finish();
        serin.call("POST", &format!("/?{query}"), &json!({}))
    };
    let told = call("true").json();
    assert_eq!((&told["DryRun"], &told["Users"]), (&json!(true), &json!(USERS)));
    assert_eq!(told["Versions"][1]["CodeVersion"], "2");
    assert_eq!(told["Versions"][1]["After"]["Percentage"], 40);
    assert!(told["RequestId"].is_string() && told.get("DeploymentId").is_none(), "{told}");
    assert_eq!(call("maybe").status, 400);
    assert_eq!(call("false").json()["Strategy"], "percentage");
}
