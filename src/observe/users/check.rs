//! Is a split what was asked for? The check of each, over the users of all workers.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::Terms;
use super::firsts::{First, OF_ALL_MAX, OF_SPLIT_MAX};
use super::samples::{Samples, Seen};
use crate::stats::{BAND_CONFIDENCE, KeySample, SampleRatio, binomial_band};

/// How a split is deployed.
#[derive(Debug, Clone, PartialEq)]
pub struct Configured {
    pub terms: Terms,
    /// The number by which each version is counted, and its weight.
    pub versions: Vec<(u32, f64)>,
}

/// What a check has come to, of users whose first request since the deployment, or since
/// the start of this process, was answered. Who named a version is none of them, nor is who
/// brought no key.
///
/// An honest split raises the alarm with a probability of at most one in a thousand,
/// however long it is watched, if keys are made without regard to it: whoever sends keys
/// that were chosen for their version, as anybody can, makes a split that was not asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    pub deployment: u64,
    pub versions: Vec<CheckedVersion>,
    /// The share of users that are still looked at, 0 to 1.
    pub sampled: f64,
    /// The natural logarithm of the odds against the configured split.
    pub evidence_ln: f64,
    /// How likely an honest split is to ever look as bad as this one has.
    pub p_value: f64,
    /// How many users had been counted when the alarm was raised.
    pub alarm: Option<u64>,
}

impl Checked {
    /// How many were counted.
    pub fn users(&self) -> u64 {
        self.versions.iter().map(|version| version.users).sum()
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct CheckedVersion {
    /// The number by which the version is counted.
    pub number: u32,
    /// What was asked for, 0 to 1.
    pub share: f64,
    /// Those whose first answer was its.
    pub users: u64,
    /// How many an honest split brings it at this moment, but for one time in a thousand.
    pub expected: RangeInclusive<u64>,
}

#[derive(Debug)]
pub(super) struct Checks {
    users: Samples<()>,
    by_split: BTreeMap<u32, Check>,
}

#[derive(Debug)]
struct Check {
    configured: Configured,
    ratio: SampleRatio,
}

impl Default for Checks {
    fn default() -> Self {
        Self { users: Samples::new(OF_SPLIT_MAX, OF_ALL_MAX), by_split: BTreeMap::new() }
    }
}

impl Checks {
    /// `firsts` are in the order in which they came.
    pub(super) fn take_up(
        &mut self,
        firsts: &[First],
        configured: impl Fn(u32) -> Option<Configured>,
    ) -> Vec<u32> {
        let mut of_splits: BTreeMap<u32, Vec<&First>> = BTreeMap::new();
        for first in firsts {
            of_splits.entry(first.split).or_default().push(first);
        }
        let raised = |(split, firsts): (u32, Vec<&First>)| {
            let Self { users, by_split } = self;
            let Some(configured) = configured(split) else {
                users.restart(split);
                by_split.remove(&split);
                return None;
            };
            let check = match by_split.get_mut(&split) {
                Some(check) if check.configured == configured => check,
                _ => {
                    let check = Check::of(configured)?;
                    users.restart(split);
                    by_split.insert(split, check);
                    by_split.get_mut(&split).expect("it was just put there")
                }
            };
            let quiet = check.ratio.alarm().is_none();
            // What was seen under other terms comes too late, or too early.
            let terms = check.configured.terms;
            for first in firsts.iter().filter(|first| first.terms == terms) {
                if let Some(cell) = check.cell(first.by)
                    && users.see(split, first.user, || (), |()| ()) == Seen::First
                {
                    check.ratio.observe(cell);
                }
            }
            (quiet && check.ratio.alarm().is_some()).then_some(split)
        };
        of_splits.into_iter().filter_map(raised).collect()
    }

    /// Forgets the splits that are none any more.
    pub(super) fn retain(&mut self, is_split: impl Fn(u32) -> bool) {
        let Self { users, by_split } = self;
        by_split.retain(|split, _| {
            let is_split = is_split(*split);
            if !is_split {
                users.restart(*split);
            }
            is_split
        });
    }

    pub(super) fn alarmed(&self) -> Vec<u32> {
        let alarmed = self.by_split.iter().filter(|(_, check)| check.ratio.alarm().is_some());
        alarmed.map(|(split, _)| *split).collect()
    }

    pub(super) fn of(&self, split: u32) -> Option<Checked> {
        let Check { configured, ratio } = self.by_split.get(&split)?;
        let version = |((number, _), (share, users)): (&(u32, f64), (f64, u64))| {
            let expected = binomial_band(ratio.observed(), share, BAND_CONFIDENCE);
            CheckedVersion { number: *number, share, users, expected }
        };
        Some(Checked {
            deployment: configured.terms.deployment,
            versions: configured.versions.iter().zip(ratio.cells()).map(version).collect(),
            sampled: self.users.of(split).map_or(1.0, KeySample::share),
            evidence_ln: ratio.evidence_ln(),
            p_value: ratio.p_value(),
            alarm: ratio.alarm(),
        })
    }
}

impl Check {
    /// `None` where there is nothing to check.
    fn of(configured: Configured) -> Option<Self> {
        let weights: Vec<f64> = configured.versions.iter().map(|(_, weight)| *weight).collect();
        let ratio = SampleRatio::new(&weights)?;
        Some(Self { configured, ratio })
    }

    fn cell(&self, number: u32) -> Option<usize> {
        self.configured.versions.iter().position(|(version, _)| *version == number)
    }
}
