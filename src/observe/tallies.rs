//! Requests by version, and tunnels that are open: each worker counts for itself, a
//! reader adds up.

use std::sync::{Arc, Mutex, PoisonError};

use super::gauge::{Counted, Gauge};

/// The counts of all workers, found by number.
#[derive(Debug, Clone)]
pub struct Tallies {
    requests: Arc<[Mutex<Vec<u64>>]>,
    tunnels: Gauge,
}

/// The counts of one worker. Nobody but a reader ever contends for its lock.
#[derive(Debug, Clone)]
pub struct WorkerTallies {
    all: Tallies,
    worker: usize,
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

    /// How often `number` was counted, by all workers together.
    pub fn total(&self, number: u32) -> u64 {
        let counts = self.requests.iter().map(|worker| {
            let counts = worker.lock().unwrap_or_else(PoisonError::into_inner);
            counts.get(number as usize).copied().unwrap_or_default()
        });
        counts.sum()
    }

    /// The tunnels that are open now.
    pub fn tunnels(&self) -> &Gauge {
        &self.tunnels
    }
}

impl WorkerTallies {
    pub fn count(&self, number: u32) {
        let number = number as usize;
        let counts = &self.all.requests[self.worker];
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() <= number {
            counts.resize(number + 1, 0);
        }
        counts[number] += 1;
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
        tallies.of_worker(0).count(3);
        tallies.of_worker(1).count(3);
        tallies.of_worker(1).count(0);
        assert_eq!([0, 1, 3, 9].map(|number| tallies.total(number)), [1, 0, 2, 0]);
    }
}
