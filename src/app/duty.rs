//! Threads that are missed when they end unasked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// What the threads of one Serin are to each other: whether all are well, and who
/// fell.
#[derive(Debug, Clone)]
pub(super) struct Roster {
    /// What `/readyz` says.
    pub(super) ready: Arc<AtomicBool>,
    fallen: Arc<Mutex<Vec<String>>>,
}

/// Held by a thread for as long as it runs. Dropped before the end was asked for, or
/// by a panic, it counts the thread as fallen, and Serin as not ready: a balancer
/// should learn at once that this one serves by halves.
pub(super) struct Duty {
    thread: String,
    roster: Roster,
    asked: watch::Receiver<bool>,
}

impl Roster {
    pub(super) fn new() -> Self {
        Self { ready: Arc::new(AtomicBool::new(true)), fallen: Arc::default() }
    }

    /// The duty of a thread that may end once `asked` is true.
    pub(super) fn duty(&self, thread: impl Into<String>, asked: watch::Receiver<bool>) -> Duty {
        Duty { thread: thread.into(), roster: self.clone(), asked }
    }

    /// The threads that have fallen so far.
    pub(super) fn fallen(&self) -> Vec<String> {
        self.fallen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Duty {
    fn drop(&mut self) {
        let panicked = std::thread::panicking();
        // Nobody left to ask means the same as to be asked.
        let asked = *self.asked.borrow() || self.asked.has_changed().is_err();
        if asked && !panicked {
            return;
        }
        self.roster.ready.store(false, Ordering::Release);
        let thread = std::mem::take(&mut self.thread);
        tracing::error!(thread, panicked, "a thread has fallen: serin is not ready any more");
        self.roster.fallen.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `work` on a thread that has a duty, which may end if `asked`: who fell,
    /// and whether all is still well.
    fn after(asked: bool, work: fn()) -> (Vec<String>, bool) {
        let roster = Roster::new();
        let (_ask, is_asked) = watch::channel(asked);
        let duty = roster.duty("worker-0", is_asked);
        let thread = std::thread::spawn(move || {
            let _duty = duty;
            work();
        });
        drop(thread.join());
        (roster.fallen(), roster.ready.load(Ordering::Acquire))
    }

    #[test]
    fn a_thread_that_ends_when_asked_is_not_missed() {
        assert_eq!(after(true, || {}), (vec![], true));
    }

    #[test]
    fn a_thread_that_ends_unasked_or_by_a_panic_has_fallen() {
        let fallen = (vec!["worker-0".to_owned()], false);
        assert_eq!(after(false, || {}), fallen);
        assert_eq!(after(false, || panic!("on purpose")), fallen);
        assert_eq!(after(true, || panic!("on purpose")), fallen);
    }
}
