//! From what was counted to what it says.

use std::time::Duration;

use super::fault::{Class, Fault};
use super::judge::{Judge, Watch};
use super::operator::{End, Operated};
use super::periods::periods;
use super::plan::{KeyIn, Model, Plan, Protocol};
use super::summary::{
    Agreement, Asked, ByClass, ChangeSummary, Connections, DeploymentFailed, DisagreementSummary,
    Errors, Latencies, Quantiles, Stickiness, Summary, Unnamed, VersionSummary,
};
use super::tally::{LATENCY_MIN_NS, Latency, OfVersion, Tally};
use super::verdict::findings;
use super::version::OTHERS;
use crate::population::Population;
use crate::report::count;
use crate::stats::ratio;

/// Four of them are twice the time.
const HISTOGRAM_STEP: f64 = 1.189_207_115_002_721;

/// A run that has ended.
pub(super) struct Run<'a> {
    pub(super) plan: &'a Plan,
    pub(super) population: &'a Population,
    pub(super) judge: &'a Judge,
    pub(super) tally: &'a Tally,
    pub(super) took: Duration,
    pub(super) operated: Operated,
    pub(super) end: End,
}

impl Summary {
    pub(super) fn of(run: &Run<'_>, deployment_id: Option<String>) -> Self {
        let Run { plan, judge, tally, took, operated, end, .. } = run;
        let names = judge.versions.names();
        let name = |number: usize| names.get(number).cloned().unwrap_or_default();
        let watch = judge.watch();
        let of_all = OfVersion::of_all(tally);
        let answers = tally.answers();
        let with_version: u64 = tally.versions.iter().map(|version| version.requests).sum();
        let mut summary = Self {
            ok: true,
            findings: Vec::new(),
            target: plan.target.shown(),
            protocol: match plan.protocol {
                Protocol::Http1 => "HTTP/1.1",
                Protocol::Http2 { .. } => "HTTP/2",
            },
            asked: Asked::of(plan),
            duration_s: took.as_secs_f64(),
            answers,
            answers_per_second: ratio(answers, 1) / took.as_secs_f64(),
            connections: Connections { opened: tally.opened, reused: tally.reused },
            errors: Errors::of(tally, plan.errors_max),
            statuses: tally.statuses().into_iter().collect(),
            latency: Latencies::of(&of_all),
            versions: tally
                .versions
                .iter()
                .enumerate()
                .filter(|(_, version)| version.is_seen())
                .map(|(number, version)| VersionSummary {
                    version: name(number),
                    requests: version.requests,
                    share: ratio(version.requests, with_version),
                    statuses: version.statuses.iter().copied().collect(),
                    errors: ByClass::of(&version.errors),
                    latency: Latencies::of(version),
                })
                .collect(),
            unnamed: Unnamed {
                requests: tally.unnamed.requests,
                statuses: tally.unnamed.statuses.iter().copied().collect(),
                errors: ByClass::of(&tally.unnamed.errors),
                latency: Latencies::of(&tally.unnamed),
            },
            periods: periods(run, &watch, &names, deployment_id),
            stickiness: stickiness(judge, &watch, name),
            agreement: judge.has_rule().then(|| agreement(tally, &watch, name)),
            strangers: watch.strangers,
            failed_over: tally.failed_over,
            deployed_by_others: match end {
                End::Another(Some(id)) => Some(id.clone()),
                End::AsKnown | End::Another(None) | End::Unknown(_) => None,
            },
            end_in_doubt: match end {
                End::Another(None) => Some("nothing is deployed any more".to_owned()),
                End::Unknown(error) => Some(error.to_string()),
                End::AsKnown | End::Another(Some(_)) => None,
            },
            deployment_failed: operated.failed.as_ref().map(|(at, error)| DeploymentFailed {
                at_s: at.as_secs_f64(),
                why: error.to_string(),
            }),
            too_many_versions: tally.versions.get(OTHERS).is_some_and(OfVersion::is_seen),
            seconds: tally
                .seconds
                .iter()
                .map(|counts| {
                    let counts = counts.iter().enumerate().filter(|(_, count)| **count > 0);
                    counts.map(|(version, &count)| (name(version), count)).collect()
                })
                .collect(),
        };
        summary.findings = findings(&summary, judge.is_configured(), plan.is_told_where);
        summary.ok = summary.findings.is_empty();
        summary
    }
}

impl Asked {
    fn of(plan: &Plan) -> Self {
        let rate = match plan.model {
            Model::Open(rate) => Some(rate),
            Model::Closed => None,
        };
        Self {
            rate_from: rate.map(|rate| rate.from),
            rate_to: rate.map(|rate| rate.to),
            ramp_s: rate.map(|rate| rate.over.as_secs_f64()),
            duration_s: plan.duration.as_secs_f64(),
            connections: plan.connections,
            streams: match plan.protocol {
                Protocol::Http1 => 1,
                Protocol::Http2 { streams } => streams,
            },
            threads: plan.threads,
            users: plan.users.count,
            zipf: plan.users.exponent,
            heavy_users: plan.users.heavy.map(|(users, _)| users).unwrap_or_default(),
            heavy_share: plan.users.heavy.map(|(_, share)| share).unwrap_or_default(),
            regions: plan.users.regions.iter().cloned().collect(),
            seed: plan.users.seed,
            key: match &plan.key {
                KeyIn::Header(name) => format!("header {name}"),
                KeyIn::Cookie(name) => format!("cookie {name}"),
            },
            key_prefix: plan.users.key_prefix.clone(),
        }
    }
}

fn stickiness(judge: &Judge, watch: &Watch, name: impl Fn(usize) -> String) -> Stickiness {
    let changes = watch.changes.examples.iter().map(|change| ChangeSummary {
        user: text(&change.user),
        from: name(change.from),
        to: name(change.to),
        at_s: change.at.as_secs_f64(),
    });
    Stickiness {
        users: judge.users_seen(),
        users_changed: watch.users_changed,
        changes: watch.changes.count,
        examples: changes.collect(),
    }
}

fn agreement(tally: &Tally, watch: &Watch, name: impl Fn(usize) -> String) -> Agreement {
    let found = watch.disagreements.examples.iter().map(|found| DisagreementSummary {
        user: text(&found.user),
        got: name(found.got),
        by_rule: name(found.by_rule),
        at_s: found.at.as_secs_f64(),
    });
    Agreement {
        answers: tally.judged,
        disagreements: watch.disagreements.count,
        examples: found.collect(),
    }
}

impl Errors {
    pub(super) fn of(tally: &Tally, allowed: u64) -> Self {
        let by_class = ByClass::of(&tally.errors());
        let total = by_class.each().iter().map(|(_, count)| count).sum();
        Self { total, allowed, by_class }
    }
}

impl ByClass {
    pub(super) fn of(errors: &[u64; Class::COUNT]) -> Self {
        let of = |class: Class| errors[class.index()];
        Self {
            connect: of(Class::Fault(Fault::Connect)),
            timeout: of(Class::Fault(Fault::Timeout)),
            reset: of(Class::Fault(Fault::Reset)),
            closed: of(Class::Fault(Fault::Closed)),
            bad_response: of(Class::Fault(Fault::BadResponse)),
            unasked: of(Class::Unasked),
            status_4xx: of(Class::Status4xx),
            status_5xx: of(Class::Status5xx),
            unsent: of(Class::Unsent),
        }
    }

    /// Each class, and how many there are of it.
    pub(super) fn each(&self) -> [(&'static str, u64); Class::COUNT] {
        [
            ("connect", self.connect),
            ("timeout", self.timeout),
            ("reset", self.reset),
            ("closed", self.closed),
            ("bad response", self.bad_response),
            ("unasked", self.unasked),
            ("status 4xx", self.status_4xx),
            ("status 5xx", self.status_5xx),
            ("unsent", self.unsent),
        ]
    }

    /// In words; empty where there are none.
    pub(super) fn told(&self) -> String {
        let found = self.each().into_iter().filter(|(_, of)| *of > 0);
        found.map(|(class, of)| format!("{} {class}", count(of))).collect::<Vec<_>>().join(", ")
    }
}

impl OfVersion {
    /// Every answer, and what was waited for in vain.
    pub(super) fn of_all(tally: &Tally) -> Self {
        let mut all = tally.unnamed.clone();
        tally.versions.iter().for_each(|version| all.add(version));
        all
    }
}

impl Latencies {
    pub(super) fn of(counted: &OfVersion) -> Self {
        Self {
            corrected: Quantiles::of(&counted.corrected),
            uncorrected: Quantiles::of(&counted.uncorrected),
        }
    }
}

impl Quantiles {
    fn of(Latency(histogram): &Latency) -> Option<Self> {
        if histogram.is_empty() {
            return None;
        }
        let ms = |ns: u64| Duration::from_nanos(ns).as_secs_f64() * 1e3;
        let at = |quantile| ms(histogram.value_at_quantile(quantile));
        let steps = histogram.iter_log(LATENCY_MIN_NS, HISTOGRAM_STEP);
        let steps = steps.filter(|step| step.count_since_last_iteration() > 0);
        Some(Self {
            count: histogram.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p99_9: at(0.999),
            max: ms(histogram.max()),
            histogram: steps
                .map(|step| (ms(step.value_iterated_to()), step.count_since_last_iteration()))
                .collect(),
        })
    }
}

fn text(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}
