//! A thread that asks Serin each second, so that no key waits for an answer.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryIter, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::sample::Sample;
use crate::client::{Endpoint, Subject};
use crate::operate::error::OperateError;

const REFRESH_EVERY: Duration = Duration::from_secs(1);

/// What is new: how it goes, or why nobody says.
pub(super) type News = Result<Sample, OperateError>;

/// What who looks wants to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) search: String,
    /// What is on the screen, and is asked about closely.
    pub(super) close: Vec<Subject>,
}

pub(super) struct Watch {
    news: Receiver<News>,
    wanted: Arc<Mutex<Wanted>>,
    /// Wakes the thread; dropped, it ends it.
    wake: Sender<()>,
}

impl Watch {
    pub(super) fn start(admin: Endpoint, search: String) -> Self {
        let (tell, news) = channel();
        let (wake, woken) = channel();
        let wanted = Arc::new(Mutex::new(Wanted { search, close: Vec::new() }));
        let asked = wanted.clone();
        std::thread::spawn(move || ask(&admin, &asked, &tell, &woken));
        Self { news, wanted, wake }
    }

    /// Waits for the first sample, which tells whether anybody is there.
    pub(super) fn first(&self) -> Result<News, OperateError> {
        match self.news.recv() {
            Ok(Err(error)) => Err(error),
            Ok(Ok(sample)) => Ok(Ok(sample)),
            Err(_) => unreachable!("the thread tells something before it ends"),
        }
    }

    /// What has come since.
    pub(super) fn news(&self) -> TryIter<'_, News> {
        self.news.try_iter()
    }

    /// From now on this is asked for, and at once where it is something else.
    pub(super) fn look_at(&self, wanted: Wanted) {
        let mut now = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if *now != wanted {
            *now = wanted;
            self.wake.send(()).unwrap_or_default();
        }
    }
}

fn ask(admin: &Endpoint, wanted: &Mutex<Wanted>, tell: &Sender<News>, woken: &Receiver<()>) {
    loop {
        let next = Instant::now() + REFRESH_EVERY;
        let Wanted { search, close } =
            wanted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if tell.send(Sample::take(admin, &search, &close)).is_err() {
            return;
        }
        match woken.recv_timeout(next.saturating_duration_since(Instant::now())) {
            // What is wanted now counts, however often it changed.
            Ok(()) => while woken.try_recv().is_ok() {},
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
