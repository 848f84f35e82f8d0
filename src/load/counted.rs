//! What is seen of the users between two deployments.

use std::collections::VecDeque;

use super::period::Period;
use super::version::NUMBERS;
use crate::stats::SampleRatio;

/// What was seen of the users in one period.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    /// Distinct users, by the number of the first version that they got.
    pub(super) keys: [u64; NUMBERS],
    /// Distinct users whose requests have ended, and none of them with an answer.
    pub(super) unanswered: u64,
    /// `None` where there is nothing to check: one version, or no configured split.
    pub(super) ratio: Option<SampleRatio>,
    /// Users who were asked for and not counted yet, in the order of asking: a slow version
    /// would look like a missing one if those who came first were counted first.
    line: VecDeque<Place>,
    /// How many have left the line.
    left: u64,
    /// Users seen in the period before as well,
    pub(super) seen_before: u64,
    /// of them those who have moved,
    pub(super) moved: u64,
    /// and those who move by the rule.
    pub(super) to_move: u64,
    /// Who moved from where, whither.
    pub(super) flows: Vec<((usize, usize), u64)>,
}

/// What is known of who stands in line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Waiting,
    Void,
    Got(usize),
}

impl Counted {
    pub(super) fn new(period: &Period) -> Self {
        Self {
            keys: [0; NUMBERS],
            unanswered: 0,
            ratio: period.check(),
            line: VecDeque::new(),
            left: 0,
            seen_before: 0,
            moved: 0,
            to_move: 0,
            flows: Vec::new(),
        }
    }

    /// A user stands in line: at which place.
    pub(super) fn stand(&mut self) -> u64 {
        self.line.push_back(Place::Waiting);
        self.left + self.line.len() as u64 - 1
    }

    /// What came of the user at `place`. Counts all who need not wait any longer for who
    /// came before.
    pub(super) fn settle(&mut self, place: u64, outcome: Place, period: &Period) {
        let index = usize::try_from(place - self.left).ok();
        if let Some(known) = index.and_then(|index| self.line.get_mut(index)) {
            *known = outcome;
        }
        while let Some(first) = self.line.front().copied().filter(|&place| place != Place::Waiting)
        {
            self.line.pop_front();
            self.left += 1;
            if let (Place::Got(version), Some(ratio)) = (first, &mut self.ratio)
                && let Some(cell) = period.cell(version)
            {
                ratio.observe(cell);
            }
        }
    }

    /// Whether nobody waits any more.
    #[cfg(test)]
    pub(super) fn is_settled(&self) -> bool {
        self.line.is_empty()
    }

    /// A user got a version before a deployment, and one after it. `rules`: which by the
    /// rule.
    pub(super) fn cross(&mut self, from: usize, to: usize, rules: [Option<usize>; 2]) {
        self.seen_before += 1;
        if let [Some(before), Some(after)] = rules {
            self.to_move += u64::from(before != after);
        }
        if from == to {
            return;
        }
        self.moved += 1;
        match self.flows.iter_mut().find(|(flow, _)| *flow == (from, to)) {
            Some((_, count)) => *count += 1,
            None => self.flows.push(((from, to), 1)),
        }
    }
}
