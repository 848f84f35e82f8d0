//! The connections that are there, and what the accept loop knows of them.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::task::Waker;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::Patience;
use super::head_clock::HeadClock;

/// Since it was accepted, a connection has this long for its first request although
/// Serin drains or is short of descriptors. Clients send again what was lost on a
/// connection that they had used before, and not what was lost on a new one.
pub(super) const NEWCOMER_PATIENCE: Duration = Duration::from_secs(1);

/// A connection without a request for this long keeps no memory for the next one.
const PARKED_AFTER: Duration = Duration::from_secs(1);

/// The connections of one listener on one thread.
#[derive(Default)]
pub(super) struct Connections {
    present: RefCell<Vec<Weak<Presence>>>,
}

impl Connections {
    pub(super) fn enter(&self) -> Rc<Presence> {
        let presence = Rc::new(Presence::new());
        self.present.borrow_mut().push(Rc::downgrade(&presence));
        presence
    }

    /// One walk a sweep, and no timer for each connection, so that a request pays
    /// nothing for the idle time-out but a look at the clock.
    pub(super) fn sweep(&self, patience: Patience) {
        let now = Instant::now();
        self.present.borrow_mut().retain(|presence| {
            let Some(presence) = presence.upgrade() else {
                return false;
            };
            presence.check(now, patience);
            true
        });
    }

    pub(super) fn dismiss_all(&self) {
        for presence in self.present.borrow().iter().filter_map(Weak::upgrade) {
            presence.dismiss(true);
        }
    }
}

/// One connection, as the accept loop sees it.
pub struct Presence {
    running: Cell<u32>,
    pub(super) idle_since: Cell<Instant>,
    /// Bytes wait until the client takes some.
    is_unwritten: Cell<bool>,
    /// When they last did.
    unwritten_until: Cell<Instant>,
    /// Until its first request.
    newcomer_until: Cell<Option<Instant>>,
    first_request: Notify,
    is_dismissed: Cell<bool>,
    is_draining: Cell<bool>,
    dismissal: Notify,
    /// Whether it has been idle for a while, and whom to tell.
    has_been_idle: Cell<bool>,
    waiter: RefCell<Option<Waker>>,
    pub(super) head: HeadClock,
}

impl Presence {
    /// A connection that has just come.
    #[expect(clippy::new_without_default, reason = "a look at the clock is no default")]
    pub fn new() -> Self {
        Self {
            running: Cell::new(0),
            idle_since: Cell::new(Instant::now()),
            is_unwritten: Cell::new(false),
            unwritten_until: Cell::new(Instant::now()),
            newcomer_until: Cell::new(Some(Instant::now() + NEWCOMER_PATIENCE)),
            first_request: Notify::new(),
            is_dismissed: Cell::new(false),
            is_draining: Cell::new(false),
            dismissal: Notify::new(),
            has_been_idle: Cell::new(false),
            waiter: RefCell::default(),
            head: HeadClock::default(),
        }
    }

    /// Dismisses an idle connection, and gives up a head that is late. A head that
    /// arrives while a request runs has time until that is over.
    fn check(&self, now: Instant, patience: Patience) {
        if self.is_at_work() {
            return;
        }
        let idle_since = self.idle_since.get();
        if self.head.is_running() {
            self.head.check(now, idle_since, patience.request_head);
        } else if now - idle_since >= patience.idle {
            self.dismiss(false);
        } else if now - idle_since >= PARKED_AFTER {
            self.rest();
        }
    }

    /// Takes note that the connection has been idle for so long that it should keep no
    /// memory.
    pub fn rest(&self) {
        if !self.has_been_idle.replace(true) {
            self.wake();
        }
    }

    /// Whether it has, until its next request.
    pub fn has_been_idle(&self) -> bool {
        self.has_been_idle.get()
    }

    /// Names whom to wake when the connection has been idle for a while, or is dismissed.
    pub fn wait(&self, waiter: &Waker) {
        match &mut *self.waiter.borrow_mut() {
            Some(waiting) => waiting.clone_from(waiter),
            waiting => *waiting = Some(waiter.clone()),
        }
    }

    fn wake(&self) {
        if let Some(waiter) = self.waiter.take() {
            waiter.wake();
        }
    }

    pub fn is_dismissed(&self) -> bool {
        self.is_dismissed.get()
    }

    /// The time of the head that is arriving, kept by who reads it.
    pub fn head(&self) -> &HeadClock {
        &self.head
    }

    /// Whether a request runs, or bytes of a response wait for the client. The body of a
    /// response ends long before its last byte is taken: what writes it holds the rest.
    pub(super) fn is_at_work(&self) -> bool {
        self.running.get() > 0 || self.is_unwritten.get()
    }

    /// When the client last had no room for what is to be written: now, if it has none.
    pub fn full_until(&self) -> Instant {
        if self.is_unwritten.get() { Instant::now() } else { self.unwritten_until.get() }
    }

    /// Takes note that the client has no room for what is to be written. Whoever writes
    /// gives it up, should that last.
    pub(super) fn waits_to_write(&self) {
        self.is_unwritten.set(true);
    }

    /// Takes note that something was written.
    pub(super) fn has_written(&self) {
        if self.is_unwritten.replace(false) {
            self.unwritten_until.set(Instant::now());
            self.moved();
        }
    }

    /// Takes note that the client has taken some of a response.
    pub fn moved(&self) {
        // The end of a request that runs is noted, too.
        if self.running.get() == 0 {
            self.idle_since.set(Instant::now());
        }
    }

    /// Marks a request as running until the returned value is dropped.
    pub fn busy(self: &Rc<Self>) -> Busy {
        self.running.set(self.running.get() + 1);
        self.has_been_idle.set(false);
        if self.newcomer_until.take().is_some() {
            self.first_request.notify_one();
        }
        Busy { presence: self.clone(), ended: None }
    }

    /// Whether a request is running.
    pub fn is_busy(&self) -> bool {
        self.running.get() > 0
    }

    /// Asks the connection to finish what it does and close.
    pub fn finish(&self) {
        self.dismiss(false);
    }

    pub(super) fn dismiss(&self, is_draining: bool) {
        self.is_dismissed.set(true);
        self.is_draining.set(self.is_draining.get() || is_draining);
        self.dismissal.notify_one();
        self.wake();
    }

    /// Ends when the connection should finish what it does and close. It must run on
    /// meanwhile, so that a request that has been sent is read before it closes.
    pub async fn dismissed(&self) {
        while !self.is_dismissed.get() {
            self.dismissal.notified().await;
        }
        if self.is_draining.get()
            && let Some(end) = self.newcomer_until.get()
        {
            drop(tokio::time::timeout_at(end, self.first_request.notified()).await);
        }
        // The event loop tells of what has arrived once every task has had its turn.
        tokio::task::yield_now().await;
    }
}

/// A request that is running.
pub struct Busy {
    presence: Rc<Presence>,
    ended: Option<Instant>,
}

impl Busy {
    /// The request has ended `now`, as somebody has just seen on the clock.
    pub fn end(mut self, now: Instant) {
        self.ended = Some(now);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let Self { presence, ended } = self;
        presence.running.set(presence.running.get() - 1);
        presence.idle_since.set(ended.unwrap_or_else(Instant::now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;

    /// Long enough for what must end, and no test waits for it.
    const LONG: Duration = Duration::from_secs(30);

    fn on_a_runtime(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime").block_on(test);
    }

    async fn leaves(presence: &Presence, within: Duration) -> bool {
        tokio::time::timeout(within, presence.dismissed()).await.is_ok()
    }

    #[test]
    fn a_drain_lets_a_newcomer_ask_once() {
        on_a_runtime(async {
            let connections = Connections::default();
            let newcomer = connections.enter();
            connections.dismiss_all();
            assert!(!leaves(&newcomer, Duration::from_millis(20)).await);
            // Who has shaken hands meanwhile is told once more.
            drop(newcomer.busy());
            assert!(leaves(&newcomer, LONG).await);
        });
    }

    #[test]
    fn who_asks_for_nothing_for_a_while_rests_until_it_asks_again() {
        on_a_runtime(async {
            let presence = Rc::new(Presence::new());
            let patience = Patience { idle: LONG, request_head: LONG, drain: LONG };
            let (now, later) = (Instant::now(), Instant::now() + 2 * PARKED_AFTER);
            presence.check(now, patience);
            assert!(!presence.has_been_idle());
            let busy = presence.busy();
            presence.check(later, patience);
            assert!(!presence.has_been_idle());
            drop(busy);
            presence.check(later, patience);
            assert!(presence.has_been_idle());
            drop(presence.busy());
            assert!(!presence.has_been_idle());
        });
    }

    #[test]
    fn a_drain_waits_for_no_newcomer_for_ever_and_an_idle_one_goes_at_once() {
        on_a_runtime(async {
            let connections = Connections::default();
            let silent = connections.enter();
            let idle = connections.enter();
            drop(idle.busy());
            connections.dismiss_all();
            assert!(leaves(&idle, NEWCOMER_PATIENCE / 2).await);
            assert!(leaves(&silent, LONG).await);
        });
    }
}
