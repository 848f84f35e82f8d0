//! The thread that writes, and may wait for a disk or a reader as long as they take.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::sink::Sink;
use super::{Batch, Message, Queue};

/// How often it is looked whether a file is still the one of its name.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A disk that is full is news, not a flood.
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);

pub(super) struct Writer {
    queue: Arc<Queue>,
    sink: Option<Sink>,
    complained: Option<Instant>,
}

impl Writer {
    pub(super) fn new(queue: Arc<Queue>, sink: Option<Sink>) -> Self {
        Self { queue, sink, complained: None }
    }

    /// Writes until it is told to end, or nobody is left who could tell it anything.
    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        while let Ok(message) = messages.recv() {
            match message {
                Message::Lines(batch) => self.write(batch),
                Message::Use(sink) => self.sink = sink,
                Message::End => return,
            }
        }
    }

    fn write(&mut self, batch: Batch) {
        self.follow();
        let Batch { mut text, lines } = batch;
        let written = match &mut self.sink {
            Some(sink) => sink.write(&text),
            // It was switched off while they were on their way.
            None => Err(io::ErrorKind::NotFound.into()),
        };
        let Queue { written: well, dropped, .. } = &*self.queue;
        let count = if written.is_ok() { well } else { dropped };
        count.fetch_add(lines as u64, Ordering::Relaxed);
        self.queue.leave(lines, text.len());
        if let Err(error) = written
            && self.sink.is_some()
        {
            self.complain("cannot write the access log, so lines are lost", &error);
        }
        text.clear();
        self.queue.keep(text);
    }

    fn follow(&mut self) {
        if let Some(sink) = &mut self.sink
            && let Err(error) = sink.follow(LOOK_EVERY)
        {
            self.complain(
                "cannot open the access log again, and goes on with what is open",
                &error,
            );
        }
    }

    fn complain(&mut self, what: &str, error: &io::Error) {
        if self.complained.is_none_or(|last| last.elapsed() >= COMPLAIN_EVERY) {
            self.complained = Some(Instant::now());
            tracing::warn!(%error, "{what}");
        }
    }
}
