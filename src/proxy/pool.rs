//! Connections to upstreams that wait for their next request: one pool a worker.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use hashbrown::HashTable;
use hyper::client::conn::http1::SendRequest;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::connect::{Socket, Switch};
use super::progress::Progress;
use super::upload::Upload;
use crate::model::Endpoint;

/// Idle connections to one endpoint that a worker keeps.
const IDLE_PER_ENDPOINT_MAX: usize = 1_024;

/// An idle connection is not asked whether its peer is quiet for this long.
const TRUSTED_FOR: Duration = Duration::from_millis(1);

/// The idle connections of one worker, by endpoint. It outlives every table: a
/// connection is found by where it leads.
#[derive(Default)]
pub(super) struct Pool(RefCell<HashTable<Line>>);

struct Line {
    endpoint: Endpoint,
    /// The one used last is used next, so that the others grow old and go.
    idle: Vec<Idle>,
}

struct Idle {
    connection: Pooled,
    since: Instant,
}

/// A connection that can take a request.
pub(super) struct Pooled {
    pub(super) sender: SendRequest<Upload>,
    pub(super) socket: Socket,
    /// The task that drives it.
    pub(super) driver: AbortHandle,
}

impl Pool {
    /// A connection that was used before, and that takes a request now: one that still
    /// has a request to flush may do so forever.
    ///
    /// hyper knows what its task has seen. Behind a busy worker's back the peer may
    /// have closed, which a request that cannot be repeated would not survive, or said
    /// what the next client would take for its response. So the socket itself is asked,
    /// unless the connection was in use a moment ago: that would be a system call a
    /// request where there are many, to learn what cannot have happened yet.
    pub(super) fn take(&self, endpoint: &Endpoint, repeatable: bool) -> Option<Pooled> {
        let mut lines = self.0.borrow_mut();
        let line =
            lines.find_mut(endpoint.precomputed_hash(), |line| line.endpoint == *endpoint)?;
        while let Some(Idle { connection, since }) = line.idle.pop() {
            let trusted = repeatable && since.elapsed() < TRUSTED_FOR;
            if connection.sender.is_ready() && (trusted || connection.socket.is_quiet()) {
                return Some(connection);
            }
        }
        None
    }

    fn put(&self, endpoint: &Endpoint, connection: Pooled) {
        let mut lines = self.0.borrow_mut();
        let entry = lines.entry(
            endpoint.precomputed_hash(),
            |line| line.endpoint == *endpoint,
            |line| line.endpoint.precomputed_hash(),
        );
        let mut entry =
            entry.or_insert_with(|| Line { endpoint: endpoint.clone(), idle: Vec::new() });
        let idle = &mut entry.get_mut().idle;
        if idle.len() < IDLE_PER_ENDPOINT_MAX {
            idle.push(Idle { connection, since: Instant::now() });
        }
    }

    /// Closes what has waited for longer than `idle`, and forgets endpoints that
    /// nothing leads to any more.
    pub(super) fn sweep(&self, idle: Duration) {
        let now = Instant::now();
        self.0.borrow_mut().retain(|line| {
            let fresh = |waiting: &Idle| now - waiting.since < idle;
            line.idle.retain(|waiting| fresh(waiting) && !waiting.connection.sender.is_closed());
            !line.idle.is_empty()
        });
    }
}

/// A connection that answers a request, on its way back to the pool. Dropped, it is closed
/// whatever is still under way on it: a request that its upstream does not take would
/// keep it open.
pub(super) struct Lease {
    pool: Rc<Pool>,
    endpoint: Endpoint,
    /// Until it is given back.
    connection: Option<Pooled>,
    pub(super) upload: Rc<Progress>,
    /// Of a request that asks for another protocol.
    pub(super) switch: Option<Switch>,
}

impl Lease {
    pub(super) fn new(
        pool: Rc<Pool>,
        endpoint: Endpoint,
        connection: Pooled,
        upload: Rc<Progress>,
    ) -> Self {
        Self { pool, endpoint, connection: Some(connection), upload, switch: None }
    }

    /// Whether the whole request has left, or never will.
    pub(super) fn is_through(&self) -> bool {
        self.connection.as_ref().is_none_or(|Pooled { sender, .. }| {
            sender.is_closed() || self.upload.ended() && sender.is_ready()
        })
    }

    /// Gives the connection back after its response was read whole. One whose
    /// request is still being sent is not used again: nobody knows where it ends.
    pub(super) fn release(mut self) {
        if self.upload.ended()
            && let Some(connection) = self.connection.take_if(|it| !it.sender.is_closed())
        {
            self.pool.put(&self.endpoint, connection);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            connection.driver.abort();
        }
    }
}
