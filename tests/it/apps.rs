//! Edge container apps: published by percentage and by region, now and later, and
//! reached by their names and records.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::desk::Desk;
use crate::support::http::{Connection, Response};
use crate::support::process::{ANY_PORT, Process};
use crate::support::second_rule::SecondRule;
use crate::support::wait_until;

const USERS: usize = 300;
const SERVICE_TEXT: &str = "Invalid parameter. Check the parameter configuration.";

/// A Serin with a store, which believes what loopback says.
struct Place {
    folder: tempfile::TempDir,
    config: std::path::PathBuf,
}

impl Place {
    fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("serin.toml");
        let store = folder.path().join("serin.db");
        let text = format!(
            "domain = \"edge.test\"\n{ANY_PORT}[store]\npath = \"{}\"\n[trusted]\nproxies = [\"127.0.0.0/8\"]\n{more}",
            store.display()
        );
        std::fs::write(&config, text).unwrap();
        Self { folder, config }
    }

    fn start(&self) -> Process {
        assert!(self.folder.path().exists());
        Process::start(&self.config)
    }
}

/// Calls an action, the parameters in a JSON body.
fn call(serin: &Process, action: &str, params: &Value) -> Response {
    serin.call("POST", &format!("/?Action={action}&Version=2024-09-10"), params)
}

#[track_caller]
fn ok(serin: &Process, action: &str, params: &Value) -> Value {
    let answer = call(serin, action, params);
    assert_eq!(answer.status, 200, "{action}: {}", answer.json());
    answer.json()
}

#[track_caller]
fn refused(serin: &Process, action: &str, params: &Value) -> (u16, String, String) {
    let answer = call(serin, action, params);
    let error = answer.json();
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (answer.status, text("Code"), text("Message"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn make_app(serin: &Process, name: &str) -> String {
    let app = json!({ "Name": name, "ServicePort": 80, "TargetPort": 8080 });
    text(&ok(serin, "CreateEdgeContainerApp", &app)["AppId"])
}

fn make_version(serin: &Process, app: &str, containers: &Value) -> String {
    let version = json!({ "AppId": app, "Name": "release", "Containers": containers.to_string() });
    text(&ok(serin, "CreateEdgeContainerAppVersion", &version)["VersionId"])
}

fn image() -> Value {
    json!([{ "Name": "web", "Image": "web:1", "IsACRImage": false, "Spec": "1C2G", "Storage": "10G" }])
}

fn publish(serin: &Process, app: &str, version: &str, more: &Value) {
    let mut params = json!({ "AppId": app, "VersionId": version, "PublishEnv": "prod" });
    params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ok(serin, "PublishEdgeContainerAppVersion", &params);
}

fn status(serin: &Process, app: &str, environment: &str) -> Value {
    let params = json!({ "AppId": app, "PublishEnv": environment });
    ok(serin, "GetEdgeContainerAppStatus", &params)["AppStatus"].clone()
}

/// What a status says, in a few fields.
fn told(status: &Value) -> (String, String, String, u64, u64) {
    (
        text(&status["PublishStatus"]),
        text(&status["PublishingVersion"]),
        text(&status["BaseLineVersion"]),
        status["ExpectPercentage"].as_u64().unwrap(),
        status["PublishPercentage"].as_u64().unwrap(),
    )
}

fn said(response: &Response, name: &str) -> String {
    response.header(name).unwrap_or("-").to_owned()
}

/// Version and reason of production's answers to these users, one by one.
fn answers(serin: &Process, host: &str, fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut connection = Connection::open(serin.production).unwrap();
    let answer = |user| {
        let key = format!("user-{user}");
        let fields = [&[("x-serin-key", &*key)], fields].concat();
        let response = connection.get(host, &fields).unwrap();
        (said(&response, "x-serin-version"), said(&response, "x-serin-reason"))
    };
    (0..USERS).map(answer).collect()
}

/// The one version and reason that every user meets.
#[track_caller]
fn everybody(serin: &Process, host: &str, fields: &[(&str, &str)]) -> (String, String) {
    let met: BTreeSet<_> = answers(serin, host, fields).into_iter().collect();
    assert_eq!(met.len(), 1, "{met:?}");
    met.into_iter().next().unwrap()
}

#[test]
fn an_app_lives_from_its_creation_to_its_end() {
    let place = Place::new(
        "[[region]]\nname = \"jiangsu\"\ncidrs = [\"198.51.100.0/24\"]\n[[region]]\nname = \"zhejiang\"\n",
    );
    let serin = place.start();
    let app = make_app(&serin, "storefront");
    let (one, two) = (make_version(&serin, &app, &image()), make_version(&serin, &app, &image()));
    assert!(app.starts_with("app-") && app.len() == 23, "{app}");
    assert!(one.starts_with("ver-") && one.len() == two.len() && one < two, "{one} {two}");
    let host = "storefront.localhost";

    // Nothing is published yet.
    let mut connection = Connection::open(serin.production).unwrap();
    let early = connection.get(host, &[]).unwrap();
    assert_eq!((early.status, early.json()["app"].as_str()), (503, Some("storefront")));
    assert_eq!(status(&serin, &app, "prod")["DeployStatus"], "undeploy");

    // Staging is a place of its own.
    ok(
        &serin,
        "PublishEdgeContainerAppVersion",
        &json!({ "AppId": app, "VersionId": one, "PublishEnv": "staging" }),
    );
    let staged = Connection::open(serin.staging).unwrap().get(host, &[]).unwrap();
    assert_eq!(said(&staged, "x-serin-version"), one);
    assert_eq!(said(&staged, "x-serin-app"), "storefront");
    assert_eq!(said(&staged, "x-serin-routine"), "-");
    assert_eq!(staged.json()["app"], "storefront");
    assert_eq!(connection.get(host, &[]).unwrap().status, 503);

    // The first version has everybody, whatever was asked, and is the baseline then.
    publish(&serin, &app, &one, &json!({ "Percentage": 30 }));
    assert_eq!(everybody(&serin, host, &[]), (one.clone(), "only".to_owned()));
    let first = told(&status(&serin, &app, "prod"));
    assert_eq!(first, ("published".to_owned(), one.clone(), one.clone(), 30, 100));

    // Ten percent, as the rule places them; more, and nobody moves back.
    publish(&serin, &app, &two, &json!({ "Percentage": 10, "Remarks": "canary" }));
    let ten = answers(&serin, host, &[]);
    publish(&serin, &app, &two, &json!({ "Percentage": 50 }));
    let fifty = answers(&serin, "storefront.edge.test", &[]);
    for (percent, met) in [(10, &ten), (50, &fifty)] {
        let rule = SecondRule::new("container", &app, "", [(&one, 100 - percent), (&two, percent)]);
        for (user, (version, reason)) in met.iter().enumerate() {
            let key = format!("user-{user}");
            assert_eq!((&**version, &**reason), (rule.version(key.as_bytes()), "key"), "{key}");
        }
    }
    assert!(ten.iter().zip(&fifty).all(|(was, is)| was.0 == one || is.0 == two));
    assert!(ten.iter().any(|met| met.0 == two) && fifty.iter().any(|met| met.0 == one));
    let half = told(&status(&serin, &app, "prod"));
    assert_eq!(half, ("publishing".to_owned(), two.clone(), one.clone(), 50, 50));

    // By region: what a trusted peer says, else where the address is.
    publish(&serin, &app, &two, &json!({ "PublishType": "region", "Regions": "[\"jiangsu\"]" }));
    let region = |reason: &str, version: &String| (version.clone(), reason.to_owned());
    let from = |fields: &[(&str, &str)]| everybody(&serin, host, fields);
    assert_eq!(from(&[("x-serin-region", "jiangsu")]), region("region", &two));
    assert_eq!(from(&[("x-serin-region", "zhejiang")]), region("region", &one));
    assert_eq!(from(&[("x-forwarded-for", "198.51.100.7")]), region("region", &two));
    assert_eq!(from(&[("x-forwarded-for", "203.0.113.7")]), region("region", &one));
    assert_eq!(from(&[]), region("region", &one));
    let regional = status(&serin, &app, "prod");
    assert_eq!(regional["Regions"], json!({ "Region": ["jiangsu"] }));
    assert_eq!(
        (&regional["PublishType"], &regional["FullRelease"]),
        (&json!("region"), &json!(false))
    );
    assert_eq!(regional["DeployedVersion"], json!(one));
    let all = json!({ "PublishType": "region", "FullRelease": "True", "Regions": ["jiangsu"] });
    publish(&serin, &app, &two, &all);
    assert_eq!(from(&[("x-serin-region", "zhejiang")]), region("only", &two));
    let full = status(&serin, &app, "prod");
    assert_eq!((&full["PublishStatus"], &full["FullRelease"]), (&json!("published"), &json!(true)));
    assert_eq!(full["DeployedVersion"], json!(two));

    // Back, part of the way and then all of it.
    let part = json!({ "AppId": app, "VersionId": one, "UsedPercent": "True", "Percentage": 40 });
    ok(&serin, "RollbackEdgeContainerAppVersion", &part);
    let back = told(&status(&serin, &app, "prod"));
    assert_eq!(back, ("rollbacking".to_owned(), one.clone(), two.clone(), 40, 40));
    let rule = SecondRule::new("container", &app, "", [(&one, 40), (&two, 60)]);
    for (user, (version, _)) in answers(&serin, host, &[]).iter().enumerate() {
        assert_eq!(version, rule.version(format!("user-{user}").as_bytes()));
    }
    ok(&serin, "RollbackEdgeContainerAppVersion", &json!({ "AppId": app, "VersionId": one }));
    assert_eq!(everybody(&serin, host, &[]), (one.clone(), "only".to_owned()));
    let done = told(&status(&serin, &app, "prod"));
    assert_eq!(done, ("rollbacked".to_owned(), one.clone(), one.clone(), 100, 100));

    // A version may be tried while it is dark; one that serves cannot be deleted.
    let named = format!("storefront=\"{two}\"");
    let tried = connection.get(host, &[("x-serin-version-override", &named)]).unwrap();
    assert_eq!(
        (said(&tried, "x-serin-version"), said(&tried, "x-serin-reason")),
        (two.clone(), "override".to_owned())
    );
    let gone = json!({ "AppId": app, "VersionId": one });
    assert_eq!(refused(&serin, "DeleteEdgeContainerAppVersion", &gone).1, "DependedByOthers");
    ok(&serin, "DeleteEdgeContainerAppVersion", &json!({ "AppId": app, "VersionId": two }));

    // A host is bound, and let go with the app.
    let record = json!({ "AppId": app, "RecordName": "Shop.example.com", "SiteId": 7 });
    ok(&serin, "CreateEdgeContainerAppRecord", &record);
    assert_eq!(refused(&serin, "CreateEdgeContainerAppRecord", &record).1, "InvalidParameter");
    let listed = ok(&serin, "ListEdgeContainerAppRecords", &json!({ "AppId": app }));
    assert_eq!(listed["Records"][0]["RecordName"], "shop.example.com");
    assert_eq!(listed["Records"][0]["SiteId"], 7);
    assert_eq!(everybody(&serin, "shop.example.com", &[]).0, one);
    ok(&serin, "DeleteEdgeContainerApp", &json!({ "AppId": app }));
    for host in [host, "shop.example.com"] {
        assert_eq!(connection.get(host, &[]).unwrap().status, 404, "{host}");
    }
    let nobody = refused(&serin, "GetEdgeContainerAppStatus", &json!({ "AppId": app }));
    assert_eq!((nobody.0, nobody.1.as_str()), (404, "InvalidApp.NotFound"));
}

#[test]
fn what_waits_for_its_time_survives_a_kill() {
    let place = Place::new("");
    let mut serin = place.start();
    let app = make_app(&serin, "storefront");
    let (one, two) = (make_version(&serin, &app, &image()), make_version(&serin, &app, &image()));
    publish(&serin, &app, &one, &json!({}));
    // Times have whole seconds: this one is one or two away, the other out of reach.
    let now = jiff::Timestamp::now().as_second();
    let soon = jiff::Timestamp::from_second(now + 2).unwrap().to_string();
    publish(&serin, &app, &two, &json!({ "StartTime": soon, "Percentage": 100 }));
    publish(&serin, &app, &one, &json!({ "StartTime": "2099-01-01T00:00:00Z" }));
    let waiting = status(&serin, &app, "prod");
    assert_eq!(waiting["PublishTime"], json!(soon));
    assert_eq!(told(&waiting), ("publishing".to_owned(), two.clone(), one.clone(), 100, 0));
    assert_eq!(waiting["Scheduled"].as_array().unwrap().len(), 2);
    let needed = json!({ "AppId": app, "VersionId": two });
    assert_eq!(refused(&serin, "DeleteEdgeContainerAppVersion", &needed).1, "DependedByOthers");
    serin.kill();

    let serin = place.start();
    let mut connection = Connection::open(serin.production).unwrap();
    let mut served = || {
        let response = connection.get("storefront.localhost", &[]).unwrap();
        said(&response, "x-serin-version")
    };
    // Nobody asks admin: it happens by itself.
    wait_until(|| served() == two);
    let done = status(&serin, &app, "prod");
    assert_eq!(done["DeployedVersion"], json!(two));
    assert_eq!(done["Scheduled"].as_array().unwrap().len(), 1);

    // Whoever rolls back does not want what still waits.
    ok(&serin, "RollbackEdgeContainerAppVersion", &json!({ "AppId": app, "VersionId": one }));
    assert_eq!(status(&serin, &app, "prod")["Scheduled"], json!([]));
}

#[test]
fn an_app_is_told_and_tuned_by_the_native_api() {
    let place = Place::new(
        "[[app]]\napp_id = \"app-880688675783790000\"\nname = \"declared\"\ncohort = \"again\"\n[[app.version]]\nversion_id = \"ver-879626371616510000\"\n",
    );
    let serin = place.start();
    let upstream = json!([{ "Image": "web:1", "EnvVariables": "A=b,UPSTREAM=http://127.0.0.1:1" }]);
    let app = make_app(&serin, "storefront");
    let (one, two) = (make_version(&serin, &app, &upstream), make_version(&serin, &app, &image()));
    let api = |method, path: &str, body: Value| {
        let answer = serin.call(method, &format!("/api/v1/apps{path}"), &body);
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
        answer.json()
    };
    let listed = api("GET", "", Value::Null);
    let names: Vec<_> = listed["apps"].as_array().unwrap().iter().map(|app| &app["name"]).collect();
    assert_eq!(names, ["storefront", "declared"]);
    let told = api("GET", &format!("/{app}/versions"), Value::Null);
    assert_eq!(told["versions"][1]["upstream"], "http://127.0.0.1:1");
    let kept = ok(&serin, "GetEdgeContainerAppVersion", &json!({ "AppId": app, "VersionId": one }));
    assert_eq!(kept["Version"]["Containers"], upstream);

    // Its version is bound to nothing that answers, and then to the built-in backend.
    publish(&serin, &app, &one, &json!({}));
    let mut connection = Connection::open(serin.production).unwrap();
    assert_eq!(connection.get("storefront.localhost", &[]).unwrap().status, 502);
    api("PATCH", &format!("/{app}/versions/{one}"), json!({ "upstream": null }));
    assert_eq!(connection.get("storefront.localhost", &[]).unwrap().status, 200);

    let tuned = json!({ "cohort": "other", "sticky": ["query:u"] });
    let tuned = api("PATCH", &format!("/{app}"), tuned);
    assert_eq!((&tuned["cohort"], &tuned["sticky"]), (&json!("other"), &json!(["query:u"])));
    publish(&serin, &app, &two, &json!({ "Percentage": 25 }));
    let rule = SecondRule::new("container", &app, "other", [(&one, 75), (&two, 25)]);
    for user in 0..40 {
        let asked = format!("/api/v1/explain?app=storefront&key=user-{user}");
        let why = serin.call("GET", &asked, &Value::Null).json();
        assert_eq!(why["version"], rule.version(format!("user-{user}").as_bytes()));
        assert_eq!((&why["app"], why.get("routine")), (&json!("storefront"), None));
    }
    let live = api("GET", &format!("/{app}/environments/production"), Value::Null);
    assert_eq!((&live["version_id"], &live["rest"]), (&json!(two), &json!(one)));
    assert_eq!(live["percentage"], 25);
    let history = api("GET", &format!("/{app}/publishes?limit=1"), Value::Null);
    assert_eq!(history["publishes"][0], live);
    let before = history["next"].as_str().unwrap();
    let older = api("GET", &format!("/{app}/publishes?before={before}"), Value::Null);
    assert_eq!(older["publishes"][0]["version_id"], json!(one));
    assert_eq!(older["next"], Value::Null);
    let by_region = json!({ "PublishType": "region", "Regions": ["jiangsu"] });
    publish(&serin, &app, &two, &by_region);
    let asked = "/api/v1/explain?host=storefront.localhost&client=127.0.0.1&header=x-serin-region:%20jiangsu";
    let why = serin.call("GET", asked, &Value::Null).json();
    assert_eq!((&why["version"], &why["reason"]), (&json!(two), &json!("region")));
    assert_eq!(why["regional"]["found"], "jiangsu");
}

#[test]
fn an_app_and_a_routine_never_share_a_name() {
    let place = Place::new("[[routine]]\nname = \"checkout\"\n");
    let serin = place.start();
    let app = json!({ "Name": "checkout", "ServicePort": 80, "TargetPort": 80 });
    let taken = refused(&serin, "CreateEdgeContainerApp", &app);
    assert_eq!(taken, (400, "InvalidParameter".to_owned(), SERVICE_TEXT.to_owned()));
    let id = make_app(&serin, "storefront");
    let routine = json!({ "Name": "storefront" });
    assert_eq!(refused(&serin, "CreateRoutine", &routine).1, "RoutineAlreadyExist");
    ok(&serin, "DeleteEdgeContainerApp", &json!({ "AppId": id }));
    ok(&serin, "CreateRoutine", &routine);
}

#[test]
fn a_publish_is_refused_in_the_words_of_its_page() {
    let place = Place::new("");
    let serin = place.start();
    let app = make_app(&serin, "storefront");
    let version = make_version(&serin, &app, &image());
    let good = json!({ "AppId": app, "VersionId": version, "PublishEnv": "prod" });
    let with = |name: &str, value: Value| {
        let mut params = good.clone();
        params[name] = value;
        refused(&serin, "PublishEdgeContainerAppVersion", &params)
    };
    for (name, value, status, code, message) in [
        (
            "AppId",
            json!(""),
            400,
            "InvalidParameter.appid",
            "The format of the application ID is invalid. You can call ListEdgeContainerApps to obtain the application ID.",
        ),
        (
            "AppId",
            json!("app-1"),
            400,
            "InvalidParameter.appid",
            "The format of the application ID is invalid. You can call ListEdgeContainerApps to obtain the application ID.",
        ),
        (
            "AppId",
            json!("app-880688675783790000"),
            404,
            "InvalidApp.NotFound",
            "The application does not exist. Check whether the application ID you specified is correct and try again.",
        ),
        (
            "PublishEnv",
            json!("production"),
            400,
            "InvalidParameter.PublishEnv",
            "The specified PublishEnv is invalid. Please check the PublishEnv parameter. It may not be set to either \"prod\" or \"staging.\" Please make the necessary changes and call the interface again.",
        ),
        (
            "PublishEnv",
            json!(""),
            400,
            "InvalidParameter.PublishEnv",
            "The specified PublishEnv is invalid. Please check the PublishEnv parameter. It may not be set to either \"prod\" or \"staging.\" Please make the necessary changes and call the interface again.",
        ),
        (
            "Percentage",
            json!(0),
            400,
            "InvalidParameter.Percentage",
            "The Percentage parameter is invalid. Please check the Percentage parameter, which should be in the range of 1-100. Modify it accordingly and call the interface again.",
        ),
        (
            "Percentage",
            json!("101"),
            400,
            "InvalidParameter.Percentage",
            "The Percentage parameter is invalid. Please check the Percentage parameter, which should be in the range of 1-100. Modify it accordingly and call the interface again.",
        ),
        (
            "VersionId",
            json!("1.0"),
            400,
            "InvalidParameter.VersionId",
            "The specified VersionId is invalid. Please check the VersionId parameter. You may not have entered the parameter or the parameter does not start with ver-string. Please modify it and call the interface again.",
        ),
        (
            "VersionId",
            json!("ver-879626371616510000"),
            400,
            "InvalidParameter.VersionId",
            "The specified VersionId is invalid. Please check the VersionId parameter. You may not have entered the parameter or the parameter does not start with ver-string. Please modify it and call the interface again.",
        ),
        ("PublishType", json!("region"), 400, "InvalidParameter", SERVICE_TEXT),
        ("PublishType", json!("none"), 400, "InvalidParameter", SERVICE_TEXT),
        ("StartTime", json!("tomorrow"), 400, "InvalidParameter", SERVICE_TEXT),
        ("Remarks", json!("x".repeat(1025)), 400, "InvalidParameter", SERVICE_TEXT),
    ] {
        let expected = (status, code.to_owned(), message.to_owned());
        assert_eq!(with(name, value.clone()), expected, "{name} {value}");
    }
    // Nothing of it has changed anything.
    assert_eq!(status_is_empty(&serin, &app), (String::new(), "undeploy".to_owned()));
}

fn status_is_empty(serin: &Process, app: &str) -> (String, String) {
    let status = status(serin, app, "prod");
    (text(&status["PublishStatus"]), text(&status["DeployStatus"]))
}

#[test]
fn what_a_page_does_not_list_is_refused_although_it_would_have_no_effect() {
    let desk = Desk::start();
    let app = [("Name", "storefront"), ("ServicePort", "80"), ("TargetPort", "80")];
    let code = [&app[..], &[("HealthCheckHttpCode", "http_4xx")]].concat();
    assert_eq!(desk.call("CreateEdgeContainerApp", &code).with(400)["Code"], "InvalidParameter");
    let made = desk.call("CreateEdgeContainerApp", &app).with(200);
    let app = ("AppId", made["AppId"].as_str().unwrap());
    let version = [app, ("Name", "release"), ("Containers", r#"[{"Name":"web","Image":"web:1"}]"#)];
    let made = desk.call("CreateEdgeContainerAppVersion", &version).with(200);
    let version = ("VersionId", made["VersionId"].as_str().unwrap());
    let publish = [app, version, ("PublishEnv", "prod")];
    desk.call("PublishEdgeContainerAppVersion", &publish).with(200);
    let back = |more: &[(&str, &str)]| {
        desk.call("RollbackEdgeContainerAppVersion", &[&[app, version], more].concat())
    };
    for more in [&[("Percentage", "x")][..], &[("Percentage", "0"), ("UsedPercent", "True")]] {
        assert_eq!(back(more).with(400)["Code"], "InvalidParameter.Percentage", "{more:?}");
    }
    // The default, which some clients send.
    back(&[("Percentage", "0"), ("UsedPercent", "False")]).with(200);
}
