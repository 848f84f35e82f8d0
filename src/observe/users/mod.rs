//! Whose requests come: which users, with what key and how often, lately; and whether the
//! versions answer the shares of them that were asked for. Each worker notes for itself, a
//! reader adds up.
//!
//! A split is known by its number: one routine or app in one environment. A user is known by a
//! hash of the key whose seed nobody else knows, so that no one can choose who is noted.

mod check;
mod firsts;
mod recent;
mod samples;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::check::Checks;
pub use self::check::{Checked, CheckedVersion, Configured};
use self::firsts::Firsts;
use self::recent::Recent;
pub use self::recent::{RecentUser, RecentUsers};

/// The users of all workers.
#[derive(Debug, Clone)]
pub struct Users {
    workers: Arc<[Mutex<OfWorker>]>,
    checks: Arc<Mutex<Checks>>,
}

/// The users of one worker. Nobody but a reader ever contends for its lock.
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

/// One request of a user.
#[derive(Debug, Clone, Copy)]
pub struct Visit {
    pub split: u32,
    /// The hash of the key.
    pub user: u64,
    /// `None` where no version of a split has answered.
    pub answered: Option<Answered>,
}

/// Which version has answered, under which deployment.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    pub deployment: u64,
    /// The number by which the version is counted.
    pub by: u32,
}

impl Users {
    pub fn new(workers: usize) -> Self {
        let workers = (0..workers).map(|_| Mutex::default()).collect();
        Self { workers, checks: Arc::default() }
    }

    /// The users of `worker`, from 0 to less than the number given to `new`.
    pub fn of_worker(&self, worker: usize) -> WorkerUsers {
        assert!(worker < self.workers.len(), "every worker has its users");
        WorkerUsers { all: self.clone(), worker }
    }

    /// Who came to `split` in this window of time and the one before.
    pub fn recent(&self, split: u32) -> RecentUsers {
        let workers: Vec<_> = self.workers.iter().map(lock).collect();
        RecentUsers::of(workers.iter().flat_map(|worker| worker.recent.samples(split)))
    }

    /// Begins the next window of time, and forgets who came before the last.
    pub fn turn(&self) {
        self.workers.iter().for_each(|worker| lock(worker).recent.turn());
    }

    /// Has the checks take up whom the workers have answered for the first time since the
    /// last time. `configured` says how a split is deployed now, `None` where it has one
    /// version. Returns the splits that have raised the alarm thereby.
    pub fn check(&self, configured: impl Fn(u32) -> Option<Configured>) -> Vec<u32> {
        let firsts = self.workers.iter().map(|worker| lock(worker).firsts.take());
        // A lock at a time: a worker waits for none but its own.
        let firsts: Vec<_> = firsts.collect();
        lock(&self.checks).take_up(firsts.iter().flatten(), configured)
    }

    /// What the check of `split` has come to; `None` where nobody was answered yet.
    pub fn checked(&self, split: u32) -> Option<Checked> {
        lock(&self.checks).of(split)
    }
}

impl WorkerUsers {
    /// Notes a request. `key` gives the octets of the key, and is asked of few.
    #[inline]
    pub fn note(&self, visit: Visit, key: impl FnOnce() -> Option<Vec<u8>>) {
        let Visit { split, user, answered } = visit;
        let mut users = lock(&self.all.workers[self.worker]);
        users.recent.note(split, user, key);
        if let Some(answered) = answered {
            users.firsts.note(split, user, answered);
        }
    }
}

fn lock<T>(noted: &Mutex<T>) -> MutexGuard<'_, T> {
    noted.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64_with_seed;

    use super::*;

    const SPLIT: u32 = 6;

    fn hash(key: &str) -> u64 {
        xxh3_64_with_seed(key.as_bytes(), 7)
    }

    fn visit(worker: &WorkerUsers, key: &str, answered: Option<Answered>) {
        let visit = Visit { split: SPLIT, user: hash(key), answered };
        worker.note(visit, || Some(key.as_bytes().to_vec()));
    }

    /// Version 1 of the tests is to get `percent`, and 0 the rest.
    fn canary(deployment: u64, percent: u32) -> impl Fn(u32) -> Option<Configured> {
        let versions = vec![(0, f64::from(100 - percent)), (1, f64::from(percent))];
        move |split| {
            assert_eq!(split, SPLIT);
            Some(Configured { deployment, versions: versions.clone() })
        }
    }

    /// Has `worker` answer `keys`, every tenth of them by version 1.
    fn answer_tenths(worker: &WorkerUsers, deployment: u64, keys: std::ops::Range<u32>) {
        for key in keys {
            let by = u32::from(key % 10 == 0);
            visit(worker, &format!("u-{key}"), Some(Answered { deployment, by }));
        }
    }

    fn observed(users: &Users) -> Vec<u64> {
        let checked = users.checked(SPLIT).expect("somebody was answered");
        checked.versions.iter().map(|version| version.users).collect()
    }

    #[test]
    fn recent_users_are_added_up_over_workers_and_windows() {
        let users = Users::new(2);
        let workers = [users.of_worker(0), users.of_worker(1)];
        visit(&workers[0], "a", None);
        users.turn();
        for worker in &workers {
            visit(worker, "a", None);
            visit(worker, "b", None);
        }
        let requests = |users: &Users| {
            let recent = users.recent(SPLIT);
            assert!((recent.share - 1.0).abs() < 1e-12);
            let text = |user: RecentUser| {
                (String::from_utf8(user.key.unwrap().into()).unwrap(), user.requests)
            };
            let mut all: Vec<_> = recent.users.into_iter().map(text).collect();
            all.sort();
            all
        };
        assert_eq!(requests(&users), [("a".to_owned(), 3), ("b".to_owned(), 2)]);
        users.turn();
        assert_eq!(requests(&users), [("a".to_owned(), 2), ("b".to_owned(), 2)]);
        users.turn();
        assert_eq!(requests(&users), []);
        assert!(users.recent(SPLIT + 1).users.is_empty());
    }

    #[test]
    fn a_user_of_several_workers_counts_once() {
        let users = Users::new(2);
        for worker in [0, 1, 0] {
            answer_tenths(&users.of_worker(worker), 3, 0..1_000);
            assert!(users.check(canary(3, 10)).is_empty());
        }
        assert_eq!(observed(&users), [900, 100]);
    }

    #[test]
    fn a_split_that_is_not_what_was_asked_for_raises_the_alarm_once() {
        let users = Users::new(1);
        let worker = users.of_worker(0);
        answer_tenths(&worker, 3, 0..4_000);
        assert_eq!(users.check(canary(3, 20)), [SPLIT]);
        let checked = users.checked(SPLIT).unwrap();
        assert!(checked.alarm.is_some_and(|at| at < 1_000), "{checked:?}");
        assert!(checked.p_value < 0.001);
        answer_tenths(&worker, 3, 4_000..5_000);
        assert!(users.check(canary(3, 20)).is_empty());
        assert!(users.checked(SPLIT).unwrap().alarm.is_some());
    }

    #[test]
    fn a_deployment_begins_the_check_again() {
        let users = Users::new(1);
        let worker = users.of_worker(0);
        answer_tenths(&worker, 3, 0..1_000);
        users.check(canary(3, 10));
        // Of the next deployment, before the check has heard of it.
        answer_tenths(&worker, 4, 0..500);
        assert!(users.check(canary(3, 10)).is_empty());
        assert_eq!(observed(&users), [900, 100]);
        answer_tenths(&worker, 4, 500..700);
        users.check(canary(4, 10));
        assert_eq!(observed(&users), [180, 20]);
        // Stragglers of the last deployment.
        answer_tenths(&worker, 3, 5_000..6_000);
        users.check(canary(4, 10));
        assert_eq!(observed(&users), [180, 20]);
    }

    #[test]
    fn what_has_one_version_is_not_checked() {
        let users = Users::new(1);
        answer_tenths(&users.of_worker(0), 3, 0..1_000);
        users.check(canary(3, 10));
        answer_tenths(&users.of_worker(0), 4, 0..10);
        assert!(users.check(|_| None).is_empty());
        assert_eq!(users.checked(SPLIT), None);
    }

    #[test]
    fn a_version_that_is_no_part_of_the_split_is_not_counted() {
        let users = Users::new(1);
        visit(&users.of_worker(0), "a", Some(Answered { deployment: 3, by: 9 }));
        users.check(canary(3, 10));
        assert_eq!(observed(&users), [0, 0]);
    }
}
