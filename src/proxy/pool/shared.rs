//! HTTP/2 connections, each shared by many requests.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http2::SendRequest;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::line::{Line, Resting};
use crate::observe::WorkerConnections;
use crate::proxy::connect::Agreement;
use crate::proxy::upload::Upload;

/// One connection. It closes when the last request has let go of it, once it is no
/// longer in its line.
pub(super) struct Shared {
    sender: RefCell<SendRequest<Upload>>,
    streams_max: Rc<Cell<usize>>,
    running: Cell<usize>,
    has_answered: Cell<bool>,
    retired: Cell<bool>,
    idle_since: Cell<Instant>,
    /// While no request runs.
    resting: Cell<Option<Resting>>,
    counts: Rc<WorkerConnections>,
    _held: oneshot::Sender<Infallible>,
}

impl Shared {
    pub(super) fn new(agreed: Agreement, counts: &Rc<WorkerConnections>) -> Rc<Self> {
        Rc::new(Self {
            sender: RefCell::new(agreed.sender),
            streams_max: agreed.streams_max,
            running: Cell::new(0),
            has_answered: Cell::new(false),
            retired: Cell::new(false),
            idle_since: Cell::new(Instant::now()),
            resting: Cell::new(Some(Resting::new(counts))),
            counts: counts.clone(),
            _held: agreed.held,
        })
    }

    /// Whether it will ever take another request.
    pub(super) fn is_of_use(&self) -> bool {
        !self.retired.get() && !self.sender.borrow().is_closed()
    }

    pub(super) fn has_room(&self) -> bool {
        self.running.get() < self.streams_max.get()
    }

    pub(super) fn is_idle_for(&self, now: Instant, idle: Duration) -> bool {
        self.running.get() == 0 && now - self.idle_since.get() >= idle
    }
}

/// The place of one request on a shared connection.
pub(in crate::proxy) struct Stream {
    connection: Rc<Shared>,
    line: Rc<Line>,
}

impl Stream {
    pub(super) fn of(connection: Rc<Shared>, line: Rc<Line>) -> Self {
        connection.running.set(connection.running.get() + 1);
        connection.resting.set(None);
        Self { connection, line }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.connection.sender.borrow().is_closed()
    }

    pub(super) fn has_answered(&self) -> bool {
        self.connection.has_answered.get()
    }

    pub(in crate::proxy) fn note_answer(&self) {
        self.connection.has_answered.set(true);
    }

    /// Keeps the connection from other requests.
    pub(in crate::proxy) fn retire(&self) {
        self.connection.retired.set(true);
    }

    pub(in crate::proxy) fn try_send(
        &self,
        request: Request<Upload>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<Upload>>>> + use<>
    {
        self.connection.sender.borrow_mut().try_send_request(request)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let running = self.connection.running.get() - 1;
        self.connection.running.set(running);
        if running == 0 {
            self.connection.idle_since.set(Instant::now());
            self.connection.resting.set(Some(Resting::new(&self.connection.counts)));
        }
        self.line.serve();
    }
}
