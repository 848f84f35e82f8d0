//! One rule, request by request: who answers, how it went, and what is written down.

use super::counts::{Counted, Counts};
use super::decider::Decider;
use super::edge::{Edge, Placed};
use super::rules::Rule;
use super::scenario::Scenario;
use super::traffic::Request;
use super::version::Behaviour;
use crate::population::Draw;

pub(super) struct Ledger<'s> {
    edge: &'s Edge,
    decider: Decider<'s>,
    behaviours: Vec<&'s Behaviour>,
    latency: Draw,
    /// Of which users are unlucky with a version.
    luck_seed: u64,
    counts: Counts,
}

impl<'s> Ledger<'s> {
    pub(super) fn new(rule: Rule, scenario: &'s Scenario, edge: &'s Edge) -> Self {
        Self {
            edge,
            decider: Decider::new(rule, scenario, edge),
            behaviours: scenario.versions.iter().map(|version| &version.behaviour).collect(),
            latency: Draw::of(scenario.seed, "latency"),
            luck_seed: Draw::of(scenario.seed, "luck of users").bits(),
            counts: Counts::new(rule, scenario, edge),
        }
    }

    /// Brings what is known of the users of `requests` near, before they are taken.
    #[inline]
    pub(super) fn warm(&self, requests: &[Request]) {
        self.counts.warm(requests);
        self.decider.warm(requests);
    }

    #[inline]
    pub(super) fn take(&mut self, request: &Request, key: &[u8]) {
        let release = usize::from(request.known);
        let version = self.decider.version(release, request.asking.user, key);
        let behaviour = self.behaviours[usize::from(version)];
        // Latencies are told of Serin's own rule alone.
        let answer = match self.decider.rule() {
            Rule::Serin => {
                behaviour.answer(&request.asking, version, self.luck_seed, &mut self.latency)
            }
            _ => behaviour.answer_untimed(&request.asking, version, self.luck_seed),
        };
        let is_newer = match self.edge.releases[release].placed {
            Placed::Canary { newer, .. } => version == newer,
            Placed::Only(_) => false,
        };
        self.counts.count(request, &Counted { release, version, is_newer, answer });
    }

    pub(super) fn into_counts(self) -> (Rule, Counts) {
        (self.decider.rule(), self.counts)
    }
}
