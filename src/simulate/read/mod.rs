//! A scenario as it is written: TOML, every mistake of it told at once and by its line.

mod action;
mod check;
mod deployment;
mod population;
mod version;

use std::path::Path;
use std::time::Duration;

use super::nodes::micros;
use super::rules::Rule;
use super::scenario::{Act, EdgePlan, NodePer, Scenario, USERS_MAX, VersionPlan};
use crate::document::{self, Mistakes, ReadError, Table, Value};
use crate::model::RoutineName;

/// The longest scenario that is read.
const SCENARIO_MAX_BYTES: u64 = 1024 * 1024;

/// A month.
const LENGTH_MAX: Duration = Duration::from_hours(31 * 24);

/// Parts of the length, where the scenario says nothing of steps.
const STEPS: u64 = 24;

/// What a scenario must ask for if it is to be told in finer steps.
const STEP_UNWRITTEN_MIN: Duration = Duration::from_millis(1);

/// Steps of a timeline: what a person may read, and more.
const STEPS_MAX: u64 = 1_000;

/// Steps, times versions, times regions: each may hold a histogram.
const CELLS_MAX: usize = 100_000;

const NODES_MAX: u64 = 10_000;

const KEYS: [&str; 11] = [
    "title",
    "seed",
    "length",
    "step",
    "rules",
    "edge",
    "population",
    "version",
    "deployment",
    "action",
    "check",
];

const EDGE_KEYS: [&str; 5] = ["routine", "cohort", "nodes", "propagation", "node_per"];

impl Scenario {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        Self::read_with_text(path).map(|(scenario, _)| scenario)
    }

    /// Reads the file at `path`, and brings what stands there, too.
    pub(super) fn read_with_text(path: &Path) -> Result<(Self, String), ReadError> {
        let parse = |text: &str| Self::parse(text).map(|scenario| (scenario, text.to_owned()));
        document::read(path, "scenario", SCENARIO_MAX_BYTES, parse)
    }

    /// Checks a whole scenario, and tells every mistake at once.
    pub fn parse(text: &str) -> Result<Self, Mistakes> {
        // What is `None` has a mistake that was told.
        let (scenario, _) = document::parse(text, &KEYS, scenario)?;
        Ok(scenario.expect("a scenario without mistakes is complete"))
    }

    /// How many steps the timeline has, counted as requests are placed in them: in
    /// microseconds.
    pub(super) fn steps(&self) -> usize {
        let steps = micros(self.length).div_ceil(micros(self.step).max(1));
        usize::try_from(steps).unwrap_or(usize::MAX).max(1)
    }
}

fn scenario(root: &Table<'_>) -> Option<Scenario> {
    let title = root.required("title").and_then(|value| value.text().map(str::to_owned));
    let seed = root.get("seed").map_or(Some(1), |value| value.whole());
    let length = root.required("length").and_then(|value| whole_micros(&value));
    let step = step(root, length);
    let rules = rules(root);
    let edge = edge(&root.section("edge", &EDGE_KEYS));
    let (populations, regions) = population::populations(root);
    let versions = version::versions(root, &regions);
    let deployments = deployment::deployments(root, versions.as_deref(), length);
    let nodes = edge.as_ref().map(|edge| edge.nodes);
    let actions = action::actions(root, versions.as_deref(), nodes);
    let known = check::Known {
        versions: versions.as_deref(),
        deployments: deployments.as_ref().map(Vec::len),
        rules: &rules,
    };
    let checks = check::checks(root, &known);
    let mut scenario = Scenario {
        title: title?,
        seed: seed?,
        length: length?,
        step: step?,
        edge: edge?,
        regions,
        populations: populations?,
        versions: versions?,
        deployments: deployments?,
        actions: actions?,
        rules,
        checks,
    };
    for action in &scenario.actions {
        if let Act::Stop { version } = action.act {
            scenario.versions[version].behaviour.stopped.push(action.during.clone());
        }
    }
    if scenario.users() > USERS_MAX {
        root.refuse_together(format!("populations must have at most {USERS_MAX} users in all"));
        return None;
    }
    let cells = scenario.steps() * scenario.versions.len() * scenario.regions.len();
    if cells > CELLS_MAX {
        root.refuse_together(format!(
            "steps, times versions, times regions must be at most {CELLS_MAX}: write a longer `step`"
        ));
        return None;
    }
    Some(scenario)
}

/// A twenty-fourth of the whole, rounded up, if it is not written.
fn step(root: &Table<'_>, length: Option<Duration>) -> Option<Duration> {
    let Some(value) = root.get("step") else {
        let part = |length| Duration::from_micros(micros(length).div_ceil(STEPS));
        return length.map(|length| part(length).max(STEP_UNWRITTEN_MIN));
    };
    let (step, length) = (whole_micros(&value)?, length?);
    if micros(length).div_ceil(micros(step)) > STEPS_MAX {
        value.refuse(format!("must leave at most {STEPS_MAX} steps of the length"));
        return None;
    }
    Some(step)
}

/// Serin's own rule is always there, and first.
fn rules(root: &Table<'_>) -> Vec<Rule> {
    let mut rules = vec![Rule::Serin];
    for value in root.get("rules").and_then(|value| value.list()).into_iter().flatten() {
        let rule = value.parsed(rule);
        match rule {
            None | Some(Rule::Serin) => {}
            Some(rule) if rules.contains(&rule) => {
                value.refuse(format!("`{}` is there twice", rule.as_str()));
            }
            Some(rule) => rules.push(rule),
        }
    }
    rules
}

fn rule(text: &str) -> Result<Rule, String> {
    let known = Rule::ALL.map(Rule::as_str).join("`, `");
    Rule::named(text).ok_or_else(|| format!("`{text}` is no rule; there are `{known}`"))
}

fn edge(table: &Table<'_>) -> Option<EdgePlan> {
    let routine = match table.get("routine") {
        Some(value) => value.parsed(RoutineName::new),
        None => RoutineName::new("checkout").ok(),
    };
    let cohort = table.get("cohort").map_or(Some(""), |value| value.text()).map(str::to_owned);
    let nodes = table.get("nodes").map_or(Some(1), |value| {
        let nodes = value.whole()?;
        let fits = (1..=NODES_MAX).contains(&nodes);
        if !fits {
            value.refuse(format!("must be from 1 to {NODES_MAX}, not {nodes}"));
        }
        fits.then_some(nodes)
    });
    let propagation = table.get("propagation").map_or(Some(Duration::ZERO), |value| time(&value));
    let node_per = table.get("node_per").map_or(Some(NodePer::Request), |value| {
        value.parsed(|text| match text {
            "request" => Ok(NodePer::Request),
            "user" => Ok(NodePer::User),
            _ => Err(format!("`{text}` must be `request` or `user`")),
        })
    });
    Some(EdgePlan {
        routine: routine?,
        cohort: cohort?,
        nodes: nodes?,
        propagation: propagation?,
        node_per: node_per?,
    })
}

/// A duration, or a time since the beginning.
fn time(value: &Value<'_>) -> Option<Duration> {
    value.parsed(|text| document::duration(text, LENGTH_MAX))
}

fn positive(value: &Value<'_>) -> Option<Duration> {
    let duration = time(value)?;
    if duration.is_zero() {
        value.refuse("must be longer than zero");
        return None;
    }
    Some(duration)
}

/// What requests are placed in, which come at whole microseconds.
fn whole_micros(value: &Value<'_>) -> Option<Duration> {
    let duration = positive(value)?;
    let is_whole = duration == Duration::from_micros(micros(duration));
    if !is_whole {
        value.refuse("must be whole microseconds, as in `0.001ms`");
    }
    is_whole.then_some(duration)
}

/// A number from `least` to `most`.
fn number(value: &Value<'_>, least: f64, most: f64) -> Option<f64> {
    let number = value.number()?;
    let fits = (least..=most).contains(&number);
    if !fits {
        value.refuse(format!("must be from {least} to {most}, not {number}"));
    }
    fits.then_some(number)
}

/// A share, 0 to 1.
fn share(value: &Value<'_>) -> Option<f64> {
    number(value, 0.0, 1.0)
}

/// The number of a version that the scenario has.
fn version_number(value: &Value<'_>, versions: Option<&[VersionPlan]>) -> Option<usize> {
    let (text, versions) = (value.text()?, versions?);
    let found = versions.iter().position(|version| version.code_version.as_str() == text);
    if found.is_none() {
        value.refuse_together(format!("there is no `[[version]]` of `{text}`"));
    }
    found
}

/// A number that counts what a scenario lists.
fn small(value: &Value<'_>) -> Option<usize> {
    value.whole().map(|number| usize::try_from(number).unwrap_or(usize::MAX))
}

/// What the key says, or `default` where it is not written.
fn or<'t, T>(
    table: &Table<'t>,
    key: &str,
    default: T,
    of: impl FnOnce(&Value<'t>) -> Option<T>,
) -> Option<T> {
    table.get(key).map_or(Some(default), |value| of(&value))
}

#[cfg(test)]
mod tests;
