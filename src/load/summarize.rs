//! From what was counted to what it says.

use std::time::Duration;

use super::counted::Counted;
use super::fault::Fault;
use super::judge::{Judge, Watch};
use super::operator::Made;
use super::plan::{KeyIn, Model, Plan, Protocol};
use super::summary::{
    Agreement, Asked, ChangeSummary, Connections, DisagreementSummary, Errors, FlowSummary,
    Latencies, Moved, PeriodSummary, Quantiles, SampleRatioSummary, ShareSummary, Stickiness,
    Summary, Unnamed, VersionSummary,
};
use super::tally::{Latency, OfVersion, Tally};
use super::verdict::findings;
use super::visits::effective_requests;
use crate::stats::{BAND_CONFIDENCE, binomial_band, ratio};

/// A run that has ended.
pub(super) struct Run<'a> {
    pub(super) plan: &'a Plan,
    pub(super) judge: &'a Judge,
    pub(super) tally: &'a Tally,
    pub(super) took: Duration,
    /// What is live at the end, if somebody else deployed it.
    pub(super) stranger: Option<String>,
}

impl Summary {
    pub(super) fn of(run: &Run<'_>, deployment_id: Option<String>, made: &[Made]) -> Self {
        let Run { plan, judge, tally, took, stranger } = run;
        let names = judge.versions.names();
        let name = |number: usize| names.get(number).cloned().unwrap_or_default();
        let watch = judge.watch();
        let of_all = OfVersion::of_all(tally);
        let answers = tally.answers();
        let with_version: u64 = tally.versions.iter().map(|version| version.requests).sum();
        let mut summary = Self {
            ok: true,
            findings: Vec::new(),
            target: plan.target.url(),
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
                .filter(|(_, version)| version.requests > 0)
                .map(|(number, version)| VersionSummary {
                    version: name(number),
                    requests: version.requests,
                    share: ratio(version.requests, with_version),
                    statuses: version.statuses.iter().copied().collect(),
                    latency: Latencies::of(version),
                })
                .collect(),
            unnamed: Unnamed {
                requests: tally.unnamed.requests,
                statuses: tally.unnamed.statuses.iter().copied().collect(),
            },
            periods: periods(run, &watch, &names, deployment_id, made),
            stickiness: Stickiness {
                users: judge.users_seen(),
                users_changed: watch.users_changed,
                changes: watch.changes.count,
                examples: watch
                    .changes
                    .examples
                    .iter()
                    .map(|change| ChangeSummary {
                        user: text(&change.user),
                        from: name(change.from),
                        to: name(change.to),
                        at_s: change.at.as_secs_f64(),
                    })
                    .collect(),
            },
            agreement: judge.has_rule().then(|| Agreement {
                answers: tally.judged,
                disagreements: watch.disagreements.count,
                examples: watch
                    .disagreements
                    .examples
                    .iter()
                    .map(|found| DisagreementSummary {
                        user: text(&found.user),
                        got: name(found.got),
                        by_rule: name(found.by_rule),
                        at_s: found.at.as_secs_f64(),
                    })
                    .collect(),
            }),
            strangers: watch.strangers,
            failed_over: tally.failed_over,
            deployed_by_others: stranger.clone(),
            seconds: tally
                .seconds
                .iter()
                .map(|counts| {
                    let counts = counts.iter().enumerate().filter(|(_, count)| **count > 0);
                    counts.map(|(version, &count)| (name(version), count)).collect()
                })
                .collect(),
        };
        summary.findings = findings(&summary, judge.is_configured());
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
            seed: plan.users.seed,
            key: match &plan.key {
                KeyIn::Header(name) => format!("header {name}"),
                KeyIn::Cookie(name) => format!("cookie {name}"),
            },
        }
    }
}

impl Errors {
    pub(super) fn of(tally: &Tally, allowed: u64) -> Self {
        let of = |fault: Fault| tally.faults[fault.index()];
        let statuses = tally.statuses();
        let of_class = |class: u16| {
            let of_class = statuses.iter().filter(|(status, _)| status / 100 == class);
            of_class.map(|(_, count)| count).sum()
        };
        let mut errors = Self {
            total: 0,
            allowed,
            connect: of(Fault::Connect),
            timeout: of(Fault::Timeout),
            reset: of(Fault::Reset),
            closed: of(Fault::Closed),
            bad_response: of(Fault::BadResponse),
            status_4xx: of_class(4),
            status_5xx: of_class(5),
            unsent: tally.unsent,
        };
        errors.total = errors.by_class().iter().map(|(_, count)| count).sum();
        errors
    }

    /// Each class, and how many there are of it.
    pub(super) fn by_class(&self) -> [(&'static str, u64); 8] {
        [
            ("connect", self.connect),
            ("timeout", self.timeout),
            ("reset", self.reset),
            ("closed", self.closed),
            ("bad response", self.bad_response),
            ("status 4xx", self.status_4xx),
            ("status 5xx", self.status_5xx),
            ("unsent", self.unsent),
        ]
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
    fn of(Latency(histogram): &Latency) -> Self {
        let ms = |ns: u64| Duration::from_nanos(ns).as_secs_f64() * 1e3;
        let at = |quantile| ms(histogram.value_at_quantile(quantile));
        Self {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p99_9: at(0.999),
            max: ms(histogram.max()),
        }
    }
}

fn periods(
    run: &Run<'_>,
    watch: &Watch,
    names: &[String],
    deployment_id: Option<String>,
    made: &[Made],
) -> Vec<PeriodSummary> {
    let begun = made.iter().map(|made| (made.at, Some(made.id.clone())));
    let begun = std::iter::once((Duration::ZERO, deployment_id)).chain(begun);
    let counted = watch.counted.iter().enumerate();
    begun
        .zip(counted)
        .map(|((begins, deployment_id), (number, counted))| PeriodSummary {
            begins_s: begins.as_secs_f64(),
            deployment_id,
            shares: shares(run, number, counted, names, made.is_empty()),
            sample_ratio: counted.ratio.as_ref().map(|ratio| SampleRatioSummary {
                keys: ratio.observed(),
                p_value: ratio.p_value(),
                alarm_at_key: ratio.alarm(),
            }),
            moved: (number > 0).then(|| moved(run.judge, counted, names)),
        })
        .collect()
}

/// Of the configured versions, and of others that were seen.
fn shares(
    run: &Run<'_>,
    number: usize,
    counted: &Counted,
    names: &[String],
    is_only: bool,
) -> Vec<ShareSummary> {
    let configured = &run.judge.periods[number].shares;
    let others = (0..names.len())
        .filter(|other| !configured.iter().any(|(version, _)| version == other))
        .filter(|&other| counted.keys[other] > 0)
        .map(|other| (other, None));
    let listed = configured.iter().map(|&(version, percentage)| (version, Some(percentage)));
    let keys: u64 = counted.keys.iter().sum();
    let requests = run.tally.versions.iter().map(|version| version.requests).sum();
    let effective = effective_requests(run.plan.users, requests);
    let share = |(version, percentage): (usize, Option<u64>)| ShareSummary {
        version: names[version].clone(),
        percentage,
        keys: counted.keys[version],
        share: ratio(counted.keys[version], keys),
        keys_expected: percentage.map(|percentage| band(keys, percentage)),
        requests_expected: percentage.filter(|_| is_only).map(|of| band(effective, of)),
    };
    listed.chain(others).map(share).collect()
}

/// Where a share of `trials` lies, 0 to 1.
pub(super) fn band(trials: u64, percentage: u64) -> [f64; 2] {
    let band = binomial_band(trials, ratio(percentage, 100), BAND_CONFIDENCE);
    [ratio(*band.start(), trials), ratio(*band.end(), trials)]
}

fn moved(judge: &Judge, counted: &Counted, names: &[String]) -> Moved {
    Moved {
        seen: counted.seen_before,
        users: counted.moved,
        by_rule: judge.has_rule().then_some(counted.to_move),
        flows: counted
            .flows
            .iter()
            .map(|&((from, to), users)| FlowSummary {
                from: names[from].clone(),
                to: names[to].clone(),
                users,
            })
            .collect(),
    }
}

fn text(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}
