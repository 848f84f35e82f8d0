//! Who gets which version under Serin's rule, and under those of others, each from its
//! published algorithm.

mod flag;
mod hash;
mod ordered;

use sha1::Sha1;
use sha2::Sha256;

use super::edge::Placed;
use crate::model::{Percent, Position, Side};

/// A version's number among those of the scenario.
pub(super) type VersionIndex = u8;

/// A version of a deployment and its share, as the operator listed it.
pub(super) type Listed = (VersionIndex, Percent);

/// A rule for who gets which version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    Serin,
    /// A draw for each request.
    Random,
    /// A draw for each request, until one leads to the newer version: that is kept by a
    /// cookie. Nobody gets a cookie for the older one.
    Cookie,
    Nginx,
    Envoy,
    Haproxy,
    LaunchDarkly,
    Unleash,
    GrowthBook,
    Statsig,
}

impl Rule {
    pub const ALL: [Self; 10] = [
        Self::Serin,
        Self::Random,
        Self::Cookie,
        Self::Nginx,
        Self::Envoy,
        Self::Haproxy,
        Self::LaunchDarkly,
        Self::Unleash,
        Self::GrowthBook,
        Self::Statsig,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Serin => "serin",
            Self::Random => "random",
            Self::Cookie => "cookie",
            Self::Nginx => "nginx",
            Self::Envoy => "envoy",
            Self::Haproxy => "haproxy",
            Self::LaunchDarkly => "launchdarkly",
            Self::Unleash => "unleash",
            Self::GrowthBook => "growthbook",
            Self::Statsig => "statsig",
        }
    }

    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == text)
    }
}

/// A rule, applied to one deployment. Those that look at the key alone.
#[derive(Debug, Clone)]
pub(super) enum Chooser {
    Only(VersionIndex),
    Serin(Canary),
    Nginx(Vec<Listed>),
    Envoy(Vec<Listed>),
    Haproxy(Vec<VersionIndex>),
    LaunchDarkly(Vec<Listed>, Sha1),
    GrowthBook(Vec<Listed>, u32),
    Unleash { flag: Flag, scratch: Vec<u8> },
    Statsig { flag: Flag, prefix: Sha256 },
}

/// What a table has of a canary.
#[derive(Debug, Clone, Copy)]
pub(super) struct Canary {
    seed: u64,
    threshold: u64,
    newer: VersionIndex,
    older: VersionIndex,
}

impl Canary {
    #[inline]
    const fn version(&self, position: Position) -> VersionIndex {
        match position.side(self.threshold) {
            Side::Newer => self.newer,
            Side::Older => self.older,
        }
    }
}

/// The newer version is on for so many percent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flag {
    percent: u32,
    newer: VersionIndex,
    older: VersionIndex,
}

impl Chooser {
    /// How `rule` divides the keys of one deployment of `routine`. `None` for a rule that
    /// does not look at the key.
    pub(super) fn new(
        rule: Rule,
        routine: &str,
        listed: &[Listed],
        placed: &Placed,
    ) -> Option<Self> {
        let (newer, older, percent, seed, threshold) = match *placed {
            Placed::Only(version) => return rule.looks_at_keys().then_some(Self::Only(version)),
            Placed::Canary { newer, older, percent, seed, threshold } => {
                (newer, older, percent, seed, threshold)
            }
        };
        let flag = Flag { percent: u32::from(percent.get()), newer, older };
        let listed = listed.to_vec();
        // Flags and experiments are the routine's, and live as long as it does.
        Some(match rule {
            Rule::Random | Rule::Cookie => return None,
            Rule::Serin => Self::Serin(Canary { seed, threshold, newer, older }),
            Rule::Nginx => Self::Nginx(listed),
            Rule::Envoy => Self::Envoy(listed),
            Rule::Haproxy => Self::Haproxy(ordered::haproxy_map(&listed)),
            Rule::LaunchDarkly => {
                Self::LaunchDarkly(listed, ordered::launchdarkly_prefix(routine, routine))
            }
            Rule::GrowthBook => Self::GrowthBook(listed, ordered::growthbook_seeded(routine)),
            Rule::Unleash => Self::Unleash { flag, scratch: format!("{routine}:").into_bytes() },
            Rule::Statsig => Self::Statsig { flag, prefix: flag::statsig_prefix(routine, routine) },
        })
    }

    /// As [`Self::choose`], for a key whose position under a seed may be `known` already, and
    /// is then: under one seed a key has one position, however often it is asked for.
    #[inline]
    pub(super) fn choose_again(
        &mut self,
        key: &[u8],
        known: &mut Option<(u64, Position)>,
    ) -> VersionIndex {
        let Self::Serin(canary) = self else { return self.choose(key) };
        let position = match *known {
            Some((seed, position)) if seed == canary.seed => position,
            _ => Position::of(canary.seed, key),
        };
        *known = Some((canary.seed, position));
        canary.version(position)
    }

    #[inline]
    pub(super) fn choose(&mut self, key: &[u8]) -> VersionIndex {
        match self {
            Self::Only(version) => *version,
            Self::Serin(canary) => canary.version(Position::of(canary.seed, key)),
            Self::Nginx(listed) => ordered::nginx(listed, key),
            Self::Envoy(listed) => ordered::envoy(listed, key),
            Self::Haproxy(map) => ordered::haproxy(map, key),
            Self::LaunchDarkly(listed, prefix) => ordered::launchdarkly(listed, prefix, key),
            Self::GrowthBook(listed, seeded) => ordered::growthbook(listed, *seeded, key),
            Self::Unleash { flag, scratch } => flag.side(flag::unleash(flag.percent, scratch, key)),
            Self::Statsig { flag, prefix } => flag.side(flag::statsig(flag.percent, prefix, key)),
        }
    }
}

impl Flag {
    const fn side(self, on: bool) -> VersionIndex {
        if on { self.newer } else { self.older }
    }
}

impl Rule {
    pub(super) const fn looks_at_keys(self) -> bool {
        !matches!(self, Self::Random | Self::Cookie)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canary(newer_percent: u64, newer_first: bool) -> (Vec<Listed>, Placed) {
        let percent = Percent::new(newer_percent).unwrap();
        let mut listed = vec![(0, percent.rest().unwrap()), (1, percent)];
        if newer_first {
            listed.reverse();
        }
        let threshold = u64::MAX / 100 * newer_percent;
        (listed, Placed::Canary { newer: 1, older: 0, percent, seed: 42, threshold })
    }

    /// Under each rule that looks at keys, a canary gets its share of them, and none of a
    /// hundred percent goes astray.
    #[test]
    fn every_rule_gives_a_canary_about_its_share() {
        for rule in Rule::ALL.into_iter().filter(|rule| rule.looks_at_keys()) {
            let (listed, placed) = canary(10, false);
            let mut chooser = Chooser::new(rule, "checkout", &listed, &placed).unwrap();
            let keys = (0..100_000).map(|user| format!("user-{user}"));
            let canary = keys.filter(|key| chooser.choose(key.as_bytes()) == 1).count();
            // A deviation is 95; sdbm of names that differ in digits is not random.
            let most = if rule == Rule::Haproxy { 3_000 } else { 400 };
            assert!(canary.abs_diff(10_000) < most, "{}: {canary}", rule.as_str());
        }
    }

    #[test]
    fn a_key_that_was_placed_gets_the_same_version_as_one_that_was_not() {
        for rule in Rule::ALL.into_iter().filter(|rule| rule.looks_at_keys()) {
            let chooser = |percent, seed| {
                let (listed, mut placed) = canary(percent, false);
                if let Placed::Canary { seed: of_release, .. } = &mut placed {
                    *of_release = seed;
                }
                Chooser::new(rule, "checkout", &listed, &placed).unwrap()
            };
            let mut choosers = [(10, 42), (30, 42), (30, 43), (10, 42)].map(|(p, s)| chooser(p, s));
            for user in 0..500 {
                let (key, mut known) = (format!("user-{user}").into_bytes(), None);
                for chooser in &mut choosers {
                    assert_eq!(chooser.choose_again(&key, &mut known), chooser.choose(&key));
                }
            }
        }
    }

    #[test]
    fn rules_by_list_order_move_a_fifth_when_a_list_is_turned_round() {
        for rule in Rule::ALL.into_iter().filter(|rule| rule.looks_at_keys()) {
            let chooser = |newer_first| {
                let (listed, placed) = canary(10, newer_first);
                Chooser::new(rule, "checkout", &listed, &placed).unwrap()
            };
            let (mut before, mut after) = (chooser(false), chooser(true));
            let keys = (0..20_000).map(|user| format!("user-{user}").into_bytes());
            let moved = keys.filter(|key| before.choose(key) != after.choose(key)).count();
            match rule {
                Rule::Serin | Rule::Unleash | Rule::Statsig => {
                    assert_eq!(moved, 0, "{}", rule.as_str());
                }
                _ => assert!(moved.abs_diff(4_000) < 1_500, "{}: {moved}", rule.as_str()),
            }
        }
    }
}
