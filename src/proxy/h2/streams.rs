//! The streams of one HTTP/2 connection: a task each, on the thread of their connection.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::Executor;
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep};

use crate::server::{Presence, STANDSTILLS_MAX};

/// Requests that a client may take back before they are answered, on one connection and
/// unless they are less than half of all. More is no change of mind: each has cost an
/// upstream a request.
const TAKEN_BACK_MAX: u64 = 256;

/// What hyper's part of a stream may take, as it is moved many times on its way into a
/// task and out of it.
const STREAM_BYTES_MAX: usize = 512;

pub(super) struct Streams {
    /// How long a client may leave untaken what it is given.
    patience: Duration,
    presence: Rc<Presence>,
    /// The stream whose request was told of, and whose task comes next.
    entered: Cell<Option<Rc<Pace>>>,
    asked: Cell<u64>,
    taken_back: Cell<u64>,
    abuse: Notify,
}

impl Streams {
    /// `idle` is how long a connection may be without a request.
    pub(super) fn new(idle: Duration, presence: Rc<Presence>) -> Self {
        Self {
            patience: idle.saturating_mul(STANDSTILLS_MAX),
            presence,
            entered: Cell::default(),
            asked: Cell::new(0),
            taken_back: Cell::new(0),
            abuse: Notify::new(),
        }
    }

    /// Takes note of a request. hyper asks for its answer first, and then has the stream
    /// of both run by the [`Spawner`].
    pub(super) fn enter(&self) -> Rc<Pace> {
        let pace = Rc::new(Pace::default());
        self.entered.set(Some(pace.clone()));
        self.asked.set(self.asked.get() + 1);
        pace
    }

    /// Takes note should the request be taken back before it is answered.
    pub(super) fn unanswered(self: &Rc<Self>) -> Unanswered {
        Unanswered(Some(self.clone()))
    }

    /// Ends once the client takes back too much of what it asks for.
    pub(super) async fn abused(&self) {
        self.abuse.notified().await;
    }

    fn note_taken_back(&self) {
        self.taken_back.set(self.taken_back.get() + 1);
        let taken_back = self.taken_back.get();
        if taken_back > TAKEN_BACK_MAX && taken_back > self.asked.get() / 2 {
            self.abuse.notify_one();
        }
    }
}

/// A request without an answer so far.
pub(super) struct Unanswered(Option<Rc<Streams>>);

impl Unanswered {
    pub(super) fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(streams) = &self.0 {
            streams.note_taken_back();
        }
    }
}

/// Whether a client takes what its stream gives.
#[derive(Default)]
pub(super) struct Pace(Cell<Option<Instant>>);

impl Pace {
    pub(super) fn given(&self) {
        self.0.set(Some(Instant::now()));
    }

    pub(super) fn taken(&self) {
        self.0.set(None);
    }

    /// Ends when something given was left untaken for as long as `streams` may. To be
    /// asked after each step of its stream.
    fn poll_stalled(
        &self,
        cx: &mut Context<'_>,
        streams: &Streams,
        alarm: &mut Option<Pin<Box<Sleep>>>,
    ) -> Poll<()> {
        loop {
            let Some(given) = self.0.get() else {
                return Poll::Pending;
            };
            let due = given + streams.patience;
            let alarm = alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            if alarm.deadline() != due {
                alarm.as_mut().reset(due);
            }
            ready!(alarm.as_mut().poll(cx));
            let full_until = streams.presence.full_until();
            if full_until <= given {
                return Poll::Ready(());
            }
            // The connection was held up as a whole, perhaps by others that it carries.
            // It is given up should that last.
            self.0.set(Some(full_until));
        }
    }
}

/// Runs streams for hyper.
#[derive(Clone)]
pub(super) struct Spawner(pub(super) Rc<Streams>);

impl<F: Future<Output = ()> + Unpin + 'static> Executor<F> for Spawner {
    fn execute(&self, stream: F) {
        const { assert!(size_of::<F>() <= STREAM_BYTES_MAX, "box what is large in a stream") };
        let pace = self.0.entered.take().unwrap_or_default();
        let running = Running { stream, pace, streams: self.0.clone(), alarm: None };
        tokio::task::spawn_local(running);
    }
}

/// A stream, until it ends or is cut. Not an `async` block, which would have room for it
/// twice: as it is handed over and as it runs.
struct Running<F> {
    stream: F,
    pace: Rc<Pace>,
    streams: Rc<Streams>,
    /// Nearly no stream ever waits for its client, and others pay for no timer.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<F: Future<Output = ()> + Unpin> Future for Running<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { stream, pace, streams, alarm } = &mut *self;
        if Pin::new(stream).poll(cx).is_ready() {
            return Poll::Ready(());
        }
        ready!(pace.poll_stalled(cx, streams, alarm));
        // The stream is reset as it is dropped.
        tracing::debug!("an HTTP/2 client takes nothing of a response, which is cut");
        Poll::Ready(())
    }
}
