//! How users are to be split between two deployments.

use super::split::{Release, Split};
use super::version::Versions;
use crate::stats::SampleRatio;

/// The time between two deployments, or all of it.
#[derive(Debug, Clone)]
pub(super) struct Period {
    /// Versions by number, with their percentages; empty if nobody said.
    pub(super) shares: Vec<(usize, u64)>,
    rule: Option<Split>,
    /// Before the first key is observed.
    check: Option<SampleRatio>,
}

impl Period {
    /// `release`: whose rule places the users, if that is known. `None` where there are
    /// more versions than are told apart.
    pub(super) fn new(
        listed: &[(String, u64)],
        release: Option<&Release<'_>>,
        versions: &Versions,
    ) -> Option<Self> {
        let number = |(version, percent): &(String, u64)| {
            Some((versions.number(version.as_bytes())?, *percent))
        };
        #[expect(clippy::cast_precision_loss, reason = "percentages are at most 100")]
        let weights: Vec<_> = listed.iter().map(|&(_, percent)| percent as f64).collect();
        Some(Self {
            shares: listed.iter().map(number).collect::<Option<_>>()?,
            rule: release.and_then(|release| Split::new(release, listed)),
            check: SampleRatio::new(&weights),
        })
    }

    /// A sample-ratio check of this split; `None` where there is nothing to check.
    pub(super) fn check(&self) -> Option<SampleRatio> {
        self.check.clone()
    }

    pub(super) const fn is_checked(&self) -> bool {
        self.check.is_some()
    }

    pub(super) const fn has_rule(&self) -> bool {
        self.rule.is_some()
    }

    /// The version of the user with this key, if the rule is known.
    #[inline]
    pub(super) fn by_rule(&self, key: &[u8]) -> Option<usize> {
        self.rule.as_ref().map(|rule| self.shares[rule.of(key)].0)
    }

    /// The version that the user with this key is to get, if that is known.
    pub(super) fn expected(&self, key: &[u8]) -> Option<usize> {
        match self.shares[..] {
            [(only, _)] => Some(only),
            _ => self.by_rule(key),
        }
    }

    /// Which cell of the check a version is.
    pub(super) fn cell(&self, version: usize) -> Option<usize> {
        self.shares.iter().position(|(known, _)| *known == version)
    }

    /// Whether a version may be named: any may, if nobody said which.
    pub(super) fn has(&self, version: usize) -> bool {
        self.shares.is_empty() || self.cell(version).is_some()
    }
}
