//! What a scenario may hold.

use super::*;

const SMALL: &str = r#"
title = "small"
length = "1h"
[[population]]
users = 100
requests_per_user = 5
[[version]]
code_version = "1"
[[version]]
code_version = "2"
[[deployment]]
at = "0s"
code_versions = [{ code_version = "1", percentage = 90 }, { code_version = "2", percentage = 10 }]
"#;

fn mistakes_of(text: &str) -> Vec<String> {
    match Scenario::parse(text) {
        Ok(_) => Vec::new(),
        Err(error) => error.findings().iter().map(ToString::to_string).collect(),
    }
}

/// Asserts that the small scenario with `more` at its end has this one mistake.
fn refused(more: &str, mistake: &str) {
    assert_eq!(mistakes_of(&format!("{SMALL}{more}")), [mistake], "{more}");
}

#[test]
fn what_is_not_written_has_its_default() {
    let scenario = Scenario::parse(SMALL).unwrap();
    assert_eq!((scenario.seed, scenario.steps()), (1, 24));
    assert_eq!(scenario.rules, [Rule::Serin]);
    assert_eq!(scenario.regions, ["everywhere"]);
    let EdgePlan { routine, cohort, nodes, propagation, node_per } = scenario.edge;
    assert_eq!((routine.as_str(), cohort.as_str(), nodes), ("checkout", "", 1));
    assert_eq!((propagation, node_per), (Duration::ZERO, NodePer::Request));
    assert!(scenario.checks.is_empty());
}

#[test]
fn every_mistake_is_told_at_once_and_by_line() {
    let text = r#"
titel = "x"
length = "0s"
rules = ["nginx", "apache"]
[edge]
nodes = 0
[[population]]
users = 0
requests_per_user = -1
[[version]]
code_version = "1"
error_rate = 2
[[deployment]]
at = "1s"
code_versions = [{ code_version = "1", percentage = 101 }]
[[check]]
number = "happiness"
least = 1
"#;
    let starts: Vec<_> = mistakes_of(text)
        .iter()
        .map(|mistake| mistake.splitn(3, ": ").take(2).collect::<Vec<_>>().join(": "))
        .collect();
    assert_eq!(
        starts,
        [
            "line 1: title",
            "line 2: titel",
            "line 3: length",
            "line 4: rules",
            "line 6: edge.nodes",
            "line 8: population.users",
            "line 9: population.requests_per_user",
            "line 12: version.error_rate",
            "line 14: deployment.at",
            "line 15: deployment.code_versions.percentage",
            "line 17: check.number",
        ]
    );
}

#[test]
fn what_goes_together_is_held_against_each_other() {
    refused(
        "[[deployment]]\nat = \"0s\"\ncode_versions = [{ code_version = \"1\", percentage = 100 }]",
        "line 15: deployment.at: must be later than the one before",
    );
    refused(
        "[[deployment]]\nat = \"1h\"\ncode_versions = [{ code_version = \"1\", percentage = 100 }]",
        "line 15: deployment.at: must be before the scenario's length is over",
    );
    refused(
        "[[deployment]]\nat = \"1m\"\ncode_versions = [{ code_version = \"3\", percentage = 100 }]",
        "line 16: deployment.code_versions.code_version: there is no `[[version]]` of `3`",
    );
    refused(
        "[[population]]\nusers = 1\nrequests_per_user = 1",
        "line 14: population: another population has the same keys: write a `key_prefix`",
    );
    refused(
        "[[population]]\nusers = 9\nkey_prefix = \"a\"\nrequests_per_user = 1\nheavy_users = 3",
        "line 18: population.heavy_users: `heavy_users` and `heavy_share` go together",
    );
    refused(
        "[[check]]\nnumber = \"moved\"\ndeployment = 2\nmost = 0",
        "line 16: check.deployment: must be the number of a deployment that replaces one, from 2 on",
    );
    refused("[[check]]\nnumber = \"alarms\"", "line 14: check: must say `least` or `most`");
    refused(
        "[[check]]\nnumber = \"users\"\nmost = 1\nleast = 1.5",
        "line 16: check.most: must not be below `least`: no number is within such bounds",
    );
    refused(
        "[[check]]\nnumber = \"alarms\"\nrequest = 3\nmost = 0",
        "line 15: check.number: `alarms` takes no `request`",
    );
    refused(
        "[[check]]\nnumber = \"canary_share\"\nmost = 0",
        "line 15: check.number: `canary_share` needs a `request`",
    );
    refused(
        "[[check]]\nnumber = \"alarms\"\nrule = \"nginx\"\nmost = 0",
        "line 16: check.rule: `nginx` is not among the scenario's `rules`",
    );
}

#[test]
fn users_may_be_others_than_the_file_says() {
    let more = "[[population]]\nusers = 300\nkey_prefix = \"b\"\nrequests_per_user = 1";
    let scenario = Scenario::parse(&format!("{SMALL}{more}")).unwrap();
    let scaled = scenario.clone().with_users(4_000).unwrap();
    assert!(scaled.populations.iter().map(|it| it.users).eq([1_000, 3_000]));
    let why = |users| scenario.clone().with_users(users).unwrap_err().to_string();
    assert_eq!(why(3), "leaves population 1 of the scenario without users");
    assert_eq!(why(u64::MAX), "is more than 100000000 users");
}

#[test]
fn heavy_users_are_as_large_a_part_of_others() {
    let heavy = "users = 100\nheavy_users = 10\nheavy_share = 0.5";
    let scenario = Scenario::parse(&SMALL.replace("users = 100", heavy)).unwrap();
    let heavy = |users| scenario.clone().with_users(users).map(|it| it.populations[0].heavy);
    assert_eq!(heavy(5_000), Ok(Some((500, 0.5))));
    assert_eq!(heavy(30), Ok(Some((3, 0.5))));
    assert_eq!(heavy(4), Ok(Some((1, 0.5))), "one at least");
    assert_eq!(
        heavy(1).unwrap_err().to_string(),
        "does not do for population 1 of the scenario: heavy users must be fewer than all, and make a share of the requests from 0 to 1"
    );
}

#[test]
fn a_rollback_has_the_shares_of_an_earlier_deployment() {
    let more = "[[deployment]]\nat = \"1m\"\nrollback_to = 1";
    let scenario = Scenario::parse(&format!("{SMALL}{more}")).unwrap();
    let [first, second] = scenario.deployments.as_slice() else { panic!("two") };
    assert_eq!((&second.shares, second.rollback_to), (&first.shares, Some(1)));
    let none =
        "line 16: deployment.rollback_to: must be the number of an earlier deployment, from 1 on";
    for number in ["0", "2", "18446744073709551615"] {
        refused(&format!("[[deployment]]\nat = \"1m\"\nrollback_to = {number}"), none);
    }
    refused(
        &format!("{more}\ncode_versions = [{{ code_version = \"1\", percentage = 100 }}]"),
        "line 16: deployment.rollback_to: has the `code_versions` of that deployment: write one of both",
    );
}

#[test]
fn an_action_takes_what_it_needs() {
    let nodes = SMALL.replace("[[population]]", "[edge]\nnodes = 3\n[[population]]");
    let mistakes = |action: &str| mistakes_of(&format!("{nodes}[[action]]\n{action}"));
    for good in [
        "do = \"partition\"\nat = \"1m\"\nuntil = \"2m\"\nnodes = 3",
        "do = \"take_out\"\nat = \"1m\"\nnodes = 2",
        "do = \"stop\"\nat = \"1m\"\ncode_version = \"2\"",
        "do = \"delay\"\nat = \"1m\"\npropagation = \"2.5m\"",
    ] {
        assert_eq!(mistakes(good), [""; 0], "{good}");
    }
    for (bad, mistake) in [
        ("at = \"1m\"", "line 16: action.do: is missing"),
        (
            "do = \"explode\"\nat = \"1m\"",
            "line 17: action.do: `explode` is no action; there are `partition`, `take_out`, `stop`, `delay`",
        ),
        ("do = \"stop\"\nat = \"1m\"", "line 16: action.code_version: is missing"),
        (
            "do = \"stop\"\nat = \"1m\"\ncode_version = \"2\"\nnodes = 1",
            "line 20: action.nodes: `stop` takes no `nodes`",
        ),
        (
            "do = \"take_out\"\nat = \"1m\"\nnodes = 3",
            "line 19: action.nodes: must be from 1 to 2 of the edge's 3 nodes",
        ),
        (
            "do = \"delay\"\nat = \"1m\"\nuntil = \"1m\"\npropagation = \"1s\"",
            "line 16: action: `until` must be later than `at`",
        ),
    ] {
        assert_eq!(mistakes(bad), [mistake], "{bad}");
    }
}

#[test]
fn a_day_has_so_many_parts_at_most() {
    let day = |parts: usize| {
        let day = format!("users = 100\nday = [{}]", vec!["1"; parts].join(", "));
        mistakes_of(&SMALL.replace("users = 100", &day))
    };
    assert_eq!(day(1_440), [""; 0]);
    assert_eq!(
        day(1_441),
        ["line 6: population.day: must be at most 1440 parts of a day, not 1441"]
    );
}

#[test]
fn a_duration_may_have_a_fraction() {
    let text = SMALL.replace("length = \"1h\"", "length = \"1.5h\"\nstep = \"2.5m\"");
    let scenario = Scenario::parse(&text).unwrap();
    assert_eq!((scenario.length, scenario.steps()), (Duration::from_mins(90), 36));
}

#[test]
fn steps_are_whole_microseconds() {
    let written = |length: &str| SMALL.replace("length = \"1h\"", length);
    let parsed = |length: &str| Scenario::parse(&written(length)).unwrap();
    let unwritten = parsed("length = \"10s\"");
    assert_eq!((unwritten.step, unwritten.steps()), (Duration::from_micros(416_667), 24));
    assert_eq!(parsed("length = \"5ms\"").steps(), 5);
    assert_eq!(parsed("length = \"100.05ms\"\nstep = \"1.001ms\"").steps(), 100);
    for (length, mistake) in [
        ("length = \"1h\"\nstep = \"5000.0005ms\"", "line 4: step"),
        ("length = \"100.0000005s\"", "line 3: length"),
    ] {
        let mistake = format!("{mistake}: must be whole microseconds, as in `0.001ms`");
        assert_eq!(mistakes_of(&written(length)), [mistake]);
    }
}

/// The guide beside the scenarios explains every key, and every number of a check.
#[test]
fn the_guide_names_every_key() {
    let guide = include_str!("../../../configs/scenarios/README.md");
    let lists = [
        KEYS.as_slice(),
        EDGE_KEYS.as_slice(),
        population::KEYS.as_slice(),
        version::KEYS.as_slice(),
        version::FAILURE_KEYS.as_slice(),
        check::KEYS.as_slice(),
        check::Name::ALL.map(check::Name::as_str).as_slice(),
        deployment::KEYS.as_slice(),
        action::KEYS.as_slice(),
        action::names().as_slice(),
        Rule::ALL.map(Rule::as_str).as_slice(),
    ]
    .concat();
    for key in lists {
        assert!(guide.contains(&format!("`{key}`")), "`{key}` is not explained");
    }
}
