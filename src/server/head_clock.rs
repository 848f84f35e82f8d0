//! The time of a head that is arriving.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::HEAD_SILENCES_MAX;

/// The time of a request's head that has begun and is not whole.
#[derive(Default)]
pub struct HeadClock {
    times: Cell<Option<HeadTimes>>,
    late: Cell<bool>,
    /// Who reads it and waits for more.
    reader: RefCell<Option<Waker>>,
}

#[derive(Clone, Copy)]
struct HeadTimes {
    begun: Instant,
    moved: Instant,
}

impl HeadClock {
    /// Takes note of bytes of a head that has more to come.
    pub fn moved(&self) {
        let moved = Instant::now();
        let begun = self.times.get().map_or(moved, |times| times.begun);
        self.times.set(Some(HeadTimes { begun, moved }));
    }

    /// Names whom to wake should the head be late.
    pub fn wait(&self, reader: &Waker) {
        let mut waiting = self.reader.borrow_mut();
        match &mut *waiting {
            Some(waiting) => waiting.clone_from(reader),
            None => *waiting = Some(reader.clone()),
        }
    }

    /// Ends once the head is late, for who reads what may be one.
    pub async fn late(&self) {
        poll_fn(|cx| {
            if self.is_late() {
                return Poll::Ready(());
            }
            self.wait(cx.waker());
            Poll::Pending
        })
        .await;
    }

    /// Takes note that the head is whole, or no longer waited for.
    pub fn stop(&self) {
        if self.times.take().is_some() {
            self.late.set(false);
            self.reader.take();
        }
    }

    pub fn is_running(&self) -> bool {
        self.times.get().is_some()
    }

    /// Whether the head has used up its time.
    pub fn is_late(&self) -> bool {
        self.late.get()
    }

    pub(super) fn check(&self, now: Instant, idle_since: Instant, silence: Duration) {
        let Some(HeadTimes { begun, moved }) = self.times.get() else { return };
        let since = |time: Instant| now.saturating_duration_since(time.max(idle_since));
        if since(moved) >= silence || since(begun) >= silence * HEAD_SILENCES_MAX {
            self.give_up();
        }
    }

    /// Declares the head late, and wakes its reader to hear it.
    pub fn give_up(&self) {
        self.late.set(true);
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}
