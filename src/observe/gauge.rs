//! How many of something there are right now: each worker counts for itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The counts of all workers, found by number.
#[derive(Debug, Clone)]
pub struct Gauge(Arc<[AtomicUsize]>);

/// One of what is counted, for as long as it lives.
#[derive(Debug)]
pub struct Counted {
    gauge: Gauge,
    worker: usize,
}

impl Gauge {
    pub fn new(workers: usize) -> Self {
        Self((0..workers).map(|_| AtomicUsize::default()).collect())
    }

    /// One more at `worker`, from 0 to less than the number given to `new`.
    pub fn enter(&self, worker: usize) -> Counted {
        self.0[worker].fetch_add(1, Ordering::Relaxed);
        Counted { gauge: self.clone(), worker }
    }

    /// How many there are, worker by worker.
    pub fn by_worker(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|worker| worker.load(Ordering::Relaxed))
    }

    /// How many there are in all.
    pub fn total(&self) -> usize {
        self.by_worker().sum()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.gauge.0[self.worker].fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lives_is_counted() {
        let gauge = Gauge::new(2);
        let first = gauge.enter(0);
        let second = (gauge.enter(1), gauge.enter(1));
        assert_eq!((gauge.by_worker().collect(), gauge.total()), (vec![1, 2], 3));
        drop(second);
        assert_eq!(gauge.total(), 1);
        drop(first);
        assert_eq!(gauge.total(), 0);
    }
}
