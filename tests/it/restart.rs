//! Killed and started again, it serves exactly what it served before.

use serde_json::{Value, json};

use crate::support::desk::form;
use crate::support::http::Connection;
use crate::support::oss::{FORM_KIND, zip_form, zipped};
use crate::support::process::{ANY_PORT, Process};
use crate::support::raw::Client;

const USERS: usize = 500;
/// By default record, by a route of the config, by a record and by routes of a site.
const HOSTS: [&str; 6] = [
    "checkout.localhost",
    "cart.localhost",
    "search.localhost",
    "x.test",
    "bound.example.com",
    "www.example.com",
];

/// Everything that an operator or a user can see: the answers of both
/// environments, and what the native API tells.
fn portrait(serin: &Process) -> Vec<String> {
    let mut lines = Vec::new();
    for (environment, address) in [("production", serin.production), ("staging", serin.staging)] {
        let mut connection = Connection::open(address).unwrap();
        for user in 0..USERS {
            for host in HOSTS {
                let key = format!("user-{user}");
                let response = connection.get(host, &[("x-serin-key", &key)]).unwrap();
                let said = |name| response.header(name).unwrap_or("-").to_owned();
                lines.push(format!(
                    "{environment} {host} {key} {} {} {} {}",
                    response.status,
                    said("x-serin-version"),
                    said("x-serin-deployment"),
                    said("x-serin-reason"),
                ));
            }
        }
    }
    for path in [
        "/api/v1/routines",
        "/api/v1/routines/checkout",
        "/api/v1/routines/checkout/versions",
        "/api/v1/routines/checkout/deployments",
        "/api/v1/routines/cart",
        "/api/v1/routines/cart/versions",
        "/api/v1/routines/cart/deployments",
    ] {
        let answer = serin.call("GET", path, &Value::Null);
        lines.push(format!("{path} {}", String::from_utf8_lossy(&answer.body)));
    }
    for (action, params) in [
        ("GetRoutine", "Name=cart"),
        ("ListUserRoutines", ""),
        ("GetRoutineUserInfo", ""),
        ("ListRoutineCodeVersions", "Name=cart"),
        ("ListRoutineRelatedRecords", "Name=cart"),
        ("ListSiteRoutes", "SiteId=1001"),
        ("ListSites", ""),
        ("ListRoutineEnvironmentVariables", "Name=cart&Env=staging"),
        ("ListRoutineEnvironmentVariables", "Name=cart&Env=production"),
        ("ListRoutineEnvironmentVariables", "Name=checkout&Env=production"),
    ] {
        lines.push(format!("{action} {params} {}", told(serin, action, params)));
    }
    let versions = told(serin, "ListRoutineCodeVersions", "Name=cart");
    for version in versions["CodeVersions"].as_array().unwrap() {
        let params = format!("Name=cart&CodeVersion={}", version["CodeVersion"].as_str().unwrap());
        for action in ["GetRoutineCodeVersion", "GetRoutineCodeVersionInfo"] {
            lines.push(format!("{action} {params} {}", told(serin, action, &params)));
        }
    }
    lines
}

/// What an action of the ESA dialect answers, less what names the call.
fn told(serin: &Process, action: &str, params: &str) -> Value {
    let target = format!("/?Action={action}&Version=2024-09-10&{params}");
    let answer = serin.call("GET", &target, &Value::Null);
    assert_eq!(answer.status, 200, "{action}: {answer:?}");
    let mut told = answer.json();
    told.as_object_mut().unwrap().remove("RequestId");
    told
}

/// A version of `cart` that comes as a zip; the status of its upload's answer.
fn upload(serin: &Process, params: &str, zip: &[u8]) -> u16 {
    let begun = begin(serin, params);
    let form = zip_form(&begun["OssPostConfig"], &[], zip);
    let head = format!(
        "POST /oss/assets HTTP/1.1\r\nhost: localhost\r\ncontent-type: {FORM_KIND}\r\n\
         content-length: {}\r\n\r\n",
        form.len()
    );
    Client::new(serin.admin).send(head).send(form).answer().status
}

fn begin(serin: &Process, params: &str) -> Value {
    told(serin, "CreateRoutineWithAssetsCodeVersion", &format!("Name=cart&{params}"))
}

#[test]
fn a_killed_serin_serves_what_it_served_before() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serin.toml");
    let text = format!(
        "default_routine = \"checkout\"
{ANY_PORT}
[store]
path = \"{}\"

[[site]]
id = 1001
name = \"example.com\"

[[routine]]
name = \"checkout\"
routes = [\"x.test/*\"]
[[routine.version]]
code_version = \"1\"
[[routine.version]]
code_version = \"2\"
[[routine.deployment]]
env = \"production\"
code_versions = [{{ code_version = \"1\", percentage = 90 }}, {{ code_version = \"2\", percentage = 10 }}]

[[routine]]
name = \"search\"
[[routine.version]]
code_version = \"1\"
[[routine.deployment]]
env = \"staging\"
code_versions = [{{ code_version = \"1\", percentage = 100 }}]
",
        folder.path().join("serin.db").display()
    );
    std::fs::write(&config, text).unwrap();
    let mut serin = Process::start(&config);

    // What the config declared is changed by the API, and more is made there.
    serin.deploy("checkout", "production", &[("1", 55), ("2", 45)]);
    serin.deploy("checkout", "staging", &[("2", 100)]);
    let call = |method, path: &str, body| {
        let answer = serin.call(method, path, &body);
        assert!((200..300).contains(&answer.status), "{path}: {answer:?}");
    };
    call("POST", "/api/v1/routines", json!({ "name": "cart" }));
    for version in ["blue", "green"] {
        call("POST", "/api/v1/routines/cart/versions", json!({ "code_version": version }));
    }
    call(
        "PATCH",
        "/api/v1/routines/cart",
        json!({ "cohort": "again", "sticky": ["query:u", "header:x-serin-key"] }),
    );
    serin.deploy("cart", "production", &[("green", 33), ("blue", 67)]);
    serin.deploy("cart", "production", &[("green", 44), ("blue", 56)]);
    call("DELETE", "/api/v1/routines/search", Value::Null);
    let variables = json!({
        "PLAIN": { "Type": "plain_text", "Value": "seen" },
        "SECRET": { "Type": "secret_text", "Value": "never-seen" },
        "GONE": { "Type": "plain_text", "Value": "" },
    });
    let of_staging = "Name=cart&Env=staging";
    let set = form(&[("EnvironmentVariables", &variables.to_string())]);
    told(&serin, "SetRoutineEnvironmentVariables", &format!("{of_staging}&{set}"));
    let delete = form(&[("EnvironmentVariableKeys", "[\"GONE\"]")]);
    told(&serin, "DeleteRoutineEnvironmentVariables", &format!("{of_staging}&{delete}"));
    let making = form(&[
        ("ExtraInfo", "{\"Source\":\"CLI\"}"),
        ("BuildId", "9007199254740991"),
        ("DeployEnv", "staging"),
        ("ConfOptions", "{\"NotFoundStrategy\":\"SinglePageApplication\"}"),
    ]);
    let site = zipped(&[("routine/index.js", b"export {}"), ("assets/a", b"a")]);
    assert_eq!(upload(&serin, &making, &site), 200);
    assert_eq!(upload(&serin, "", b"no zip"), 400);
    begin(&serin, "DeployEnv=production");

    let in_site =
        |name: &str, host: &str| form(&[(name, "cart"), ("SiteId", "1001"), ("RecordName", host)]);
    let bind = |host| told(&serin, "CreateRoutineRelatedRecord", &in_site("Name", host));
    bind("bound.example.com");
    let gone = bind("gone.example.com")["RecordId"].as_i64().unwrap();
    let gone = format!("{}&RecordId={gone}", in_site("Name", "gone.example.com"));
    told(&serin, "DeleteRoutineRelatedRecord", &gone);
    let route = |name, rule, more: &str| {
        let params = form(&[("RouteName", name), ("RouteEnable", "on"), ("Rule", rule)]);
        let params = format!("{}&{params}{more}", in_site("RoutineName", ""));
        told(&serin, "CreateRoutineRoute", &params)["ConfigId"].as_i64().unwrap()
    };
    let rule =
        r#"http.host eq "www.example.com" and http.request.headers["x-serin-key"] contains "7""#;
    route("sevens", rule, "&Timeout=30&Fallback=on");
    route("bypassed", r#"ends_with(http.host, "www.example.com")"#, "&Bypass=on&Sequence=9");
    let gone = route("gone", "true", "&Sequence=0");
    told(&serin, "DeleteRoutineRoute", &format!("SiteId=1001&ConfigId={gone}"));

    let before = portrait(&serin);
    assert!(before.iter().any(|line| line.contains(" 502 ")), "a bypass without an origin");
    assert!(before.iter().any(|line| line.contains(" 503 ")), "a routine without a deployment");
    let all = before.concat();
    for seen in ["\"init\"", "\"failed\"", "SinglePage", "9007199254740991", "ZXhwb3J0IHt9", "seen"]
    {
        assert!(all.contains(seen), "{seen}");
    }
    assert!(!all.contains("never-seen"));
    assert!(all.contains("sevens") && all.contains("bound.example.com"));
    assert!(!all.contains("GONE") && !all.contains("gone.example.com"));
    serin.kill();
    let serin = Process::start(&config);
    let after = portrait(&serin);
    for (was, is) in before.iter().zip(&after) {
        assert_eq!(was, is);
    }
    assert_eq!(before.len(), after.len());
}
