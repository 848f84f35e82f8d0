//! What is due later: when the next publish starts, and waiting for that and for the
//! next letter at once.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::model::{Catalog, Timestamp};

/// The clock is looked at so often while something waits: it may have been set.
const WAIT_MAX: Duration = Duration::from_mins(1);
/// What is due and could not be stored is tried again after this long.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

pub(super) fn is_due(catalog: &Catalog, now: Timestamp) -> bool {
    catalog.schedule.get_min().is_some_and(|(start, ..)| *start <= now)
}

/// How long to wait for a letter; `None` where nothing waits for its time. What is
/// due was tried right before.
pub(super) fn patience(catalog: &Catalog, now: Timestamp) -> Option<Duration> {
    let (start, ..) = catalog.schedule.get_min()?;
    let until = start.0.saturating_sub(now.0);
    Some(match u64::try_from(until) {
        Ok(nanos @ 1..) => Duration::from_nanos(nanos).min(WAIT_MAX),
        _ => RETRY_PAUSE,
    })
}

/// What a wait ended with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received<T> {
    Letter(T),
    /// Time is up, or nearly.
    Nothing,
    Closed,
}

/// Blocks one thread on an inbox, for a while.
pub(super) struct Sleeper(Waker);

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Sleeper {
    pub(super) fn of_this_thread() -> Self {
        Self(Arc::new(Unpark(thread::current())).into())
    }

    /// Must be called on the thread that the sleeper was made on.
    pub(super) fn receive<T>(
        &self,
        inbox: &mut mpsc::Receiver<T>,
        patience: Option<Duration>,
    ) -> Received<T> {
        let end = patience.map(|patience| Instant::now() + patience);
        let mut context = Context::from_waker(&self.0);
        loop {
            match inbox.poll_recv(&mut context) {
                Poll::Ready(Some(letter)) => return Received::Letter(letter),
                Poll::Ready(None) => return Received::Closed,
                Poll::Pending => {}
            }
            match end.map(|end| end.saturating_duration_since(Instant::now())) {
                None => thread::park(),
                Some(Duration::ZERO) => return Received::Nothing,
                Some(left) => thread::park_timeout(left),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AppId;

    fn catalog(starts: &[i64]) -> Catalog {
        let app = AppId::new("app-880688675783790000").unwrap();
        let entry = |&start| (Timestamp(start), start, app.clone());
        Catalog { schedule: starts.iter().map(entry).collect(), ..Catalog::default() }
    }

    #[test]
    fn the_wait_ends_when_the_next_publish_is_due() {
        let second = Duration::from_secs(1);
        let waiting = catalog(&[5_000_000_000, 2_000_000_000]);
        assert_eq!(patience(&catalog(&[]), Timestamp(0)), None);
        assert_eq!(patience(&waiting, Timestamp(1_000_000_000)), Some(second));
        assert!(!is_due(&waiting, Timestamp(1_999_999_999)));
        assert!(is_due(&waiting, Timestamp(2_000_000_000)));
        // The clock may be set forward while it waits.
        assert_eq!(patience(&catalog(&[i64::MAX]), Timestamp(0)), Some(WAIT_MAX));
        // What could not be stored is not tried without pause.
        assert_eq!(patience(&waiting, Timestamp(3_000_000_000)), Some(RETRY_PAUSE));
    }

    #[test]
    fn a_letter_ends_the_wait_and_so_does_time() {
        let (sender, mut inbox) = mpsc::channel(1);
        let sleeper = Sleeper::of_this_thread();
        assert_eq!(sleeper.receive(&mut inbox, Some(Duration::ZERO)), Received::Nothing);
        let other = thread::spawn(move || sender.blocking_send(7).map(|()| sender));
        assert_eq!(sleeper.receive(&mut inbox, None), Received::Letter(7));
        drop(other.join().unwrap().unwrap());
        assert_eq!(sleeper.receive(&mut inbox, None), Received::Closed);
    }
}
