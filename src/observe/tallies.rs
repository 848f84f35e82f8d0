//! Requests by version: each worker counts for itself, a reader adds up.

use std::sync::{Arc, Mutex, PoisonError};

/// The counts of all workers, found by number.
#[derive(Debug, Clone)]
pub struct Tallies(Arc<[Mutex<Vec<u64>>]>);

/// The counts of one worker. Nobody but a reader ever contends for its lock.
#[derive(Debug, Clone)]
pub struct WorkerTallies {
    all: Tallies,
    worker: usize,
}

impl Tallies {
    pub fn new(workers: usize) -> Self {
        Self((0..workers).map(|_| Mutex::default()).collect())
    }

    /// The counts of `worker`, from 0 to less than the number given to `new`.
    pub fn of_worker(&self, worker: usize) -> WorkerTallies {
        assert!(worker < self.0.len(), "every worker has its counts");
        WorkerTallies { all: self.clone(), worker }
    }

    /// How often `number` was counted, by all workers together.
    pub fn total(&self, number: u32) -> u64 {
        let counts = self.0.iter().map(|worker| {
            let counts = worker.lock().unwrap_or_else(PoisonError::into_inner);
            counts.get(number as usize).copied().unwrap_or_default()
        });
        counts.sum()
    }
}

impl WorkerTallies {
    pub fn count(&self, number: u32) {
        let number = number as usize;
        let mut counts = self.all.0[self.worker].lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() <= number {
            counts.resize(number + 1, 0);
        }
        counts[number] += 1;
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
