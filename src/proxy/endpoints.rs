//! To which of an upstream's endpoints a request goes: to one after the other, without
//! those that are not well.
//!
//! Each worker goes round for itself, and ejects for itself: nothing of it is shared
//! but what the checks of the process found, of which each worker has a copy. An endpoint
//! of two upstreams is judged for each.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use hashbrown::HashTable;
use tokio::time::Instant;

use super::ejection::{Admitted, Standing};
use crate::model::{ENDPOINTS_MAX, Ejection, Endpoint, Upstream};
use crate::observe::{Sick, Wellness};

/// An upstream that nothing was sent to during as many sweeps of the pool is forgotten.
const FORGOTTEN_AFTER_SWEEPS: u8 = u8::MAX;

/// Where the requests of one worker go.
pub(super) struct Endpoints {
    worker: usize,
    wellness: Wellness,
    /// This worker's copy.
    sick: RefCell<Sick>,
    /// By upstream, of those with several endpoints.
    rounds: RefCell<HashTable<Round>>,
}

struct Round {
    upstream: Upstream,
    next: usize,
    /// One an endpoint.
    standings: Box<[Standing]>,
    /// How many are out or on trial.
    out: usize,
    sweeps_unused: Cell<u8>,
}

/// One endpoint of an upstream, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) index: usize,
    on_trial: bool,
}

/// The endpoints that a request was sent to, by their places.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tried(u64);

const _: () = assert!(ENDPOINTS_MAX <= u64::BITS as usize, "each has a bit in `Tried`");

impl Tried {
    pub(super) fn add(&mut self, chosen: Chosen) {
        self.0 |= 1 << chosen.index;
    }

    pub(super) fn count(self) -> u32 {
        self.0.count_ones()
    }

    fn has(self, index: usize) -> bool {
        self.0 & (1 << index) != 0
    }
}

impl Endpoints {
    pub(super) fn new(worker: usize, wellness: Wellness) -> Self {
        let sick = RefCell::new(wellness.sick());
        Self { worker, wellness, sick, rounds: RefCell::default() }
    }

    /// Takes another copy of what the checks found.
    pub(super) fn take_sick(&self, sick: Sick) {
        self.sick.replace(sick);
    }

    fn is_sick(&self, endpoint: &Endpoint) -> bool {
        let sick = self.sick.borrow();
        !sick.is_empty() && sick.contains_key(endpoint)
    }

    /// The next endpoint for a request that was sent to those `tried`; `None` when none
    /// is left that is healthy.
    ///
    /// When all that are healthy are ejected, a request that was sent nowhere goes to
    /// one of them nevertheless: it may be well again, and has nowhere else to go.
    #[inline]
    pub(super) fn choose(
        &self,
        upstream: &Upstream,
        tried: Tried,
        ejection: Option<&Ejection>,
    ) -> Option<Chosen> {
        match upstream.endpoints() {
            [only] => {
                let is_open = tried.count() == 0 && !self.is_sick(only);
                is_open.then_some(Chosen { index: 0, on_trial: false })
            }
            endpoints => self.of_round(upstream, |round| {
                let healthy = |index| !tried.has(index) && !self.is_sick(&endpoints[index]);
                let ejection = ejection.filter(|_| round.out > 0);
                let chosen = match ejection {
                    None => round.first(healthy),
                    Some(ejection) => round
                        .first_admitted(healthy, Instant::now(), ejection.base)
                        .or_else(|| round.first(healthy).filter(|_| tried.count() == 0)),
                };
                // The round goes on behind the one that was met first, so that those who
                // are left out leave their share to all others alike.
                if let Some(chosen) = chosen
                    && tried.count() == 0
                {
                    round.next = chosen.index + 1;
                }
                chosen
            }),
        }
    }

    /// Takes note of how an endpoint did.
    #[inline]
    pub(super) fn note(
        &self,
        upstream: &Upstream,
        chosen: Chosen,
        is_well: bool,
        ejection: Option<&Ejection>,
    ) -> Noted {
        let endpoints = upstream.endpoints();
        // An only endpoint is never ejected.
        let (Some(ejection), 2..) = (ejection, endpoints.len()) else {
            return Noted::Nothing;
        };
        let endpoint = &endpoints[chosen.index];
        self.of_round(upstream, |round| {
            if is_well {
                if round.standings[chosen.index].succeeded() {
                    round.out -= 1;
                    self.wellness.ejections().returned(self.worker, endpoint);
                    return Noted::Returned;
                }
                return Noted::Nothing;
            }
            let others = endpoints.iter().enumerate().filter(|(index, _)| *index != chosen.index);
            let can_be_spared = others.into_iter().any(|(index, endpoint)| {
                !round.standings[index].is_out() && !self.is_sick(endpoint)
            });
            let standing = &mut round.standings[chosen.index];
            let (was_out, now) = (standing.is_out(), Instant::now());
            match standing.failed(chosen.on_trial, can_be_spared, now, ejection) {
                None => Noted::Nothing,
                Some(until) => {
                    round.out += usize::from(!was_out);
                    self.wellness.ejections().ejected(self.worker, endpoint, until.into_std());
                    Noted::Ejected(until - now)
                }
            }
        })
    }

    /// Forgets upstreams that nothing leads to any more.
    pub(super) fn sweep(&self) {
        self.rounds.borrow_mut().retain(|round| {
            let unused = round.sweeps_unused.get().saturating_add(1);
            round.sweeps_unused.set(unused);
            let is_kept = unused < FORGOTTEN_AFTER_SWEEPS;
            if !is_kept && round.out > 0 {
                for endpoint in round.upstream.endpoints() {
                    self.wellness.ejections().returned(self.worker, endpoint);
                }
            }
            is_kept
        });
    }

    fn of_round<T>(&self, upstream: &Upstream, act: impl FnOnce(&mut Round) -> T) -> T {
        let mut rounds = self.rounds.borrow_mut();
        let hash = |upstream: &Upstream| upstream.endpoints()[0].precomputed_hash();
        let entry = rounds.entry(
            hash(upstream),
            |round| round.upstream == *upstream,
            |round| hash(&round.upstream),
        );
        let mut entry = entry.or_insert_with(|| Round::new(upstream, self.worker));
        let round = entry.get_mut();
        round.sweeps_unused.set(0);
        act(round)
    }
}

/// What became of an endpoint's standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    Nothing,
    /// For so long.
    Ejected(Duration),
    Returned,
}

impl Round {
    fn new(upstream: &Upstream, worker: usize) -> Self {
        let count = upstream.endpoints().len();
        Self {
            upstream: upstream.clone(),
            // Workers that start together do not all meet the first one first.
            next: worker % count,
            standings: (0..count).map(|_| Standing::default()).collect(),
            out: 0,
            sweeps_unused: Cell::new(0),
        }
    }

    fn first(&self, healthy: impl Fn(usize) -> bool) -> Option<Chosen> {
        let index = self.order().find(|&index| healthy(index))?;
        Some(Chosen { index, on_trial: false })
    }

    fn first_admitted(
        &mut self,
        healthy: impl Fn(usize) -> bool,
        now: Instant,
        patience: Duration,
    ) -> Option<Chosen> {
        for index in self.order().filter(|&index| healthy(index)) {
            let admitted = self.standings[index].admits(now, patience);
            if admitted != Admitted::No {
                return Some(Chosen { index, on_trial: admitted == Admitted::OnTrial });
            }
        }
        None
    }

    fn order(&self) -> impl Iterator<Item = usize> + use<> {
        let (count, next) = (self.standings.len(), self.next);
        (0..count).map(move |step| (next + step) % count)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::sync::Arc;

    use super::*;
    use crate::observe::Ailment;

    const EJECTION: Ejection = Ejection {
        failures: NonZeroU32::MIN,
        base: Duration::from_mins(1),
        max: Duration::from_mins(1),
    };

    fn upstream() -> Upstream {
        Upstream::new("http://a http://b http://c").unwrap()
    }

    fn of_worker(worker: usize) -> Endpoints {
        Endpoints::new(worker, Wellness::default())
    }

    fn places(endpoints: &Endpoints, count: usize) -> Vec<Option<usize>> {
        let choose = || endpoints.choose(&upstream(), Tried::default(), Some(&EJECTION));
        (0..count).map(|_| choose().map(|chosen| chosen.index)).collect()
    }

    fn some(places: &[usize]) -> Vec<Option<usize>> {
        places.iter().copied().map(Some).collect()
    }

    fn fall_ill(endpoints: &Endpoints, texts: &[&str]) {
        let ailment = Ailment { reason: Arc::from("ill"), since: std::time::Instant::now() };
        let sick = texts.iter().map(|text| (Endpoint::new(text).unwrap(), ailment.clone()));
        endpoints.take_sick(sick.collect());
    }

    fn fail(endpoints: &Endpoints, index: usize) -> Noted {
        let chosen = Chosen { index, on_trial: false };
        endpoints.note(&upstream(), chosen, false, Some(&EJECTION))
    }

    #[test]
    fn requests_go_round_and_each_worker_begins_elsewhere() {
        assert_eq!(places(&of_worker(0), 4), some(&[0, 1, 2, 0]));
        assert_eq!(places(&of_worker(1), 4), some(&[1, 2, 0, 1]));
        assert_eq!(places(&of_worker(5), 2), some(&[2, 0]));
    }

    #[test]
    fn the_sick_are_left_out_and_their_share_goes_to_all_others() {
        let endpoints = of_worker(0);
        fall_ill(&endpoints, &["http://b"]);
        assert_eq!(places(&endpoints, 4), some(&[0, 2, 0, 2]));
        fall_ill(&endpoints, &["http://a", "http://b", "http://c"]);
        assert_eq!(places(&endpoints, 1), [None]);
        fall_ill(&endpoints, &[]);
        assert_eq!(places(&endpoints, 2), some(&[0, 1]));
    }

    #[test]
    fn an_only_endpoint_is_used_while_it_is_healthy() {
        let (endpoints, only) = (of_worker(3), Upstream::new("http://b").unwrap());
        let choose = |tried| endpoints.choose(&only, tried, None).map(|chosen| chosen.index);
        let mut tried = Tried::default();
        assert_eq!(choose(tried), Some(0));
        tried.add(Chosen { index: 0, on_trial: false });
        assert_eq!(choose(tried), None);
        fall_ill(&endpoints, &["http://b"]);
        assert_eq!(choose(Tried::default()), None);
        assert!(endpoints.rounds.borrow().is_empty());
    }

    #[test]
    fn all_but_one_are_ejected_and_the_sick_are_no_others() {
        let endpoints = of_worker(0);
        assert!(matches!(fail(&endpoints, 0), Noted::Ejected(_)));
        assert!(matches!(fail(&endpoints, 1), Noted::Ejected(_)));
        assert_eq!(fail(&endpoints, 2), Noted::Nothing);
        assert_eq!(places(&endpoints, 2), some(&[2, 2]));
        assert_eq!(endpoints.wellness.ejections().all().len(), 2);

        let endpoints = of_worker(0);
        fall_ill(&endpoints, &["http://b", "http://c"]);
        assert_eq!(fail(&endpoints, 0), Noted::Nothing);
    }

    #[test]
    fn ejected_is_better_than_sick_but_not_worth_a_second_try() {
        let endpoints = of_worker(0);
        fail(&endpoints, 0);
        fall_ill(&endpoints, &["http://b", "http://c"]);
        assert_eq!(places(&endpoints, 1), some(&[0]));
        let mut tried = Tried::default();
        tried.add(Chosen { index: 1, on_trial: false });
        assert_eq!(endpoints.choose(&upstream(), tried, Some(&EJECTION)), None);
        // Without a policy nobody is out.
        assert!(endpoints.choose(&upstream(), tried, None).is_some());
    }

    #[test]
    fn a_success_takes_an_endpoint_back() {
        let endpoints = of_worker(0);
        fail(&endpoints, 0);
        assert_eq!(places(&endpoints, 2), some(&[1, 2]));
        let chosen = Chosen { index: 0, on_trial: true };
        let noted = endpoints.note(&upstream(), chosen, true, Some(&EJECTION));
        assert_eq!(noted, Noted::Returned);
        assert_eq!(places(&endpoints, 2), some(&[0, 1]));
        assert!(endpoints.wellness.ejections().all().is_empty());
    }

    #[test]
    fn what_was_not_used_for_long_is_forgotten() {
        let endpoints = of_worker(0);
        fail(&endpoints, 0);
        for _ in 1..FORGOTTEN_AFTER_SWEEPS {
            endpoints.sweep();
        }
        assert_eq!(endpoints.rounds.borrow().len(), 1);
        endpoints.sweep();
        assert!(endpoints.rounds.borrow().is_empty());
        assert!(endpoints.wellness.ejections().all().is_empty());
    }
}
