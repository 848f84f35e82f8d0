//! `serin simulate`: the scenarios that Serin brings tell what they say they do.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use serin::simulate::{Outcome, Rule, Scenario, play};

use crate::support::process::{output, serin};

fn scenario_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/scenarios").join(name)
}

fn played(name: &str) -> Outcome {
    let scenario = Scenario::read(&scenario_file(name)).unwrap_or_else(|error| panic!("{error:?}"));
    play(&scenario, &mut |_| {}).unwrap()
}

/// Every claim of a scenario, each of which is told when it fails.
fn holds(outcome: &Outcome) {
    assert!(!outcome.checks.is_empty());
    for checked in &outcome.checks {
        assert!(checked.holds, "{}, found {:?}", checked.claim, checked.found);
    }
}

fn share(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of a test are small")]
    let share = part as f64 / whole as f64;
    share
}

#[test]
fn drawn_for_each_request_two_thirds_of_users_meet_both_versions_within_ten() {
    let outcome = played("random.toml");
    holds(&outcome);
    let random = outcome.rule(Rule::Random).unwrap();
    let tenth = random.first_requests[9];
    assert_eq!(tenth.requests, 100_000, "everybody asks ten times");
    assert!((share(tenth.on_several, tenth.requests) - 0.651).abs() < 0.006);
    assert_eq!(outcome.rule(Rule::Serin).unwrap().users_on_several, 0);
}

#[test]
fn a_one_sided_cookie_drifts_to_41_percent_after_5_requests_and_to_90_after_22() {
    let outcome = played("one-sided-cookie.toml");
    holds(&outcome);
    let cookie = outcome.rule(Rule::Cookie).unwrap();
    for (request, expected) in (1..).zip(&cookie.first_requests).map(|(request, nth)| {
        (request, (share(nth.newer, nth.requests), 1.0 - 0.9_f64.powi(request)))
    }) {
        let (found, due) = expected;
        assert!((found - due).abs() < 0.008, "request {request}: {found}, not {due}");
    }
    let alarm = cookie.canaries[0].as_ref().unwrap();
    assert_eq!(alarm.alarm, None, "at their first request nobody has a cookie");
}

#[test]
fn a_list_turned_round_moves_a_fifth_elsewhere_and_nobody_here() {
    let outcome = played("list-order.toml");
    holds(&outcome);
    let moved = |rule| outcome.rule(rule).unwrap().moved[1].unwrap();
    assert_eq!((moved(Rule::Serin).moved, moved(Rule::Serin).of), (0, 100_000));
    for rule in [Rule::Nginx, Rule::Envoy, Rule::LaunchDarkly, Rule::GrowthBook] {
        let (moved, users) = (moved(rule).share(), outcome.rule(rule).unwrap());
        assert!((moved - 0.2).abs() < 0.005, "{rule:?}: {moved}");
        // They do not only stand elsewhere in a census: they meet both versions.
        let met_both = share(users.users_on_several, users.users);
        assert!((met_both - 0.2).abs() < 0.005, "{rule:?}: {met_both}");
    }
    assert_eq!(outcome.rule(Rule::Serin).unwrap().users_on_several, 0);
}

#[test]
fn a_release_that_is_taken_back_hurts_whom_it_says() {
    let outcome = played("release.toml");
    holds(&outcome);
    // What the operator is told of the ramp is what happens to the users.
    for (release, moved) in outcome.releases.iter().zip(&outcome.rules[0].moved).skip(1) {
        let told = f64::from(release.movement.as_ref().unwrap().basis_points()) / 10_000.0;
        let found = moved.unwrap().share();
        assert!((told - found).abs() < 0.01, "{}: {told}, and {found}", release.id);
    }
    // Before its time nothing fails but what fails by itself; after it, a quarter does.
    let canary = |minutes: std::ops::Range<u64>| {
        let windows = outcome.timeline.iter().filter(|window| window.version == 1);
        let windows = windows.filter(|it| minutes.contains(&(it.start.as_secs() / 60)));
        let (failed, requests) =
            windows.fold((0, 0), |sum, window| (sum.0 + window.failed, sum.1 + window.requests));
        share(failed, requests)
    };
    assert!(canary(5..20) < 0.01, "{}", canary(5..20));
    assert!((0.15..0.35).contains(&canary(20..45)), "{}", canary(20..45));
    // One region is slow for ten minutes, by a factor that its p99 shows.
    let p99 = |region: &str, minute: u64| {
        let windows = outcome.timeline.iter().filter(|window| {
            window.version == 1
                && outcome.regions[window.region] == region
                && window.start.as_secs() == minute * 60
        });
        windows.map(|window| window.latency.unwrap().p99).max().unwrap()
    };
    assert!(p99("virginia", 35) > 2 * p99("virginia", 25));
    assert!(p99("frankfurt", 35) < 2 * p99("frankfurt", 25));
}

#[test]
fn what_an_operator_does_beside_deploying_is_seen() {
    let outcome = played("rehearsal.toml");
    holds(&outcome);
    assert_eq!(outcome.releases[2].rollback_to, Some(1));
    // The nodes that were cut off learn of the canary when that is over.
    let seconds = |release: usize| outcome.releases[release].spread.as_secs();
    assert_eq!(seconds(1), 10 * 60);
    assert!((60..=120).contains(&seconds(2)), "the way back is slow: {}", seconds(2));
    let failed = |minutes: std::ops::Range<u64>| -> u64 {
        let windows = outcome.timeline.iter();
        let windows = windows.filter(|it| minutes.contains(&(it.start.as_secs() / 60)));
        windows.map(|window| window.failed).sum()
    };
    assert!(failed(32..38) > 5_000, "{}", failed(32..38));
    assert_eq!(failed(0..32) + failed(38..60), 0, "but for the one that stops nothing fails");
    assert_eq!(outcome.actions.len(), 4);
}

#[test]
fn a_day_of_many_users_is_that_of_fewer_on_a_smaller_scale() {
    let scenario = Scenario::read(&scenario_file("day.toml")).unwrap();
    let outcome = play(&scenario.with_users(200_000).unwrap(), &mut |_| {}).unwrap();
    holds(&outcome);
    // A deviation is a thousand.
    assert!(outcome.requests.abs_diff(1_000_000) < 5_000, "{}", outcome.requests);
    let by_hour = |hour: u64| -> u64 {
        let windows = outcome.timeline.iter().filter(|it| it.start.as_secs() == hour * 3600);
        windows.map(|window| window.requests).sum()
    };
    // The busiest hours are fourteen times as busy as the quietest.
    assert!((10..19).contains(&(by_hour(19) / by_hour(3))), "{} {}", by_hour(19), by_hour(3));
}

#[test]
fn a_node_that_never_hears_of_a_deployment_is_told() {
    let text = std::fs::read_to_string(scenario_file("rehearsal.toml")).unwrap();
    let cut_off = text.replace("at = \"8m\"\nuntil = \"20m\"", "at = \"8m\"");
    assert_ne!(text, cut_off);
    let scenario = Scenario::parse(&cut_off).unwrap().with_users(500).unwrap();
    let outcome = play(&scenario, &mut |_| {}).unwrap();
    assert_eq!(outcome.releases[1].spread.as_secs(), 50 * 60);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cut-off.toml");
    std::fs::write(&file, cut_off).unwrap();
    let printed = simulate(&[file.to_str().unwrap(), "--users", "500"]).stdout;
    let printed = String::from_utf8(printed).unwrap();
    assert!(printed.contains("not by the end"), "{printed}");
}

#[test]
fn a_canary_that_grows_moves_those_who_are_new_to_it() {
    let scenario = Scenario::read(&scenario_file("ramp.toml")).unwrap();
    let outcome = play(&scenario.with_users(100_000).unwrap(), &mut |_| {}).unwrap();
    holds(&outcome);
    let own = &outcome.rules[0];
    let shares = [0.01, 0.05, 0.1, 0.25, 0.5, 0.99, 1.0];
    for (moved, pair) in own.moved.iter().skip(1).zip(shares.windows(2)) {
        let (found, due) = (moved.unwrap().share(), pair[1] - pair[0]);
        // A deviation is at most 0.0016.
        assert!((found - due).abs() < 0.007, "{found}, not {due}");
    }
    assert_eq!(outcome.decisions, 7 * 100_000);
}

#[test]
fn every_scenario_that_serin_brings_is_one() {
    let folder = std::fs::read_dir(scenario_file("")).unwrap();
    let files = folder.map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.filter(|it| it.extension().is_some_and(|it| it == "toml")).collect();
    assert!(files.len() >= 7, "{files:?}");
    for file in files {
        let scenario = Scenario::read(&file).unwrap_or_else(|error| panic!("{file:?}: {error:?}"));
        assert!(!scenario.checks.is_empty(), "{file:?} claims something");
    }
}

fn simulate(arguments: &[&str]) -> Output {
    output(serin().arg("simulate").args(arguments))
}

#[test]
fn one_seed_gives_the_same_bytes_and_another_gives_others() {
    let file = scenario_file("release.toml");
    let file = file.to_str().unwrap();
    let bytes = |more: &[&str]| {
        let output = simulate(&[&[file, "--users", "2000"], more].concat());
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    for form in [&[] as &[&str], &["--json"]] {
        let seeded = |seed| bytes(&[form, &["--seed", seed]].concat());
        assert_eq!(seeded("1"), seeded("1"));
        assert_ne!(seeded("1"), seeded("2"));
    }
}

#[test]
fn a_page_is_written_and_one_that_cannot_be_is_told_before_the_play() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("out.html");
    let file = scenario_file("rehearsal.toml");
    let report = |path: &Path| {
        let arguments = [file.to_str().unwrap(), "--users", "500", "--report"];
        simulate(&[&arguments, [path.to_str().unwrap()].as_slice()].concat())
    };
    std::fs::write(&page, "x".repeat(1 << 20)).unwrap();
    report(&page);
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"));
    let command = format!("--users 500 --report {}", page.display());
    for part in ["simulate: A release in bad weather", "version 2 is stopped", &command] {
        assert!(html.contains(part), "{part}");
    }
    report(&page);
    assert_eq!(html, std::fs::read_to_string(&page).unwrap(), "the same bytes again");

    let nowhere = folder.path().join("missing/out.html");
    let output = report(&nowhere);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("cannot write the report `") && told.contains("missing/out.html"));
    assert!(told.contains("No such file"), "{told}");
}

#[test]
fn the_exit_status_says_how_it_went() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = std::fs::read_to_string(scenario_file("random.toml")).unwrap();
    let claims_more = good.replace(
        "most = 0\n\n[[check]]\nnumber = \"users_flapped\"",
        "least = 0.5\n\n[[check]]\nnumber = \"users_flapped\"",
    );
    assert_ne!(good, claims_more);
    let missing = folder.path().join("missing.toml");

    let few = ["--users", "1000"];
    let code = |arguments: &[&str]| simulate(arguments).status.code();
    let good = file("good.toml", &good);
    // Of a thousand users a share is off by a tenth: the checks are for many.
    assert_eq!(code(&[&good]), Some(0));
    assert_eq!(
        code(&[&[file("more.toml", &claims_more).as_str()], few.as_slice()].concat()),
        Some(1)
    );
    assert_eq!(code(&[&file("mistakes.toml", "titel = 1")]), Some(1));
    assert_eq!(code(&[&good, "--users", "0"]), Some(2));
    assert_eq!(code(&[&good, "--seed", "many"]), Some(2));
    assert_eq!(code(&[missing.to_str().unwrap()]), Some(3));
}

#[test]
fn what_is_printed_says_what_was_found() {
    let file = scenario_file("list-order.toml");
    let file = file.to_str().unwrap();
    let printed = String::from_utf8(simulate(&[file]).stdout).unwrap();
    for part in ["Deployments", "1@90 2@10", "as asked for", "nginx", "Checks", "holds", "good"] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    let json: Value = serde_json::from_slice(&simulate(&[file, "--json"]).stdout).unwrap();
    assert_eq!(json["ok"], true);
    assert_eq!(json["users"], 100_000);
    let rules = json["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 8);
    assert_eq!(rules[0]["moved"][1]["moved"], 0);
    assert_eq!(json["deployments"][1]["moved_percent"], 0.0);
    assert_eq!(json["timeline"][0]["code_version"], "1");
}
