//! What went wrong with requests, and what was done about it: each worker counts for
//! itself, a reader adds up. A request that goes well counts nothing here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The counts of all workers.
#[derive(Debug, Clone)]
pub struct Traffic(Arc<[Mutex<TrafficCounts>]>);

/// The counts of one worker. Nobody but a reader ever contends for its lock.
#[derive(Debug, Clone)]
pub struct WorkerTraffic {
    all: Traffic,
    worker: usize,
}

/// Since the start. None ever falls.
///
/// What has a kind is counted under the error type of `Proxy-Status` (RFC 9209, section
/// 2.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrafficCounts {
    /// What endpoints did wrong, once for each attempt, mended by another or not.
    pub faults: BTreeMap<&'static str, u64>,
    /// Requests that Serin answered with an error of its own.
    pub errors: BTreeMap<&'static str, u64>,
    /// How often a limit of the config turned away a client or its request, by its name.
    pub limits: BTreeMap<&'static str, u64>,
    /// Requests that went out on a new connection because the old one had closed before
    /// anything of them was sent.
    pub reconnects: u64,
    /// Attempts at another endpoint, with nothing sent to the one before.
    pub moves: u64,
    /// Requests that were sent a second time, each of which the budget paid.
    pub retries: u64,
    /// Those that were not, because the budget was spent.
    pub retries_denied: u64,
    /// Requests that were sent to a deployment's other version.
    pub failovers: u64,
    /// Requests that were sent to a site's origin because their version failed.
    pub fallbacks: u64,
    /// How often an endpoint was ejected, by any worker.
    pub ejections: u64,
}

impl Traffic {
    pub fn new(workers: usize) -> Self {
        Self((0..workers).map(|_| Mutex::default()).collect())
    }

    /// The counts of `worker`, from 0 to less than the number given to `new`.
    pub fn of_worker(&self, worker: usize) -> WorkerTraffic {
        assert!(worker < self.0.len(), "every worker has its counts");
        WorkerTraffic { all: self.clone(), worker }
    }

    /// By all workers together.
    pub fn total(&self) -> TrafficCounts {
        let mut total = TrafficCounts::default();
        for worker in self.0.iter() {
            let counts = worker.lock().unwrap_or_else(PoisonError::into_inner);
            add(&mut total.faults, &counts.faults);
            add(&mut total.errors, &counts.errors);
            add(&mut total.limits, &counts.limits);
            total.reconnects += counts.reconnects;
            total.moves += counts.moves;
            total.retries += counts.retries;
            total.retries_denied += counts.retries_denied;
            total.failovers += counts.failovers;
            total.fallbacks += counts.fallbacks;
            total.ejections += counts.ejections;
        }
        total
    }
}

fn add(total: &mut BTreeMap<&'static str, u64>, counts: &BTreeMap<&'static str, u64>) {
    for (kind, count) in counts {
        *total.entry(kind).or_default() += count;
    }
}

impl WorkerTraffic {
    pub fn fault(&self, kind: &'static str) {
        self.count(|counts| *counts.faults.entry(kind).or_default() += 1);
    }

    pub fn error(&self, kind: &'static str) {
        self.count(|counts| *counts.errors.entry(kind).or_default() += 1);
    }

    pub fn limit(&self, limit: &'static str) {
        self.count(|counts| *counts.limits.entry(limit).or_default() += 1);
    }

    /// Counts what has no kind.
    pub fn count(&self, count: impl FnOnce(&mut TrafficCounts)) {
        let mut counts = self.all.0[self.worker].lock().unwrap_or_else(PoisonError::into_inner);
        count(&mut counts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_is_the_sum_over_workers() {
        let traffic = Traffic::new(2);
        for worker in [0, 1] {
            let worker = traffic.of_worker(worker);
            worker.fault("connection_refused");
            worker.count(|counts| counts.retries += 1);
        }
        traffic.of_worker(1).fault("dns_error");
        traffic.of_worker(1).error("dns_error");
        let total = traffic.total();
        let faults = BTreeMap::from([("connection_refused", 2), ("dns_error", 1)]);
        assert_eq!((total.faults, total.retries), (faults, 2));
        assert_eq!(total.errors, BTreeMap::from([("dns_error", 1)]));
    }
}
