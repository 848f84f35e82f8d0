//! Connections to endpoints, in use and waiting for their next request: one pool a
//! worker.

mod lease;
mod line;
mod pooled;
mod queue;
mod seat;
mod shared;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashTable;
use tokio::time::Instant;

pub(super) use self::lease::Lease;
pub(super) use self::line::Line;
pub(super) use self::pooled::Pooled;
pub(super) use self::seat::Seat;

use super::UpstreamTls;
use crate::model::{Endpoint, Limits, Transport};
use crate::observe::WorkerConnections;

/// What is known of an endpoint that nobody uses is kept for this long.
const REMEMBERED_FOR: Duration = Duration::from_mins(10);

/// The connections of one worker, by endpoint. It outlives every table: a connection is
/// found by where it leads.
pub(super) struct Pool {
    lines: RefCell<HashTable<Rc<Line>>>,
    tls: Arc<UpstreamTls>,
    limits: Cell<Limits>,
    counts: Rc<WorkerConnections>,
}

impl Pool {
    pub(super) fn new(tls: Arc<UpstreamTls>, limits: Limits, counts: WorkerConnections) -> Self {
        let (limits, counts) = (Cell::new(limits), Rc::new(counts));
        Self { lines: RefCell::default(), tls, limits, counts }
    }

    /// Replaces the limits. Connections that are open stay; who waits for another one gets
    /// it, if it may be opened now.
    pub(super) fn set_limits(&self, limits: Limits) {
        self.limits.set(limits);
        for line in self.lines.borrow().iter() {
            line.set_open_max(limits.connections_per_endpoint);
        }
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits.get()
    }

    /// What leads to `endpoint`.
    pub(super) fn line(&self, endpoint: &Endpoint) -> Rc<Line> {
        let mut lines = self.lines.borrow_mut();
        let entry = lines.entry(
            endpoint.precomputed_hash(),
            |line| line.endpoint() == endpoint,
            |line| line.endpoint().precomputed_hash(),
        );
        let entry = entry.or_insert_with(|| {
            if endpoint.transport() == (Transport::Tls { insecure: true }) {
                self.tls.say_unchecked(endpoint);
            }
            let open_max = self.limits.get().connections_per_endpoint;
            Rc::new(Line::new(endpoint.clone(), open_max, self.counts.clone()))
        });
        entry.get().clone()
    }

    /// Closes what has waited for longer than `idle`, and forgets endpoints that
    /// nothing leads to any more.
    pub(super) fn sweep(&self, idle: Duration) {
        let now = Instant::now();
        self.lines.borrow_mut().retain(|line| {
            line.close_idle(now, idle);
            // Whoever uses it has a share in it.
            !(Rc::strong_count(line) == 1 && line.unused_for(now) >= REMEMBERED_FOR)
        });
    }
}
