//! What a scenario claims of its own numbers.

use super::outcome::{Outcome, RuleOutcome};
use super::rules::Rule;
use crate::model::CodeVersion;
use crate::stats::ratio;

/// Which share of `whole` is `part`; `None` of nothing, of which any claim would hold.
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| ratio(part, whole))
}

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
    /// Users who move at a deployment, of all or of a sample.
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
    /// `None` where there was nothing to check: nobody asked, or nothing is kept. Such a
    /// claim does not hold.
    pub found: Option<f64>,
    pub holds: bool,
}

impl Checked {
    pub(super) fn found_in_words(&self) -> String {
        let number = |found: f64| format!("{found:.4}");
        self.found.map_or_else(|| "there was nothing to check".to_owned(), number)
    }
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
        let requests: u64 = rule.requests.iter().sum();
        let nth = |number: usize| rule.first_requests.get(number.checked_sub(1)?);
        match self {
            Self::Requests => Some(requests as f64),
            Self::Users => Some(rule.users as f64),
            Self::VersionShare { version } => share(rule.requests[version], requests),
            Self::ErrorRate { version: None } => share(rule.failed.iter().sum(), requests),
            Self::ErrorRate { version: Some(version) } => {
                share(rule.failed[version], rule.requests[version])
            }
            Self::UsersFailed => share(rule.users_failed, rule.users),
            Self::UsersOnSeveral { within: None } => share(rule.users_on_several, rule.users),
            Self::UsersOnSeveral { within: Some(requests) } => {
                let nth = nth(requests)?;
                share(nth.on_several, nth.requests)
            }
            Self::UsersFlapped => share(rule.users_flapped, rule.users),
            Self::CanaryShare { request } => {
                let nth = nth(request).filter(|_| rule.canaries.iter().any(Option::is_some))?;
                share(nth.newer, nth.requests)
            }
            Self::Moved { deployment } => {
                let moved = (*rule.moved.get(deployment.checked_sub(1)?)?)?;
                share(moved.moved, moved.of)
            }
            Self::StaleShare => {
                let stale = outcome.releases.iter().map(|release| release.stale).sum();
                share(stale, outcome.requests)
            }
            Self::Alarms => {
                let canaries = rule.canaries.iter().flatten().filter(|canary| canary.keys > 0);
                let alarms = canaries.clone().filter(|canary| canary.alarm.is_some());
                (canaries.count() > 0).then(|| alarms.count() as f64)
            }
            Self::LatencyP99Ms { version } => {
                let of_version = outcome.totals.iter().filter(|total| total.version == version);
                let p99s = of_version.filter_map(|total| Some(total.latency?.p99));
                Some(p99s.max()?.as_secs_f64() * 1_000.0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scenario;
    use super::super::play::play;

    /// Nobody asks, nothing is measured, and version 2 is never deployed.
    const NOTHING: &str = r#"
title = "nothing"
length = "1h"
[[population]]
users = 10
requests_per_user = 0
[[version]]
code_version = "1"
[[version]]
code_version = "2"
[[deployment]]
at = "0s"
code_versions = [{ code_version = "1", percentage = 100 }]
"#;

    fn checked(scenario: &str, check: &str) -> (Option<f64>, bool) {
        let text = format!("{scenario}[[check]]\n{check}\nmost = 1\n");
        let scenario = Scenario::parse(&text).unwrap_or_else(|error| panic!("{error}"));
        let outcome = play(&scenario, &mut |_| {}).unwrap();
        let checked = &outcome.checks[0];
        assert_eq!(checked.holds, outcome.holds());
        (checked.found, checked.holds)
    }

    #[test]
    fn a_check_of_nothing_fails() {
        for check in [
            "number = \"version_share\"\nversion = \"1\"",
            "number = \"error_rate\"",
            "number = \"error_rate\"\nversion = \"1\"",
            "number = \"users_failed\"",
            "number = \"users_on_several\"",
            "number = \"users_on_several\"\nrequest = 1",
            "number = \"users_flapped\"",
            "number = \"canary_share\"\nrequest = 1",
            "number = \"stale_share\"",
            "number = \"alarms\"",
            "number = \"latency_p99_ms\"\nversion = \"1\"",
        ] {
            assert_eq!(checked(NOTHING, check), (None, false), "{check}");
        }
        assert_eq!(checked(NOTHING, "number = \"requests\""), (Some(0.0), true));
        assert_eq!(checked(NOTHING, "number = \"users\""), (Some(0.0), true));
    }

    #[test]
    fn a_check_of_what_never_ran_fails_where_others_ask() {
        let asked = NOTHING.replace("requests_per_user = 0", "requests_per_user = 5");
        for check in [
            "number = \"error_rate\"\nversion = \"2\"",
            "number = \"canary_share\"\nrequest = 1",
            "number = \"alarms\"",
        ] {
            assert_eq!(checked(&asked, check), (None, false), "{check}");
        }
        assert_eq!(checked(&asked, "number = \"error_rate\""), (Some(0.0), true));
    }
}
