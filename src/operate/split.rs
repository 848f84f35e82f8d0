//! The two versions that are live, told apart by who is the newer one.

use serde::Deserialize;

use super::error::OperateError;
use super::find::{advise, find_routine};
use super::told::read;
use crate::client::{self, Endpoint, Question, Seen, Share};

/// How users are divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Split {
    pub(super) older: String,
    pub(super) newer: String,
    /// The share of the newer version.
    pub(super) percent: u64,
}

/// Of an explanation, what says how users are divided.
#[derive(Deserialize)]
struct Explained {
    deployment_id: Option<String>,
    code_versions: Vec<Share>,
    newer: Option<String>,
    percentage: Option<u64>,
}

impl Split {
    /// What `routine` serves in `environment`, as Serin explains it, which has the rule by
    /// which one of two versions is the newer one. `verb` is what cannot be done without two.
    pub(super) fn live(
        admin: &Endpoint,
        routine: &str,
        environment: &'static str,
        verb: &'static str,
    ) -> Result<(Self, Seen), OperateError> {
        let question = Question::default()
            .with("routine", [routine.to_owned()])
            // What is asked about the split is told of a user: any will do.
            .with("key", ["anybody".to_owned()])
            .with("environment", [environment.to_owned()]);
        let explained = client::explain(admin, &question);
        let explained = explained.map_err(|error| advise(admin, routine, error))?;
        let explained: Explained = read(admin, &explained)?;
        let Explained { deployment_id: Some(deployment_id), code_versions, newer, percentage } =
            explained
        else {
            return Err(nothing_deployed(admin, routine, environment)?);
        };
        let newer_and_rest = newer.zip(percentage).and_then(|(newer, percent)| {
            let older = code_versions.iter().find(|it| it.code_version != newer)?;
            Some((newer, percent, older.code_version.clone()))
        });
        match (newer_and_rest, code_versions.as_slice()) {
            (Some((newer, percent, older)), [_, _]) => {
                let seen = client::live(admin, routine, environment);
                let seen = seen.map_err(|error| advise(admin, routine, error))?;
                if seen.deployment_id != deployment_id {
                    return Err(OperateError::Overtaken(routine.to_owned()));
                }
                Ok((Self { older, newer, percent }, seen))
            }
            (_, [only, ..]) => {
                let live = only.code_version.clone();
                Err(one_version(admin, routine, environment, verb, live)?)
            }
            (_, []) => Err(nothing_deployed(admin, routine, environment)?),
        }
    }

    /// The shares once the newer version has `percent`.
    pub(super) fn at(&self, percent: u64) -> Vec<(String, u64)> {
        let newer = (self.newer.clone(), percent);
        match 100_u64.saturating_sub(percent) {
            0 => vec![newer],
            rest => vec![(self.older.clone(), rest), newer],
        }
    }
}

fn nothing_deployed(
    admin: &Endpoint,
    routine: &str,
    environment: &'static str,
) -> Result<OperateError, OperateError> {
    let versions = find_routine(admin, routine)?.versions;
    let advice = match versions.first() {
        Some(newest) => {
            let version = &newest.code_version;
            format!("begin with `serin deploy {routine} {version}@100 --env {environment}`")
        }
        None => format!("it has no version either: `serin versions {routine} add` adds one"),
    };
    Ok(OperateError::NothingDeployed { routine: routine.to_owned(), environment, advice })
}

fn one_version(
    admin: &Endpoint,
    routine: &str,
    environment: &'static str,
    verb: &'static str,
    live: String,
) -> Result<OperateError, OperateError> {
    let versions = find_routine(admin, routine)?.versions;
    let other = versions.iter().map(|it| &it.code_version).find(|version| **version != live);
    let advice = match other {
        Some(other) => format!(
            "`serin deploy {routine} {live}@90 {other}@10 --env {environment}` gives some of them another one"
        ),
        None => format!("it has no other one: `serin versions {routine} add` adds one"),
    };
    let routine = routine.to_owned();
    Ok(OperateError::OneVersion { verb, routine, environment, live, advice })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_newer_version_leaves_the_rest_to_the_older_one() {
        let (older, newer) = ("1".to_owned(), "2".to_owned());
        let split = Split { older, newer, percent: 10 };
        assert_eq!(split.at(25), [("1".to_owned(), 75), ("2".to_owned(), 25)]);
        assert_eq!(split.at(100), [("2".to_owned(), 100)]);
    }
}
