//! A thread whose end is waited for, and not for ever.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct PatientThread {
    thread: JoinHandle<()>,
    /// Its other side never says anything: it is dropped when the thread ends.
    ended: Receiver<()>,
}

impl PatientThread {
    pub(super) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let (end, ended) = channel();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _end = end;
            work();
        })?;
        Ok(Self { thread, ended })
    }

    /// Whether it has ended within `patience`. If not, it is left to itself.
    pub(super) fn end_within(self, patience: Duration) -> bool {
        let has_ended = self.ended.recv_timeout(patience) == Err(RecvTimeoutError::Disconnected);
        if has_ended {
            // How it ended, its duty has told.
            drop(self.thread.join());
        }
        has_ended
    }
}
