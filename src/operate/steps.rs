//! `deploy`, `forward`, `promote` and `rollback`: a release, step by step.

use serde_json::json;

use super::deployed::print_deployed;
use super::dry_run::{is_good, print_dry_run};
use super::error::OperateError;
use super::find::{advise, advise_of_versions};
use super::output::Output;
use super::split::Split;
use crate::client::{self, ClientError, Deployed, Endpoint, Seen};

/// What is to become of a routine.
#[derive(Debug, Clone)]
pub enum Step {
    /// Versions with their percentages, as they were typed.
    Deploy(Vec<(String, u64)>),
    /// The newer of two versions gets this share of the users.
    Forward(u64),
    /// It gets all of them.
    Promote,
    /// What this deployment had, or the one before the live one.
    Rollback(Option<String>),
}

/// A step of a routine, and where.
#[derive(Debug, Clone)]
pub struct Steps {
    pub routine: String,
    pub environment: &'static str,
    pub step: Step,
    /// Tells what it would do, and does not do it.
    pub dry_run: bool,
}

/// Makes a step, and tells the split that comes of it and who moves.
pub fn step(admin: &Endpoint, steps: &Steps, output: &mut Output<'_>) -> Result<(), OperateError> {
    let Steps { routine, environment, step, dry_run } = steps;
    let planned = Planned::of(admin, routine, environment, step, *dry_run)?;
    if *dry_run {
        return tell(admin, steps, &planned, output);
    }
    let seen = planned.seen.as_ref();
    let deployed = if let Step::Rollback(to) = step {
        client::roll_back(admin, routine, environment, to.as_deref())
    } else {
        client::deploy_over(admin, routine, environment, &planned.shares, seen)
    };
    let deployed = deployed.map_err(|error| refused(admin, routine, &planned, error))?;
    if output.as_json {
        return output.json(&json!(deployed));
    }
    print_deployed(&deployed, output)?;
    overtaken(&deployed, seen).map_or(Ok(()), |note| output.line(note))
}

/// The shares that are to be deployed.
struct Planned {
    /// Of a rollback they are known where they are needed: when it is only told.
    shares: Vec<(String, u64)>,
    /// The deployment that they were worked out from.
    seen: Option<Seen>,
}

impl Planned {
    fn of(
        admin: &Endpoint,
        routine: &str,
        environment: &'static str,
        step: &Step,
        dry_run: bool,
    ) -> Result<Self, OperateError> {
        let ((split, seen), percent) = match step {
            Step::Deploy(shares) => {
                well_formed(shares)?;
                return Ok(Self { shares: shares.clone(), seen: None });
            }
            Step::Rollback(to) => {
                let shares = if dry_run {
                    earlier(admin, routine, environment, to.as_deref())?
                } else {
                    Vec::new()
                };
                return Ok(Self { shares, seen: None });
            }
            Step::Forward(percent) => {
                let (split, seen) = Split::live(admin, routine, environment, "forward")?;
                forward(routine, environment, &split, *percent)?;
                ((split, seen), *percent)
            }
            Step::Promote => (Split::live(admin, routine, environment, "promote")?, 100),
        };
        Ok(Self { shares: split.at(percent), seen: Some(seen) })
    }
}

/// What the arguments alone tell is told before anybody is asked.
fn well_formed(shares: &[(String, u64)]) -> Result<(), OperateError> {
    let sum = shares.iter().map(|(_, percent)| percent).sum();
    match shares {
        [(one, _), (other, _)] if one == other => Err(OperateError::Twice(one.clone())),
        _ if sum != 100 => Err(OperateError::Sum(sum)),
        _ => Ok(()),
    }
}

fn forward(
    routine: &str,
    environment: &'static str,
    split: &Split,
    percent: u64,
) -> Result<(), OperateError> {
    if percent > split.percent {
        return Ok(());
    }
    let less = if percent == split.percent {
        "name a smaller share with `serin deploy`".to_owned()
    } else {
        let shares = split.at(percent);
        let shares: Vec<_> = shares.iter().map(|(it, percent)| format!("{it}@{percent}")).collect();
        format!("`serin deploy {routine} {} --env {environment}`", shares.join(" "))
    };
    Err(OperateError::NotForward {
        routine: routine.to_owned(),
        environment,
        newer: split.newer.clone(),
        has: split.percent,
        less,
    })
}

/// What an earlier deployment had: `to`, or the one before the live one.
fn earlier(
    admin: &Endpoint,
    routine: &str,
    environment: &str,
    to: Option<&str>,
) -> Result<Vec<(String, u64)>, OperateError> {
    let history = client::history(admin, routine, environment);
    let history = history.map_err(|error| advise(admin, routine, error))?;
    let found = match to {
        Some(id) => history.iter().find(|it| it.deployment_id == id),
        None => history.get(1),
    };
    let found = found.ok_or_else(|| OperateError::NoDeployment {
        name: routine.to_owned(),
        id: to.unwrap_or("before the live one").to_owned(),
    })?;
    let shares = found.code_versions.iter();
    Ok(shares.map(|it| (it.code_version.clone(), u64::from(it.percentage))).collect())
}

fn tell(
    admin: &Endpoint,
    steps: &Steps,
    planned: &Planned,
    output: &mut Output<'_>,
) -> Result<(), OperateError> {
    let Steps { routine, environment, .. } = steps;
    let told = client::dry_run(admin, routine, environment, &planned.shares);
    let told = told.map_err(|error| refused(admin, routine, planned, error))?;
    if output.as_json {
        output.json(&told)?;
    } else {
        print_dry_run(admin, routine, environment, &planned.shares, &told, output)?;
    }
    if is_good(&told) { Ok(()) } else { Err(OperateError::Found) }
}

fn refused(admin: &Endpoint, routine: &str, planned: &Planned, error: ClientError) -> OperateError {
    let versions = planned.shares.iter().map(|(version, _)| version.as_str());
    advise_of_versions(admin, routine, versions, error)
}

/// Whether somebody else deployed between the look and the step, which a Serin that gives
/// entity tags does not let happen.
fn overtaken(deployed: &Deployed, seen: Option<&Seen>) -> Option<String> {
    let replaced = deployed.replaced.as_deref()?;
    (replaced != seen?.deployment_id).then(|| {
        format!(
            "note: somebody had made deployment {replaced} a moment before, and this took its place; `serin rollback` goes back to it"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(list: &[(&str, u64)]) -> Vec<(String, u64)> {
        list.iter().map(|(version, percent)| ((*version).to_owned(), *percent)).collect()
    }

    #[test]
    fn a_wrong_sum_is_shown_before_anybody_is_asked() {
        assert!(well_formed(&shares(&[("1", 90), ("2", 10)])).is_ok());
        assert!(well_formed(&shares(&[("1", 100)])).is_ok());
        let wrong = well_formed(&shares(&[("1", 90), ("2", 20)])).unwrap_err();
        assert_eq!(wrong.to_string(), "the percentages sum to 110, not to 100");
        assert_eq!(wrong.exit_status(), 2);
        let twice = well_formed(&shares(&[("1", 50), ("1", 50)])).unwrap_err();
        assert!(twice.to_string().contains("`1` is named twice"), "{twice}");
    }

    #[test]
    fn forward_never_takes_users_away() {
        let (older, newer) = ("1".to_owned(), "2".to_owned());
        let split = Split { older, newer, percent: 30 };
        assert!(forward("shop", "production", &split, 31).is_ok());
        let said = forward("shop", "production", &split, 20).unwrap_err().to_string();
        assert!(said.ends_with("`serin deploy shop 1@80 2@20 --env production`"), "{said}");
        assert!(forward("shop", "production", &split, 30).is_err());
    }
}
