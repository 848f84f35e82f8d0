//! A line for each request, written down by a thread of its own.
//!
//! A worker makes lines in a buffer that it hands over once it is full, or a moment after its
//! first line. Whoever hands over never waits: lines that find no room are dropped, and
//! counted.

mod escape;
mod flags;
mod key_hash;
mod line;
mod moment;
mod sink;
mod worker;
mod writer;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{io, mem};

use tokio::sync::watch;

use super::patient::PatientThread;
use crate::model::{self, Timestamp};

pub use flags::Flags;
pub use key_hash::KeyHashSeed;
pub use line::{Line, Subject};
pub use worker::WorkerAccessLog;

use sink::Sink;
use writer::Writer;

/// Lines are handed over in batches of so many at most.
const BATCH_LINES_MAX: usize = 64;

/// A batch is handed over when it has so many bytes.
const BATCH_BYTES: usize = 64 * 1024;

/// What all lines that wait take on average, at most.
const LINE_MEAN_BYTES_MAX: usize = 2 * 1024;

/// Empty buffers that are kept for the next batch. More of them were only needed once.
const SPARE_BUFFERS_MAX: usize = 64;

/// The log of the process. Copies are the same one.
#[derive(Debug, Clone)]
pub struct AccessLog(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    outside: Outside,
    settings: watch::Sender<Option<Arc<model::AccessLog>>>,
    messages: Mutex<Sender<Message>>,
    queue: Arc<Queue>,
}

/// What waits to be written, and what became of it.
#[derive(Debug, Default)]
struct Queue {
    lines: AtomicUsize,
    bytes: AtomicUsize,
    /// Empty buffers, to be filled again.
    spare: Mutex<Vec<Vec<u8>>>,
    written: AtomicU64,
    dropped: AtomicU64,
}

/// What a log takes from outside.
#[derive(Debug, Clone, Copy)]
pub struct Outside {
    /// The wall clock.
    pub clock: fn() -> Timestamp,
    pub key_hash: KeyHashSeed,
}

/// What became of lines since the start. None ever falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessLogCounts {
    pub written: u64,
    /// Those for which there was no room, and those that could not be written.
    pub dropped: u64,
}

/// Lines on their way to be written.
#[derive(Debug)]
struct Batch {
    text: Vec<u8>,
    lines: usize,
}

/// What the thread that writes is told.
#[derive(Debug)]
enum Message {
    Lines(Batch),
    Use(Option<Sink>),
    End,
}

/// What a log is written to, open.
#[derive(Debug)]
pub struct OpenLog {
    settings: Option<Arc<model::AccessLog>>,
    sink: Option<Sink>,
}

/// Why a log cannot be written to.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the access log `{}`", path.display())]
pub struct AccessLogError {
    path: PathBuf,
    source: io::Error,
}

/// The thread that writes.
#[derive(Debug)]
pub struct AccessLogThread {
    log: AccessLog,
    thread: PatientThread,
}

impl OpenLog {
    /// Opens what `settings` say, if any do.
    pub fn open(settings: Option<&model::AccessLog>) -> Result<Self, AccessLogError> {
        let sink = settings.map(|settings| Sink::open(&settings.to)).transpose()?;
        Ok(Self { settings: settings.cloned().map(Arc::new), sink })
    }
}

impl AccessLog {
    /// One that nobody writes, for a data plane without the rest of Serin.
    pub fn off() -> Self {
        let outside = Outside { clock: Timestamp::default, key_hash: KeyHashSeed::new([0; 16]) };
        Self::new(None, outside).0
    }

    fn new(settings: Option<Arc<model::AccessLog>>, outside: Outside) -> (Self, Receiver<Message>) {
        let (messages, received) = channel();
        let log = Self(Arc::new(Shared {
            outside,
            settings: watch::channel(settings).0,
            messages: Mutex::new(messages),
            queue: Arc::default(),
        }));
        (log, received)
    }

    /// Starts the thread that writes. `duty` is dropped when it ends, be it by a panic.
    pub fn start(
        open: OpenLog,
        outside: Outside,
        duty: impl Send + 'static,
    ) -> io::Result<(Self, AccessLogThread)> {
        let (log, received) = Self::new(open.settings, outside);
        let writer = Writer::new(log.0.queue.clone(), open.sink);
        let thread = PatientThread::spawn("access-log", move || {
            let _duty = duty;
            writer.run(&received);
        })?;
        Ok((log.clone(), AccessLogThread { log, thread }))
    }

    /// Writes to what is `open` from here on, behind all that waits.
    pub fn switch(&self, open: OpenLog) {
        self.send(Message::Use(open.sink));
        self.0.settings.send_replace(open.settings);
    }

    pub fn counts(&self) -> AccessLogCounts {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let queue = &self.0.queue;
        AccessLogCounts { written: count(&queue.written), dropped: count(&queue.dropped) }
    }

    /// Hands over what is in `text`, which has room for the next batch afterwards.
    fn hand_over(&self, text: &mut Vec<u8>, lines: usize) {
        let Shared { settings, queue, .. } = &*self.0;
        let room = settings.borrow().as_ref().map_or(0, |it| it.lines_waiting.get());
        if !queue.enter(lines, text.len(), room) {
            queue.dropped.fetch_add(lines as u64, Ordering::Relaxed);
            return text.clear();
        }
        let text = mem::replace(text, queue.spare());
        self.send(Message::Lines(Batch { text, lines }));
    }

    fn send(&self, message: Message) {
        let messages = self.0.messages.lock().unwrap_or_else(PoisonError::into_inner);
        // A writer that has fallen is told by its duty.
        drop(messages.send(message));
    }
}

impl Queue {
    /// Whether there is room for more, which waits from here on.
    fn enter(&self, lines: usize, bytes: usize, room: usize) -> bool {
        let lines_then = self.lines.fetch_add(lines, Ordering::Relaxed) + lines;
        let bytes_then = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let fits = lines_then <= room && bytes_then <= room * LINE_MEAN_BYTES_MAX;
        if !fits {
            self.leave(lines, bytes);
        }
        fits
    }

    /// Takes note that what waited does so no longer.
    fn leave(&self, lines: usize, bytes: usize) {
        self.lines.fetch_sub(lines, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// An empty buffer.
    fn spare(&self) -> Vec<u8> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        // Some room more: the line that fills a batch goes beyond it.
        spare.unwrap_or_else(|| Vec::with_capacity(BATCH_BYTES + BATCH_BYTES / 8))
    }

    /// Takes an empty buffer back.
    fn keep(&self, buffer: Vec<u8>) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        // One that has grown for a long line is not kept for its sake.
        if spare.len() < SPARE_BUFFERS_MAX && buffer.capacity() <= 2 * BATCH_BYTES {
            spare.push(buffer);
        }
    }
}

impl AccessLogThread {
    /// Has all that waits written, for `patience` at most: a pipe that nobody reads would
    /// take for ever. Whether it was. Whoever makes lines has ended before.
    pub fn end(self, patience: Duration) -> bool {
        self.log.send(Message::End);
        self.thread.end_within(patience)
    }

    /// Lines that were handed over and are not written.
    pub fn waiting(&self) -> usize {
        self.log.0.queue.lines.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::{LogDestination, Sample};

    const NOW: Timestamp = Timestamp(1_795_780_800_123_456_789);

    fn settings(path: &Path) -> model::AccessLog {
        let to = LogDestination::File(path.to_owned());
        let lines_waiting = BATCH_LINES_MAX.try_into().unwrap();
        model::AccessLog { lines_waiting, ..model::AccessLog::new(to) }
    }

    fn outside() -> Outside {
        Outside { clock: || NOW, key_hash: KeyHashSeed::new([7; 16]) }
    }

    #[test]
    fn what_finds_no_room_is_dropped_and_counted_and_nobody_waits() {
        let settings = settings(Path::new("access.log"));
        // Nobody reads what is handed over, as where a disk stands still.
        let (log, received) = AccessLog::new(Some(Arc::new(settings)), outside());
        let worker = log.of_worker(0);
        for _ in 0..3 * BATCH_LINES_MAX {
            worker.write(&Line::of_nothing());
        }
        let dropped = 2 * BATCH_LINES_MAX as u64;
        assert_eq!(log.counts(), AccessLogCounts { written: 0, dropped });
        let Ok(Message::Lines(batch)) = received.try_recv() else { panic!("a batch") };
        assert_eq!(batch.lines, BATCH_LINES_MAX);
        // Once it is written there is room again.
        log.0.queue.leave(batch.lines, batch.text.len());
        worker.write(&Line::of_nothing());
        drop(worker);
        assert_eq!((log.counts().dropped, log.0.queue.lines.load(Ordering::Relaxed)), (dropped, 1));
    }

    #[test]
    fn long_lines_take_the_room_of_several() {
        let settings = settings(Path::new("access.log"));
        let (log, _received) = AccessLog::new(Some(Arc::new(settings)), outside());
        let worker = log.of_worker(0);
        let path = "/a".repeat(2_000);
        let room = BATCH_LINES_MAX * LINE_MEAN_BYTES_MAX;
        for _ in 0..BATCH_LINES_MAX {
            worker.write(&Line { target: &path, ..Line::of_nothing() });
        }
        assert!(log.counts().dropped > 0);
        assert!(log.0.queue.bytes.load(Ordering::Relaxed) <= room);
    }

    #[test]
    fn all_that_was_handed_over_is_written_before_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["1.log", "2.log"].map(|name| settings(&folder.path().join(name)));
        let open = |settings: &model::AccessLog| OpenLog::open(Some(settings)).unwrap();
        let (log, thread) = AccessLog::start(open(&first), outside(), ()).unwrap();
        let worker = log.of_worker(0);
        for status in [200, 204] {
            worker.write(&Line { status, ..Line::of_nothing() });
        }
        worker.hand_over();
        log.switch(open(&second));
        worker.write(&Line { status: 404, ..Line::of_nothing() });
        drop(worker);
        assert!(thread.end(Duration::from_secs(10)));
        assert_eq!(log.counts(), AccessLogCounts { written: 3, dropped: 0 });
        let statuses = |log: &model::AccessLog| {
            let LogDestination::File(path) = &log.to else { panic!("a file") };
            let text = std::fs::read_to_string(path).unwrap();
            let of_line = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
            text.lines().map(|line| of_line(line)["status"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(
            (statuses(&first), statuses(&second)),
            (vec![200.into(), 204.into()], vec![404.into()])
        );
    }

    #[test]
    fn a_sample_has_its_share_of_what_went_well_and_all_of_the_rest() {
        let some = model::AccessLog {
            sample: Sample::percent(25.0).unwrap(),
            lines_waiting: 100_000.try_into().unwrap(),
            ..settings(Path::new("access.log"))
        };
        let (log, _received) = AccessLog::new(Some(Arc::new(some)), outside());
        let worker = log.of_worker(1);
        let written = |line: &Line<'_>| {
            worker.hand_over();
            let before = log.0.queue.lines.load(Ordering::Relaxed);
            (0..4_000).for_each(|_| worker.write(line));
            worker.hand_over();
            log.0.queue.lines.load(Ordering::Relaxed) - before
        };
        // The draws are those of one seed.
        assert!(written(&Line::of_nothing()).abs_diff(1_000) < 100);
        assert!(written(&Line { status: 404, ..Line::of_nothing() }) < 1_100);
        assert_eq!(written(&Line { status: 503, ..Line::of_nothing() }), 4_000);
        assert_eq!(written(&Line { is_whole: false, ..Line::of_nothing() }), 4_000);
    }
}
