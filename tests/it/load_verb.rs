//! `serin load`: held against a Serin, through its deployments, and what it says of a run.

use std::fs::{self, File};

use serde_json::{Value, json};

use crate::support::process::{ANY_PORT, Process, Running, finish, output, serin};
use crate::support::upstream::Upstream;
use crate::support::wait_until;

const OK: &str = "HTTP/1.1 200 OK\r\nx-serin-version: 1\r\ncontent-length: 0\r\n\r\n";

/// A `serin serve` with `shop`, whose version 2 has 10 %, and a config in a folder.
fn served(more: &str) -> (tempfile::TempDir, Process) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serin.toml");
    let config = format!(
        "default_routine = \"shop\"\n{ANY_PORT}
[[routine]]
name = \"shop\"
{more}
[[routine.version]]
code_version = \"1\"
[[routine.version]]
code_version = \"2\"
"
    );
    std::fs::write(&path, config).unwrap();
    let serin = Process::start(&path);
    serin.deploy("shop", "production", &[("1", 90), ("2", 10)]);
    (folder, serin)
}

/// `serin load` against it: the status, what it reports as JSON, and what it complains of.
fn load(serin_: &Process, arguments: &[&str]) -> (i32, Value, String) {
    let output = output(
        serin()
            .args(["load", &format!("http://{}/", serin_.production), "--json"])
            .args(["--admin", &format!("http://{}", serin_.admin), "--routine", "shop"])
            .args(arguments),
    );
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), report, complaint)
}

#[test]
fn every_answer_is_held_to_the_rule_through_deployments() {
    let (_folder, serin) = served("cohort = \"spring\"");
    // Swapped in between: nobody moves. The last is a new release.
    let (status, report, complaint) = load(
        &serin,
        &[
            "--rate",
            "1000",
            "--duration",
            "2s",
            "--users",
            "200",
            "--zipf",
            "0.5",
            "--deploy",
            "300ms:1@60,2@40",
            "--deploy",
            "600ms:2@40,1@60",
            "--deploy",
            "900ms:2@100",
            // On a machine that stands still.
            "--max-errors",
            "2000",
        ],
    );
    assert_eq!(status, 0, "{report:#} {complaint}");
    assert_eq!(report["agreement"]["disagreements"], 0);
    assert_eq!(report["agreement"]["answers"], report["answers"]);
    assert_eq!(report["stickiness"]["changes"], 0);
    let periods = report["periods"].as_array().unwrap();
    let ids: Vec<_> = periods.iter().map(|period| period["deployment_id"].clone()).collect();
    assert_eq!(ids, ["1", "2", "3", "4"]);
    for (period, flows) in periods[1..].iter().zip([&[("1", "2")][..], &[], &[("1", "2")]]) {
        let moved = &period["moved"];
        assert!(moved["seen"].as_u64().unwrap() > 20, "{period:#}");
        assert_eq!(moved["users"], moved["by_rule"], "{period:#}");
        let found: Vec<_> = moved["flows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|flow| (flow["from"].as_str().unwrap(), flow["to"].as_str().unwrap()))
            .collect();
        assert_eq!(found, flows, "{period:#}");
    }
}

#[test]
fn an_app_is_published_in_the_middle_of_a_run_and_held_to_the_rule() {
    const APP: &str = "app-880688675783790000";
    let (one, two) = ("ver-879626371616510000", "ver-879626371616510001");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serin.toml");
    let versions = [one, two].map(|id| format!("[[app.version]]\nversion_id = \"{id}\"\n"));
    let config = format!(
        "{ANY_PORT}[[app]]\napp_id = \"{APP}\"\nname = \"storefront\"\n{}",
        versions.concat()
    );
    fs::write(&path, config).unwrap();
    let serin_ = Process::start(&path);
    let whole = json!({ "AppId": APP, "VersionId": one, "PublishEnv": "prod" });
    let publish = "/?Action=PublishEdgeContainerAppVersion&Version=2024-09-10";
    assert_eq!(serin_.call("POST", publish, &whole).status, 200);
    let load = |arguments: &[&str]| {
        let run = output(
            serin()
                .args(["load", &format!("http://{}/", serin_.production), "--json"])
                .args(["-H", "host: storefront.localhost", "--users", "100", "--zipf", "0"])
                .args(["--admin", &format!("http://{}", serin_.admin), "--app", APP])
                .args(["--rate", "500", "--duration", "2s", "--max-errors", "1000"])
                .args(arguments),
        );
        let report: Value = serde_json::from_slice(&run.stdout).unwrap_or_default();
        (run.status.code().unwrap(), report)
    };
    let (canary, all) = (format!("200ms:{two}@30,{one}@70"), format!("500ms:{two}@100"));
    let (status, report) = load(&["--deploy", &canary, "--deploy", &all]);
    assert_eq!(status, 0, "{report:#}");
    assert_eq!(report["agreement"]["disagreements"], 0);
    assert_eq!(report["agreement"]["answers"], report["answers"]);
    let periods = report["periods"].as_array().unwrap();
    assert_eq!(periods.len(), 3);
    for period in &periods[1..] {
        assert!(period["moved"]["users"].as_u64().unwrap() > 5, "{period:#}");
        assert_eq!(period["moved"]["users"], period["moved"]["by_rule"], "{period:#}");
    }
    // By now version two has everybody, and keeps the rest.
    let impossible = format!("100ms:{one}@50,ver-879626371616510009@50");
    let (status, report) = load(&["--deploy", &impossible]);
    assert_eq!(status, 1);
    let why = report["deployment_failed"]["why"].as_str().unwrap();
    assert!(why.contains("last had everybody"), "{why}");
    let refused = "100ms:ver-879626371616510009@100";
    let (status, report) = load(&["--deploy", refused]);
    assert_eq!(status, 1);
    let why = report["deployment_failed"]["why"].as_str().unwrap();
    assert!(why.starts_with("refused: "), "{why}");
}

#[test]
fn a_serin_that_is_told_to_lie_is_caught() {
    // An override answers everybody with version 2, whatever the rule says.
    let (_folder, serin) = served("");
    let (status, report, _) = load(
        &serin,
        &["-n", "500", "-H", "x-serin-version-override: shop=\"2\"", "--users", "100"],
    );
    assert_eq!(status, 1);
    let found = &report["agreement"];
    assert!(found["disagreements"].as_u64().unwrap() > 300, "{report:#}");
    assert_eq!(
        (&found["examples"][0]["got"], &found["examples"][0]["by_rule"]),
        (&"2".into(), &"1".into())
    );
    assert_eq!(report["stickiness"]["changes"], 0);
}

#[test]
fn a_routine_that_looks_for_its_key_elsewhere_is_told_before_anything_is_sent() {
    let (_folder, serin) = served("sticky = [\"cookie:uid\", \"client-ip\"]");
    let (status, _, complaint) = load(&serin, &["-n", "10"]);
    assert_eq!(status, 2);
    assert!(complaint.contains("it looks for one in cookie:uid, client-ip"), "{complaint}");
    let (status, report, _) = load(&serin, &["-n", "200", "--key-cookie", "uid"]);
    assert_eq!(status, 0, "{report:#}");
}

#[test]
fn a_header_that_is_sent_unasked_stands_before_a_key_like_any() {
    let sticky = r#"sticky = ["header:x-where", "header:content-length", "header:a", "header:b"]"#;
    let (_folder, serin) = served(sticky);
    let status = |arguments: &[&str]| {
        let asked = [&["-n", "10", "--key-header", "b"], arguments].concat();
        load(&serin, &asked).0
    };
    assert_eq!(status(&[]), 0);
    for before in [
        &["--data", "x"][..],
        &["--http2", "-X", "POST"],
        &["--regions", "eu=1", "--region-header", "x-where"],
        &["-H", "a: b"],
    ] {
        assert_eq!(status(before), 2, "{before:?}");
    }
    for always in ["header:user-agent", "header:host"] {
        let (_folder, serin) = served(&format!("sticky = [\"{always}\", \"header:x-serin-key\"]"));
        assert_eq!(load(&serin, &["-n", "10"]).0, 2, "{always}");
    }
}

#[test]
fn a_deployment_by_somebody_else_is_told() {
    let (_folder, serin_) = served("");
    let (target, admin) =
        (format!("http://{}/", serin_.production), format!("http://{}", serin_.admin));
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report");
    let mut load = Running::start(
        serin()
            .args(["load", &target, "--admin", &admin, "--routine", "shop", "--json"])
            .args(["--duration", "1h"])
            .stdout(File::create(&report).unwrap()),
    );
    wait_until(|| {
        let traffic = serin_.call("GET", "/api/v1/routines/shop/traffic", &Value::Null).json();
        traffic["versions"][0]["served"].as_u64().unwrap() > 0
    });
    serin_.deploy("shop", "production", &[("1", 50), ("2", 50)]);
    // It ends early, and says all the same what it has seen.
    load.signal("INT");
    assert_eq!(load.wait().code(), Some(1));
    let report: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    assert_eq!(report["deployed_by_others"], "2");
    assert!(report["answers"].as_u64().unwrap() > 0, "{report:#}");
}

#[test]
fn the_status_says_what_came_of_a_run() {
    let (_folder, serin) = served("");
    let target = format!("http://{}/", serin.production);
    let admin = format!("http://{}", serin.admin);
    let status = |arguments: &[&str]| {
        let run = output(crate::support::process::serin().arg("load").args(arguments));
        run.status.code().unwrap()
    };
    assert_eq!(status(&[&target, "-n", "50"]), 0);
    assert_eq!(status(&[&target, "-n", "50", "--expect", "1@90,3@10"]), 1);
    assert_eq!(status(&[&target, "-n", "50", "--expect", "1@90,2@20"]), 2);
    assert_eq!(status(&[&target, "-n", "50", "--deploy", "1s:1@100"]), 2);
    let many: Vec<_> = (0..65).map(|n| format!("v{n}@{}", if n < 35 { 2 } else { 1 })).collect();
    assert_eq!(status(&[&target, "-n", "50", "--expect", &many.join(",")]), 2);
    let three = ["--routine", "shop", "--admin", &admin, "--deploy", "1s:1@30,2@30,3@40"];
    assert_eq!(status(&[&[target.as_str()], &three[..]].concat()), 2);
    assert_eq!(status(&[&target, "-n", "50", "--version-header", "x-absent"]), 1);
    assert_eq!(status(&[&target, "-n", "50", "--timeout", "61m"]), 2);
    assert_eq!(status(&["127.0.0.1"]), 2);
    assert_eq!(status(&[&target, "--version-regex", "v1"]), 2);
    assert_eq!(status(&["http://127.0.0.1:1/", "-n", "1"]), 3);
    let nobody = ["--admin", "http://127.0.0.1:1", "--routine", "shop"];
    assert_eq!(status(&[&[target.as_str(), "-n", "1"], &nobody[..]].concat()), 3);
    let absent = ["--admin", &admin, "--routine", "absent"];
    assert_eq!(status(&[&[target.as_str(), "-n", "1"], &absent[..]].concat()), 1);
    let over_http2 = [target.as_str(), "--http2", "-n", "1"];
    assert_eq!(status(&over_http2), 0);
    for wrong in ["host: a b", "te: gzip", "upgrade: websocket"] {
        assert_eq!(status(&[&over_http2[..], &["-H", wrong]].concat()), 2, "{wrong}");
    }
    for wrong in [
        &["-d", "0s"][..],
        &["-n", "0"],
        &["--rate", "10", "--over", "1s"],
        &["--rate", "10..20", "--over", "0s"],
        &["-H", "X-Serin-Key: me"],
        &["-H", "host: a", "-H", "Host: b"],
        &["-H", "cookie: a=b; uid=me", "--key-cookie", "uid"],
        &["--key-header", "Content-Length"],
        &["--key-header", "transfer-encoding"],
        &["--key-header", "host"],
        &["--key-header", "connection"],
        &["--key-header", "cookie"],
        &["--version-header", "a b"],
        &["--heavy", "10000@50"],
        &["--regions", "eu=1", "--region-header", "x-serin-key"],
        &["--key-prefix", "a b"],
    ] {
        assert_eq!(status(&[&[target.as_str(), "-n", "1"], wrong].concat()), 2, "{wrong:?}");
    }
}

#[test]
fn a_deployment_that_is_refused_ends_the_run_and_the_report_tells_it() {
    let (_folder, serin) = served("");
    let (status, report, complaint) =
        load(&serin, &["--rate", "100", "-d", "1m", "--deploy", "300ms:9@100"]);
    assert_eq!(status, 1, "{complaint}");
    assert!(report["answers"].as_u64().unwrap() > 0, "{report:#}");
    let failed = &report["deployment_failed"];
    assert!(failed["why"].as_str().unwrap().starts_with("refused: "), "{report:#}");
    assert!(report["findings"][0].as_str().unwrap().contains("which ended the run"));
    assert_eq!(report["agreement"]["disagreements"], 0);
}

#[test]
fn an_admin_endpoint_that_is_gone_at_the_end_leaves_a_doubt() {
    let (folder, serin_) = served("");
    let (target, admin) =
        (format!("http://{}/", serin_.production), format!("http://{}", serin_.admin));
    let report = folder.path().join("report");
    let mut load = Running::start(
        serin()
            .args(["load", &target, "--admin", &admin, "--routine", "shop", "--json"])
            .args(["--duration", "1h", "--rate", "100"])
            .stdout(File::create(&report).unwrap()),
    );
    wait_until(|| {
        let traffic = serin_.call("GET", "/api/v1/routines/shop/traffic", &Value::Null).json();
        traffic["versions"][0]["served"].as_u64().unwrap() > 0
    });
    drop(serin_);
    load.signal("INT");
    assert_eq!(load.wait().code(), Some(1));
    let report: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    let doubt = report["end_in_doubt"].as_str().unwrap();
    assert!(doubt.contains("cannot reach"), "{report:#}");
    assert!(report["findings"][0].as_str().unwrap().contains(doubt), "{report:#}");
}

#[test]
fn a_verdict_survives_that_nobody_reads_and_a_page_that_cannot_be_is_told_first() {
    let upstream = Upstream::saying(OK);
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("out.html");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let judged = finish(
        serin()
            .args(["load", upstream.url(), "-n", "20", "--expect", "9@100", "--report"])
            .arg(&page)
            .stdout(writer),
    );
    assert_eq!(judged.status.code(), Some(1));
    assert!(fs::read_to_string(&page).unwrap().contains("<b>Failed</b>"));
    let before = upstream.requests().len();
    let nowhere = folder.path().join("no/out.html");
    let refused =
        output(serin().args(["load", upstream.url(), "-n", "20", "--report"]).arg(&nowhere));
    assert_eq!(refused.status.code(), Some(3));
    let complaint = String::from_utf8_lossy(&refused.stderr);
    assert!(complaint.contains(nowhere.to_str().unwrap()), "{complaint}");
    assert_eq!(upstream.requests().len(), before);
}

#[test]
fn a_report_is_a_page_of_its_own() {
    let (folder, serin) = served("");
    let path = folder.path().join("out.html");
    let (status, report, complaint) = load(
        &serin,
        &[
            "--rate",
            "500",
            "--duration",
            "2500ms",
            "--deploy",
            "1s:1@50,2@50",
            "--header",
            "x-note: it's <b>",
            "-HX-Session: hunter2",
            "--max-errors",
            "1250",
            "--report",
            path.to_str().unwrap(),
        ],
    );
    assert_eq!(status, 0, "{report:#} {complaint}");
    let page = fs::read_to_string(&path).unwrap();
    for part in
        ["<b>Good</b>", "deployment 2", "answers disagree", "<polyline", "<polygon", "--rate 500"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(page.contains("X-Session: …") && !page.contains("hunter2"), "{page}");
    assert_eq!(page.matches("<svg ").count(), 3);
    for part in ["<script", "http-equiv", "url(", "<b>'"] {
        assert!(!page.contains(part), "{part}: {page}");
    }
}
