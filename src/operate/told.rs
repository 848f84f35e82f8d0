//! What an admin endpoint tells of traffic, endpoints and checks.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::OperateError;
use crate::client::{ClientError, Endpoint};

/// Of a split, whether it is what was asked for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Check {
    pub(super) verdict: String,
    pub(super) deployment_id: Option<String>,
    pub(super) versions: Vec<CheckedVersion>,
    pub(super) users: u64,
    pub(super) alarm_at_users: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct CheckedVersion {
    pub(super) code_version: String,
    pub(super) users: u64,
    pub(super) observed_percentage: Option<f64>,
    pub(super) expected_least: u64,
    pub(super) expected_most: u64,
}

impl Check {
    pub(super) fn is_mismatch(&self) -> bool {
        self.verdict == "mismatch"
    }

    /// For people; empty where there is nothing to check.
    pub(super) fn words(&self) -> String {
        match (self.verdict.as_str(), self.alarm_at_users) {
            ("nothing_to_check", _) => String::new(),
            ("no_users", _) => "no users yet".to_owned(),
            ("as_configured", _) => "as asked".to_owned(),
            ("mismatch", Some(user)) => format!("NOT AS ASKED, since user {user}"),
            ("mismatch", None) => "NOT AS ASKED".to_owned(),
            (other, _) => other.to_owned(),
        }
    }
}

/// Requests of one version since the start.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Tallied {
    pub(super) environment: String,
    pub(super) code_version: String,
    pub(super) assigned: u64,
    pub(super) failed: u64,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct OfSubject {
    pub(super) versions: Vec<Tallied>,
}

impl OfSubject {
    pub(super) fn of(&self, environment: &str, version: &str) -> Option<&Tallied> {
        let mut versions = self.versions.iter();
        versions.find(|it| it.environment == environment && it.code_version == version)
    }
}

/// What went wrong since the start, by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Traffic {
    pub(super) faults: BTreeMap<String, u64>,
    pub(super) errors: BTreeMap<String, u64>,
    pub(super) retries: u64,
    pub(super) failovers: u64,
    pub(super) open_tunnels: u64,
}

/// An endpoint of a live version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct EndpointState {
    pub(super) endpoint: String,
    pub(super) healthy: bool,
    pub(super) reason: Option<String>,
    pub(super) unhealthy_since: Option<String>,
    pub(super) ejected_until: Option<String>,
}

impl EndpointState {
    /// What is the matter with it, and why; `None` where nothing is.
    pub(super) fn ailment(&self) -> Option<String> {
        if !self.healthy {
            let since = self.unhealthy_since.as_deref().map_or_else(|| "now".to_owned(), moment);
            let reason = self.reason.as_deref().unwrap_or("no reason is told");
            return Some(format!("unhealthy since {since}: {reason}"));
        }
        let until = self.ejected_until.as_ref()?;
        Some(format!("ejected until {}", moment(until)))
    }
}

/// A moment as people read it: to the second.
pub(super) fn moment(text: &str) -> String {
    match text.split_once('.') {
        Some((seconds, _)) if text.ends_with('Z') => format!("{seconds}Z"),
        _ => text.to_owned(),
    }
}

/// `answer` as what it should be.
pub(super) fn read<T: DeserializeOwned>(
    admin: &Endpoint,
    answer: &Value,
) -> Result<T, OperateError> {
    T::deserialize(answer).map_err(|_| {
        ClientError::Foreign { url: admin.url.clone(), status: http::StatusCode::OK }.into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_to_the_second() {
        assert_eq!(moment("2026-11-28T01:07:08.515052677Z"), "2026-11-28T01:07:08Z");
        assert_eq!(moment("2026-11-28T01:07:08Z"), "2026-11-28T01:07:08Z");
    }
}
