//! How users were split between deployments, and who moved.

use std::time::Duration;

use super::counted::Counted;
use super::effective::Effective;
use super::judge::{Judge, Watch};
use super::summarize::Run;
use super::summary::{FlowSummary, Moved, PeriodSummary, SampleRatioSummary, ShareSummary};
use crate::stats::{BAND_CONFIDENCE, binomial_band, ratio};

pub(super) fn periods(
    run: &Run<'_>,
    watch: &Watch,
    names: &[String],
    deployment_id: Option<String>,
) -> Vec<PeriodSummary> {
    let made = &run.operated.made;
    let begun = made.iter().map(|made| (made.at, Some(made.id.clone())));
    let begun = std::iter::once((Duration::ZERO, deployment_id)).chain(begun);
    let counted = watch.counted.iter().enumerate();
    begun
        .zip(counted)
        .map(|((begins, deployment_id), (number, counted))| PeriodSummary {
            begins_s: begins.as_secs_f64(),
            deployment_id,
            shares: shares(run, number, counted, names, made.is_empty()),
            users_unanswered: counted.unanswered,
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
    let effective = Effective::of(run.population).requests(requests);
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
