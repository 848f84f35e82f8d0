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
    assert!(scenario.clone().with_users(3).is_none(), "one would be left without");
    assert!(scenario.with_users(u64::MAX).is_none());
}

/// The guide beside the scenarios explains every key, and every number of a check.
#[test]
fn the_guide_names_every_key() {
    let guide = include_str!("../../../configs/scenarios/README.md");
    let lists = [
        KEYS.as_slice(),
        &["routine", "cohort", "nodes", "propagation", "node_per"],
        population::KEYS.as_slice(),
        version::KEYS.as_slice(),
        version::FAILURE_KEYS.as_slice(),
        check::KEYS.as_slice(),
        check::NUMBERS.as_slice(),
        Rule::ALL.map(Rule::as_str).as_slice(),
    ]
    .concat();
    for key in lists {
        assert!(guide.contains(&format!("`{key}`")), "`{key}` is not explained");
    }
}
