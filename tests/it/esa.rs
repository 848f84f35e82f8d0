//! The ESA dialect, as its clients speak it.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::support::desk::{Desk, Heard, assert_refused, form};

const SERVICE_TEXT: &str =
    "Failed to call the service. Try again later or contact technical support.";
const INVALID: &str = "The specified parameter is invalid.";
const INVALID_DEPLOYMENT: &str =
    "Parameter verification failed. Check your configurations and try again.";
const ABSENT: &str =
    "The specified parameter does not exist. Check your configurations and try again.";
const NO_ROUTINE: &str = "The routine name does not exist. Check the routine name and try again.";
const NO_ACTION: &str = "Specified api is not found, please check your url and method.";

/// Uploads `code` to the staging slot as `OssPostConfig` says.
fn upload(desk: &Desk, name: &str, description: &str, code: &[u8]) -> Heard {
    let config = upload_config(desk, name, description);
    post(desk, &fields(&config), code)
}

fn upload_config(desk: &Desk, name: &str, description: &str) -> Value {
    let params = [("Name", name), ("CodeDescription", description)];
    let info = desk.call("GetRoutineStagingCodeUploadInfo", &params);
    info.with(200)["OssPostConfig"].clone()
}

/// The tools append each text of the config to the form.
fn fields(config: &Value) -> Vec<(String, String)> {
    let config = config.as_object().unwrap();
    let field =
        |(name, value): (&String, &Value)| (name.clone(), value.as_str().unwrap().to_owned());
    config.iter().map(field).collect()
}

fn post(desk: &Desk, fields: &[(String, String)], code: &[u8]) -> Heard {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend_from_slice(
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                .as_bytes(),
        );
    }
    body.extend_from_slice(b"--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n");
    body.extend_from_slice(code);
    body.extend_from_slice(b"\r\n--b--\r\n");
    let headers = [("content-type", "multipart/form-data; boundary=b")];
    desk.request("POST", "/oss", &headers, &body)
}

/// A routine with one version.
fn with_version(desk: &Desk, name: &str) -> String {
    desk.call("CreateRoutine", &[("Name", name)]).with(200);
    add_version(desk, name)
}

fn add_version(desk: &Desk, name: &str) -> String {
    assert_eq!(upload(desk, name, "", b"code").status, 200);
    let committed = desk.call("CommitRoutineStagingCode", &[("Name", name)]);
    let committed = committed.with(200);
    committed["CodeVersion"].as_str().unwrap().to_owned()
}

fn deploy(desk: &Desk, name: &str, list: &str) -> Heard {
    let params =
        [("Name", name), ("Env", "production"), ("Strategy", "percentage"), ("CodeVersions", list)];
    desk.call("CreateRoutineCodeDeployment", &params)
}

/// A routine `shop` with two versions, a second apart: `first` and `second`.
fn two_versions(desk: &Desk) -> (String, String) {
    let params = [("Name", "shop"), ("Description", "the shop"), ("HasAssets", "False")];
    let created = desk.call("CreateRoutine", &params);
    assert_eq!(created.with(200)["Status"], "OK");
    assert_eq!(created.names(), ["RequestId", "Status"]);
    let staged = upload(desk, "shop", "first", b"// @upstream http://127.0.0.1:9001\nx");
    assert_eq!(staged.status, 200, "{staged:?}");
    let first = desk.call("CommitRoutineStagingCode", &[("Name", "shop")]);
    let first = first.with(200)["CodeVersion"].as_str().unwrap().to_owned();
    assert_eq!(first, "1710120201067203242");
    desk.pass(Duration::from_secs(1));
    assert_eq!(upload(desk, "shop", "slot", b"y").status, 200);
    let params = [("Name", "shop"), ("CodeDescription", "second")];
    let second = desk.call("CommitRoutineStagingCode", &params).with(200);
    let second = second["CodeVersion"].as_str().unwrap().to_owned();

    (first, second)
}

#[test]
fn an_answer_names_its_request() {
    let desk = Desk::start();
    let created = desk.call("CreateRoutine", &[("Name", "shop")]);
    assert_eq!(created.header("content-type"), Some("application/json;charset=utf-8"));
    assert_eq!(created.header("cache-control"), Some("no-store"));
    let id = created.json()["RequestId"].as_str().unwrap().to_owned();
    assert_eq!(created.header("x-acs-request-id"), Some(id.as_str()));
    let shape: Vec<usize> = id.split('-').map(str::len).collect();
    assert_eq!(shape, [8, 4, 4, 4, 12]);
    assert_eq!(id, id.to_uppercase());
}

#[test]
fn a_version_is_what_was_uploaded() {
    let desk = Desk::start();
    let (first, second) = two_versions(&desk);
    let listed = desk.call("ListRoutineCodeVersions", &[("Name", "shop")]);
    assert_eq!(
        listed.names(),
        ["RequestId", "CodeVersions", "PageNumber", "PageSize", "TotalCount"]
    );
    let listed = listed.with(200);
    assert_eq!(listed["TotalCount"], 2);
    assert_eq!(listed["CodeVersions"][0]["CodeVersion"], second);
    assert_eq!(listed["CodeVersions"][0]["CodeDescription"], "second");
    assert_eq!(listed["CodeVersions"][1]["CodeDescription"], "first");
    assert_eq!(listed["CodeVersions"][1]["Status"], "available");
    assert_eq!(listed["CodeVersions"][1]["BuildId"], 0);
    assert_eq!(listed["CodeVersions"][1]["CreateTime"], "2024-03-11T01:23:21Z");

    let of_first = [("Name", "shop"), ("CodeVersion", first.as_str())];
    let code = desk.call("GetRoutineCodeVersion", &of_first);
    assert_eq!(code.names(), ["RequestId", "CodeDescription", "CreateTime", "RoutineCode"]);
    let code = BASE64_STANDARD.decode(code.json()["RoutineCode"].as_str().unwrap()).unwrap();
    assert_eq!(code, b"// @upstream http://127.0.0.1:9001\nx");
    let info = desk.call("GetRoutineCodeVersionInfo", &of_first);
    assert_eq!(
        info.names(),
        [
            "RequestId",
            "CodeVersion",
            "Status",
            "CodeDescription",
            "CreateTime",
            "ExtraInfo",
            "HasAssets",
            "BuildId",
            "ConfOptions"
        ]
    );
}

#[test]
fn a_routine_shows_what_is_live() {
    let desk = Desk::start();
    let (first, second) = two_versions(&desk);
    let list = json!([
        {"CodeVersion": second, "Percentage": 10},
        {"CodeVersion": first, "Percentage": 90},
    ]);
    deploy(&desk, "shop", &list.to_string()).with(200);
    let params = [("Name", "shop"), ("Env", "staging")];
    desk.call("PublishRoutineCodeVersion", &params).with(200);

    let got = desk.call("GetRoutine", &[("Name", "shop")]);
    assert_eq!(
        got.names(),
        ["RequestId", "Description", "CreateTime", "DefaultRelatedRecord", "HasAssets", "Envs"]
    );
    let got = got.with(200);
    assert_eq!(got["CreateTime"], "2024-03-11T01:23:21Z");
    assert_eq!(got["DefaultRelatedRecord"], "shop.154edaf6.er.aliyun-esa.net");
    assert_eq!(got["HasAssets"], false);
    assert_eq!(
        got["Envs"],
        json!([
            {"Env": "staging", "CodeDeploy": {
                "DeployId": "2", "Strategy": "percentage", "CreationTime": "2024-03-11T01:23:22Z",
                "CodeVersions": [
                    {"CodeVersion": second, "Percentage": 100, "Description": "second",
                     "CreateTime": "2024-03-11T01:23:22Z"},
                ],
            }},
            {"Env": "production", "CodeDeploy": {
                "DeployId": "1", "Strategy": "percentage", "CreationTime": "2024-03-11T01:23:22Z",
                "CodeVersions": [
                    {"CodeVersion": second, "Percentage": 10, "Description": "second",
                     "CreateTime": "2024-03-11T01:23:22Z"},
                    {"CodeVersion": first, "Percentage": 90, "Description": "first",
                     "CreateTime": "2024-03-11T01:23:21Z"},
                ],
            }},
        ])
    );
}

#[test]
fn a_routine_lives_from_its_creation_to_its_deletion() {
    let desk = Desk::start();
    let (first, second) = two_versions(&desk);
    let list = json!([
        {"CodeVersion": second, "Percentage": 10},
        {"CodeVersion": first, "Percentage": 90},
    ]);
    let deployed = deploy(&desk, "shop", &list.to_string());
    assert_eq!(deployed.names(), ["RequestId", "Strategy", "DeploymentId", "CodeVersions"]);
    let deployed = deployed.with(200);
    assert_eq!(deployed["Strategy"], "percentage");
    assert_eq!(deployed["DeploymentId"], "1");
    assert_eq!(deployed["CodeVersions"], list, "echoed in the order sent");

    let published = desk.call("PublishRoutineCodeVersion", &[("Name", "shop"), ("Env", "staging")]);
    assert_eq!(published.with(200)["CodeVersion"], second, "the newest");

    let of_first = [("Name", "shop"), ("CodeVersion", first.as_str())];
    let deleted = desk.call("DeleteRoutineCodeVersion", &of_first);
    assert_refused(&deleted, 400, "DependedByOthers", SERVICE_TEXT);
    let of_second = [("Name", "shop"), ("Env", "production"), ("CodeVersion", second.as_str())];
    desk.call("PublishRoutineCodeVersion", &of_second).with(200);
    let deleted = desk.call("DeleteRoutineCodeVersion", &of_first);
    assert_eq!(deleted.with(200)["Status"], "OK");
    let params = [("Name", "shop"), ("Description", "new")];
    let described = desk.call("UpdateRoutineConfigDescription", &params);
    assert_eq!(described.with(200)["Status"], "OK");
    let got = desk.call("GetRoutine", &[("Name", "shop")]).with(200);
    assert_eq!(got["Description"], "new");

    let deleted = desk.call("DeleteRoutine", &[("Name", "shop")]);
    assert_eq!(deleted.with(200)["Status"], "OK", "although it is deployed");
    let got = desk.call("GetRoutine", &[("Name", "shop")]);
    assert_refused(&got, 400, "RoutineNotExist", NO_ROUTINE);
}

#[test]
fn every_client_is_understood() {
    let desk = Desk::start();
    // esa-cli: GET, all in the query, an empty value for what is not set.
    let target = "/?Name=cli-demo&Description=&HasAssets=true";
    let headers = [("x-acs-action", "CreateRoutine"), ("x-acs-version", "2024-09-10")];
    desk.request("GET", target, &headers, b"").with(200);
    // pop-core: all in the form, action and version too.
    let body = form(&[
        ("AccessKeyId", "testid"),
        ("Action", "GetRoutine"),
        ("Version", "2024-09-10"),
        ("Name", "cli-demo"),
    ]);
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let got = desk.request("POST", "/", &headers, body.as_bytes()).with(200);
    assert_eq!((&got["HasAssets"], &got["Envs"]), (&json!(true), &json!([])));
    // esa-cli again: JSON, structures as they are.
    let version = add_version(&desk, "cli-demo");
    let headers = [
        ("x-acs-action", "CreateRoutineCodeDeployment"),
        ("x-acs-version", "2024-09-10"),
        ("content-type", "application/json; charset=utf-8"),
    ];
    let body = json!({
        "Name": "cli-demo", "Env": "staging", "Strategy": "percentage",
        "CodeVersions": [{"CodeVersion": version, "Percentage": 100}],
    });
    let deployed = desk.request("POST", "/", &headers, body.to_string().as_bytes());
    assert_eq!(deployed.with(200)["DeploymentId"], "1");
    // Node: chunks, no Content-Length.
    let body = "Name=cli-demo";
    let octets = format!(
        "POST / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nX-Acs-Action: GetRoutine\r\n\
         X-Acs-Version: 2024-09-10\r\nTransfer-Encoding: chunked\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        desk.address,
        body.len()
    );
    let got = desk.send(octets.as_bytes());
    assert!(got.body.contains("\"Env\":\"staging\""), "{got:?}");
}

#[test]
fn routines_are_listed_in_pages() {
    let desk = Desk::start();
    for number in 10..70 {
        let name = format!("shop-{number}");
        desk.call("CreateRoutine", &[("Name", &name)]).with(200);
    }
    let page = |params: &[(&str, &str)]| desk.call("ListUserRoutines", params);
    let first = page(&[("PageNumber", "1"), ("PageSize", "50")]);
    assert_eq!(
        first.names(),
        [
            "RequestId",
            "Routines",
            "PageNumber",
            "PageSize",
            "TotalCount",
            "QuotaRoutineNumber",
            "UsedRoutineNumber"
        ]
    );
    let first = first.with(200);
    assert_eq!(first["Routines"].as_array().unwrap().len(), 50);
    assert_eq!(first["Routines"][0]["RoutineName"], "shop-10");
    let second = page(&[("PageNumber", "2"), ("PageSize", "50")]).with(200);
    assert_eq!(second["Routines"].as_array().unwrap().len(), 10);
    let found = page(&[("SearchKeyWord", "p-3")]).with(200);
    assert_eq!((&found["TotalCount"], &found["UsedRoutineNumber"]), (&json!(10), &json!(60)));
    for params in [[("PageNumber", "0")], [("PageNumber", "one")], [("PageSize", "-1")]] {
        assert_refused(&page(&params), 400, "InvalidParameter", INVALID);
    }
}

#[test]
fn a_refused_call_says_why_and_changes_nothing() {
    let desk = Desk::start();
    let version = with_version(&desk, "shop");
    let whole = json!([{"CodeVersion": version, "Percentage": 100}]).to_string();
    deploy(&desk, "shop", &whole).with(200);
    let state = || desk.ask("GET", "/routines").with(200);
    let before = state();

    let none = json!([{"CodeVersion": "no-such", "Percentage": 100}]).to_string();
    let twice = json!([
        {"CodeVersion": version, "Percentage": 50}, {"CodeVersion": version, "Percentage": 50},
    ])
    .to_string();
    let half = json!([{"CodeVersion": version, "Percentage": 50}]).to_string();
    let text = json!([{"CodeVersion": version, "Percentage": "100"}]).to_string();
    for list in [&none, &twice, &half, &text, "[", "[]"] {
        let refused = deploy(&desk, "shop", list);
        assert_refused(&refused, 400, "InvalidParameter", INVALID_DEPLOYMENT);
    }
    let refused = deploy(&desk, "shop", &half).json();
    let reason = refused["Reason"].as_str().unwrap();
    assert!(reason.contains("sum to 100, not 50"), "{reason}");
    assert_eq!(refused["HostId"], desk.address.to_string());

    assert_eq!(state(), before);
}

#[test]
fn checks_run_in_order_and_each_has_its_words() {
    let desk = Desk::start();
    let version = with_version(&desk, "shop");
    let whole = json!([{"CodeVersion": version, "Percentage": 100}]).to_string();
    deploy(&desk, "shop", &whole).with(200);
    let before = desk.ask("GET", "/routines").with(200);

    let refuse = |action, params: &[(&str, &str)], code, message| {
        assert_refused(&desk.call(action, params), 400, code, message);
    };
    // Presence comes before shape, shape before existence.
    let deployment = "CreateRoutineCodeDeployment";
    let mut params = vec![("Name", "none"), ("Env", "prod"), ("Strategy", "percentage")];
    refuse(deployment, &params, "ParameterNotExist", ABSENT);
    params.push(("CodeVersions", &whole));
    refuse(deployment, &params, "InvalidParameter", INVALID_DEPLOYMENT);
    params[1] = ("Env", "production");
    refuse(deployment, &params, "RoutineNotExist", NO_ROUTINE);
    params[2] = ("Strategy", "canary");
    refuse(deployment, &params, "InvalidParameter", INVALID_DEPLOYMENT);

    let taken = "The routine name already exists.";
    refuse("CreateRoutine", &[], "ParameterNotExist", ABSENT);
    refuse("CreateRoutine", &[("Name", "")], "ParameterNotExist", ABSENT);
    refuse("CreateRoutine", &[("Name", "A")], "InvalidParameter", INVALID);
    let assets = [("Name", "new"), ("HasAssets", "yes")];
    refuse("CreateRoutine", &assets, "InvalidParameter", INVALID);
    refuse("CreateRoutine", &[("Name", "shop")], "RoutineAlreadyExist", taken);
    for action in [
        "GetRoutine",
        "DeleteRoutine",
        "UpdateRoutineConfigDescription",
        "GetRoutineStagingCodeUploadInfo",
        "CommitRoutineStagingCode",
        "ListRoutineCodeVersions",
    ] {
        refuse(action, &[], "ParameterNotExist", ABSENT);
        refuse(action, &[("Name", "none")], "RoutineNotExist", NO_ROUTINE);
    }
    for action in ["GetRoutineCodeVersion", "GetRoutineCodeVersionInfo", "DeleteRoutineCodeVersion"]
    {
        let params = |name, version| [("Name", name), ("CodeVersion", version)];
        refuse(action, &[("Name", "shop")], "ParameterNotExist", ABSENT);
        refuse(action, &params("none", "1"), "RoutineNotExist", NO_ROUTINE);
        refuse(action, &params("shop", "1"), "InvalidParameter", INVALID);
        refuse(action, &params("shop", "a b"), "InvalidParameter", INVALID);
    }
    let publish = "PublishRoutineCodeVersion";
    let params = |name, env, version| [("Name", name), ("Env", env), ("CodeVersion", version)];
    refuse(publish, &params("shop", "", "1"), "ParameterNotExist", ABSENT);
    refuse(publish, &params("shop", "prod", "1"), "InvalidParameter", INVALID);
    refuse(publish, &params("none", "staging", "1"), "RoutineNotExist", NO_ROUTINE);
    refuse(publish, &params("none", "staging", ""), "RoutineNotExist", NO_ROUTINE);
    refuse(publish, &params("shop", "staging", "1"), "InvalidParameter", INVALID);
    assert_eq!(desk.ask("GET", "/routines").with(200), before);
}

#[test]
fn nothing_staged_and_no_version_are_told() {
    let desk = Desk::start();
    desk.call("CreateRoutine", &[("Name", "shop")]).with(200);
    let commit = desk.call("CommitRoutineStagingCode", &[("Name", "shop")]);
    assert_refused(&commit, 400, "InvalidParameter", INVALID);
    let params = [("Name", "shop"), ("Env", "staging")];
    let publish = desk.call("PublishRoutineCodeVersion", &params);
    assert_refused(&publish, 400, "InvalidParameter", INVALID);
}

#[test]
fn what_is_no_action_is_not_found() {
    let desk = Desk::start();
    for target in [
        "/",
        "/?Action=CreateRoutine&Version=2020-01-01&Name=shop",
        "/?Action=NoSuchAction&Version=2024-09-10",
        "/?Version=2024-09-10",
    ] {
        let refused = desk.request("GET", target, &[], b"");
        assert_refused(&refused, 404, "InvalidAction.NotFound", NO_ACTION);
    }
    let refused = desk.request("PUT", "/?Action=CreateRoutine&Version=2024-09-10", &[], b"");
    assert_eq!(refused.with(400)["Code"], "UnsupportedHTTPMethod");
    assert_eq!(desk.ask("GET", "/routines").with(200)["total"], 0);
}

#[test]
fn a_call_by_hand_may_leave_the_version_out() {
    let desk = Desk::start();
    desk.request("GET", "/?Action=CreateRoutine&Name=shop", &[], b"").with(200);
    assert_eq!(desk.ask("GET", "/routines").with(200)["total"], 1);
}

#[test]
fn a_body_that_cannot_be_read_is_an_invalid_parameter() {
    let desk = Desk::start();
    let large = vec![b'a'; 1024 * 1024 + 1];
    for (kind, body) in [
        ("application/json", &b"{"[..]),
        ("text/plain", b"Name=shop"),
        ("application/x-www-form-urlencoded", &large),
    ] {
        let headers = [
            ("x-acs-action", "CreateRoutineCodeDeployment"),
            ("x-acs-version", "2024-09-10"),
            ("content-type", kind),
        ];
        let refused = desk.request("POST", "/", &headers, body);
        assert_refused(&refused, 400, "InvalidParameter", INVALID_DEPLOYMENT);
    }
}

#[test]
fn an_upload_is_answered_as_its_form_asks() {
    let desk = Desk::start();
    desk.call("CreateRoutine", &[("Name", "shop")]).with(200);
    let config = upload_config(&desk, "shop", "");
    assert_eq!(config["Url"], format!("http://{}/oss", desk.address));
    assert_eq!(config["key"], "site_er_js/shop.154edaf6.unstable.js");
    let names: Vec<&String> = config.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["Url", "OSSAccessKeyId", "Signature", "policy", "key", "callback", "x:codeDescription"]
    );
    for (asked, status) in [("200", 200), ("201", 201), ("204", 204), ("302", 200)] {
        let mut fields = fields(&config);
        fields.push(("success_action_status".to_owned(), asked.to_owned()));
        assert_eq!(post(&desk, &fields, b"x").status, status, "{asked}");
    }
}

#[test]
fn an_upload_that_was_not_allowed_is_refused_as_oss_does() {
    let desk = Desk::start();
    desk.call("CreateRoutine", &[("Name", "shop")]).with(200);
    desk.call("CreateRoutine", &[("Name", "other")]).with(200);
    let good = fields(&upload_config(&desk, "shop", ""));
    let with = |name: &str, value: &str| {
        let mut fields = good.clone();
        for (known, old) in &mut fields {
            if known == name {
                value.clone_into(old);
            }
        }
        fields
    };
    let refused = |heard: &Heard, status, code: &str| {
        assert_eq!(heard.status, status, "{heard:?}");
        assert_eq!(heard.header("content-type"), Some("application/xml"));
        let id = heard.header("x-oss-request-id").unwrap();
        assert!(heard.body.contains(&format!("<Error><Code>{code}</Code><Message>")));
        assert!(heard.body.contains(&format!("<RequestId>{id}</RequestId></Error>")));
    };
    let other = "site_er_js/other.154edaf6.unstable.js";
    refused(&post(&desk, &with("key", other), b"x"), 403, "AccessDenied");
    refused(&post(&desk, &with("Signature", "AAAA"), b"x"), 403, "AccessDenied");
    refused(&post(&desk, &[], b"x"), 403, "AccessDenied");
    let large = vec![b'x'; 5_000_001];
    refused(&post(&desk, &good, &large), 400, "EntityTooLarge");
    let larger = vec![b'x'; 6_000_000];
    refused(&post(&desk, &good, &larger), 400, "EntityTooLarge");
    let plain = [("content-type", "text/plain")];
    let malformed = desk.request("POST", "/oss", &plain, b"x");
    refused(&malformed, 400, "MalformedPOSTRequest");
    let wrong = desk.request("GET", "/oss", &[], b"");
    refused(&wrong, 405, "MethodNotAllowed");
    assert_eq!(wrong.header("allow"), Some("POST"));
    for name in ["shop", "other"] {
        let commit = desk.call("CommitRoutineStagingCode", &[("Name", name)]);
        assert_refused(&commit, 400, "InvalidParameter", INVALID);
    }
    assert_eq!(post(&desk, &good, &large[1..]).status, 200, "5 MB are taken");
    desk.pass(Duration::from_secs(301));
    refused(&post(&desk, &good, b"x"), 403, "AccessDenied");
    let gone = fields(&upload_config(&desk, "shop", ""));
    desk.call("DeleteRoutine", &[("Name", "shop")]).with(200);
    refused(&post(&desk, &gone, b"x"), 404, "NoSuchKey");
}

#[test]
fn a_foreign_web_page_is_turned_away_in_the_callers_dialect() {
    let desk = Desk::start();
    let foreign = [
        [("host", "evil.test"), ("accept", "*/*")],
        [("origin", "http://evil.test"), ("accept", "*/*")],
        [("origin", "null"), ("accept", "*/*")],
        [("sec-fetch-site", "cross-site"), ("accept", "*/*")],
        [("sec-fetch-site", "same-site"), ("accept", "*/*")],
        // Another port of this machine is another program's page.
        [("origin", "http://localhost:1"), ("accept", "*/*")],
    ];
    for headers in foreign {
        let target = "/?Action=CreateRoutine&Version=2024-09-10&Name=shop";
        let refused = desk.request("GET", target, &headers, b"");
        assert_eq!(refused.with(403)["Code"], "NoPermission", "{headers:?}");
        let refused = desk.request("GET", "/api/v1/routines", &headers, b"");
        assert_eq!(refused.with(403)["error"]["code"], "forbidden", "{headers:?}");
        let refused = desk.request("GET", "/livez", &headers, b"");
        assert_eq!(refused.status, 403);
        let refused = desk.request("POST", "/oss", &headers, b"");
        assert_eq!(refused.status, 403);
        assert!(refused.body.contains("<Code>AccessDenied</Code>"));
    }
    assert_eq!(desk.ask("GET", "/routines").with(200)["total"], 0);
    let origin = format!("http://localhost:{}", desk.address.port());
    let own =
        [("host", "admin.localhost:1"), ("origin", &origin), ("sec-fetch-site", "same-origin")];
    let target = "/?Action=CreateRoutine&Version=2024-09-10&Name=shop";
    desk.request("GET", target, &own, b"").with(200);
}
