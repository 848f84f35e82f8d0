//! What a run has shown, in the shape that programs read.

use std::collections::BTreeMap;

use serde::Serialize;

/// A run, as it was seen.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Whether nothing was found.
    pub ok: bool,
    /// What was found, in words, worst first.
    pub findings: Vec<String>,
    pub target: String,
    pub protocol: &'static str,
    pub asked: Asked,
    pub duration_s: f64,
    pub answers: u64,
    pub answers_per_second: f64,
    pub connections: Connections,
    pub errors: Errors,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    pub latency: Latencies,
    pub versions: Vec<VersionSummary>,
    pub unnamed: Unnamed,
    /// What the target was to split its users by, deployment after deployment.
    pub periods: Vec<PeriodSummary>,
    pub stickiness: Stickiness,
    /// Null where the rule is not known.
    pub agreement: Option<Agreement>,
    /// Answers that name a version which is not deployed.
    pub strangers: u64,
    /// Answers of another version than was assigned, as the target itself says.
    pub failed_over: u64,
    /// The deployment that is live at the end, if it is none of this run and of before:
    /// nothing that was judged holds.
    pub deployed_by_others: Option<String>,
    /// Why it is not known that what was judged was live until the end.
    pub end_in_doubt: Option<String>,
    /// The deployment that could not be made, which ended the run.
    pub deployment_failed: Option<DeploymentFailed>,
    /// More versions were named than are told apart: those beyond are counted together, and
    /// who changes from one of them to another is not seen.
    pub too_many_versions: bool,
    /// Answers in each second, by version.
    pub seconds: Vec<BTreeMap<String, u64>>,
}

/// What was to be done.
#[derive(Debug, Clone, Serialize)]
pub struct Asked {
    /// Requests a second at the start; null where connections send when they are answered.
    pub rate_from: Option<f64>,
    pub rate_to: Option<f64>,
    pub ramp_s: Option<f64>,
    pub duration_s: f64,
    pub connections: usize,
    pub streams: usize,
    pub threads: usize,
    pub users: u64,
    pub zipf: f64,
    /// The first so many users make such a share of all requests, 0 to 1.
    pub heavy_users: u64,
    pub heavy_share: f64,
    /// Where users are, with weights.
    pub regions: BTreeMap<String, f64>,
    pub seed: u64,
    pub key: String,
    pub key_prefix: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Connections {
    pub opened: u64,
    /// Requests on a connection that had carried one before.
    pub reused: u64,
}

#[derive(Debug, Clone, Serialize)]
pub struct Errors {
    pub total: u64,
    pub allowed: u64,
    #[serde(flatten)]
    pub by_class: ByClass,
}

/// Errors, by what went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ByClass {
    pub connect: u64,
    pub timeout: u64,
    pub reset: u64,
    pub closed: u64,
    pub bad_response: u64,
    /// What came without being asked for. It is no answer, and may come beside one.
    pub unasked: u64,
    pub status_4xx: u64,
    pub status_5xx: u64,
    /// Due, and never sent.
    pub unsent: u64,
}

#[derive(Debug, Clone, Serialize)]
pub struct Latencies {
    /// From when a request was due; null where there is none.
    pub corrected: Option<Quantiles>,
    /// From when it was sent.
    pub uncorrected: Option<Quantiles>,
}

/// In milliseconds: how long answers took, and what was waited in vain until an error took
/// the place of one. A connection that could not be opened is no wait, and none is told as
/// longer than an hour.
#[derive(Debug, Clone, Serialize)]
pub struct Quantiles {
    pub count: u64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p99_9: f64,
    pub max: f64,
    /// How many took longer than what stands before, and no longer than the first number:
    /// four steps make twice the time.
    pub histogram: Vec<(f64, u64)>,
}

#[derive(Debug, Clone, Serialize)]
pub struct VersionSummary {
    pub version: String,
    /// Answers that name it.
    pub requests: u64,
    /// Of the answers that name a version, 0 to 1.
    pub share: f64,
    pub statuses: BTreeMap<u16, u64>,
    /// Its own, and those that users met who were to get it: by the rule, where that is
    /// known, and otherwise because it was their last one.
    pub errors: ByClass,
    /// With what was waited for it in vain.
    pub latency: Latencies,
}

/// What names no version.
#[derive(Debug, Clone, Serialize)]
pub struct Unnamed {
    /// Answers,
    pub requests: u64,
    pub statuses: BTreeMap<u16, u64>,
    /// and errors that can be laid at the door of no version.
    pub errors: ByClass,
    pub latency: Latencies,
}

#[derive(Debug, Clone, Serialize)]
pub struct PeriodSummary {
    /// After the start.
    pub begins_s: f64,
    pub deployment_id: Option<String>,
    /// Of users whose answers were certainly of this period.
    pub shares: Vec<ShareSummary>,
    /// Distinct users whose requests all ended without an answer. What ends only after a
    /// request of a later period is left out.
    pub users_unanswered: u64,
    /// Null where there is nothing to check.
    pub sample_ratio: Option<SampleRatioSummary>,
    /// Null for the first.
    pub moved: Option<Moved>,
}

/// Shares are from 0 to 1.
#[derive(Debug, Clone, Serialize)]
pub struct ShareSummary {
    pub version: String,
    /// Null where nobody said.
    pub percentage: Option<u64>,
    /// Distinct users.
    pub keys: u64,
    pub share: f64,
    /// Beyond it lies the share of keys of an honest split once in a thousand times at most.
    pub keys_expected: Option<[f64; 2]>,
    /// Where the share of requests is to be expected, of which some users send many: in a few
    /// runs of a thousand that of an honest split lies beyond. Null where deployments make it
    /// another in the middle of the run.
    pub requests_expected: Option<[f64; 2]>,
}

#[derive(Debug, Clone, Serialize)]
pub struct SampleRatioSummary {
    pub keys: u64,
    /// An honest split ever looks as bad as this did at its worst with a probability of at
    /// most this.
    pub p_value: f64,
    /// The key, counted from 1, at which the odds against the configured split came to a
    /// thousand to one.
    pub alarm_at_key: Option<u64>,
}

/// Who of the users that were `seen` before and after a deployment moved: so many `users`.
#[derive(Debug, Clone, Serialize)]
pub struct Moved {
    pub seen: u64,
    pub users: u64,
    /// How many of them move by the rule; null where it is not known.
    pub by_rule: Option<u64>,
    pub flows: Vec<FlowSummary>,
}

#[derive(Debug, Clone, Serialize)]
pub struct FlowSummary {
    pub from: String,
    pub to: String,
    pub users: u64,
}

/// Users who changed version without a deployment.
#[derive(Debug, Clone, Serialize)]
pub struct Stickiness {
    /// Users of whom a version was seen.
    pub users: u64,
    pub users_changed: u64,
    pub changes: u64,
    /// The first of them.
    pub examples: Vec<ChangeSummary>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ChangeSummary {
    pub user: String,
    pub from: String,
    pub to: String,
    pub at_s: f64,
}

/// Answers held to the rule.
#[derive(Debug, Clone, Serialize)]
pub struct Agreement {
    pub answers: u64,
    pub disagreements: u64,
    /// The first of them.
    pub examples: Vec<DisagreementSummary>,
}

#[derive(Debug, Clone, Serialize)]
pub struct DeploymentFailed {
    /// After the start.
    pub at_s: f64,
    pub why: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct DisagreementSummary {
    pub user: String,
    pub got: String,
    pub by_rule: String,
    pub at_s: f64,
}
