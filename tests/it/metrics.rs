//! `/metrics` tells what the process does, in two formats, to whoever may look.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use serin::model::Environment;
use serin::observe::{Answering, Cut, Finished, VERSIONS_MAX};

use crate::support::desk::{Desk, Heard};

fn scrape(desk: &Desk, fields: &[(&str, &str)]) -> Heard {
    desk.request("GET", "/metrics", fields, b"")
}

/// The value of the sample that is written so.
fn value(page: &str, sample: &str) -> Option<f64> {
    let rest = page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '))?;
    Some(rest.parse().unwrap())
}

/// A routine with two versions, of which the newer has a share in production.
fn deployed(desk: &Desk, name: &str, percentage: u8) -> [String; 2] {
    desk.tell("POST", "/routines", &json!({ "name": name })).with(201);
    let versions = format!("/routines/{name}/versions");
    let [older, newer] = [(); 2].map(|()| {
        let made = desk.tell("POST", &versions, &json!({})).with(201);
        made["code_version"].as_str().unwrap().to_owned()
    });
    let shares = json!({ "code_versions": [
        { "code_version": older, "percentage": 100 - percentage },
        { "code_version": newer, "percentage": percentage },
    ] });
    let to = format!("/routines/{name}/environments/production/deployment");
    assert!(desk.tell("POST", &to, &shares).status < 300);
    [older, newer]
}

fn finished(number: u32) -> Finished {
    Finished {
        answering: Answering::Version(number),
        environment: Environment::Production,
        is_canary: false,
        reason: 1,
        class: 2,
        cut: None,
        attempts: 1,
        duration: Duration::from_millis(3),
        connect: None,
        first_byte: Some(Duration::from_millis(2)),
        bytes_in: 1,
        bytes_out: 2,
    }
}

#[test]
fn requests_are_told_by_version_role_class_and_reason() {
    let desk = Desk::start();
    let [older, newer] = deployed(&desk, "shop", 25);
    let worker = desk.requests.of_worker(0);
    worker.begin();
    worker.finish(&finished(0));
    let slow = Duration::from_secs(2);
    let cut = Some(Cut::ByUpstream);
    worker.begin();
    worker.finish(&Finished { is_canary: true, class: 5, duration: slow, cut, ..finished(1) });
    worker.begin();
    let page = scrape(&desk, &[]).body;
    let shop =
        |version: &str| format!("routine=\"shop\",env=\"production\",code_version=\"{version}\"");
    let [older, newer] = [shop(&older), shop(&newer)];
    for (sample, expected) in [
        (
            format!(
                "serin_requests_total{{{older},role=\"stable\",code_class=\"2xx\",reason=\"key\"}}"
            ),
            1.0,
        ),
        (
            format!(
                "serin_requests_total{{{newer},role=\"canary\",code_class=\"5xx\",reason=\"key\"}}"
            ),
            1.0,
        ),
        (format!("serin_requests_cut_total{{{newer},by=\"upstream\"}}"), 1.0),
        (format!("serin_requests_cut_total{{{newer},by=\"client\"}}"), 0.0),
        (format!("serin_response_content_bytes_total{{{older}}}"), 2.0),
        (format!("serin_request_duration_seconds_bucket{{{older},le=\"0.0025\"}}"), 0.0),
        (format!("serin_request_duration_seconds_bucket{{{older},le=\"0.005\"}}"), 1.0),
        (format!("serin_request_duration_seconds_bucket{{{newer},le=\"1.0\"}}"), 0.0),
        (format!("serin_request_duration_seconds_bucket{{{newer},le=\"+Inf\"}}"), 1.0),
        (format!("serin_request_duration_seconds_sum{{{newer}}}"), 2.0),
        (format!("serin_upstream_header_duration_seconds_count{{{newer}}}"), 1.0),
        (format!("serin_version_weight_ratio{{{older},role=\"stable\"}}"), 0.75),
        (format!("serin_version_weight_ratio{{{newer},role=\"canary\"}}"), 0.25),
        ("serin_requests_in_flight".to_owned(), 1.0),
        ("serin_counted_versions".to_owned(), 2.0),
        ("serin_deployments_total{env=\"production\"}".to_owned(), 1.0),
        ("serin_store_commits_total{outcome=\"failed\"}".to_owned(), 0.0),
    ] {
        assert_eq!(value(&page, &sample), Some(expected), "{sample}\n{page}");
    }
    assert!(!page.contains("serin_upstream_connect_duration_seconds_count"), "nothing was opened");
    assert!(value(&page, "serin_store_commit_duration_seconds_count").unwrap() >= 3.0);
}

#[test]
fn the_observed_share_of_requests_is_told_since_the_deployment() {
    let desk = Desk::start();
    let [older, newer] = deployed(&desk, "shop", 25);
    let tallies = desk.tallies.of_worker(0);
    let ask = |counts: [u32; 2]| {
        for (number, count) in (0..).zip(counts) {
            (0..count).for_each(|_| tallies.assigned(number));
        }
    };
    let observed = |version: &str| {
        let page = scrape(&desk, &[]).body;
        let labels = format!("routine=\"shop\",env=\"production\",code_version=\"{version}\"");
        let role = if version == newer { "canary" } else { "stable" };
        value(&page, &format!("serin_version_observed_request_ratio{{{labels},role=\"{role}\"}}"))
    };
    assert_eq!(observed(&newer), None);
    ask([30, 10]);
    assert_eq!((observed(&older), observed(&newer)), (Some(0.75), Some(0.25)));
    let shares = json!({ "code_versions": [
        { "code_version": older, "percentage": 50 }, { "code_version": newer, "percentage": 50 },
    ] });
    desk.tell("POST", "/routines/shop/environments/production/deployment", &shares);
    assert_eq!(observed(&newer), None);
    ask([5, 5]);
    assert_eq!((observed(&older), observed(&newer)), (Some(0.5), Some(0.5)));
}

#[test]
fn the_table_is_told_by_its_generation_and_a_digest_that_changes_with_it() {
    let desk = Desk::start();
    let told = || {
        let page = scrape(&desk, &[]).body;
        let digest = page.lines().find(|line| line.starts_with("serin_table_info{")).unwrap();
        (value(&page, "serin_table_generation").unwrap(), digest.to_owned())
    };
    let before = told();
    assert_eq!(told(), before);
    deployed(&desk, "shop", 25);
    let after = told();
    assert!(after.0 > before.0 && after.1 != before.1, "{before:?} {after:?}");
}

#[test]
fn a_page_has_a_bound_however_many_versions_are_asked_for() {
    let desk = Desk::start();
    let worker = desk.requests.of_worker(0);
    let max = u32::try_from(VERSIONS_MAX).unwrap();
    for number in 0..max + 10 {
        worker.finish(&finished(number));
    }
    let page = scrape(&desk, &[]).body;
    let others = "routine=\"(others)\",env=\"production\",code_version=\"(others)\"";
    let told = format!("serin_request_duration_seconds_count{{{others}}}");
    assert_eq!(value(&page, &told), Some(10.0));
    // Of routines that are gone nothing is told.
    assert_eq!(page.matches("serin_request_duration_seconds_count{").count(), 1);
}

#[test]
fn the_format_is_the_one_that_is_asked_for() {
    let desk = Desk::start();
    let text = scrape(&desk, &[]);
    assert_eq!(text.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(text.body.contains("\n# TYPE process_cpu_seconds_total counter\n"));
    assert!(!text.body.contains("# EOF"));
    let open = scrape(&desk, &[("accept", "application/openmetrics-text; version=1.0.0")]);
    assert_eq!(
        open.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert!(open.body.contains("\n# TYPE process_cpu_seconds counter\n# UNIT process_cpu_seconds seconds\nprocess_cpu_seconds_total "));
    assert!(open.body.ends_with("\n# EOF\n"));
}

#[test]
fn with_keys_a_key_is_asked_for_and_one_that_may_look_is_enough() {
    let desk = Desk::keyed(&[("viewer", "a-secret-to-look", true)]);
    assert_eq!(scrape(&desk, &[]).status, 401);
    assert_eq!(scrape(&desk, &[("authorization", "Bearer another")]).status, 401);
    let page = scrape(&desk, &[("authorization", "Bearer a-secret-to-look")]);
    assert_eq!(page.status, 200);
    assert!(page.body.contains("serin_build_info{version="));
    assert_eq!(desk.request("POST", "/metrics", &[], b"").status, 401);
}

/// Names that begin with `serin_` or `process_`, as far as they are metrics.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
    let names = words.filter(|word| word.starts_with("serin_") || word.starts_with("process_"));
    names.map(str::to_owned).collect()
}

#[test]
fn dashboards_and_alerts_ask_for_metrics_that_exist() {
    let desk = Desk::start();
    let page = scrape(&desk, &[]).body;
    let mut known = BTreeSet::new();
    for line in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let suffixes: &[&str] = match kind {
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        known.extend(suffixes.iter().map(|suffix| format!("{name}{suffix}")));
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/grafana");
    let mut asked = BTreeSet::new();
    for file in fs::read_dir(folder).unwrap() {
        asked.extend(named(&fs::read_to_string(file.unwrap().path()).unwrap()));
    }
    assert!(asked.len() > 20, "{asked:?}");
    let unknown: Vec<_> = asked.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn the_readme_names_every_metric_of_serins_own() {
    let desk = Desk::start();
    let page = scrape(&desk, &[]).body;
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE serin_"));
    let told: BTreeSet<_> =
        types.map(|line| format!("serin_{}", line.split(' ').next().unwrap())).collect();
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let said = named(&fs::read_to_string(readme).unwrap());
    let missing: Vec<_> = told.difference(&said).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
