//! The account to rehearse with: every code that ESA documents can be met, switched
//! while Serin runs.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use serin::model::{Account, Quotas, ServiceStatus};

use crate::support::desk::{Desk, Heard, assert_refused, form};
use crate::support::process::{ANY_PORT, Process};
use crate::support::{WAIT_MAX, wait_until};

const SERVICE_TEXT: &str =
    "Failed to call the service. Try again later or contact technical support.";
const NOT_OPEN: &str = "You have not activated Edge Routine. Activate the service and try again.";
const HALT: &str = "Failed to update the configurations because you have overdue payments.";
const LOCKED: &str = "You are calling an another routine related api. Please wait for the api finished, and try again later.";
const QUOTA: &str = "The maximum number of configuration items for the feature has been reached. Adjust your configurations and try again.";
const THROTTLED: &str = "Request was denied due to user flow control.";
const ABSENT: &str =
    "The specified parameter does not exist. Check your configurations and try again.";

const NO_ROUTINE: &str = "The routine name does not exist. Check the routine name and try again.";

const APP: &str = "app-880688675783790000";
const ID: &str = "release";
const SECRET: &str = "release-secret";
const WATCHER: &str = "watcher";
const WATCHERS_SECRET: &str = "watchers-secret";

fn set(desk: &Desk, change: &Value) -> Value {
    desk.tell("PATCH", "/account", change).with(200)
}

#[track_caller]
fn assert_native_refused(heard: &Heard, status: u16, code: &str) {
    assert_eq!(heard.with(status)["error"]["code"], code, "{heard:?}");
}

/// Routine `shop` with versions `1` and `2`.
fn shop(desk: &Desk) {
    desk.tell("POST", "/routines", &json!({ "name": "shop" })).with(201);
    for version in ["1", "2"] {
        let new = json!({ "code_version": version });
        desk.tell("POST", "/routines/shop/versions", &new).with(201);
    }
}

fn create(desk: &Desk, name: &str) -> Heard {
    desk.call("CreateRoutine", &[("Name", name)])
}

fn deploy(desk: &Desk) -> Heard {
    let params = [
        ("Name", "shop"),
        ("Env", "production"),
        ("Strategy", "percentage"),
        (
            "CodeVersions",
            r#"[{"CodeVersion":"1","Percentage":90},{"CodeVersion":"2","Percentage":10}]"#,
        ),
    ];
    desk.call("CreateRoutineCodeDeployment", &params)
}

/// Calls an action with a secret, as people do.
fn call_as(desk: &Desk, secret: &str, action: &str, params: &[(&str, &str)]) -> Heard {
    let bearer = format!("Bearer {secret}");
    let headers = [
        ("x-acs-action", action),
        ("content-type", "application/x-www-form-urlencoded"),
        ("authorization", &bearer),
    ];
    desk.request("POST", "/", &headers, form(params).as_bytes())
}

fn account_as(desk: &Desk, secret: &str, method: &str, change: &Value) -> Heard {
    let bearer = format!("Bearer {secret}");
    let headers = [("content-type", "application/json"), ("authorization", &bearer)];
    let body = if change.is_null() { String::new() } else { change.to_string() };
    desk.request(method, "/api/v1/account", &headers, body.as_bytes())
}

fn keyed() -> Desk {
    Desk::keyed(&[(ID, SECRET, false), (WATCHER, WATCHERS_SECRET, true)])
}

/// Everything of the desk that a call could change.
fn world(desk: &Desk) -> Value {
    let routines = desk.ask("GET", "/routines").with(200);
    let history = desk.ask("GET", "/routines/shop/deployments").with(200);
    json!([routines, history])
}

#[test]
fn an_account_that_nobody_touched_refuses_nothing() {
    let desk = Desk::start();
    shop(&desk);
    assert_eq!(
        desk.ask("GET", "/account").with(200),
        json!({
            "service": "running",
            "in_arrears": false,
            "locked": false,
            "locked_calls": 0,
            "failures": {"percent": 0, "calls": 0, "code": "InternalException", "action": null},
            "calls_per_second": null,
            "latency_ms": 0,
            "quotas": {"routines": null, "versions_per_routine": null, "routes": null},
            "plan": "er_paymode",
            "used": {"routines": 1, "routes": 0},
        })
    );
    for number in 0..200 {
        create(&desk, &format!("r{number}")).with(200);
    }
}

#[test]
fn every_code_of_the_two_routine_pages_is_met_and_changes_nothing() {
    let desk = Desk::start();
    shop(&desk);
    let failing = |code: &str| json!({"failures": {"calls": 2, "code": code}});
    let before = world(&desk);
    for (state, code, message) in [
        (failing("InternalException"), "InternalException", SERVICE_TEXT),
        (failing("InternalOperationError"), "InternalOperationError", SERVICE_TEXT),
        (failing("DependedByOthers"), "DependedByOthers", SERVICE_TEXT),
        (json!({"in_arrears": true}), "RoutineUserServiceStatusHalt", HALT),
        (json!({"service": "not_opened"}), "ServiceNotOpen", NOT_OPEN),
        (json!({"service": "creating"}), "ServiceNotOpen", NOT_OPEN),
        (json!({"locked": true}), "UserOperationStatusIsLocked", LOCKED),
        (json!({"locked_calls": 2}), "UserOperationStatusIsLocked", LOCKED),
    ] {
        set(&desk, &state);
        assert_refused(&create(&desk, "cart"), 400, code, message);
        assert_refused(&deploy(&desk), 400, code, message);
        desk.ask("DELETE", "/account").with(200);
        assert_eq!(world(&desk), before, "{state}");
    }
    set(&desk, &json!({"quotas": {"routines": 1}}));
    assert_refused(&create(&desk, "cart"), 400, "RoutineNumberExceedQuotaLimit", QUOTA);
    assert_eq!(world(&desk), before);
    deploy(&desk).with(200);
    // The rest is met without an account's help.
    assert_refused(
        &create(&desk, "shop"),
        400,
        "RoutineAlreadyExist",
        "The routine name already exists.",
    );
    assert_refused(&create(&desk, ""), 400, "ParameterNotExist", ABSENT);
    assert_refused(
        &create(&desk, "Shop"),
        400,
        "InvalidParameter",
        "The specified parameter is invalid.",
    );
    let unknown = desk.call("GetRoutine", &[("Name", "nowhere")]);
    assert_refused(&unknown, 400, "RoutineNotExist", NO_ROUTINE);
}

#[test]
fn the_codes_of_a_failing_container_service_are_met() {
    let desk = Desk::start();
    let publish = || {
        let params =
            [("AppId", APP), ("VersionId", "ver-879626371616510000"), ("PublishEnv", "prod")];
        desk.call("PublishEdgeContainerAppVersion", &params)
    };
    set(&desk, &json!({"failures": {"calls": 1, "code": "InternalError"}}));
    // Routines have no such code.
    create(&desk, "shop").with(200);
    assert_refused(&publish(), 500, "InternalError", SERVICE_TEXT);
    assert_eq!(publish().with(404)["Code"], "InvalidApp.NotFound");
    set(&desk, &json!({"failures": {"calls": 1, "code": "InternalException"}}));
    assert_refused(&publish(), 400, "InternalException", SERVICE_TEXT);

    // The service of routines is none of theirs.
    let state = json!({"service": "not_opened", "in_arrears": true, "locked": true});
    set(&desk, &state);
    let app = [("Name", "storefront"), ("ServicePort", "80"), ("TargetPort", "8080")];
    desk.call("CreateEdgeContainerApp", &app).with(200);
}

#[test]
fn arrears_and_locks_stop_who_writes_and_not_who_looks() {
    let desk = Desk::start();
    shop(&desk);
    set(&desk, &json!({"in_arrears": true, "locked": true, "locked_calls": 5}));
    desk.call("GetRoutine", &[("Name", "shop")]).with(200);
    desk.call("ListUserRoutines", &[]).with(200);
    // The native API is the operator's.
    desk.tell("POST", "/routines", &json!({ "name": "cart" })).with(201);
    set(&desk, &json!({"service": "not_opened"}));
    let get = desk.call("GetRoutine", &[("Name", "shop")]);
    assert_refused(&get, 400, "ServiceNotOpen", NOT_OPEN);
}

#[test]
fn locked_calls_and_failures_end_by_themselves() {
    let desk = Desk::start();
    set(&desk, &json!({"locked_calls": 2, "failures": {"calls": 2}}));
    for code in ["UserOperationStatusIsLocked", "UserOperationStatusIsLocked"] {
        assert_eq!(create(&desk, "shop").with(400)["Code"], code);
    }
    let account = desk.ask("GET", "/account").with(200);
    assert_eq!((&account["locked_calls"], &account["failures"]["calls"]), (&json!(0), &json!(2)));
    for _ in 0..2 {
        assert_eq!(create(&desk, "shop").with(400)["Code"], "InternalException");
    }
    create(&desk, "shop").with(200);
}

#[test]
fn failures_strike_one_action_alone_where_one_is_named() {
    let desk = Desk::start();
    let state = json!({"failures": {"percent": 100, "action": "CreateRoutine", "code": "DependedByOthers"}});
    set(&desk, &state);
    for _ in 0..3 {
        assert_refused(&create(&desk, "shop"), 400, "DependedByOthers", SERVICE_TEXT);
        desk.call("ListUserRoutines", &[]).with(200);
    }
    set(&desk, &json!({"failures": {"action": null}}));
    assert_eq!(desk.call("ListUserRoutines", &[]).with(400)["Code"], "DependedByOthers");
    set(&desk, &json!({"failures": null}));
    create(&desk, "shop").with(200);
}

#[test]
fn a_share_of_calls_fails_and_the_rest_does_not() {
    let desk = Desk::start();
    set(&desk, &json!({"failures": {"percent": 50}}));
    // The desk draws the same in every run.
    let failed = (0..64).filter(|_| desk.call("ListUserRoutines", &[]).status == 400).count();
    assert!((1..64).contains(&failed), "{failed}");
}

#[test]
fn checks_come_in_their_order() {
    let desk = keyed();
    let state = json!({
        "service": "not_opened", "in_arrears": true, "locked": true, "calls_per_second": 1,
        "failures": {"percent": 100}, "quotas": {"routines": 0},
    });
    account_as(&desk, SECRET, "PATCH", &state).with(200);
    let patch = |change: Value| account_as(&desk, SECRET, "PATCH", &change).with(200);
    let code = |heard: Heard| heard.json()["Code"].as_str().unwrap().to_owned();
    let as_ = |secret| code(call_as(&desk, secret, "CreateRoutine", &[]));

    // The action, who asks, whether it may: none of these tells the account's state.
    assert_eq!(code(call_as(&desk, SECRET, "MakeRoutine", &[])), "InvalidAction.NotFound");
    assert_eq!(code(desk.call("CreateRoutine", &[])), "IncompleteSignature");
    assert_eq!(as_("guessed"), "InvalidAccessKeyId.NotFound");
    assert_eq!(as_(WATCHERS_SECRET), "Forbidden.RAM");
    // Nor do they count: the first call that is admitted finds its second unused.
    assert_eq!(as_(SECRET), "ServiceNotOpen");
    assert_eq!(as_(SECRET), "Throttling.User");
    patch(json!({"calls_per_second": null}));
    assert_eq!(as_(SECRET), "ServiceNotOpen");
    patch(json!({"service": "running"}));
    assert_eq!(as_(SECRET), "RoutineUserServiceStatusHalt");
    patch(json!({"in_arrears": false}));
    assert_eq!(as_(SECRET), "UserOperationStatusIsLocked");
    patch(json!({"locked": false}));
    assert_eq!(as_(SECRET), "InternalException");
    patch(json!({"failures": {"percent": 0}}));
    // Presence, shape, and what only the writer knows.
    assert_eq!(as_(SECRET), "ParameterNotExist");
    let named = |name| code(call_as(&desk, SECRET, "CreateRoutine", &[("Name", name)]));
    assert_eq!(named("Shop"), "InvalidParameter");
    assert_eq!(named("shop"), "RoutineNumberExceedQuotaLimit");
}

#[test]
fn parameters_that_cannot_be_read_are_judged_after_the_account() {
    let desk = Desk::start();
    let broken = || {
        let headers = [("x-acs-action", "CreateRoutine"), ("content-type", "application/json")];
        desk.request("POST", "/", &headers, b"{").json()["Code"].as_str().unwrap().to_owned()
    };
    assert_eq!(broken(), "InvalidParameter");
    set(&desk, &json!({"locked_calls": 1}));
    assert_eq!(broken(), "UserOperationStatusIsLocked");
    assert_eq!(broken(), "InvalidParameter");
}

#[test]
fn the_codes_of_the_gateway_that_nothing_else_meets_are_met() {
    let desk = Desk::start();
    for (code, message) in [
        ("Throttling.Api", "Request was denied due to api flow control."),
        ("InvalidAccessKeyId.Inactive", "Specified access key is disabled."),
    ] {
        for action in ["CreateRoutine", "ListEdgeContainerApps"] {
            set(&desk, &json!({"failures": {"calls": 1, "code": code}}));
            assert_refused(&desk.call(action, &[("Name", "shop")]), 400, code, message);
        }
    }
}

#[test]
fn a_read_only_key_sees_the_account_and_changes_nothing() {
    let desk = keyed();
    let seen = account_as(&desk, WATCHERS_SECRET, "GET", &Value::Null).with(200);
    for (method, change) in [("PATCH", json!({"locked": true})), ("DELETE", Value::Null)] {
        let refused = account_as(&desk, WATCHERS_SECRET, method, &change);
        assert_native_refused(&refused, 403, "Forbidden.RAM");
    }
    assert_native_refused(&desk.ask("GET", "/account"), 401, "IncompleteSignature");
    let open = call_as(&desk, WATCHERS_SECRET, "OpenErService", &[]);
    assert_eq!(open.with(403)["Code"], "Forbidden.RAM");
    assert_eq!(account_as(&desk, SECRET, "GET", &Value::Null).with(200), seen);
}

#[test]
fn throttling_counts_each_key_and_each_second() {
    let desk = Desk::keyed(&[(ID, SECRET, false), (WATCHER, WATCHERS_SECRET, true)]);
    account_as(&desk, SECRET, "PATCH", &json!({"calls_per_second": 2})).with(200);
    let list = |secret| call_as(&desk, secret, "ListUserRoutines", &[]);
    for _ in 0..2 {
        list(SECRET).with(200);
    }
    let refused = list(SECRET);
    assert_refused(&refused, 400, "Throttling.User", THROTTLED);
    // The desk's clock stands at .067203242 of its second.
    assert_eq!(refused.header("x-acs-retry-after"), Some("933"));
    list(WATCHERS_SECRET).with(200);
    // The native API is not ESA's.
    for _ in 0..5 {
        account_as(&desk, SECRET, "GET", &Value::Null).with(200);
    }
    desk.pass(Duration::from_millis(933));
    list(SECRET).with(200);
}

#[test]
fn an_open_admin_is_one_caller() {
    let desk = Desk::start();
    set(&desk, &json!({"calls_per_second": 1}));
    desk.call("ListUserRoutines", &[]).with(200);
    assert_eq!(desk.call("GetErService", &[]).with(400)["Code"], "Throttling.User");
    set(&desk, &json!({"calls_per_second": null}));
    let answered = desk.call("GetErService", &[]);
    assert_eq!((answered.status, answered.header("x-acs-retry-after")), (200, None));
}

#[test]
fn an_answer_waits_as_long_as_it_is_told() {
    let desk = Desk::start();
    set(&desk, &json!({"latency_ms": 50}));
    let timed = |call: &dyn Fn()| {
        let start = Instant::now();
        call();
        start.elapsed()
    };
    let latency = Duration::from_millis(50);
    assert!(timed(&|| drop(create(&desk, "shop").with(200))) >= latency);
    // A refusal, too.
    assert!(timed(&|| drop(create(&desk, "shop").with(400))) >= latency);
    assert_eq!(set(&desk, &json!({"latency_ms": 0}))["latency_ms"], 0);
}

#[test]
fn who_waits_blocks_nobody_and_what_was_asked_is_done() {
    let desk = Desk::start();
    set(&desk, &json!({"latency_ms": 60_000}));
    let mut slow = TcpStream::connect_timeout(&desk.address, WAIT_MAX).unwrap();
    let host = desk.address;
    let request = format!("GET /?Action=CreateRoutine&Name=shop HTTP/1.1\r\nhost: {host}\r\n\r\n");
    slow.write_all(request.as_bytes()).unwrap();
    wait_until(|| desk.ask("GET", "/routines/shop").status == 200);
    set(&desk, &json!({"latency_ms": 0}));
    assert_eq!(create(&desk, "shop").with(400)["Code"], "RoutineAlreadyExist");
    slow.set_nonblocking(true).unwrap();
    let unanswered = slow.read(&mut [0; 1]).unwrap_err();
    assert_eq!(unanswered.kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_quota_holds_under_a_crowd() {
    let desk = Desk::start();
    set(&desk, &json!({"quotas": {"routines": 5}}));
    let answers: Vec<Heard> = std::thread::scope(|scope| {
        let callers = (0..20).map(|number| {
            let desk = &desk;
            scope.spawn(move || create(desk, &format!("r{number}")))
        });
        let callers: Vec<_> = callers.collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((made.len(), refused.len()), (5, 15));
    for answer in refused {
        assert_refused(answer, 400, "RoutineNumberExceedQuotaLimit", QUOTA);
    }
    assert_eq!(desk.ask("GET", "/account").with(200)["used"], json!({"routines": 5, "routes": 0}));
    let listed = desk.call("ListUserRoutines", &[]).with(200);
    assert_eq!(
        (&listed["QuotaRoutineNumber"], &listed["UsedRoutineNumber"]),
        (&json!(5), &json!(5))
    );
}

#[test]
fn a_quota_of_versions_holds_however_they_are_made() {
    let desk = Desk::start();
    shop(&desk);
    set(&desk, &json!({"quotas": {"versions_per_routine": 2}}));
    let more = desk.tell("POST", "/routines/shop/versions", &json!({}));
    assert_native_refused(&more, 409, "quota_reached");
    set(&desk, &json!({"quotas": {"routines": 1}}));
    let more = desk.tell("POST", "/routines", &json!({ "name": "cart" }));
    assert_native_refused(&more, 409, "quota_reached");
    let account = set(&desk, &json!({"quotas": {"versions_per_routine": 3, "routines": null}}));
    let quotas = json!({"routines": null, "versions_per_routine": 3, "routes": null});
    assert_eq!(account["quotas"], quotas);
    desk.tell("POST", "/routines/shop/versions", &json!({})).with(201);
    let info = desk.call("GetRoutineStagingCodeUploadInfo", &[("Name", "shop")]).with(200);
    upload(&desk, &info["OssPostConfig"]);
    let commit = || desk.call("CommitRoutineStagingCode", &[("Name", "shop")]);
    assert_refused(&commit(), 400, "RoutineNumberExceedQuotaLimit", QUOTA);
    set(&desk, &json!({ "quotas": null }));
    commit().with(200);
}

fn upload(desk: &Desk, config: &Value) {
    let field = |(name, value): (&String, &Value)| {
        let value = value.as_str().unwrap();
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let mut body: String = config.as_object().unwrap().iter().map(field).collect();
    body += "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\ncode\r\n--b--\r\n";
    let headers = [("content-type", "multipart/form-data; boundary=b")];
    assert_eq!(desk.request("POST", "/oss", &headers, body.as_bytes()).status, 200);
}

#[test]
fn a_service_is_opened_by_its_action() {
    let desk = Desk::start();
    let opened = "The Edge Routine service has been activated already.";
    set(&desk, &json!({"service": "not_opened", "plan": "er_freemode"}));
    let service = || desk.call("GetErService", &[]).with(200);
    assert_eq!(
        (&service()["Status"], &service()["PlanName"]),
        (&json!("NotOpened"), &json!("er_freemode"))
    );
    assert_eq!(desk.call("OpenErService", &[]).names(), ["RequestId"]);
    assert_eq!(service()["Status"], "Running");
    create(&desk, "shop").with(200);
    assert_refused(&desk.call("OpenErService", &[]), 400, "ErService.HasOpened", opened);
    set(&desk, &json!({"service": "creating"}));
    assert_eq!(service()["Status"], "Creating");
    assert_refused(&desk.call("OpenErService", &[]), 400, "ErService.HasOpened", opened);
}

#[test]
fn the_plan_tells_the_quotas() {
    let desk = Desk::start();
    set(&desk, &json!({"quotas": {"routines": 100, "versions_per_routine": 20}}));
    let mut listed = desk.call("ListEdgeRoutinePlans", &[]).with(200);
    assert!(listed.as_object_mut().unwrap().remove("RequestId").is_some());
    let plan = json!({
        "PlanName": "er_paymode",
        "ErRoutineQuota": "100",
        "ErRoutineCodeVersionQuota": "20",
        "ErRoutineRouteSiteCountQuota": "2147483647",
        "BillingMode": "POSTPAY",
        "PaymentMethod": "er_pay",
    });
    let page = json!({
        "PlanInfo": [plan], "PageNumber": 1, "PageSize": 20, "TotalCount": 1, "TotalPage": 1,
    });
    assert_eq!(listed, page);
    let second = desk.call("ListEdgeRoutinePlans", &[("PageNumber", "2")]).with(200);
    assert_eq!((&second["PlanInfo"], &second["TotalCount"]), (&json!([]), &json!(1)));
}

#[test]
fn a_change_of_the_account_is_made_whole_or_not_at_all() {
    let desk = Desk::start();
    let before = desk.ask("GET", "/account").with(200);
    for wrong in [
        json!({"in_arrears": true, "arrears": true}),
        json!({"in_arrears": true, "service": "open"}),
        json!({"in_arrears": true, "service": null}),
        json!({"in_arrears": true, "locked": 1}),
        json!({"in_arrears": true, "locked_calls": -1}),
        json!({"in_arrears": true, "failures": {"percent": 101}}),
        json!({"in_arrears": true, "failures": {"code": "Oops"}}),
        json!({"in_arrears": true, "failures": {"action": "MakeRoutine"}}),
        json!({"in_arrears": true, "failures": {"code": "InternalError", "action": "GetRoutine"}}),
        json!({"in_arrears": true, "failures": {"often": true}}),
        json!({"in_arrears": true, "calls_per_second": 0}),
        json!({"in_arrears": true, "latency_ms": 60_001}),
        json!({"in_arrears": true, "quotas": {"routines": 2_147_483_648_u32}}),
        json!({"in_arrears": true, "quotas": {"sites": 1}}),
        json!({"in_arrears": true, "plan": ""}),
        json!({"quotas": {"routines": 1}, "plan": ""}),
        json!({"in_arrears": true, "used": {"routines": 0}}),
    ] {
        assert_native_refused(&desk.tell("PATCH", "/account", &wrong), 422, "invalid");
        assert_eq!(desk.ask("GET", "/account").with(200), before, "{wrong}");
    }
    let all = json!({
        "service": "creating",
        "in_arrears": true,
        "locked": true,
        "locked_calls": 3,
        "failures": {"percent": 7, "calls": 4, "code": "InternalOperationError", "action": "GetRoutine"},
        "calls_per_second": 100,
        "latency_ms": 60_000,
        "quotas": {"routines": 1, "versions_per_routine": 2, "routes": 3},
        "plan": "test_plan",
    });
    let mut changed = set(&desk, &all);
    assert_eq!(changed, desk.ask("GET", "/account").with(200));
    changed.as_object_mut().unwrap().remove("used");
    assert_eq!(changed, all);
    assert_eq!(desk.ask("DELETE", "/account").with(200), before);
}

#[test]
fn the_account_goes_back_to_what_the_config_says() {
    let account = Account {
        service: ServiceStatus::NotOpened,
        calls_per_second: NonZeroU32::new(9),
        ..Account::default()
    };
    let quotas = Quotas { routines: Some(1), ..Quotas::default() };
    let desk = Desk::configured(&[], account, quotas);
    let configured = desk.ask("GET", "/account").with(200);
    assert_eq!(configured["service"], "not_opened");
    assert_eq!(configured["quotas"]["routines"], 1);
    set(&desk, &json!({"service": "running", "calls_per_second": null, "quotas": null}));
    create(&desk, "shop").with(200);
    create(&desk, "cart").with(200);
    let mut reset = desk.ask("DELETE", "/account").with(200);
    assert_eq!(reset["used"], json!({"routines": 2, "routes": 0}));
    reset["used"] = configured["used"].clone();
    assert_eq!(reset, configured);
}

#[test]
fn a_restart_takes_the_account_of_the_config() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serin.toml");
    let store = folder.path().join("serin.db");
    let text = format!(
        "{ANY_PORT}[store]\npath = \"{}\"\n[account]\nin_arrears = true\n[account.quotas]\nroutines = 1\n[[routine]]\nname = \"shop\"\n[[routine]]\nname = \"cart\"\n",
        store.display()
    );
    std::fs::write(&config, text).unwrap();
    let create = |serin: &Process, name: &str| {
        let body = json!({ "Name": name });
        serin.call("POST", "/?Action=CreateRoutine&Version=2024-09-10", &body)
    };
    for _ in 0..2 {
        let serin = Process::start(&config);
        let account = serin.call("GET", "/api/v1/account", &Value::Null).json();
        assert_eq!(account["in_arrears"], true);
        // What the config declares is made whatever the quota.
        assert_eq!(account["used"]["routines"], 2);
        let refused = create(&serin, "more");
        assert_eq!(
            (refused.status, refused.json()["Code"].as_str()),
            (400, Some("RoutineUserServiceStatusHalt"))
        );
        let change = json!({"in_arrears": false});
        assert_eq!(serin.call("PATCH", "/api/v1/account", &change).status, 200);
        let refused = create(&serin, "more");
        assert_eq!(refused.json()["Code"], "RoutineNumberExceedQuotaLimit");
    }
}
