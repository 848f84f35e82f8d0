//! A worker's part of the log: lines are made here, and handed over.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::line::Line;
use super::moment::Moments;
use super::{AccessLog, BATCH_BYTES, BATCH_LINES_MAX};
use crate::model::{self, LogFormat, Timestamp};

/// A line is handed over this long after it was made, at the latest.
const HAND_OVER_AFTER: Duration = Duration::from_millis(100);

/// The lines of one worker.
#[derive(Debug)]
pub struct WorkerAccessLog {
    log: AccessLog,
    /// Of the draws which requests are in the sample: another one for each worker.
    seed: u64,
    /// A copy, so that a request looks at nothing that others write.
    settings: RefCell<Option<Arc<model::AccessLog>>>,
    buffer: RefCell<Buffer>,
    draws: Cell<u64>,
    has_lines: Notify,
}

#[derive(Debug, Default)]
struct Buffer {
    text: Vec<u8>,
    lines: usize,
    moments: Moments,
}

impl AccessLog {
    /// `seed` draws which requests are in the sample.
    pub fn of_worker(&self, seed: u64) -> WorkerAccessLog {
        WorkerAccessLog {
            settings: RefCell::new(self.0.settings.borrow().clone()),
            log: self.clone(),
            seed,
            buffer: RefCell::default(),
            draws: Cell::new(0),
            has_lines: Notify::new(),
        }
    }
}

impl WorkerAccessLog {
    /// Whether requests are written down.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.settings.borrow().is_some()
    }

    /// The moment so long ago.
    pub fn before_now(&self, time: Duration) -> Timestamp {
        let now = (self.log.0.outside.clock)();
        let ns = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        Timestamp(now.0.saturating_sub(ns))
    }

    /// Writes `line`, if it is in the sample.
    pub fn write(&self, line: &Line<'_>) {
        let settings = self.settings.borrow();
        let Some(settings) = settings.as_deref() else { return };
        if !settings.sample.takes(self.draw()) && !line.is_failure() {
            return;
        }
        let mut buffer = self.buffer.borrow_mut();
        let Buffer { text, lines, moments } = &mut *buffer;
        if text.capacity() == 0 {
            *text = self.log.0.queue.spare();
        }
        match settings.format {
            LogFormat::Json => {
                let seed = self.log.0.outside.key_hash;
                line.write_json(settings.query, seed, moments, text);
            }
            LogFormat::Combined => line.write_combined(moments, text),
        }
        *lines += 1;
        if *lines == BATCH_LINES_MAX || text.len() >= BATCH_BYTES {
            self.log.hand_over(text, std::mem::take(lines));
        } else if *lines == 1 {
            self.has_lines.notify_one();
        }
    }

    fn draw(&self) -> u64 {
        let number = self.draws.get();
        self.draws.set(number.wrapping_add(1));
        xxh3_64_with_seed(&number.to_le_bytes(), self.seed)
    }

    /// Hands over what there is.
    pub fn hand_over(&self) {
        let mut buffer = self.buffer.borrow_mut();
        let Buffer { text, lines, .. } = &mut *buffer;
        if *lines > 0 {
            self.log.hand_over(text, std::mem::take(lines));
        }
    }

    /// Hands over lines that have waited for a while, for ever, and takes up what the log is
    /// told to be.
    pub async fn keep(&self) {
        let mut changes = self.log.0.settings.subscribe();
        // What came between the copy and this.
        changes.mark_changed();
        loop {
            tokio::select! {
                () = self.has_lines.notified() => {
                    tokio::time::sleep(HAND_OVER_AFTER).await;
                    self.hand_over();
                }
                told = changes.changed() => {
                    if told.is_err() {
                        return;
                    }
                    // Lines of the format before go before those of the next.
                    self.hand_over();
                    self.settings.replace(changes.borrow_and_update().clone());
                }
            }
        }
    }
}

impl Drop for WorkerAccessLog {
    fn drop(&mut self) {
        self.hand_over();
    }
}
