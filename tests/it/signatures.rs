//! Who may call: signatures as each client makes them, and every refusal.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::desk::{Desk, Heard, form};
use crate::support::process::{ANY_PORT, Process, serin};
use crate::support::signer::{Draft, sign_v1, v1_string};

const ID: &str = "testid";
const SECRET: &str = "testsecret";
const WATCHER: &str = "watcher";
const WATCHERS_SECRET: &str = "only-looking";
/// The desk's clock when it starts.
const NOW: &str = "2024-03-11T01:23:21Z";
const FORM: &str = "application/x-www-form-urlencoded";

fn keyed() -> Desk {
    Desk::keyed(&[(ID, SECRET, false), (WATCHER, WATCHERS_SECRET, true)])
}

fn send(desk: &Desk, draft: &Draft) -> Heard {
    let headers: Vec<(&str, &str)> =
        draft.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    desk.request(&draft.method, &draft.target(), &headers, &draft.body)
}

/// A call as today's clients make it, not yet signed.
fn call(desk: &Desk, action: &str) -> Draft {
    Draft::new("POST", "/")
        .header("host", &desk.address.to_string())
        .header("x-acs-version", "2024-09-10")
        .header("x-acs-action", action)
        .header("x-acs-credentials-provider", "static_ak")
}

fn signed(draft: Draft, nonce: &str) -> Draft {
    draft.sign_v3(ID, SECRET, NOW, nonce)
}

#[track_caller]
fn assert_denied(heard: &Heard, status: u16, code: &str, message: &str) {
    let error = heard.with(status);
    assert_eq!(
        (error["Code"].as_str(), error["Message"].as_str()),
        (Some(code), Some(message)),
        "{heard:?}"
    );
}

#[track_caller]
fn assert_native_denied(heard: &Heard, status: u16, code: &str) {
    assert_eq!(heard.with(status)["error"]["code"], code, "{heard:?}");
    let how = heard.header("www-authenticate");
    assert_eq!(how, (status == 401).then_some("Bearer"), "{heard:?}");
}

const INCOMPLETE: &str = "The request signature does not conform to Aliyun standards.";
const NOT_FOUND: &str = "Specified access key is not found.";
const EXPIRED: &str = "Specified time stamp or date value is expired.";
const MALFORMED: &str = "Specified time stamp or date value is not well formatted.";
const USED: &str = "Specified signature nonce was used already.";
const FORBIDDEN: &str =
    "User not authorized to operate on the specified resource, or this API doesn't support RAM.";
const MISMATCH: &str =
    "Specified signature is not matched with our calculation. server string to sign is:";

#[test]
fn each_style_of_v3_is_taken() {
    let desk = keyed();
    // Python signs every header that it sets.
    let python = call(&desk, "CreateRoutine")
        .header("user-agent", "AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2")
        .header("accept", "application/json")
        .body(FORM, "Description=the+description&HasAssets=False&Name=by-python");
    send(&desk, &signed(python, "1")).with(200);

    // Node sends some that it does not sign, and chunks every body.
    let node = call(&desk, "CreateRoutine")
        .body(FORM, "Description=the%20(description)&HasAssets=false&Name=by-node");
    let node = signed(node, "2").header("user-agent", "AlibabaCloud Node.js");
    let lines: Vec<String> =
        node.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let body = String::from_utf8(node.body).unwrap();
    let (first, rest) = body.split_at(10);
    let request = format!(
        "POST / HTTP/1.1\r\n{}connection: close\r\ntransfer-encoding: chunked\r\n\r\n\
         {:x}\r\n{first}\r\n{:x}\r\n{rest}\r\n0\r\n\r\n",
        lines.concat(),
        first.len(),
        rest.len()
    );
    desk.send(request.as_bytes()).with(200);

    // esa-cli puts parameters in the query of a GET, or in JSON.
    let mut cli = call(&desk, "CreateRoutine").query(&[
        ("Name", "by-cli"),
        ("Description", "a *(b)' ü~"),
        ("HasAssets", "true"),
    ]);
    "GET".clone_into(&mut cli.method);
    send(&desk, &signed(cli, "3")).with(200);
    let json = json!({"Name": "by-json", "Description": "b"}).to_string();
    let cli = call(&desk, "CreateRoutine").body("application/json; charset=utf-8", &json);
    send(&desk, &signed(cli, "4")).with(200);

    // A temporary key's token is signed, and passed through.
    let sts = call(&desk, "ListUserRoutines")
        .header("x-acs-security-token", "CAIS+token/==")
        .header("x-acs-accesskey-id", ID)
        .query(&[("PageNumber", "1"), ("SearchKeyWord", ""), ("RegionId", "")]);
    let listed = send(&desk, &signed(sts, "5")).with(200);
    assert_eq!(listed["TotalCount"], 4);
}

#[test]
fn each_style_of_v1_is_taken() {
    let desk = keyed();
    let fixed = |action: &'static str, nonce: &'static str| {
        [
            ("AccessKeyId", ID),
            ("Action", action),
            ("Format", "json"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureNonce", nonce),
            ("SignatureType", ""),
            ("SignatureVersion", "1.0"),
            ("Timestamp", NOW),
            ("Version", "2024-09-10"),
        ]
    };
    let pairs = |params: &[(String, String)]| -> String {
        let params: Vec<(&str, &str)> =
            params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        form(&params)
    };
    // pop-core: everything in the form.
    let params = [&fixed("CreateRoutine", "1")[..], &[("Name", "by-pop"), ("Description", "ü *")]];
    let body = pairs(&sign_v1("POST", SECRET, &params.concat()));
    let headers = [("content-type", FORM), ("x-acs-action", "CreateRoutine")];
    desk.request("POST", "/", &headers, body.as_bytes()).with(200);

    // Older SDKs: everything in the query, with a temporary key's token.
    let params = [&fixed("GetRoutine", "2")[..], &[("Name", "by-pop"), ("SecurityToken", "t/+=")]];
    let query = pairs(&sign_v1("GET", SECRET, &params.concat()));
    let got = desk.request("GET", &format!("/?{query}"), &[], b"").with(200);
    assert_eq!(got["Description"], "ü *");

    // Today's SDKs when they are told to: the fixed ones in the query.
    let params = [&fixed("UpdateRoutineConfigDescription", "3")[..], &[("Name", "by-pop")]];
    let (rest, query): (Vec<_>, Vec<_>) =
        sign_v1("POST", SECRET, &params.concat()).into_iter().partition(|(name, _)| name == "Name");
    let target = format!("/?{}", pairs(&query));
    let sent = desk.request("POST", &target, &[("content-type", FORM)], pairs(&rest).as_bytes());
    sent.with(200);

    // And its refusals.
    let params = fixed("GetRoutine", "4");
    let query = pairs(&sign_v1("GET", "wrong", &params));
    let heard = desk.request("GET", &format!("/?{query}"), &[], b"");
    let message = format!("{MISMATCH}{}", v1_string("GET", &params));
    assert_denied(&heard, 400, "SignatureDoesNotMatch", &message);
    let query = pairs(&sign_v1("GET", SECRET, &fixed("ListUserRoutines", "2")));
    let heard = desk.request("GET", &format!("/?{query}"), &[], b"");
    assert_denied(&heard, 400, "SignatureNonceUsed", USED);
    desk.pass(Duration::from_mins(15));
    let query = pairs(&sign_v1("GET", SECRET, &fixed("ListUserRoutines", "5")));
    let heard = desk.request("GET", &format!("/?{query}"), &[], b"");
    assert_denied(&heard, 400, "InvalidTimeStamp.Expired", EXPIRED);
}

#[test]
fn who_is_not_known_is_refused_as_the_gateway_does() {
    let desk = keyed();
    let list = || call(&desk, "ListUserRoutines");
    let refused = |draft: Draft| send(&desk, &draft);

    assert_denied(&refused(list()), 400, "IncompleteSignature", INCOMPLETE);
    let basic = list().header("authorization", "Basic dGVzdGlkOnRlc3RzZWNyZXQ=");
    assert_denied(&refused(basic), 400, "IncompleteSignature", INCOMPLETE);
    let other = list().sign_v3("another", SECRET, NOW, "1");
    assert_denied(&refused(other), 404, "InvalidAccessKeyId.NotFound", NOT_FOUND);
    for date in ["2024-03-11 01:23:21", "2024-03-11T01:23:21.5Z", "now"] {
        let heard = refused(list().sign_v3(ID, SECRET, date, "1"));
        assert_denied(&heard, 400, "InvalidTimeStamp.Format", MALFORMED);
    }
    // A quarter of an hour either way, to the second; the clock is 67 ms past NOW.
    for (date, taken) in [
        ("2024-03-11T01:08:21Z", false),
        ("2024-03-11T01:08:22Z", true),
        ("2024-03-11T01:38:21Z", true),
        ("2024-03-11T01:38:22Z", false),
    ] {
        let heard = refused(list().sign_v3(ID, SECRET, date, date));
        if taken {
            heard.with(200);
        } else {
            assert_denied(&heard, 400, "InvalidTimeStamp.Expired", EXPIRED);
        }
    }
    let heard = refused(list().sign_v3(ID, "wrong", NOW, "1")).with(400);
    assert_eq!(heard["Code"], "SignatureDoesNotMatch");
    let message = heard["Message"].as_str().unwrap();
    let string_to_sign = message.strip_prefix(MISMATCH).unwrap();
    assert!(string_to_sign.starts_with("ACS3-HMAC-SHA256\n"), "{message}");
    assert_eq!(string_to_sign.len(), "ACS3-HMAC-SHA256\n".len() + 64);
    assert!(heard["Reason"].as_str().unwrap().contains("POST\n/\n\nhost:"), "{heard}");
    assert!(!heard.to_string().contains(SECRET));

    // An action that there is not is told before anybody is asked for a key; what a
    // known one lacks is told afterwards.
    let unknown = refused(call(&desk, "NoSuchAction")).with(404);
    assert_eq!(unknown["Code"], "InvalidAction.NotFound");
    let lacking = refused(call(&desk, "GetRoutine"));
    assert_denied(&lacking, 400, "IncompleteSignature", INCOMPLETE);
    let garbled = refused(call(&desk, "GetRoutine").body("application/json", "{"));
    assert_denied(&garbled, 400, "IncompleteSignature", INCOMPLETE);
}

#[test]
fn a_request_that_was_taken_is_not_taken_again() {
    let desk = keyed();
    let create = signed(call(&desk, "CreateRoutine").body(FORM, "Name=shop"), "1");
    send(&desk, &create).with(200);
    assert_denied(&send(&desk, &create), 400, "SignatureNonceUsed", USED);
    // As long as its time is good.
    desk.pass(Duration::from_mins(14));
    assert_denied(&send(&desk, &create), 400, "SignatureNonceUsed", USED);
    desk.pass(Duration::from_mins(1));
    assert_denied(&send(&desk, &create), 400, "InvalidTimeStamp.Expired", EXPIRED);

    // A forger burns nobody's nonce, and each key has its own.
    let desk = keyed();
    let list = || call(&desk, "ListUserRoutines");
    assert_eq!(send(&desk, &list().sign_v3(ID, "wrong", NOW, "1")).status, 400);
    send(&desk, &list().sign_v3(WATCHER, WATCHERS_SECRET, NOW, "1")).with(200);
    send(&desk, &list().sign_v3(ID, SECRET, NOW, "1")).with(200);
}

#[test]
fn a_read_only_key_looks_and_does_not_touch() {
    let desk = keyed();
    send(&desk, &signed(call(&desk, "CreateRoutine").body(FORM, "Name=shop"), "1")).with(200);
    let by_watcher = |draft: Draft, nonce: &str| {
        send(&desk, &draft.sign_v3(WATCHER, WATCHERS_SECRET, NOW, nonce))
    };
    by_watcher(call(&desk, "GetRoutine").body(FORM, "Name=shop"), "1").with(200);
    for (action, nonce) in
        [("DeleteRoutine", "2"), ("CreateRoutine", "3"), ("GetRoutineStagingCodeUploadInfo", "4")]
    {
        // Before its parameters are looked at.
        let heard = by_watcher(call(&desk, action), nonce);
        assert_denied(&heard, 403, "Forbidden.RAM", FORBIDDEN);
    }
    let bearer = format!("Bearer {WATCHERS_SECRET}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let native = |method, path| desk.request(method, path, &headers, b"{}");
    native("GET", "/api/v1/routines/shop").with(200);
    assert_native_denied(&native("DELETE", "/api/v1/routines/shop"), 403, "Forbidden.RAM");
    assert_native_denied(&native("POST", "/api/v1/routines"), 403, "Forbidden.RAM");
    native("GET", "/api/v1/routines/shop").with(200);
}

#[test]
fn a_bearer_is_known_by_its_secret_in_both_dialects() {
    let desk = keyed();
    let bearer = |text: &str| {
        let body = form(&[("Action", "CreateRoutine"), ("Name", "shop")]);
        desk.request(
            "POST",
            "/",
            &[("authorization", text), ("content-type", FORM)],
            body.as_bytes(),
        )
    };
    for wrong in ["Bearer testsecres", "Bearer testsecret2", "Bearer testsecre"] {
        assert_denied(&bearer(wrong), 404, "InvalidAccessKeyId.NotFound", NOT_FOUND);
    }
    assert_denied(&bearer("Bearer"), 400, "IncompleteSignature", INCOMPLETE);
    assert_denied(&bearer("testsecret"), 400, "IncompleteSignature", INCOMPLETE);
    bearer("Bearer testsecret").with(200);

    let native =
        |text: &str| desk.request("GET", "/api/v1/routines", &[("authorization", text)], b"");
    assert_eq!(native("bearer  testsecret").with(200)["total"], 1);
    assert_native_denied(&native("Bearer testsecre"), 401, "InvalidAccessKeyId.NotFound");
    assert_native_denied(&native("Basic x"), 401, "IncompleteSignature");
}

#[test]
fn the_native_api_takes_signatures_too() {
    let desk = keyed();
    let draft = |method: &str, path: &str| {
        Draft::new(method, path).header("host", &desk.address.to_string())
    };
    assert_native_denied(&desk.ask("GET", "/routines"), 401, "IncompleteSignature");
    let create = draft("POST", "/api/v1/routines").body("application/json", r#"{"name":"shop"}"#);
    let create = signed(create, "1");
    send(&desk, &create).with(201);
    assert_native_denied(&send(&desk, &create), 401, "SignatureNonceUsed");
    let list = draft("GET", "/api/v1/routines").query(&[("search", "sh"), ("limit", "2")]);
    assert_eq!(send(&desk, &signed(list.clone(), "2")).with(200)["total"], 1);

    let sign = |id, secret, date| send(&desk, &list.clone().sign_v3(id, secret, date, "3"));
    assert_native_denied(&sign("another", SECRET, NOW), 401, "InvalidAccessKeyId.NotFound");
    assert_native_denied(&sign(ID, "wrong", NOW), 401, "SignatureDoesNotMatch");
    assert_native_denied(&sign(ID, SECRET, "now"), 401, "InvalidTimeStamp.Format");
    assert_native_denied(
        &sign(ID, SECRET, "2024-03-11T02:23:21Z"),
        401,
        "InvalidTimeStamp.Expired",
    );
    let mut elsewhere = signed(draft("DELETE", "/api/v1/routines/cart"), "4");
    "/api/v1/routines/shop".clone_into(&mut elsewhere.path);
    assert_native_denied(&send(&desk, &elsewhere), 401, "SignatureDoesNotMatch");
    // V1 covers the parameters: who reads may sign so, and no parameter of it is theirs.
    let old = |method, path: &str, nonce, secret| {
        let mut old = draft(method, path);
        let params =
            [("AccessKeyId", ID), ("SignatureNonce", nonce), ("Timestamp", NOW), ("limit", "2")];
        old.query = sign_v1(method, secret, &params);
        old
    };
    let list = old("GET", "/api/v1/routines", "5", SECRET);
    assert_eq!(send(&desk, &list).with(200)["total"], 1);
    assert_native_denied(&send(&desk, &list), 401, "SignatureNonceUsed");
    let wrong = old("GET", "/api/v1/routines", "6", "wrong");
    assert_native_denied(&send(&desk, &wrong), 401, "SignatureDoesNotMatch");
    // It leaves the path and a JSON body to anybody, so who writes signs otherwise.
    let delete = old("DELETE", "/api/v1/routines/shop", "7", SECRET);
    assert_native_denied(&send(&desk, &delete), 401, "SignatureDoesNotMatch");
    let mut create = old("POST", "/api/v1/routines", "8", SECRET);
    create = create.body("application/json", r#"{"name":"cart"}"#);
    assert_native_denied(&send(&desk, &create), 401, "IncompleteSignature");
}

#[test]
fn no_path_but_the_probes_is_open_by_oversight() {
    let desk = keyed();
    for path in ["/livez", "/readyz"] {
        assert_eq!(desk.request("GET", path, &[], b"").status, 200, "{path}");
    }
    for path in ["/api/v1", "/api/v1/", "/api/v1/absent", "/metrics", "/%61pi/v1/routines", "//"] {
        let heard = desk.request("GET", path, &[], b"");
        assert_native_denied(&heard, 401, "IncompleteSignature");
    }
    // The form carries a permission of its own, and needs it.
    let upload = [("content-type", "multipart/form-data; boundary=b")];
    assert_eq!(desk.request("POST", "/oss", &upload, b"--b--\r\n").status, 400);
}

#[test]
fn a_keyed_admin_has_any_name_and_still_no_foreign_pages() {
    let desk = keyed();
    let list = || {
        let draft = Draft::new("POST", "/").header("host", "admin.example.com");
        draft.header("x-acs-action", "ListUserRoutines")
    };
    send(&desk, &signed(list(), "1")).with(200);
    let bearer = list().header("authorization", "Bearer testsecret");
    send(&desk, &bearer).with(200);
    for (name, value) in [("origin", "http://evil.test"), ("sec-fetch-site", "cross-site")] {
        let heard = send(&desk, &bearer.clone().header(name, value)).with(403);
        assert_eq!(heard["Code"], "NoPermission");
    }
}

#[test]
fn without_keys_a_signature_means_nothing() {
    let desk = Desk::start();
    let list = || call(&desk, "ListUserRoutines");
    for draft in [
        list(),
        list().sign_v3("anybody", "anything", "1999-01-01T00:00:00Z", "1"),
        list().header("authorization", "ACS3-HMAC-SHA256 nonsense"),
        list().header("authorization", "Bearer anything"),
        list().query(&[("Signature", "nonsense")]),
    ] {
        send(&desk, &draft).with(200);
        send(&desk, &draft).with(200);
    }
}

/// Where a request can be changed on its way, and to what.
#[derive(Debug, Clone)]
enum Change {
    Method,
    Path(String),
    /// The value of a parameter, by index, or one more where there is none.
    Query(usize, String),
    /// The value of a header, by index.
    Header(usize, String),
    /// One header less.
    NoHeader(usize),
    Body(usize, u8),
    MoreBody(String),
}

fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::Method),
        "/[a-z]{1,8}".prop_map(Change::Path),
        (0..4usize, "[a-z*+ ü]{0,8}").prop_map(|(at, text)| Change::Query(at, text)),
        (0..32usize, "[a-z0-9;,=]{1,70}").prop_map(|(at, text)| Change::Header(at, text)),
        (0..32usize).prop_map(Change::NoHeader),
        (0..256usize, any::<u8>()).prop_map(|(at, octet)| Change::Body(at, octet)),
        "[&=a-z]{1,9}".prop_map(Change::MoreBody),
    ]
}

/// Changes what is there; `false` when it is as before.
fn change(draft: &mut Draft, change: &Change) -> bool {
    let before = format!("{draft:?}");
    match change.clone() {
        Change::Method => "GET".clone_into(&mut draft.method),
        Change::Path(path) => draft.path = path,
        Change::Query(at, text) => match draft.query.get_mut(at) {
            Some((_, value)) => *value = text,
            None => draft.query.push(("Name".to_owned(), text)),
        },
        Change::Header(at, text) => {
            let at = at % draft.headers.len();
            draft.headers[at].1 = text;
        }
        Change::NoHeader(at) => drop(draft.headers.remove(at % draft.headers.len())),
        Change::Body(at, octet) => {
            let at = at % draft.body.len();
            draft.body[at] = octet;
        }
        Change::MoreBody(text) => draft.body.extend_from_slice(text.as_bytes()),
    }
    format!("{draft:?}") != before
}

#[test]
fn whatever_of_a_signed_request_is_changed_it_is_refused() {
    let desk = keyed();
    send(&desk, &signed(call(&desk, "CreateRoutine").body(FORM, "Name=shop"), "0")).with(200);
    let honest = |nonce: &str| {
        // Another name than the desk's own, which its client adds where there is none.
        let draft = Draft::new("POST", "/")
            .header("host", "admin.example.com")
            .header("x-acs-version", "2024-09-10")
            .header("x-acs-action", "UpdateRoutineConfigDescription")
            .header("accept", "application/json")
            .query(&[("RegionId", "x"), ("Mode", "a b*")])
            .body(FORM, "Description=changed&Name=shop");
        signed(draft, nonce)
    };
    let runner = Config { cases: 256, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(runner);
    let count = std::cell::Cell::new(0);
    let promise = runner.run(&changes(), |wanted| {
        count.set(count.get() + 1);
        let mut draft = honest(&format!("forged {}", count.get()));
        prop_assume!(change(&mut draft, &wanted));
        let heard = send(&desk, &draft);
        prop_assert!((400..500).contains(&heard.status), "{:?}", heard);
        Ok(())
    });
    promise.unwrap();
    let got = signed(call(&desk, "GetRoutine").body(FORM, "Name=shop"), "got");
    assert_eq!(send(&desk, &got).with(200)["Description"], "", "nothing was changed");
    // Nobody was refused for the request itself.
    send(&desk, &honest("honest")).with(200);
}

const KEYS: &str = "
[[access_key]]
id = \"ci\"
secret_env = \"CI_SECRET\"
[[access_key]]
id = \"watcher\"
secret = \"only-looking\"
read_only = true
[[routine]]
name = \"shop\"
[[routine.version]]
code_version = \"1\"
";

#[test]
fn the_command_line_signs_with_the_key_of_its_environment() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serin.toml");
    std::fs::write(&path, format!("{ANY_PORT}{KEYS}")).unwrap();
    let running = Process::start_in(&path, &[("CI_SECRET", "hunter2")]);
    let admin = format!("http://{}", running.admin);
    let deploy = |variables: &[(&str, &str)]| {
        let mut command = serin();
        command.args(["deploy", "shop", "1@100", "--env", "production", "--admin", &admin]);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said)
    };
    let (status, said) = deploy(&[]);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("set SERIN_ACCESS_KEY_ID and SERIN_ACCESS_KEY_SECRET"), "{said}");
    let (status, said) = deploy(&[("SERIN_ACCESS_KEY_ID", "ci")]);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("SERIN_ACCESS_KEY_SECRET is not"), "{said}");
    for names in ["SERIN_ACCESS_KEY", "ESA_ACCESS_KEY"] {
        let (id, secret) = (format!("{names}_ID"), format!("{names}_SECRET"));
        let with = |key: &str, text: &str| deploy(&[(id.as_str(), key), (secret.as_str(), text)]);
        assert_eq!(with("ci", "hunter2"), (0, String::new()));
        let (status, said) = with("ci", "hunter3");
        assert_eq!(status, 1);
        assert!(said.contains("SignatureDoesNotMatch") && !said.contains("hunter"), "{said}");
        let (status, said) = with("watcher", "only-looking");
        assert_eq!(status, 1);
        assert!(said.contains("Forbidden.RAM"), "{said}");
    }
    let (_, log) = running.terminate();
    assert!(!log.contains("hunter2") && !log.contains("only-looking"), "{log}");
}

#[test]
fn a_keyed_admin_listens_wherever_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serin.toml");
    let check = |text: &str| -> Value {
        std::fs::write(&path, text).unwrap();
        let output = serin().args(["check", "--json"]).arg(&path).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let everywhere = "[listen]\nadmin = \"0.0.0.0:0\"\n";
    assert_eq!(check(everywhere)["ok"], false);
    assert_eq!(check(&format!("{everywhere}{KEYS}"))["ok"], true);

    // A secret that is nowhere to be found is told at the start, by its key's name.
    std::fs::write(&path, format!("{ANY_PORT}{KEYS}")).unwrap();
    let output = serin().args(["serve", "--config"]).arg(&path).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("`ci`") && said.contains("`CI_SECRET`, which is not set"), "{said}");
}
