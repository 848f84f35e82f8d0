//! What one rule does to users and requests, counted.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::edge::{Edge, Placed, Release};
use super::nodes::micros;
use super::rules::{Rule, VersionIndex};
use super::scenario::Scenario;
use super::traffic::Request;
use super::version::Answer;
use crate::stats::SampleRatio;

/// How many of each user's first requests are told apart.
pub(super) const FIRST_REQUESTS: usize = 32;

/// The longest latency that is told, in microseconds: an hour.
const LATENCY_MAX_US: u64 = 3_600_000_000;

/// Of all users, the `number`-th requests of those who made so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NthRequest {
    pub requests: u64,
    /// Of them, those to the newer version of a canary.
    pub newer: u64,
    /// Of them, those by users who have met more than one version until then.
    pub on_several: u64,
}

/// The requests of one version in one region and one step of time.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    pub(super) requests: u64,
    pub(super) failed: u64,
    pub(super) latency_us: Option<Histogram<u32>>,
}

/// What is known of a user.
#[derive(Debug, Clone, Copy, Default)]
struct User {
    /// Up to [`FIRST_REQUESTS`].
    asked: u8,
    /// 1 more than the number of the latest release that answered it.
    release: u8,
    /// A bit for each version that it met.
    met: u8,
    /// The last of them.
    last: VersionIndex,
    marks: u8,
}

impl User {
    const FAILED: u8 = 1;
    const FLAPPED: u8 = 2;

    const fn is_on_several(self) -> bool {
        self.met.count_ones() > 1
    }

    /// Whether this is the first time that it is marked so.
    fn mark(&mut self, mark: u8) -> bool {
        let is_first = self.marks & mark == 0;
        self.marks |= mark;
        is_first
    }
}

/// What became of a request under a rule.
pub(super) struct Counted {
    /// Whose table answered.
    pub(super) release: usize,
    pub(super) version: VersionIndex,
    /// Whether that is the newer version of a canary.
    pub(super) is_newer: bool,
    pub(super) answer: Answer,
}

/// All that is counted.
pub(super) struct Counts {
    /// By version.
    pub(super) requests: Vec<u64>,
    pub(super) failed: Vec<u64>,
    pub(super) users: u64,
    pub(super) users_on_several: u64,
    pub(super) users_failed: u64,
    /// By step: users who came back to a version that they had left, at the first time.
    pub(super) flapped: Vec<u64>,
    pub(super) first_requests: Vec<NthRequest>,
    /// By release, of a canary: over users, at their first request under it.
    pub(super) ratios: Vec<Option<SampleRatio>>,
    /// By release: requests that an older table answered while it was the newest.
    pub(super) stale: Vec<u64>,
    /// By step, version and region; empty but for Serin's own rule.
    pub(super) cells: Vec<Cell>,
    of_users: Vec<User>,
    regions: usize,
    step: Step,
}

/// The step of time in which the latest request came: requests come in order.
struct Step {
    number: usize,
    ends_us: u64,
    length_us: u64,
    /// The number of the last one, which never ends: what comes has a place in any case.
    last: usize,
}

impl Step {
    fn first_of(steps: usize, length: Duration) -> Self {
        let length_us = micros(length).max(1);
        Self { number: 0, ends_us: length_us, length_us, last: steps.saturating_sub(1) }
    }

    #[inline]
    fn reach(&mut self, at_us: u64) -> usize {
        while self.ends_us <= at_us && self.number < self.last {
            self.number += 1;
            self.ends_us += self.length_us;
        }
        self.number
    }
}

impl Counts {
    pub(super) fn new(rule: Rule, scenario: &Scenario, edge: &Edge) -> Self {
        let (releases, versions) = (edge.releases.len(), scenario.versions.len());
        let ratio = |release: &Release| match release.placed {
            Placed::Only(_) => None,
            Placed::Canary { percent, .. } => {
                let newer = f64::from(percent.get());
                SampleRatio::new(&[100.0 - newer, newer])
            }
        };
        let cells = match rule {
            Rule::Serin => scenario.steps() * versions * scenario.regions.len(),
            _ => 0,
        };
        let users = usize::try_from(scenario.users()).unwrap_or(usize::MAX);
        Self {
            requests: vec![0; versions],
            failed: vec![0; versions],
            users: 0,
            users_on_several: 0,
            users_failed: 0,
            flapped: vec![0; scenario.steps()],
            first_requests: vec![NthRequest::default(); FIRST_REQUESTS],
            ratios: edge.releases.iter().map(ratio).collect(),
            stale: vec![0; releases],
            cells: vec![Cell::default(); cells],
            of_users: vec![User::default(); users],
            regions: scenario.regions.len(),
            step: Step::first_of(scenario.steps(), scenario.step),
        }
    }

    /// Users are anywhere in memory. Asked for together, many are on their way at once;
    /// where each is asked for when it is counted, each is waited for: with twenty million
    /// users that takes three times as long.
    #[inline]
    pub(super) fn warm(&self, requests: &[Request]) {
        let users = requests.iter().map(|request| &self.of_users[request.asking.user as usize]);
        std::hint::black_box(users.map(|user| u64::from(user.met)).sum::<u64>());
    }

    #[inline]
    pub(super) fn count(&mut self, request: &Request, counted: &Counted) {
        let version = usize::from(counted.version);
        self.requests[version] += 1;
        if counted.answer.failed {
            self.failed[version] += 1;
        }
        if request.known < request.newest {
            self.stale[usize::from(request.newest)] += 1;
        }
        let step = self.step.reach(request.asking.at_us);
        if !self.cells.is_empty() {
            self.count_cell(step, request, counted);
        }
        self.count_user(step, request, counted);
    }

    #[inline]
    fn count_cell(&mut self, step: usize, request: &Request, counted: &Counted) {
        let row = step * self.requests.len() + usize::from(counted.version);
        let cell = &mut self.cells[row * self.regions + usize::from(request.asking.region)];
        cell.requests += 1;
        cell.failed += u64::from(counted.answer.failed);
        if counted.answer.latency_us > 0 {
            let latencies = cell.latency_us.get_or_insert_with(latencies);
            latencies.saturating_record(counted.answer.latency_us);
        }
    }

    #[inline]
    fn count_user(&mut self, step: usize, request: &Request, counted: &Counted) {
        let user = &mut self.of_users[request.asking.user as usize];
        let is_newcomer = user.met == 0;
        let was_on_several = user.is_on_several();
        let bit = 1_u8 << counted.version;
        self.users += u64::from(is_newcomer);
        if !is_newcomer && user.last != counted.version && user.met & bit != 0 {
            self.flapped[step] += u64::from(user.mark(User::FLAPPED));
        }
        if counted.answer.failed {
            self.users_failed += u64::from(user.mark(User::FAILED));
        }
        user.met |= bit;
        user.last = counted.version;
        let is_on_several = user.is_on_several();
        self.users_on_several += u64::from(is_on_several && !was_on_several);

        if let Some(nth) = self.first_requests.get_mut(usize::from(user.asked)) {
            user.asked += 1;
            nth.requests += 1;
            nth.newer += u64::from(counted.is_newer);
            nth.on_several += u64::from(is_on_several);
        }
        if usize::from(user.release) <= counted.release {
            user.release = u8::try_from(counted.release + 1).unwrap_or(u8::MAX);
            if let Some(ratio) = &mut self.ratios[counted.release] {
                ratio.observe(usize::from(counted.is_newer));
            }
        }
    }
}

pub(super) fn latencies() -> Histogram<u32> {
    Histogram::new_with_bounds(1, LATENCY_MAX_US, 2).expect("an hour and two digits are in bounds")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_in_its_step_and_a_late_one_in_the_last() {
        let mut step = Step::first_of(3, Duration::from_micros(10));
        let reached = [0, 9, 10, 25, 29, 30, u64::MAX].map(|at_us| step.reach(at_us));
        assert_eq!(reached, [0, 0, 1, 2, 2, 2, 2]);
        assert_eq!(Step::first_of(1, Duration::ZERO).reach(7), 0);
    }
}
