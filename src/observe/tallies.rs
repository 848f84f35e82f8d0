//! Requests by version, and tunnels that are open: each worker counts for itself, a
//! reader adds up.

use std::sync::{Arc, Mutex, PoisonError};

use super::gauge::{Counted, Gauge};

/// The counts of all workers, found by number.
#[derive(Debug, Clone)]
pub struct Tallies {
    requests: Arc<[Mutex<Vec<Tallied>>]>,
    tunnels: Gauge,
}

/// The counts of one worker. Nobody but a reader ever contends for its lock.
#[derive(Debug, Clone)]
pub struct WorkerTallies {
    all: Tallies,
    worker: usize,
}

/// What became of the requests that had to do with one version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tallied {
    /// Those that were decided to be this version's, whoever answered them. Shares are
    /// shares of these.
    pub assigned: u64,
    /// Those that it answered, assigned to it or not.
    pub served: u64,
    /// Those that were sent to it and that it did not answer.
    pub failed: u64,
    /// Of those assigned to it, those that were sent to the other version in its place.
    pub failed_over: u64,
}

impl Tallied {
    fn plus(self, other: Self) -> Self {
        Self {
            assigned: self.assigned + other.assigned,
            served: self.served + other.served,
            failed: self.failed + other.failed,
            failed_over: self.failed_over + other.failed_over,
        }
    }

    /// What was counted since `before`; `None` where that is nothing.
    pub(super) fn since(self, before: Self) -> Option<Self> {
        let since = Self {
            assigned: self.assigned.saturating_sub(before.assigned),
            served: self.served.saturating_sub(before.served),
            failed: self.failed.saturating_sub(before.failed),
            failed_over: self.failed_over.saturating_sub(before.failed_over),
        };
        (since != Self::default()).then_some(since)
    }
}

impl Tallies {
    pub fn new(workers: usize) -> Self {
        let requests = (0..workers).map(|_| Mutex::default()).collect();
        Self { requests, tunnels: Gauge::new(workers) }
    }

    /// The counts of `worker`, from 0 to less than the number given to `new`.
    pub fn of_worker(&self, worker: usize) -> WorkerTallies {
        assert!(worker < self.requests.len(), "every worker has its counts");
        WorkerTallies { all: self.clone(), worker }
    }

    /// What was counted at `number`, by all workers together.
    pub fn total(&self, number: u32) -> Tallied {
        let counts = self.requests.iter().map(|worker| {
            let counts = worker.lock().unwrap_or_else(PoisonError::into_inner);
            counts.get(number as usize).copied().unwrap_or_default()
        });
        counts.fold(Tallied::default(), Tallied::plus)
    }

    /// The tunnels that are open now.
    pub fn tunnels(&self) -> &Gauge {
        &self.tunnels
    }
}

impl WorkerTallies {
    pub fn assigned(&self, number: u32) {
        self.count(number, |counts| counts.assigned += 1);
    }

    pub fn served(&self, number: u32) {
        self.count(number, |counts| counts.served += 1);
    }

    pub fn failed(&self, number: u32) {
        self.count(number, |counts| counts.failed += 1);
    }

    pub fn failed_over(&self, number: u32) {
        self.count(number, |counts| counts.failed_over += 1);
    }

    #[inline]
    fn count(&self, number: u32, count: impl FnOnce(&mut Tallied)) {
        let number = number as usize;
        let counts = &self.all.requests[self.worker];
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() <= number {
            counts.resize(number + 1, Tallied::default());
        }
        count(&mut counts[number]);
    }

    /// A tunnel is open until the returned value is dropped.
    pub fn tunnel(&self) -> Counted {
        self.all.tunnels.enter(self.worker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_is_the_sum_over_workers() {
        let tallies = Tallies::new(2);
        tallies.of_worker(0).assigned(3);
        tallies.of_worker(1).assigned(3);
        tallies.of_worker(1).assigned(0);
        let totals = [0, 1, 3, 9].map(|number| tallies.total(number).assigned);
        assert_eq!(totals, [1, 0, 2, 0]);
    }

    #[test]
    fn what_becomes_of_a_request_does_not_change_whose_it_was() {
        let tallies = Tallies::new(1);
        let worker = tallies.of_worker(0);
        worker.assigned(1);
        worker.failed(1);
        worker.failed_over(1);
        worker.served(0);
        let assigned = Tallied { assigned: 1, failed: 1, failed_over: 1, served: 0 };
        assert_eq!(tallies.total(1), assigned);
        assert_eq!(tallies.total(0), Tallied { served: 1, ..Tallied::default() });
    }
}
