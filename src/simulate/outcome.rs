//! What a scenario came to.

use std::ops::RangeInclusive;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::census::Moved;
use super::check::Checked;
use super::counts::{Counts, NthRequest, latencies};
use super::edge::{Edge, Placed, Release};
use super::rules::Rule;
use super::scenario::{Act, Scenario};
use super::words::span;
use crate::model::{CodeVersion, DeploymentId, Movement, Percent};
use crate::stats::{BAND_CONFIDENCE, binomial_band, ratio};

#[derive(Debug)]
pub struct Outcome {
    pub title: String,
    pub seed: u64,
    pub length: Duration,
    pub users: u64,
    pub requests: u64,
    /// How often a rule decided: where each request goes, and whether a user moves at a
    /// deployment. That is one decision, although two versions are looked at: where both
    /// come from one hash, they take hardly longer than one.
    pub decisions: u64,
    pub versions: Vec<CodeVersion>,
    pub regions: Vec<String>,
    pub releases: Vec<Released>,
    /// In the order of the scenario.
    pub actions: Vec<Acted>,
    /// Serin's own first.
    pub rules: Vec<RuleOutcome>,
    pub step: Duration,
    /// Of Serin's own rule: by time, then version, then region. Where nothing was asked,
    /// there is none.
    pub timeline: Vec<Window>,
    /// As the timeline, over all of the time.
    pub totals: Vec<Window>,
    pub checks: Vec<Checked>,
}

#[derive(Debug)]
pub struct Released {
    pub id: DeploymentId,
    pub at: Duration,
    pub shares: Vec<(CodeVersion, Percent)>,
    /// The number, from 1, of the deployment that it went back to.
    pub rollback_to: Option<usize>,
    /// From its time on until the last node had its table, or until the end.
    pub spread: Duration,
    /// Requests that an older table answered while it was the newest.
    pub stale: u64,
    /// What Serin tells the operator; `None` of the first.
    pub movement: Option<Movement>,
}

/// What an operator did beside deploying.
#[derive(Debug)]
pub struct Acted {
    pub at: Duration,
    /// Not later than the end.
    pub until: Duration,
    /// What it was, in words.
    pub what: String,
}

/// What came of one rule.
#[derive(Debug)]
pub struct RuleOutcome {
    pub rule: Rule,
    /// By version, as the scenario lists them.
    pub requests: Vec<u64>,
    pub failed: Vec<u64>,
    pub users: u64,
    pub users_on_several: u64,
    /// Users who came back to a version that they had left.
    pub users_flapped: u64,
    /// Of them, those who did so in each step for the first time.
    pub flapped: Vec<u64>,
    pub users_failed: u64,
    /// Each user's first requests, one after the other.
    pub first_requests: Vec<NthRequest>,
    /// By release; `None` for the first, and for a rule that keeps nobody anywhere.
    pub moved: Vec<Option<Moved>>,
    /// By release; `None` of one version alone.
    pub canaries: Vec<Option<Canary>>,
}

/// Whether a canary's share of users is what was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Canary {
    /// Users who asked under this release.
    pub keys: u64,
    /// Those of them whose first request went to the newer version.
    pub newer: u64,
    /// How many of them are to be expected.
    pub expected: RangeInclusive<u64>,
    /// The natural logarithm of the odds against the configured split.
    pub evidence_ln: f64,
    pub p_value: f64,
    /// The user, counted from 1, who raised the alarm.
    pub alarm: Option<u64>,
}

/// The requests of one version in one region, in a step of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    pub start: Duration,
    /// Numbers of the outcome's versions and regions.
    pub version: usize,
    pub region: usize,
    pub requests: u64,
    /// Its share of the requests of its region and step.
    pub share: f64,
    pub failed: u64,
    /// `None` where it is not measured.
    pub latency: Option<Latencies>,
}

/// Quantiles of latencies, to two digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latencies {
    pub p50: Duration,
    pub p99: Duration,
    pub max: Duration,
}

impl Outcome {
    pub(super) fn new(
        scenario: &Scenario,
        edge: &Edge,
        counted: Vec<Counts>,
        moves: Vec<Vec<Option<Moved>>>,
    ) -> Self {
        let own = counted.first().expect("Serin's own rule is always played");
        let step = scenario.step;
        let timeline = windows(scenario, own, 1, step);
        let totals = windows(scenario, own, scenario.steps(), scenario.length);
        let releases = scenario.deployments.iter().zip(&edge.releases).zip(&own.stale);
        let releases = releases.map(|((plan, release), stale)| Released {
            id: release.id,
            at: plan.at,
            shares: plan.shares.iter().map(|(version, share)| (version.clone(), share)).collect(),
            rollback_to: plan.rollback_to,
            spread: release.spread().min(scenario.length.saturating_sub(plan.at)),
            stale: *stale,
            movement: release.movement.clone(),
        });
        let requests: u64 = own.requests.iter().sum();
        let asked: u64 = moves.iter().flatten().flatten().map(|moved| moved.of).sum();
        let mut outcome = Self {
            title: scenario.title.clone(),
            seed: scenario.seed,
            length: scenario.length,
            users: own.users,
            requests,
            decisions: requests * scenario.rules.len() as u64 + asked,
            versions: scenario.versions.iter().map(|plan| plan.code_version.clone()).collect(),
            regions: scenario.regions.clone(),
            releases: releases.collect(),
            actions: acted(scenario),
            step,
            timeline,
            totals,
            rules: Vec::new(),
            checks: Vec::new(),
        };
        let rules = scenario.rules.iter().zip(counted).zip(moves);
        outcome.rules = rules
            .map(|((rule, counts), moved)| RuleOutcome::new(*rule, edge, counts, moved))
            .collect();
        outcome.checks = scenario.checks.iter().map(|check| check.look(&outcome)).collect();
        outcome
    }

    /// Whether every check of the scenario holds.
    pub fn holds(&self) -> bool {
        self.checks.iter().all(|checked| checked.holds)
    }

    pub fn rule(&self, rule: Rule) -> Option<&RuleOutcome> {
        self.rules.iter().find(|outcome| outcome.rule == rule)
    }
}

impl Release {
    fn spread(&self) -> Duration {
        Duration::from_micros(self.settled_us.saturating_sub(self.at_us))
    }
}

impl RuleOutcome {
    fn new(rule: Rule, edge: &Edge, counts: Counts, moved: Vec<Option<Moved>>) -> Self {
        let canaries = edge.releases.iter().zip(&counts.ratios).map(|(release, ratio)| {
            let Placed::Canary { percent, .. } = release.placed else { return None };
            let ratio = ratio.as_ref()?;
            let newer = ratio.cells().nth(1).map_or(0, |(_, observed)| observed);
            let share = f64::from(percent.get()) / 100.0;
            Some(Canary {
                keys: ratio.observed(),
                newer,
                expected: binomial_band(ratio.observed(), share, BAND_CONFIDENCE),
                evidence_ln: ratio.evidence_ln(),
                p_value: ratio.p_value(),
                alarm: ratio.alarm(),
            })
        });
        let canaries = canaries.collect();
        let Counts {
            requests,
            failed,
            users,
            users_on_several,
            users_failed,
            flapped,
            mut first_requests,
            ..
        } = counts;
        first_requests.retain(|nth| nth.requests > 0);
        Self {
            rule,
            requests,
            failed,
            users,
            users_on_several,
            users_flapped: flapped.iter().sum(),
            flapped,
            users_failed,
            first_requests,
            moved,
            canaries,
        }
    }
}

fn acted(scenario: &Scenario) -> Vec<Acted> {
    let acted = scenario.actions.iter().map(|action| Acted {
        at: action.during.start,
        until: action.during.end.min(scenario.length),
        what: match action.act {
            Act::Partition { nodes } => format!("{nodes} nodes hear of no deployment"),
            Act::TakeOut { nodes } => format!("{nodes} nodes are taken out"),
            Act::Stop { version } => {
                format!("version {} is stopped", scenario.versions[version].code_version)
            }
            Act::Delay { propagation } => {
                format!("tables take up to {} to reach a node", span(propagation))
            }
        },
    });
    acted.collect()
}

/// The cells of `counts`, so many steps of time together.
fn windows(scenario: &Scenario, counts: &Counts, together: usize, length: Duration) -> Vec<Window> {
    let (versions, regions) = (scenario.versions.len(), scenario.regions.len());
    let row = versions * regions;
    let mut windows = Vec::new();
    for (number, steps) in counts.cells.chunks(row * together).enumerate() {
        let of = |column: usize| steps.iter().skip(column).step_by(row);
        let in_region = |region: usize| -> u64 {
            (0..versions)
                .flat_map(|version| of(version * regions + region))
                .map(|it| it.requests)
                .sum()
        };
        let start = length * u32::try_from(number).unwrap_or(u32::MAX);
        for column in 0..row {
            let (version, region) = (column / regions, column % regions);
            let requests: u64 = of(column).map(|cell| cell.requests).sum();
            if requests == 0 {
                continue;
            }
            windows.push(Window {
                start,
                version,
                region,
                requests,
                share: ratio(requests, in_region(region)),
                failed: of(column).map(|cell| cell.failed).sum(),
                latency: Latencies::of(of(column).filter_map(|cell| cell.latency_us.as_ref())),
            });
        }
    }
    windows
}

impl Latencies {
    fn of<'h>(histograms: impl Iterator<Item = &'h Histogram<u32>>) -> Option<Self> {
        let mut all = latencies();
        for histogram in histograms {
            all.add(histogram).expect("histograms of one kind");
        }
        (!all.is_empty()).then(|| Self {
            p50: Duration::from_micros(all.value_at_quantile(0.5)),
            p99: Duration::from_micros(all.value_at_quantile(0.99)),
            max: Duration::from_micros(all.max()),
        })
    }
}
