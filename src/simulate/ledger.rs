//! What one rule does to users and requests, counted.

use hdrhistogram::Histogram;

use super::edge::{Edge, Placed, Release};
use super::rules::{Chooser, Rule, VersionIndex};
use super::scenario::Scenario;
use super::traffic::Request;
use super::version::Behaviour;
use crate::population::Draw;
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
    /// It has a cookie for the newer version of its latest release.
    const COOKIE: u8 = 4;
}

pub(super) struct Ledger<'s> {
    pub(super) rule: Rule,
    edge: &'s Edge,
    behaviours: Vec<&'s Behaviour>,
    /// By release; `None` where the key decides nothing.
    choosers: Vec<Option<Chooser>>,
    draw: Draw,
    latency: Draw,
    users: Vec<User>,
    step_us: u64,
    regions: usize,
    pub(super) counts: Counts,
}

/// All that is counted.
pub(super) struct Counts {
    /// By version.
    pub(super) requests: Vec<u64>,
    pub(super) failed: Vec<u64>,
    pub(super) users: u64,
    pub(super) users_on_several: u64,
    pub(super) users_flapped: u64,
    pub(super) users_failed: u64,
    pub(super) first_requests: Vec<NthRequest>,
    /// By release, of a canary: over users, at their first request under it.
    pub(super) ratios: Vec<Option<SampleRatio>>,
    /// By release: requests that an older table answered while it was the newest.
    pub(super) stale: Vec<u64>,
    /// By step, version and region; empty but for Serin's own rule.
    pub(super) cells: Vec<Cell>,
}

impl<'s> Ledger<'s> {
    pub(super) fn new(rule: Rule, scenario: &'s Scenario, edge: &'s Edge) -> Self {
        let (releases, versions) = (edge.releases.len(), scenario.versions.len());
        let routine = scenario.edge.routine.as_str();
        let chooser =
            |release: &Release| Chooser::new(rule, routine, &release.listed, &release.placed);
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
            rule,
            edge,
            behaviours: scenario.versions.iter().map(|version| &version.behaviour).collect(),
            choosers: edge.releases.iter().map(chooser).collect(),
            draw: Draw::of(scenario.seed, rule.as_str()),
            latency: Draw::of(scenario.seed, "latency"),
            users: vec![User::default(); users],
            step_us: super::edge::micros(scenario.step).max(1),
            regions: scenario.regions.len(),
            counts: Counts {
                requests: vec![0; versions],
                failed: vec![0; versions],
                users: 0,
                users_on_several: 0,
                users_flapped: 0,
                users_failed: 0,
                first_requests: vec![NthRequest::default(); FIRST_REQUESTS],
                ratios: edge.releases.iter().map(ratio).collect(),
                stale: vec![0; releases],
                cells: vec![Cell::default(); cells],
            },
        }
    }

    #[inline]
    pub(super) fn take(&mut self, request: &Request, key: &[u8]) {
        let release = usize::from(request.known);
        let version = self.version(release, request, key);
        let failed = self.answer(request, version);
        self.count(request, release, version, failed);
    }

    #[inline]
    fn version(&mut self, release: usize, request: &Request, key: &[u8]) -> VersionIndex {
        if let Some(chooser) = &mut self.choosers[release] {
            return chooser.choose(key);
        }
        let (newer, older, percent) = match self.edge.releases[release].placed {
            Placed::Only(version) => return version,
            Placed::Canary { newer, older, percent, .. } => (newer, older, percent),
        };
        let user = &mut self.users[request.asking.user as usize];
        let keeps_cookies = self.rule == Rule::Cookie;
        // A cookie names the version that was the newer one when it was set: the last that
        // its user met.
        let has_cookie = user.marks & User::COOKIE != 0 && user.last == newer;
        if keeps_cookies && has_cookie {
            return newer;
        }
        let drawn = self.draw.happens(f64::from(percent.get()) / 100.0);
        if keeps_cookies && drawn {
            user.marks |= User::COOKIE;
        }
        if drawn { newer } else { older }
    }

    /// Whether it fails; Serin's own rule is followed in time.
    #[inline]
    fn answer(&mut self, request: &Request, version: VersionIndex) -> bool {
        let behaviour = self.behaviours[usize::from(version)];
        if self.rule != Rule::Serin {
            return behaviour.fails(&request.asking, version);
        }
        let answer = behaviour.answer(&request.asking, version, &mut self.latency);
        let step = usize::try_from(request.asking.at_us / self.step_us).unwrap_or(usize::MAX);
        let row = step * self.behaviours.len() + usize::from(version);
        let cell = &mut self.counts.cells[row * self.regions + usize::from(request.asking.region)];
        cell.requests += 1;
        cell.failed += u64::from(answer.failed);
        if answer.latency_us > 0 {
            cell.latency_us.get_or_insert_with(latencies).saturating_record(answer.latency_us);
        }
        answer.failed
    }

    #[inline]
    fn count(&mut self, request: &Request, release: usize, version: VersionIndex, failed: bool) {
        let counts = &mut self.counts;
        counts.requests[usize::from(version)] += 1;
        counts.failed[usize::from(version)] += u64::from(failed);
        counts.stale[usize::from(request.newest)] += u64::from(request.known < request.newest);

        let user = &mut self.users[request.asking.user as usize];
        let newcomer = user.met == 0;
        counts.users += u64::from(newcomer);
        let bit = 1_u8 << version;
        let was_on_several = user.met.count_ones() > 1;
        if !newcomer && user.last != version && user.met & bit != 0 {
            counts.users_flapped += u64::from(user.marks & User::FLAPPED == 0);
            user.marks |= User::FLAPPED;
        }
        if failed {
            counts.users_failed += u64::from(user.marks & User::FAILED == 0);
            user.marks |= User::FAILED;
        }
        user.met |= bit;
        user.last = version;
        let is_on_several = user.met.count_ones() > 1;
        counts.users_on_several += u64::from(is_on_several && !was_on_several);

        let is_newer = match self.edge.releases[release].placed {
            Placed::Canary { newer, .. } => version == newer,
            Placed::Only(_) => false,
        };
        if let Some(nth) = counts.first_requests.get_mut(usize::from(user.asked)) {
            user.asked += 1;
            nth.requests += 1;
            nth.newer += u64::from(is_newer);
            nth.on_several += u64::from(is_on_several);
        }
        if usize::from(user.release) <= release {
            user.release = u8::try_from(release + 1).unwrap_or(u8::MAX);
            if let Some(ratio) = &mut counts.ratios[release] {
                ratio.observe(usize::from(is_newer));
            }
        }
    }
}

pub(super) fn latencies() -> Histogram<u32> {
    Histogram::new_with_bounds(1, LATENCY_MAX_US, 2).expect("an hour and two digits are in bounds")
}
