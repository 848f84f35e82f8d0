//! Who may send the next request, and when it is due.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use super::plan::Model;

/// How long after its end a run at a rate sends what was due and is not sent yet.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// Of requests that were never sent, so many are told apart.
const UNSENT_TOLD_MAX: u64 = 1_000_000;

/// The longest sleep: so soon is seen that the run was stopped.
const SLEEP_MAX: Duration = Duration::from_millis(50);

/// Leave to send one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    pub(super) due: Instant,
    /// When the ticket was taken, which is later if nobody was free.
    pub(super) taken: Instant,
}

/// The tickets of one thread. Of `threads` it gives every so many-th, from its `index`.
pub(super) struct Pace {
    pub(super) model: Model,
    pub(super) index: u64,
    pub(super) threads: u64,
    pub(super) origin: Instant,
    pub(super) duration: Duration,
    /// Of all threads.
    pub(super) requests_max: u64,
    pub(super) stopped: Arc<AtomicBool>,
    /// The next ticket of this thread.
    next: Cell<u64>,
    /// When it was first seen that the run was stopped.
    stop_seen: Cell<Option<Instant>>,
    /// Connections without one, in the order in which they became free: all are kept busy
    /// alike.
    free: RefCell<VecDeque<Waker>>,
}

enum Next {
    Now(Ticket),
    At(Instant),
    Never,
}

impl Pace {
    pub(super) fn new(
        model: Model,
        (index, threads): (u64, u64),
        origin: Instant,
        duration: Duration,
        requests_max: Option<u64>,
        stopped: Arc<AtomicBool>,
    ) -> Self {
        Self {
            model,
            index,
            threads,
            origin,
            duration,
            requests_max: requests_max.unwrap_or(u64::MAX),
            stopped,
            next: Cell::new(0),
            stop_seen: Cell::new(None),
            free: RefCell::default(),
        }
    }

    /// Waits for the next ticket; `None` at the end.
    pub(super) async fn next(&self) -> Option<Ticket> {
        poll_fn(|context| match self.look(Instant::now()) {
            Next::Now(ticket) => {
                self.next.set(self.next.get() + 1);
                Poll::Ready(Some(ticket))
            }
            Next::At(_) => {
                self.free.borrow_mut().push_back(context.waker().clone());
                Poll::Pending
            }
            Next::Never => Poll::Ready(None),
        })
        .await
    }

    /// Among the tickets of all threads.
    fn number(&self, of_thread: u64) -> u64 {
        of_thread.saturating_mul(self.threads).saturating_add(self.index)
    }

    fn look(&self, now: Instant) -> Next {
        let number = self.number(self.next.get());
        if self.stopped.load(Ordering::Relaxed) {
            let seen = self.stop_seen.get().unwrap_or(now);
            self.stop_seen.set(Some(seen));
            return Next::Never;
        }
        if number >= self.requests_max {
            return Next::Never;
        }
        match self.model {
            Model::Closed if now < self.origin + self.duration => {
                Next::Now(Ticket { due: now, taken: now })
            }
            Model::Closed => Next::Never,
            Model::Open(rate) => {
                let due = rate.due(number);
                let is_over = now >= self.origin + self.duration + GRACE;
                if due >= self.duration || is_over {
                    return Next::Never;
                }
                let due = self.origin + due;
                if due <= now { Next::Now(Ticket { due, taken: now }) } else { Next::At(due) }
            }
        }
    }

    /// When somebody may have to be woken although none is free now.
    fn first_due_after(&self, now: Instant) -> Instant {
        let Model::Open(rate) = self.model else { return now };
        let due = rate.count_before(now - self.origin);
        let of_thread = self.next.get().max(due / self.threads);
        let moments = (of_thread..).map(|next| self.origin + rate.due(self.number(next)));
        moments.into_iter().find(|&due| due > now).unwrap_or(now)
    }

    /// The requests that were due and that nobody was free to send; the run has ended. Each
    /// stands, with when it was due, for as many as are told with it.
    pub(super) fn unsent(&self) -> impl Iterator<Item = (Instant, u64)> {
        let (origin, model) = (self.origin, self.model);
        let numbers = match model {
            Model::Open(rate) => {
                let due = rate.count_before(self.until()).min(self.requests_max);
                // Its own of them: `index`, and every so many-th after it.
                self.next.get()..due.saturating_sub(self.index).div_ceil(self.threads)
            }
            Model::Closed => 0..0,
        };
        let (threads, index, end) = (self.threads, self.index, numbers.end);
        let count = numbers.end.saturating_sub(numbers.start);
        let step = count.div_ceil(UNSENT_TOLD_MAX).max(1);
        numbers.step_by(usize::try_from(step).unwrap_or(usize::MAX)).map(move |next| {
            let due = match model {
                Model::Open(rate) => rate.due(next * threads + index),
                Model::Closed => Duration::ZERO,
            };
            (origin + due, step.min(end - next))
        })
    }

    /// Until when requests were to be sent, after the start. Who stops a run does not want
    /// the rest of it, nor what was due while nobody had seen that yet.
    fn until(&self) -> Duration {
        let stopped = self.stop_seen.get().and_then(|seen| seen.checked_sub(SLEEP_MAX));
        let stopped = stopped.map(|at| at.saturating_duration_since(self.origin));
        stopped.map_or(self.duration, |at| at.min(self.duration))
    }

    /// Wakes whoever is free when a ticket is due, until the end.
    ///
    /// The kernel's timer, since that of the runtime counts in milliseconds, and a request
    /// takes less.
    pub(super) async fn drive(&self) -> io::Result<()> {
        if matches!(self.model, Model::Closed) {
            return Ok(());
        }
        let timer = Timer::new()?;
        loop {
            let now = Instant::now();
            let sleep = match self.look(now) {
                Next::Now(_) => {
                    // Each of the woken takes one, and wakes the next if more are due.
                    let free = self.free.borrow_mut().pop_front();
                    match free {
                        Some(waker) => {
                            waker.wake();
                            tokio::task::yield_now().await;
                            continue;
                        }
                        // All are busy, and take what is due when they are free.
                        None => self.first_due_after(now) - now,
                    }
                }
                Next::At(due) => due - now,
                Next::Never => {
                    self.free.borrow_mut().drain(..).for_each(Waker::wake);
                    return Ok(());
                }
            };
            timer.sleep(sleep.min(SLEEP_MAX)).await?;
        }
    }
}

/// A timer of nanoseconds.
struct Timer(AsyncFd<OwnedFd>);

impl Timer {
    fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[expect(
            deprecated,
            reason = "what took its place asks for `unsafe`, to hear that the descriptor is owned and stays"
        )]
        let timer = AsyncFd::new(timer)?;
        Ok(Self(timer))
    }

    async fn sleep(&self, time: Duration) -> io::Result<()> {
        let (seconds, nanos) = (time.as_secs(), time.subsec_nanos().max(1));
        let it_value =
            Timespec { tv_sec: seconds.try_into().unwrap_or(i64::MAX), tv_nsec: nanos.into() };
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        let setting = Itimerspec { it_interval, it_value };
        // Setting it anew also takes back that it has rung, so nothing is read.
        timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &setting)?;
        self.0.readable().await?.clear_ready();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::rate::Rate;
    use super::*;

    #[test]
    fn what_was_due_before_a_run_was_stopped_is_unsent_and_nothing_after_that() {
        let rate = Rate { from: 100.0, to: 100.0, over: Duration::ZERO };
        let unsent = |stopped_after: Duration| {
            let (origin, stopped) = (Instant::now(), Arc::new(AtomicBool::new(true)));
            let second = Duration::from_secs(1);
            let pace = Pace::new(Model::Open(rate), (0, 1), origin, second, None, stopped);
            assert!(matches!(pace.look(origin + stopped_after), Next::Never));
            assert!(matches!(pace.look(origin + 2 * second), Next::Never));
            pace.unsent().map(|(_, count)| count).sum::<u64>()
        };
        assert_eq!(unsent(Duration::ZERO), 0);
        assert_eq!(unsent(Duration::from_millis(500)), 45);
        assert_eq!(unsent(Duration::from_millis(1_500)), 100);
    }
}
