//! Environment variables, what tells how routines are reached, and builds that are
//! not there.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::desk::{Desk, Heard};

const SET: &str = "SetRoutineEnvironmentVariables";
const LIST: &str = "ListRoutineEnvironmentVariables";
const DELETE: &str = "DeleteRoutineEnvironmentVariables";
const SECRET: &str = "hunter2-correct-horse";

fn with_shop() -> Desk {
    let desk = Desk::start();
    desk.call("CreateRoutine", &[("Name", "shop")]).with(200);
    desk
}

fn set(desk: &Desk, env: &str, variables: &Value) -> Heard {
    let variables = variables.to_string();
    desk.call(SET, &[("Name", "shop"), ("Env", env), ("EnvironmentVariables", &variables)])
}

fn list(desk: &Desk, env: &str) -> Value {
    desk.call(LIST, &[("Name", "shop"), ("Env", env)]).with(200)["EnvironmentVariables"].clone()
}

fn plain(value: &str) -> Value {
    json!({ "Type": "plain_text", "Value": value })
}

fn masked() -> Value {
    json!({ "Type": "secret_text", "Value": "******" })
}

#[test]
fn variables_are_set_listed_and_deleted() {
    let desk = with_shop();
    let sent = json!({
        "Z_LAST": plain("z"),
        "API_KEY": { "Type": "secret_text", "Value": SECRET },
        "_empty": plain(""),
    });
    let answer = set(&desk, "production", &sent);
    assert_eq!(answer.names(), ["RequestId", "SetKeys"]);
    assert_eq!(answer.with(200)["SetKeys"], json!(["Z_LAST", "API_KEY", "_empty"]));
    // JSON as it is will do, too; another environment has its own.
    let body = json!({
        "Name": "shop", "Env": "staging", "EnvironmentVariables": { "API_KEY": plain("open") },
    });
    desk.call_json(SET, &body).with(200);

    let listed = desk.call(LIST, &[("Name", "shop"), ("Env", "production")]);
    assert_eq!(
        listed.names(),
        ["RequestId", "EnvironmentVariables", "Count", "PageNumber", "PageSize", "TotalCount"]
    );
    let listed = listed.with(200);
    let all = json!({ "API_KEY": masked(), "Z_LAST": plain("z"), "_empty": plain("") });
    assert_eq!(listed["EnvironmentVariables"], all);
    assert_eq!((&listed["Count"], &listed["TotalCount"]), (&json!(3), &json!(3)));
    assert_eq!(list(&desk, "staging"), json!({ "API_KEY": plain("open") }));

    set(&desk, "production", &json!({ "Z_LAST": plain("new") })).with(200);
    assert_eq!(list(&desk, "production")["Z_LAST"], plain("new"));

    let keys = json!(["NOT_THERE", "API_KEY", "not a key", "API_KEY"]).to_string();
    let params =
        [("Name", "shop"), ("Env", "production"), ("EnvironmentVariableKeys", keys.as_str())];
    let deleted = desk.call(DELETE, &params);
    assert_eq!(deleted.names(), ["RequestId", "DeletedKeys", "FailedKeys"]);
    let deleted = deleted.with(200);
    assert_eq!(deleted["DeletedKeys"], json!(["API_KEY"]));
    assert_eq!(deleted["FailedKeys"], json!(["NOT_THERE", "not a key"]));
    assert_eq!(list(&desk, "production").get("API_KEY"), None);
    assert_eq!(list(&desk, "staging"), json!({ "API_KEY": plain("open") }));
}

#[test]
fn variables_are_listed_in_pages_and_by_keyword() {
    let desk = with_shop();
    let sent: Value = (10..35).map(|n| (format!("KEY_{n}"), plain("x"))).collect();
    set(&desk, "staging", &sent).with(200);
    let page = |more: &[(&str, &str)]| {
        let params = [&[("Name", "shop"), ("Env", "staging")], more].concat();
        desk.call(LIST, &params).with(200)
    };
    let first = page(&[]);
    assert_eq!((&first["Count"], &first["TotalCount"]), (&json!(20), &json!(25)));
    let second = page(&[("PageNumber", "2")]);
    assert_eq!(second["Count"], 5);
    assert!(second["EnvironmentVariables"].get("KEY_30").is_some());
    let found = page(&[("KeyWord", "eY_3"), ("PageSize", "2")]);
    assert_eq!((&found["Count"], &found["TotalCount"]), (&json!(2), &json!(5)));
}

#[test]
fn a_call_sets_all_or_nothing() {
    let desk = with_shop();
    set(&desk, "production", &json!({ "KEPT": plain("1") })).with(200);
    let before = list(&desk, "production");
    let mut too_many = serde_json::Map::new();
    too_many.extend((0..100).map(|n| (format!("K{n}"), plain("x"))));
    for wrong in [
        json!({ "GOOD": plain("2"), "not-good": plain("2") }),
        json!({ "GOOD": plain("2"), "BAD": { "Type": "text", "Value": "2" } }),
        json!({ "GOOD": plain("2"), "BAD": { "Type": "plain_text" } }),
        json!({ "GOOD": plain("2"), "BAD": plain(&"x".repeat(8_193)) }),
        json!({ "GOOD": plain("2"), "KEPT": 1 }),
        Value::Object(too_many),
        json!({}),
        json!([]),
    ] {
        let refused = set(&desk, "production", &wrong).with(400);
        assert_eq!(refused["Code"], "InvalidParameter");
        assert!(!refused["Reason"].as_str().unwrap().is_empty());
    }
    assert_eq!(list(&desk, "production"), before);

    for action in [SET, LIST, DELETE] {
        let body = |name: &str, env: &str| {
            json!({
                "Name": name, "Env": env, "EnvironmentVariables": { "A": plain("a") },
                "EnvironmentVariableKeys": ["A"],
            })
        };
        let code = |body: &Value| desk.call_json(action, body).with(400)["Code"].clone();
        assert_eq!(code(&body("none", "staging")), "RoutineNotExist", "{action}");
        assert_eq!(code(&body("shop", "prod")), "InvalidParameter", "{action}");
        assert_eq!(code(&body("shop", "")), "ParameterNotExist", "{action}");
    }
}

#[test]
fn a_secret_is_in_no_answer() {
    let desk = with_shop();
    let secret = json!({ "Type": "secret_text", "Value": SECRET });
    let mut answers = vec![
        set(&desk, "production", &json!({ "KEY": secret })),
        // In all the wrong places.
        set(&desk, "production", &json!(SECRET)),
        set(&desk, "production", &json!([SECRET])),
        set(&desk, "production", &json!({ SECRET: SECRET })),
        set(&desk, "production", &json!({ "KEY": SECRET })),
        set(&desk, "production", &json!({ "KEY": { "Type": SECRET, "Value": SECRET } })),
        set(&desk, "production", &json!({ "KEY": { "Type": "secret_text", "Value": [SECRET] } })),
        desk.call(
            SET,
            &[("Name", "shop"), ("Env", "production"), ("EnvironmentVariables", SECRET)],
        ),
    ];
    for env in ["staging", "production"] {
        for (action, more) in [
            (LIST, ("KeyWord", "")),
            ("GetRoutine", ("", "")),
            ("ListRoutineCodeVersions", ("", "")),
            (DELETE, ("EnvironmentVariableKeys", "[\"KEY\"]")),
        ] {
            answers.push(desk.call(action, &[("Name", "shop"), ("Env", env), more]));
        }
    }
    for path in ["/routines", "/routines/shop", "/routines/shop/versions"] {
        answers.push(desk.ask("GET", path));
    }
    for answer in answers {
        assert!(!answer.body.contains(SECRET), "{answer:?}");
    }
}

#[test]
fn a_version_says_whose_variables_it_was_made_with() {
    let desk = with_shop();
    set(&desk, "staging", &json!({ "A": plain("a") })).with(200);
    for (env, has) in [("staging", true), ("production", false), ("", false)] {
        let body = json!({ "Name": "shop", "DeployEnv": env });
        let begun = desk.call_json("CreateRoutineWithAssetsCodeVersion", &body);
        begun.with(200);
        let listed = desk.call("ListRoutineCodeVersions", &[("Name", "shop")]).with(200);
        let newest = &listed["CodeVersions"][0];
        assert_eq!((&newest["DeployEnv"], &newest["HasEnvVars"]), (&json!(env), &json!(has)));
    }
    // What is set later is not in a version that was made before.
    set(&desk, "production", &json!({ "A": plain("a") })).with(200);
    let listed = desk.call("ListRoutineCodeVersions", &[("Name", "shop")]).with(200);
    assert_eq!(listed["CodeVersions"][1]["HasEnvVars"], false);
    let params = [("Name", "shop"), ("DeployEnv", "prod")];
    let refused = desk.call("CommitRoutineStagingCode", &params).with(400);
    assert_eq!(refused["Code"], "InvalidParameter");
}

#[test]
fn variables_go_with_their_routine() {
    let desk = with_shop();
    set(&desk, "staging", &json!({ "A": plain("a") })).with(200);
    desk.call("DeleteRoutine", &[("Name", "shop")]).with(200);
    desk.call("CreateRoutine", &[("Name", "shop")]).with(200);
    assert_eq!(list(&desk, "staging"), json!({}));
}

#[test]
fn the_account_tells_how_its_routines_are_reached() {
    let desk = with_shop();
    let info = desk.call("GetRoutineUserInfo", &[]);
    assert_eq!(info.names(), ["RequestId", "Routines", "Subdomains"]);
    let info = info.with(200);
    let shop =
        json!({ "RoutineName": "shop", "Description": "", "CreateTime": "2024-03-11T01:23:21Z" });
    assert_eq!(info["Routines"], json!([shop]));
    assert_eq!(info["Subdomains"], json!(["154edaf6.er.aliyun-esa.net", "edge.test"]));
    let addresses = desk.call("GetRoutineStagingEnvIp", &[]).with(200);
    assert_eq!(addresses["IPV4"], json!(["127.0.0.1"]));
    let areas = desk.call("ListRoutineCanaryAreas", &[]).with(200);
    assert_eq!(areas["CanaryAreas"], json!(["jiangsu"]));

    let token = || {
        let answer = desk.call("GetRoutineAccessToken", &[("Name", "shop")]).with(200);
        answer["Token"].as_str().unwrap().to_owned()
    };
    let first = token();
    assert!(first.starts_with("shop.1710123801."), "{first}");
    desk.pass(Duration::from_secs(1));
    assert_ne!(token(), first);
    let none = desk.call("GetRoutineAccessToken", &[("Name", "none")]).with(400);
    assert_eq!(none["Code"], "RoutineNotExist");
}

#[test]
fn builds_are_those_of_an_account_that_has_none() {
    let desk = with_shop();
    let builds = desk.call("ListRoutineBuilds", &[("RoutineName", "shop"), ("PageSize", "500")]);
    assert_eq!(
        builds.names(),
        ["RequestId", "Data", "PageIndex", "PageSize", "TotalCount", "TotalPage"]
    );
    let builds = builds.with(200);
    assert_eq!((&builds["Data"], &builds["PageIndex"]), (&json!([]), &json!(1)));
    assert_eq!((&builds["PageSize"], &builds["TotalCount"]), (&json!(500), &json!(0)));
    let all = desk.call("ListRoutineBuildConfigurations", &[("RoutineNames", "shop,none")]);
    assert_eq!(all.with(200)["RoutineBuildConfigurations"], json!([]));
    for action in [
        "CreateRoutineBuild",
        "CreateRoutineBuildConfiguration",
        "DeleteRoutineBuildConfiguration",
        "GetRoutineBuildConfiguration",
        "UpdateRoutineBuildConfiguration",
    ] {
        let call = |name| desk.call(action, &[("RoutineName", name), ("NodeVersion", "22.x")]);
        assert_eq!(call("shop").with(400)["Code"], "InvalidParameter", "{action}");
        assert_eq!(call("none").with(400)["Code"], "RoutineNotExist", "{action}");
        assert_eq!(call("").with(400)["Code"], "ParameterNotExist", "{action}");
    }
    for action in ["GetRoutineBuild", "ReDoRoutineBuild", "StopRoutineBuild"] {
        let call = |id| desk.call(action, &[("RoutineBuildId", id)]).with(400)["Code"].clone();
        assert_eq!(call("7"), "InvalidParameter", "{action}");
        assert_eq!(call("x"), "InvalidParameter", "{action}");
        assert_eq!(call(""), "ParameterNotExist", "{action}");
    }
    let none = desk.call("ListRoutineBuilds", &[("RoutineName", "none")]).with(400);
    assert_eq!(none["Code"], "RoutineNotExist");
}
