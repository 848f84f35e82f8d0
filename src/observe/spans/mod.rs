//! A span for each request that is sampled, sent to a collector by a thread of its own.
//!
//! Whoever has a span never waits: one that finds no room is dropped, and counted, as are
//! those that a collector does not take.

mod export;
mod span;

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::sync::watch;

use super::access_log::Line;
use super::patient::PatientThread;
use crate::model::Policy;

/// Spans that wait to be sent.
const SPANS_WAITING_MAX: usize = 2_048;

/// The spans of the process. Copies are the same.
#[derive(Debug, Clone)]
pub struct Spans(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    messages: Mutex<SyncSender<Message>>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    sent: AtomicU64,
    dropped: AtomicU64,
}

/// What became of spans since the start. None ever falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpansCounts {
    pub sent: u64,
    /// Those for which there was no room, and those that the collector did not take.
    pub dropped: u64,
}

/// What the thread that sends is told.
#[derive(Debug)]
enum Message {
    Span(Box<Span>),
    End,
}

/// The thread that sends.
#[derive(Debug)]
pub struct SpansThread {
    spans: Spans,
    thread: PatientThread,
}

impl Spans {
    /// Some that nobody sends, for a data plane without the rest of Serin.
    pub fn off() -> Self {
        Self::new(0).0
    }

    fn new(waiting: usize) -> (Self, std::sync::mpsc::Receiver<Message>) {
        let (messages, received) = sync_channel(waiting);
        let (messages, counts) = (Mutex::new(messages), Arc::default());
        (Self(Arc::new(Shared { messages, counts })), received)
    }

    /// Starts the thread that sends to the collector that `policy` names. `duty` is dropped
    /// when it ends, be it by a panic.
    pub fn start(
        policy: watch::Receiver<Arc<Policy>>,
        duty: impl Send + 'static,
    ) -> io::Result<(Self, SpansThread)> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (spans, received) = Self::new(SPANS_WAITING_MAX);
        let counts = spans.0.counts.clone();
        let thread = PatientThread::spawn("spans", move || {
            let _duty = duty;
            export::run(&runtime, &received, &policy, &counts);
            // A resolver that is still asked is not waited for.
            runtime.shutdown_background();
        })?;
        Ok((spans.clone(), SpansThread { spans, thread }))
    }

    /// Makes a span of a request whose course is complete. `caller` is the span that called,
    /// if one did.
    pub fn record(&self, line: &Line<'_>, caller: Option<u64>, is_secure: bool) {
        let Some(trace) = line.trace else { return };
        let span = Box::new(span::of(line, trace, caller, is_secure));
        let messages = self.0.messages.lock().unwrap_or_else(PoisonError::into_inner);
        match messages.try_send(Message::Span(span)) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.0.counts.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub fn counts(&self) -> SpansCounts {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        SpansCounts { sent: count(&self.0.counts.sent), dropped: count(&self.0.counts.dropped) }
    }
}

impl SpansThread {
    /// Has all that waits sent, for `patience` at most. Whether it was sent or given up.
    pub fn end(self, patience: Duration) -> bool {
        let messages = self.spans.0.messages.lock().unwrap_or_else(PoisonError::into_inner);
        // Where there is no room, the thread is at work, and has no time to hear of its end.
        let is_told = messages.try_send(Message::End).is_ok();
        drop(messages);
        is_told && self.thread.end_within(patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TraceParent;

    #[test]
    fn what_finds_no_room_is_dropped_and_counted_and_nobody_waits() {
        let (spans, received) = Spans::new(2);
        let trace = Some(TraceParent::begun(1, 2, true));
        for _ in 0..5 {
            spans.record(&Line { trace, ..Line::of_nothing() }, None, false);
        }
        assert_eq!(spans.counts(), SpansCounts { sent: 0, dropped: 3 });
        assert_eq!(received.try_iter().count(), 2);
    }
}
