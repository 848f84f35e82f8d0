//! Which version a request gets under one rule, with what the rule draws and remembers.

use super::edge::{Edge, Placed, Release};
use super::rules::{Chooser, Rule, VersionIndex};
use super::scenario::Scenario;
use super::traffic::Request;
use crate::population::Draw;

pub(super) struct Decider<'s> {
    rule: Rule,
    edge: &'s Edge,
    /// By release; `None` where the key decides nothing.
    choosers: Vec<Option<Chooser>>,
    draw: Draw,
    /// By user, where the rule keeps cookies.
    cookies: Vec<Cookie>,
}

/// 1 more than the version that a user's cookie names; 0 where there is none.
///
/// It stays with the user whatever answers in between: a release that was taken back and
/// comes again, and a node that does not know of it yet, find it as it was.
type Cookie = u8;

impl<'s> Decider<'s> {
    pub(super) fn new(rule: Rule, scenario: &Scenario, edge: &'s Edge) -> Self {
        let routine = scenario.edge.routine.as_str();
        let chooser =
            |release: &Release| Chooser::new(rule, routine, &release.listed, &release.placed);
        let cookies = match rule {
            Rule::Cookie => usize::try_from(scenario.users()).unwrap_or(usize::MAX),
            _ => 0,
        };
        Self {
            rule,
            edge,
            choosers: edge.releases.iter().map(chooser).collect(),
            draw: Draw::of(scenario.seed, rule.as_str()),
            cookies: vec![0; cookies],
        }
    }

    pub(super) const fn rule(&self) -> Rule {
        self.rule
    }

    /// As [`super::counts::Counts::warm`].
    #[inline]
    pub(super) fn warm(&self, requests: &[Request]) {
        let cookies = requests.iter().filter_map(|it| self.cookies.get(it.asking.user as usize));
        std::hint::black_box(cookies.map(|cookie| u64::from(*cookie)).sum::<u64>());
    }

    /// The version for `user`, whose key is `key`, by the table of `release`.
    #[inline]
    pub(super) fn version(&mut self, release: usize, user: u32, key: &[u8]) -> VersionIndex {
        if let Some(chooser) = &mut self.choosers[release] {
            return chooser.choose(key);
        }
        let (newer, older, percent) = match self.edge.releases[release].placed {
            Placed::Only(version) => return version,
            Placed::Canary { newer, older, percent, .. } => (newer, older, percent),
        };
        let mut cookie = self.cookies.get_mut(user as usize);
        if cookie.as_ref().is_some_and(|cookie| **cookie == newer + 1) {
            return newer;
        }
        if !self.draw.happens(f64::from(percent.get()) / 100.0) {
            return older;
        }
        if let Some(cookie) = &mut cookie {
            **cookie = newer + 1;
        }
        newer
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::taken_back;
    use super::*;

    fn edge() -> (Scenario, Edge) {
        let scenario = taken_back();
        let edge = Edge::new(&scenario).unwrap();
        (scenario, edge)
    }

    /// What each of a thousand users gets.
    fn asked(decider: &mut Decider<'_>, release: usize) -> Vec<VersionIndex> {
        (0..1_000).map(|user| decider.version(release, user, b"any")).collect()
    }

    #[test]
    fn a_cookie_outlives_a_release_that_is_taken_back() {
        let (scenario, edge) = edge();
        let mut decider = Decider::new(Rule::Cookie, &scenario, &edge);
        let canary = asked(&mut decider, 1);
        assert!(canary.contains(&0) && canary.contains(&1));
        assert!(asked(&mut decider, 2).iter().all(|version| *version == 0), "taken back");
        let again = asked(&mut decider, 3);
        assert!(canary.iter().zip(&again).all(|(was, is)| *was == 0 || *is == 1));
    }

    #[test]
    fn a_cookie_outlives_the_answer_of_a_node_that_knows_of_no_canary() {
        let (scenario, edge) = edge();
        let mut decider = Decider::new(Rule::Cookie, &scenario, &edge);
        for user in 0..1_000 {
            let first = decider.version(1, user, b"any");
            assert_eq!(decider.version(0, user, b"any"), 0, "a stale node");
            let second = decider.version(1, user, b"any");
            assert!(first == 0 || second == 1, "user {user} lost its cookie");
        }
    }

    #[test]
    fn a_cookie_for_a_version_that_is_not_the_canary_is_none() {
        let (scenario, edge) = edge();
        let mut decider = Decider::new(Rule::Cookie, &scenario, &edge);
        while asked(&mut decider, 1).contains(&0) {}
        let newest = asked(&mut decider, 4);
        let newest: u32 = newest.iter().map(|version| u32::from(*version == 2)).sum();
        // 10 % of a thousand, and a deviation of 9.5.
        assert!(newest.abs_diff(100) < 40, "{newest}");
        assert!(asked(&mut decider, 4).iter().all(|version| *version != 1));
    }

    #[test]
    fn without_cookies_every_request_is_drawn() {
        let (scenario, edge) = edge();
        let mut decider = Decider::new(Rule::Random, &scenario, &edge);
        let (first, second) = (asked(&mut decider, 1), asked(&mut decider, 1));
        assert_ne!(first, second);
    }
}
