//! What a scenario claims of its own numbers.

use super::outcome::{Outcome, RuleOutcome};
use super::rules::Rule;
use crate::model::CodeVersion;
use crate::stats::ratio;

/// A claim: a number is within bounds.
#[derive(Debug, Clone)]
pub struct Check {
    pub number: Number,
    pub rule: Rule,
    pub least: Option<f64>,
    pub most: Option<f64>,
}

/// A number of an outcome. Shares are from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// Requests in all.
    Requests,
    /// Users who asked.
    Users,
    /// A version's share of all requests.
    VersionShare { version: usize },
    /// Requests that failed, of all or of a version's.
    ErrorRate { version: Option<usize> },
    /// Users who met an error, of those who asked.
    UsersFailed,
    /// Users who met more than one version, of those who asked; with a number of requests,
    /// within so many, of those who made them.
    UsersOnSeveral { within: Option<usize> },
    /// Users who came back to a version that they had left, of those who asked.
    UsersFlapped,
    /// Of users' requests of this number, those to the newer version of a canary.
    CanaryShare { request: usize },
    /// Users who move at a deployment, of all.
    Moved { deployment: usize },
    /// Requests that a table answered which was not the newest, of all.
    StaleShare,
    /// Alarms that a canary's share of users is not what was asked for.
    Alarms,
    /// A version's latency, in milliseconds, over the whole time, in the region where it is longest.
    LatencyP99Ms { version: usize },
}

/// A claim and what is true.
#[derive(Debug, Clone)]
pub struct Checked {
    /// What is claimed, in words.
    pub claim: String,
    /// `None` where there is no such number: nothing was asked, or nothing is kept.
    pub found: Option<f64>,
    pub holds: bool,
}

impl Check {
    pub(super) fn look(&self, outcome: &Outcome) -> Checked {
        let found = outcome.rule(self.rule).and_then(|rule| self.number.of(outcome, rule));
        let holds = found.is_some_and(|found| {
            self.least.is_none_or(|least| found >= least)
                && self.most.is_none_or(|most| found <= most)
        });
        Checked { claim: self.claim(&outcome.versions), found, holds }
    }
}

impl Check {
    fn claim(&self, versions: &[CodeVersion]) -> String {
        let what = format!("{}: {}", self.rule.as_str(), self.number.in_words(versions));
        match (self.least, self.most) {
            (Some(least), Some(most)) => format!("{what} from {least} to {most}"),
            (Some(least), None) => format!("{what} at least {least}"),
            (None, Some(most)) => format!("{what} at most {most}"),
            (None, None) => what,
        }
    }
}

impl Number {
    fn in_words(self, versions: &[CodeVersion]) -> String {
        match self {
            Self::Requests => "requests".to_owned(),
            Self::Users => "users who ask".to_owned(),
            Self::VersionShare { version } => format!("share of {}", versions[version]),
            Self::ErrorRate { version: None } => "error rate".to_owned(),
            Self::ErrorRate { version: Some(version) } => {
                format!("error rate of {}", versions[version])
            }
            Self::UsersFailed => "users who meet an error".to_owned(),
            Self::UsersOnSeveral { within: None } => "users on several versions".to_owned(),
            Self::UsersOnSeveral { within: Some(requests) } => {
                format!("users on several versions within {requests} requests")
            }
            Self::UsersFlapped => "users who flap".to_owned(),
            Self::CanaryShare { request } => format!("share of the canary at request {request}"),
            Self::Moved { deployment } => format!("users who move at deployment {deployment}"),
            Self::StaleShare => "share of stale requests".to_owned(),
            Self::Alarms => "sample-ratio alarms".to_owned(),
            Self::LatencyP99Ms { version } => format!("p99 of {} in ms", versions[version]),
        }
    }
}

impl Number {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn of(self, outcome: &Outcome, rule: &RuleOutcome) -> Option<f64> {
        let sum = |counts: &[u64]| counts.iter().sum::<u64>();
        let nth = |number: usize| rule.first_requests.get(number.checked_sub(1)?);
        Some(match self {
            Self::Requests => sum(&rule.requests) as f64,
            Self::Users => rule.users as f64,
            Self::VersionShare { version } => ratio(rule.requests[version], sum(&rule.requests)),
            Self::ErrorRate { version: None } => ratio(sum(&rule.failed), sum(&rule.requests)),
            Self::ErrorRate { version: Some(version) } => {
                ratio(rule.failed[version], rule.requests[version])
            }
            Self::UsersFailed => ratio(rule.users_failed, rule.users),
            Self::UsersOnSeveral { within: None } => ratio(rule.users_on_several, rule.users),
            Self::UsersOnSeveral { within: Some(requests) } => {
                let nth = nth(requests)?;
                ratio(nth.on_several, nth.requests)
            }
            Self::UsersFlapped => ratio(rule.users_flapped, rule.users),
            Self::CanaryShare { request } => {
                let nth = nth(request)?;
                ratio(nth.newer, nth.requests)
            }
            Self::Moved { deployment } => (*rule.moved.get(deployment.checked_sub(1)?)?)?.share(),
            Self::StaleShare => {
                let stale = outcome.releases.iter().map(|release| release.stale).sum();
                ratio(stale, outcome.requests)
            }
            Self::Alarms => {
                let canaries = rule.canaries.iter().flatten();
                canaries.filter(|canary| canary.alarm.is_some()).count() as f64
            }
            Self::LatencyP99Ms { version } => {
                let of_version = outcome.totals.iter().filter(|total| total.version == version);
                let p99s = of_version.filter_map(|total| Some(total.latency?.p99));
                p99s.max()?.as_secs_f64() * 1_000.0
            }
        })
    }
}
