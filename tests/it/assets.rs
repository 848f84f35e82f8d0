//! Versions that come as one zip of code and assets, from the first call to the last,
//! and what becomes of zips that are none.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::support::desk::{Desk, Heard};
use crate::support::oss::{FORM_KIND, zip_form, zipped};
use crate::support::wait_until;

const CREATE: &str = "CreateRoutineWithAssetsCodeVersion";
const CODE: &str = "// @upstream http://127.0.0.1:9001\nexport default {}";

fn site() -> Vec<u8> {
    zipped(&[("routine/index.js", CODE.as_bytes()), ("assets/index.html", b"<p>hello")])
}

/// A version of `shop` that waits for its zip, and where it goes.
struct Begun {
    version: String,
    config: Value,
}

fn begin(desk: &Desk) -> Begun {
    let begun = desk.call_json(CREATE, &json!({ "Name": "shop" })).with(200);
    let version = begun["CodeVersion"].as_str().unwrap().to_owned();
    Begun { version, config: begun["OssPostConfig"].clone() }
}

fn with_shop() -> (Desk, Begun) {
    let desk = Desk::start();
    desk.call("CreateRoutine", &[("Name", "shop"), ("HasAssets", "true")]).with(200);
    let begun = begin(&desk);
    (desk, begun)
}

/// Posts the form to the address that the answer told.
fn post(desk: &Desk, config: &Value, more: &[(&str, &str)], zip: &[u8]) -> Heard {
    let body = zip_form(config, more, zip);
    let own = format!("http://{}", desk.address);
    let path = config["Url"].as_str().unwrap().strip_prefix(&own).unwrap().to_owned();
    let headers = [("content-type", FORM_KIND)];
    desk.request("POST", &path, &headers, &body)
}

fn info(desk: &Desk, version: &str) -> Value {
    let params = [("Name", "shop"), ("CodeVersion", version)];
    desk.call("GetRoutineCodeVersionInfo", &params).with(200)
}

fn status(desk: &Desk, version: &str) -> String {
    info(desk, version)["Status"].as_str().unwrap().to_owned()
}

fn deploy(desk: &Desk, version: &str) -> Heard {
    let body = json!({
        "Name": "shop", "Env": "production", "Strategy": "percentage",
        "CodeVersions": [{ "CodeVersion": version, "Percentage": 100 }],
    });
    desk.call_json("CreateRoutineCodeDeployment", &body)
}

#[track_caller]
fn assert_refused(heard: &Heard, status: u16, code: &str, reason: &str) {
    assert_eq!(heard.status, status, "{heard:?}");
    assert!(heard.body.contains(&format!("<Code>{code}</Code>")), "{heard:?}");
    assert!(heard.body.contains(reason), "{reason}: {heard:?}");
}

#[test]
fn a_version_with_assets_lives_as_esa_cli_makes_it() {
    let desk = Desk::start();
    desk.call("CreateRoutine", &[("Name", "shop"), ("HasAssets", "true")]).with(200);
    let body = json!({
        "Name": "shop",
        "CodeDescription": "a site",
        "ExtraInfo": "{\"Source\":\"CLI\"}",
        "ConfOptions": { "NotFoundStrategy": "SinglePageApplication" },
    });
    let begun = desk.call_json(CREATE, &body);
    assert_eq!(begun.names(), ["RequestId", "CodeVersion", "Status", "OssPostConfig"]);
    let begun = begun.with(200);
    let version = begun["CodeVersion"].as_str().unwrap();
    assert_eq!((version, begun["Status"].as_str()), ("1710120201067203242", Some("init")));
    let config = &begun["OssPostConfig"];
    let names: Vec<&String> = config.as_object().unwrap().keys().collect();
    assert_eq!(names, ["Url", "Key", "OSSAccessKeyId", "Policy", "Signature", "XOssSecurityToken"]);
    assert_eq!(config["Url"], format!("http://{}/oss/assets", desk.address));

    assert_eq!(status(&desk, version), "init");
    let early = deploy(&desk, version).with(400);
    assert_eq!(early["Code"], "InvalidParameter");
    assert!(early["Reason"].as_str().unwrap().contains("`init`"), "{early}");
    let params = [("Name", "shop"), ("Env", "staging")];
    desk.call("PublishRoutineCodeVersion", &params).with(400);

    assert_eq!(post(&desk, config, &[], &site()).status, 200);
    let told = info(&desk, version);
    assert_eq!(told["Status"], "available");
    assert_eq!(told["HasAssets"], true);
    assert_eq!(told["ExtraInfo"], "{\"Source\":\"CLI\"}");
    assert_eq!(told["BuildId"], 0);
    assert_eq!(told["ConfOptions"], json!({ "NotFoundStrategy": "SinglePageApplication" }));
    assert_eq!(told["CodeDescription"], "a site");
    let params = [("Name", "shop"), ("CodeVersion", version)];
    let code = desk.call("GetRoutineCodeVersion", &params).with(200);
    assert_eq!(code["RoutineCode"], BASE64_STANDARD.encode(CODE));
    let native = desk.ask("GET", &format!("/routines/shop/versions/{version}")).with(200);
    assert_eq!(native["upstream"], "http://127.0.0.1:9001");
    assert_eq!(native["status"], "available");
    assert_eq!(deploy(&desk, version).with(200)["DeploymentId"], "1");
}

#[test]
fn a_version_may_come_without_code_and_a_description_names_its_upstream() {
    let desk = Desk::start();
    desk.call("CreateRoutine", &[("Name", "shop")]).with(200);
    // The SDKs send a form, and structures as text.
    let params = [
        ("Name", "shop"),
        ("CodeDescription", "upstream=http://127.0.0.1:9002"),
        ("ConfOptions", "{\"NotFoundStrategy\":\"404Page\"}"),
        ("BuildId", "17"),
        ("DeployEnv", "staging"),
    ];
    let begun = desk.call(CREATE, &params).with(200);
    let version = begun["CodeVersion"].as_str().unwrap();
    let alone = zipped(&[("assets/a.txt", b"a"), ("assets/b/c.txt", b"c")]);
    let answer = post(&desk, &begun["OssPostConfig"], &[("success_action_status", "204")], &alone);
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    let listed = desk.call("ListRoutineCodeVersions", &[("Name", "shop")]).with(200);
    assert_eq!(
        listed["CodeVersions"][0],
        json!({
            "CodeVersion": version,
            "CodeDescription": "upstream=http://127.0.0.1:9002",
            "CreateTime": "2024-03-11T01:23:21Z",
            "Status": "available",
            "ExtraInfo": "{}",
            "DeployEnv": "staging",
            "BuildId": 17,
            "HasEnvVars": false,
            "ConfOptions": { "NotFoundStrategy": "404Page" },
        })
    );
    let params = [("Name", "shop"), ("CodeVersion", version)];
    let code = desk.call("GetRoutineCodeVersion", &params).with(200);
    assert_eq!(code["RoutineCode"], "");
    let native = desk.ask("GET", &format!("/routines/shop/versions/{version}")).with(200);
    assert_eq!(native["upstream"], "http://127.0.0.1:9002");
}

#[test]
fn a_bad_zip_fails_its_version_and_says_why() {
    let (desk, Begun { version, config }) = with_shop();
    let good = site();
    let bomb = zipped(&[("assets/a", &vec![0; 25_000_001])]);
    assert!(bomb.len() < 100_000);
    let many: Vec<String> = (0..11_000).map(|n| format!("assets/{n}")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (&**name, &b""[..])).collect();
    let traversal = zipped(&[("assets/../../etc/passwd", b"x")]);
    let note = zipped(&[("routine/index.js", b"// @upstream ftp://a.test")]);
    for (zip, reason) in [
        (&b"not a zip"[..], "no zip"),
        (b"", "no zip"),
        (&good[..good.len() / 2], "no zip"),
        (&bomb, "larger than 25000000 bytes"),
        (&zipped(&many), "more than 10000 entries"),
        (&traversal, "stays inside"),
        (&zipped(&[("index.js", b"x")]), "neither"),
        (&note, "in the code&apos;s first line"),
    ] {
        let answer = post(&desk, &config, &[], zip);
        let reason = reason.replace("&apos;", "'");
        assert_refused(&answer, 400, "InvalidArgument", &reason);
        assert_eq!(status(&desk, &version), "failed");
        assert_eq!(deploy(&desk, &version).with(400)["Code"], "InvalidParameter");
    }
    assert_eq!(post(&desk, &config, &[], &good).status, 200, "a better one is taken");
    assert_eq!(status(&desk, &version), "available");
}

#[test]
fn a_zip_of_many_small_entries_that_come_out_large_is_a_bomb_too() {
    let (desk, Begun { version, config }) = with_shop();
    let large = vec![0; 24_000_000];
    let names: Vec<String> = (0..12).map(|n| format!("assets/{n}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (&**name, &large[..])).collect();
    let answer = post(&desk, &config, &[], &zipped(&files));
    assert_refused(&answer, 400, "InvalidArgument", "more than 268435456 bytes come out");
    assert_eq!(status(&desk, &version), "failed");
}

#[test]
fn what_breaks_off_or_is_too_large_leaves_the_version_waiting() {
    let (desk, Begun { version, config }) = with_shop();
    let headers = [("content-type", FORM_KIND)];
    let cut = desk.request("POST", "/oss/assets", &headers, b"--b\r\nContent-Dispo");
    assert_refused(&cut, 400, "MalformedPOSTRequest", "");
    let large = vec![0; 64 * 1024 * 1024 + 1];
    assert_refused(&post(&desk, &config, &[], &large), 400, "EntityTooLarge", "67108864");
    assert_eq!(status(&desk, &version), "init");
}

#[test]
fn a_zip_that_came_whole_is_taken_although_its_sender_hung_up() {
    let (desk, Begun { version, config }) = with_shop();
    // It takes its time to read, in which the sender is gone.
    let large = vec![0; 24_000_000];
    let zip = zipped(&[("assets/a", &large), ("assets/b", &large), ("assets/c", &large)]);
    let body = zip_form(&config, &[], &zip);
    let mut sender = TcpStream::connect(desk.address).unwrap();
    let length = body.len();
    let head = format!(
        "POST /oss/assets HTTP/1.1\r\nhost: {}\r\ncontent-type: {FORM_KIND}\r\ncontent-length: {length}\r\n\r\n",
        desk.address
    );
    sender.write_all(&[head.as_bytes(), &body].concat()).unwrap();
    drop(sender);
    wait_until(|| status(&desk, &version) == "available");
}

#[test]
fn an_available_version_takes_no_other_zip() {
    let (desk, Begun { version, config }) = with_shop();
    assert_eq!(post(&desk, &config, &[], &site()).status, 200);
    let before = info(&desk, &version);
    for zip in [&site()[..], b"not a zip"] {
        let again = post(&desk, &config, &[], zip);
        assert_refused(&again, 409, "FileAlreadyExists", "available already");
    }
    let mut after = info(&desk, &version);
    after["RequestId"] = before["RequestId"].clone();
    assert_eq!(after, before);
}

#[test]
fn a_permission_is_for_one_version_and_five_minutes() {
    let (desk, one) = with_shop();
    desk.pass(Duration::from_secs(1));
    let other = begin(&desk);
    assert_ne!(one.version, other.version);
    let with = |name: &str, value: &Value| {
        let mut config = one.config.clone();
        config[name] = value.clone();
        config
    };
    for config in [
        with("Key", &other.config["Key"]),
        with("Policy", &other.config["Policy"]),
        with("Signature", &json!("AAAA")),
        with("Signature", &json!("")),
        with("Policy", &json!("e30=")),
    ] {
        assert_refused(&post(&desk, &config, &[], &site()), 403, "AccessDenied", "");
    }
    // Leave to fill the slot is none to fill a version, nor the other way round.
    let slot = desk.call("GetRoutineStagingCodeUploadInfo", &[("Name", "shop")]).with(200);
    let slot = &slot["OssPostConfig"];
    let swapped = json!({
        "Url": one.config["Url"], "Key": slot["key"], "Policy": slot["policy"],
        "Signature": slot["Signature"], "OSSAccessKeyId": "x", "XOssSecurityToken": "x",
    });
    assert_refused(&post(&desk, &swapped, &[], &site()), 403, "AccessDenied", "another upload");
    let to_slot = with("Url", &slot["Url"]);
    assert_refused(&post(&desk, &to_slot, &[], &site()), 403, "AccessDenied", "another upload");
    for version in [&one.version, &other.version] {
        assert_eq!(status(&desk, version), "init");
    }

    desk.pass(Duration::from_secs(298));
    assert_eq!(post(&desk, &one.config, &[], &site()).status, 200);
    desk.pass(Duration::from_secs(2));
    assert_refused(&post(&desk, &other.config, &[], &site()), 403, "AccessDenied", "expired");
    assert_eq!(status(&desk, &other.version), "init");
}

#[test]
fn a_version_or_routine_that_is_gone_takes_nothing() {
    let (desk, one) = with_shop();
    let params = [("Name", "shop"), ("CodeVersion", one.version.as_str())];
    desk.call("DeleteRoutineCodeVersion", &params).with(200);
    for zip in [&site()[..], b"not a zip"] {
        assert_refused(&post(&desk, &one.config, &[], zip), 404, "NoSuchKey", "");
    }
    let other = begin(&desk);
    desk.call("DeleteRoutine", &[("Name", "shop")]).with(200);
    assert_refused(&post(&desk, &other.config, &[], &site()), 404, "NoSuchKey", "");
}

#[test]
fn a_version_that_cannot_be_is_not_begun() {
    let desk = Desk::start();
    desk.call("CreateRoutine", &[("Name", "shop")]).with(200);
    let refused = desk.call_json(CREATE, &json!({ "Name": "none" })).with(400);
    assert_eq!(refused["Code"], "RoutineNotExist");
    let refused = desk.call_json(CREATE, &json!({})).with(400);
    assert_eq!(refused["Code"], "ParameterNotExist");
    for (field, value) in [
        ("ExtraInfo", json!("no json")),
        ("ExtraInfo", json!(format!("\"{}\"", "x".repeat(4_095)))),
        ("BuildId", json!("x")),
        ("BuildId", json!(-1)),
        ("BuildId", json!(9_007_199_254_740_992_u64)),
        ("DeployEnv", json!("prod")),
        ("ConfOptions", json!("x")),
        ("ConfOptions", json!([])),
        ("ConfOptions", json!({ "NotFoundStrategy": 1 })),
        ("ConfOptions", json!({ "NotFoundStrategy": "x".repeat(65) })),
        ("CodeDescription", json!("upstream=ftp://a.test")),
    ] {
        let refused = desk.call_json(CREATE, &json!({ "Name": "shop", (field): value }));
        assert_eq!(refused.with(400)["Code"], "InvalidParameter", "{field}");
    }
    let listed = desk.call("ListRoutineCodeVersions", &[("Name", "shop")]).with(200);
    assert_eq!(listed["TotalCount"], 0);
}

#[test]
fn a_read_only_key_begins_nothing() {
    let desk = Desk::keyed(&[("looker", "secret", true)]);
    let headers = [
        ("x-acs-action", CREATE),
        ("x-acs-version", "2024-09-10"),
        ("authorization", "Bearer secret"),
    ];
    let refused = desk.request("POST", "/?Name=shop", &headers, b"");
    assert_eq!(refused.with(403)["Code"], "Forbidden.RAM");
}
