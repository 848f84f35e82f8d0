//! Whose requests come: which users, with what key and how often, lately; and whether the
//! versions answer the shares of them that were asked for. Each worker notes for itself, a
//! reader adds up.
//!
//! A split is known by its number: one routine or app in one environment. A user is known by
//! a hash of the key whose seed nobody else knows, so that no one can choose keys of which
//! none, or all, are noted.

mod check;
mod firsts;
mod heavy;
mod recent;
mod samples;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use self::check::Checks;
pub use self::check::{Checked, CheckedVersion, Configured};
use self::firsts::Firsts;
use self::recent::Recent;
pub use self::recent::{RECENT_SESSION, RECENT_WINDOW, RecentUser, RecentUsers};

/// The users of all workers.
#[derive(Debug, Clone)]
pub struct Users {
    workers: Arc<[Mutex<OfWorker>]>,
    checks: Arc<Mutex<Checks>>,
    since: Instant,
}

/// The users of one worker. Only a reader ever contends for its lock: who asks for the recent
/// users of one split, for as long as it takes to copy them, and once a second the checks, for
/// as long as it takes to walk through the splits and to take those who wait.
#[derive(Debug, Clone)]
pub struct WorkerUsers {
    all: Users,
    worker: usize,
}

#[derive(Debug, Default)]
struct OfWorker {
    recent: Recent,
    firsts: Firsts,
}

/// What says who a user is, and which version is theirs. Where it changes, users are counted
/// anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Where keys come from, and the cohort for which they are placed, as a hash.
    pub placing: u64,
    pub deployment: u64,
}

/// One request of a user.
#[derive(Debug, Clone, Copy)]
pub struct Visit {
    pub split: u32,
    /// The hash of the key.
    pub user: u64,
    pub terms: Terms,
    /// Where the key decides between two versions, the number at which the decided one is
    /// counted.
    pub assigned: Option<u32>,
}

/// A user who was seen for the first time and is not answered yet. Dropped, nobody has
/// answered, and the user counts for the version that was to: a request that fails, or a
/// client that leaves, is no other division of users.
#[derive(Debug)]
#[must_use = "dropped, nobody has answered"]
pub struct Unanswered {
    users: WorkerUsers,
    split: u32,
    number: u64,
    by: Option<u32>,
}

impl Users {
    pub fn new(workers: usize) -> Self {
        let workers = (0..workers).map(|_| Mutex::default()).collect();
        Self { workers, checks: Arc::default(), since: Instant::now() }
    }

    /// The users of `worker`, from 0 to less than the number given to `new`.
    pub fn of_worker(&self, worker: usize) -> WorkerUsers {
        assert!(worker < self.workers.len(), "every worker has its users");
        WorkerUsers { all: self.clone(), worker }
    }

    /// Who came to `split` in this window of time and the one before, with a key from where
    /// keys come from now, which `placing` says (as in [`Terms`]).
    pub fn recent(&self, split: u32, placing: u64) -> RecentUsers {
        let parts =
            self.workers.iter().flat_map(|worker| lock(worker).recent.parts(split, placing));
        RecentUsers::of(parts.collect())
    }

    /// Begins the next window of time, and forgets who came before the last. Splits that are
    /// none any more are forgotten, too.
    pub fn turn(&self, is_split: impl Fn(u32) -> bool) {
        for worker in self.workers.iter() {
            let mut gone = lock(worker).firsts.splits();
            gone.retain(|split| !is_split(*split));
            let mut users = lock(worker);
            for split in gone {
                users.firsts.forget(split);
            }
            let forgotten = users.recent.turn();
            drop(users);
            // Much to free, while nobody waits.
            drop(forgotten);
        }
        lock(&self.checks).retain(is_split);
    }

    /// Has the checks take up whom the workers have seen for the first time since the last
    /// time. `configured` says how a split is deployed now, `None` where it has one version.
    /// Returns the splits that have raised the alarm thereby. From one time to the next, whoever
    /// comes is taken to come at the same moment.
    ///
    /// They are taken up in the order in which they came, whichever worker had them, and up
    /// to the first who is not answered yet and has not waited for long. In the order of their
    /// answers, or without those who wait, a version that is slower would look like one that
    /// gets too few.
    pub fn check(&self, configured: impl Fn(u32) -> Option<Configured>) -> Vec<u32> {
        // Whoever comes after this moment is not among those looked at.
        let now = Instant::now();
        // Of 136 years.
        let now_s = u32::try_from(now.duration_since(self.since).as_secs()).unwrap_or(u32::MAX);
        let mut pending: BTreeMap<u32, Instant> = BTreeMap::new();
        for worker in self.workers.iter() {
            let mut users = lock(worker);
            users.recent.tick(now_s);
            let of_worker = users.firsts.pending(now);
            drop(users);
            for (split, terms, at) in of_worker {
                // What is left of other terms holds nobody up.
                if configured(split).is_some_and(|configured| configured.terms == terms) {
                    let first = pending.entry(split).or_insert(at);
                    *first = at.min(*first);
                }
            }
        }
        let before = |split| pending.get(&split).map_or(now, |at| now.min(*at));
        let taken = self.workers.iter().flat_map(|worker| lock(worker).firsts.take(before));
        let mut firsts: Vec<_> = taken.collect();
        firsts.sort_by_key(|first| first.at);
        lock(&self.checks).take_up(&firsts, configured)
    }

    /// The splits whose alarm is raised, in the order of their numbers.
    pub fn alarmed(&self) -> Vec<u32> {
        lock(&self.checks).alarmed()
    }

    /// What the check of `split` has come to; `None` where nobody was answered yet.
    pub fn checked(&self, split: u32) -> Option<Checked> {
        lock(&self.checks).of(split)
    }
}

impl WorkerUsers {
    /// Notes a request that is decided. `key` gives the octets of the key, and is asked of
    /// few.
    #[inline]
    pub fn note(&self, visit: Visit, key: impl Fn() -> Option<Vec<u8>>) -> Option<Unanswered> {
        let Visit { split, user, terms, assigned } = visit;
        let mut users = lock(&self.all.workers[self.worker]);
        users.recent.note(split, terms.placing, user, key);
        let number = users.firsts.note(split, user, terms, assigned?)?;
        Some(Unanswered { users: self.clone(), split, number, by: None })
    }

    /// Notes a request without a key from where keys come from.
    pub fn note_keyless(&self, split: u32, placing: u64) {
        lock(&self.all.workers[self.worker]).recent.note_keyless(split, placing);
    }
}

impl Unanswered {
    /// The version that is counted at `number` has.
    pub fn answered_by(mut self, number: u32) {
        self.by = Some(number);
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let worker = &self.users.all.workers[self.users.worker];
        lock(worker).firsts.settle(self.split, self.number, self.by);
    }
}

fn lock<T>(noted: &Mutex<T>) -> MutexGuard<'_, T> {
    noted.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
