//! One request on its way through, from its head to the last byte of its response, and what
//! is known of it in the end.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use http::StatusCode;
use http::request::Parts;
use tokio::time::Instant;

use super::connection::Visitor;
use super::error::{Fault, ProxyError};
use super::progress::Progress;
use super::worker::Worker;
use crate::model::Endpoint;
use crate::routing::{Answerer, Decision};

/// A request, for as long as anything becomes of it. Dropped, its course is complete, however
/// it ended, and [`Worker::complete`] is told.
pub(super) struct Passage<'a> {
    pub(super) worker: Rc<Worker>,
    pub(super) visitor: Rc<Visitor>,
    pub(super) asking: Asking<'a>,
    /// When its head had been read.
    pub(super) begun: Instant,
    /// Who answers it, or was to; `None` where nobody was asked.
    pub(super) decision: Option<Decision>,
    /// With which error Serin answers itself, as [`ProxyError::kind`] says it.
    pub(super) error: Option<&'static str>,
    /// `None` while there is no response.
    pub(super) status: Option<StatusCode>,
    pub(super) notes: Notes,
    pub(super) ending: Ending,
    /// When the last byte of the response was handed to the client's connection, or the
    /// response broke off.
    ended: Option<Instant>,
    /// Content of the response that was handed on, in bytes.
    pub(super) bytes_out: u64,
}

/// What a request asks for.
pub(super) enum Asking<'a> {
    Lent(&'a Parts),
    Kept(Rc<Parts>),
    /// Its head was none.
    Unread,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The client was answered, and all of the response went to its connection.
    Whole,
    /// The client left before that, or was left. So it is until something else is known.
    OfClient,
    /// The response broke off on the upstream's side, with an error of this kind.
    OfUpstream(&'static str),
}

/// What is noted of a request while others ask upstreams for its answer. What is not counted
/// speaks of the last attempt.
#[derive(Default)]
pub(super) struct Notes {
    attempts: Cell<u32>,
    endpoint: Cell<Option<usize>>,
    connect: Cell<Option<Duration>>,
    first_byte: Cell<Option<Duration>>,
    upload: Cell<Option<Rc<Progress>>>,
}

impl Asking<'_> {
    pub(super) fn parts(&self) -> Option<&Parts> {
        match self {
            Self::Lent(parts) => Some(parts),
            Self::Kept(parts) => Some(parts),
            Self::Unread => None,
        }
    }
}

impl<'a> Passage<'a> {
    pub(super) fn new(worker: &Rc<Worker>, visitor: &Rc<Visitor>, asking: Asking<'a>) -> Self {
        worker.requests.begin();
        Self {
            worker: worker.clone(),
            visitor: visitor.clone(),
            asking,
            begun: Instant::now(),
            decision: None,
            error: None,
            status: None,
            notes: Notes::default(),
            ending: Ending::OfClient,
            ended: None,
            bytes_out: 0,
        }
    }

    /// Takes note that the client has all of its response. When that was is told, too.
    pub(super) fn end(&mut self, bytes_out: u64) -> Instant {
        let now = Instant::now();
        (self.ending, self.ended, self.bytes_out) = (Ending::Whole, Some(now), bytes_out);
        now
    }

    /// Takes note that the response broke off, and complains of who did it.
    pub(super) fn break_off(&mut self, error: &ProxyError) {
        if error.fault() == Fault::Upstream {
            self.ending = Ending::OfUpstream(error.kind());
        }
        if let Some(decision) = &self.decision {
            self.worker.complain(self.endpoint(), error, &decision.answerer);
        }
    }

    /// The endpoint that it was sent to last. The built-in backend is none.
    pub(super) fn endpoint(&self) -> Option<&Endpoint> {
        let place = self.notes.endpoint()?;
        let upstream = match &self.decision.as_ref()?.answerer {
            Answerer::Version(target) => target.upstream.as_ref()?,
            Answerer::Origin(origin) => &origin.upstream,
        };
        upstream.endpoints().get(place)
    }

    /// From its head to its end.
    pub(super) fn duration(&self) -> Duration {
        self.ended.unwrap_or_else(Instant::now) - self.begun
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        self.ended.get_or_insert_with(Instant::now);
        self.worker.complete(self);
    }
}

impl Notes {
    /// Somebody is asked whose answer counts in place of what came before.
    pub(super) fn ask(&self, upload: Option<Rc<Progress>>) {
        self.upload.set(upload);
        self.endpoint.set(None);
        self.connect.set(None);
        self.first_byte.set(None);
    }

    /// The request is sent to an endpoint of the upstream, by its place.
    pub(super) fn attempt(&self, endpoint: usize) {
        self.attempts.set(self.attempts.get() + 1);
        self.endpoint.set(Some(endpoint));
        self.connect.set(None);
    }

    /// A connection was opened for it.
    pub(super) fn connected(&self, took: Duration) {
        self.connect.set(Some(took));
    }

    /// The head of a response came so long after the request was sent.
    pub(super) fn answered(&self, took: Duration) {
        self.first_byte.set(Some(took));
    }

    /// How often it was sent to an endpoint. The built-in backend is none.
    pub(super) fn attempts(&self) -> u32 {
        self.attempts.get()
    }

    /// The endpoint that it was sent to last, by its place in the answerer's upstream.
    fn endpoint(&self) -> Option<usize> {
        self.endpoint.get()
    }

    /// How long it took to open the connection that it was sent over, TLS and the first
    /// frames of HTTP/2 included; `None` where that was open before.
    pub(super) fn connect(&self) -> Option<Duration> {
        self.connect.get()
    }

    /// From when it was sent over a connection to the head of the response, if one came.
    pub(super) fn first_byte(&self) -> Option<Duration> {
        self.first_byte.get()
    }

    /// Content of the request that was read for who answers, in bytes.
    pub(super) fn bytes_in(&self) -> u64 {
        let upload = self.upload.take();
        let taken = upload.as_ref().map_or(0, |upload| upload.taken());
        self.upload.set(upload);
        taken
    }
}
