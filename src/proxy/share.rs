//! Each worker's share of the connections.
//!
//! All workers accept from the same sockets, and whoever is woken first would take most of
//! what comes at once, and serve it alone for as long as it lasts. So a worker gives what it
//! accepts to one that has fewer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::SharedProxy;
use crate::server::{Accepted, Passed};

/// A worker that has so many more than another gives to that one: this many, or this part of
/// what the other has.
const AHEAD_MIN: usize = 1;
const AHEAD_PART: usize = 16;

/// The workers, and how many connections each serves.
#[derive(Debug, Default)]
pub(super) struct ByWorker(Mutex<Vec<Entry>>);

#[derive(Debug)]
struct Entry {
    served: Arc<AtomicUsize>,
    /// Where it takes connections of each listener.
    doors: Vec<UnboundedSender<Passed>>,
}

/// The connections of one worker, among those of all.
pub(super) struct Share {
    proxy: SharedProxy,
    own: Arc<AtomicUsize>,
}

/// A connection of a worker, until it is dropped.
pub(super) struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn of(served: &Arc<AtomicUsize>) -> Self {
        served.fetch_add(1, Ordering::Relaxed);
        Self(served.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl ByWorker {
    fn with<T>(&self, look: impl FnOnce(&mut Vec<Entry>) -> T) -> T {
        // What is inside is whole at every moment, so a panic elsewhere spoils nothing.
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where somebody who serves fewer than the worker with `own` takes connections of a
    /// listener. It is counted among theirs from here on.
    fn behind(
        &self,
        own: &Arc<AtomicUsize>,
        door: usize,
    ) -> Option<(UnboundedSender<Passed>, Counted)> {
        self.with(|all| {
            let served = |entry: &&Entry| entry.served.load(Ordering::Relaxed);
            let others = all.iter().filter(|other| !Arc::ptr_eq(&other.served, own));
            let other = others.min_by_key(served)?;
            let fewest = served(&other);
            let ahead = fewest + AHEAD_MIN.max(fewest / AHEAD_PART);
            let is_ahead = own.load(Ordering::Relaxed) >= ahead;
            let door = other.doors.get(door).filter(|_| is_ahead)?;
            Some((door.clone(), Counted::of(&other.served)))
        })
    }
}

impl Share {
    /// That of one more worker, and where it is given connections of each listener.
    pub(super) fn of(proxy: &SharedProxy, doors: usize) -> (Self, Vec<UnboundedReceiver<Passed>>) {
        let own = Arc::new(AtomicUsize::new(0));
        let (doors, passed) = (0..doors).map(|_| unbounded_channel()).unzip();
        let entry = Entry { served: own.clone(), doors };
        proxy.seats.by_worker.with(|all| all.push(entry));
        (Self { proxy: proxy.clone(), own }, passed)
    }

    pub(super) fn count(&self) -> Counted {
        Counted::of(&self.own)
    }

    /// Gives a connection to a worker that has fewer, or back.
    pub(super) fn pass(&self, door: usize, accepted: Accepted) -> Option<Accepted> {
        let Some((other, counted)) = self.proxy.seats.by_worker.behind(&self.own, door) else {
            return Some(accepted);
        };
        // One that ends takes no more.
        let unsent = match Passed::new(accepted, counted) {
            Ok(passed) => other.send(passed).err()?.0.take(),
            Err(error) => Err(error),
        };
        unsent.inspect_err(|error| tracing::warn!(%error, "a connection is lost")).ok()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let is_other = |entry: &Entry| !Arc::ptr_eq(&entry.served, &self.own);
        self.proxy.seats.by_worker.with(|all| all.retain(is_other));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_serves_more_than_another_gives_to_that_one() {
        let all = ByWorker::default();
        let enter = |count| {
            let served = Arc::new(AtomicUsize::new(count));
            let (door, _) = unbounded_channel();
            all.with(|all| all.push(Entry { served: served.clone(), doors: vec![door] }));
            served
        };
        let first = enter(9);
        assert!(all.behind(&first, 0).is_none(), "there is nobody else");
        let second = enter(9);
        assert!(all.behind(&first, 0).is_none() && all.behind(&second, 0).is_none());
        first.fetch_add(1, Ordering::Relaxed);
        let (_, counted) = all.behind(&first, 0).unwrap();
        assert!(all.behind(&first, 0).is_none(), "what is on its way is counted");
        drop(counted);
        assert!(all.behind(&first, 0).is_some());
        assert!(all.behind(&second, 0).is_none());
        assert!(all.behind(&first, 1).is_none(), "there is no such listener");
    }

    #[test]
    fn a_few_more_among_many_are_no_matter() {
        let all = ByWorker::default();
        for count in [320, 339] {
            let served = Arc::new(AtomicUsize::new(count));
            let (door, _) = unbounded_channel();
            all.with(|all| all.push(Entry { served, doors: vec![door] }));
        }
        let more = all.with(|all| all[1].served.clone());
        assert!(all.behind(&more, 0).is_none());
        more.fetch_add(1, Ordering::Relaxed);
        assert!(all.behind(&more, 0).is_some());
    }
}
