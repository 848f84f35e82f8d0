//! Connections to upstreams: each worker counts for itself, a reader adds up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::durations::add;

/// The connections of one worker, which alone writes here.
#[derive(Debug, Clone, Default)]
pub struct WorkerConnections(Arc<Cells>);

#[derive(Debug, Default)]
struct Cells {
    opened: AtomicU64,
    closed: AtomicU64,
    idle: AtomicU64,
}

/// Connections to upstreams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// Since the start, those included that did not come about.
    pub opened: u64,
    /// Open now, or being opened, and with a request.
    pub active: u64,
    /// Open now, waiting for their next request.
    pub idle: u64,
}

impl WorkerConnections {
    pub fn open(&self) {
        add(&self.0.opened, 1);
    }

    pub fn close(&self) {
        add(&self.0.closed, 1);
    }

    /// One more waits for its next request.
    #[inline]
    pub fn rest(&self) {
        add(&self.0.idle, 1);
    }

    /// One does so no longer: it has a request, or is closed.
    #[inline]
    pub fn rise(&self) {
        add(&self.0.idle, 1u64.wrapping_neg());
    }

    pub(super) fn add_to(&self, sum: &mut ConnectionCounts) {
        let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        // In this order, since what is closed was opened.
        let (idle, closed) = (read(&self.0.idle), read(&self.0.closed));
        let opened = read(&self.0.opened);
        let open = opened.saturating_sub(closed);
        sum.opened += opened;
        sum.idle += idle.min(open);
        sum.active += open.saturating_sub(idle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_has_a_request_or_waits_for_one() {
        let (mut sum, worker) = (ConnectionCounts::default(), WorkerConnections::default());
        (0..3).for_each(|_| worker.open());
        (0..2).for_each(|_| worker.rest());
        worker.rise();
        worker.close();
        worker.add_to(&mut sum);
        assert_eq!(sum, ConnectionCounts { opened: 3, active: 1, idle: 1 });
    }
}
