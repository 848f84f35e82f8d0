//! Whether every user got the version that is theirs: shared by all threads.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::counted::{Counted, Place};
use super::memory::Memory;
use super::period::Period;
use super::version::Versions;

/// Of what went wrong, so many cases are told; the rest are counted.
const EXAMPLES_MAX: usize = 10;

/// What is known of each user, and what came of it.
pub(super) struct Judge {
    /// One before and one after each deployment.
    pub(super) periods: Vec<Period>,
    pub(super) versions: Arc<Versions>,
    /// Twice the number of the period, and one more while a deployment is being made.
    moment: AtomicU32,
    users: Box<[AtomicU32]>,
    watch: Mutex<Watch>,
}

/// What was seen, and is rare enough for a lock.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    /// For each period.
    pub(super) counted: Vec<Counted>,
    pub(super) changes: Named<Change>,
    /// Users of `changes`, each once.
    pub(super) users_changed: u64,
    pub(super) disagreements: Named<Disagreement>,
    /// Answers that name a version which is not deployed.
    pub(super) strangers: u64,
}

/// A count, and a few cases.
#[derive(Debug, Clone)]
pub(super) struct Named<T> {
    pub(super) count: u64,
    pub(super) examples: Vec<T>,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self { count: 0, examples: Vec::new() }
    }
}

/// A user who changed version without a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) user: Vec<u8>,
    pub(super) from: usize,
    pub(super) to: usize,
    /// After the start.
    pub(super) at: Duration,
}

/// A user whose version is not that of the rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Disagreement {
    pub(super) user: Vec<u8>,
    pub(super) got: usize,
    pub(super) by_rule: usize,
    pub(super) at: Duration,
}

/// A request that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    moment: u32,
    /// In the line of its period.
    place: Option<u64>,
}

impl Judge {
    pub(super) fn new(periods: Vec<Period>, versions: Arc<Versions>, users: usize) -> Self {
        let counted = periods.iter().map(Counted::new);
        let watch = Watch {
            counted: counted.collect(),
            changes: Named::default(),
            users_changed: 0,
            disagreements: Named::default(),
            strangers: 0,
        };
        Self {
            periods,
            versions,
            moment: AtomicU32::new(0),
            users: (0..users).map(|_| AtomicU32::new(0)).collect(),
            watch: Mutex::new(watch),
        }
    }

    /// A deployment is about to be made: from here on an answer may show either split.
    pub(super) fn deployment_begins(&self) {
        self.moment.fetch_add(1, Ordering::SeqCst);
    }

    /// It was made: what is asked from here on shows the new split.
    pub(super) fn deployment_is_made(&self) {
        self.moment.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The period that is now, or the one before a deployment that is being made.
    pub(super) fn period_now(&self) -> usize {
        (self.moment.load(Ordering::SeqCst) / 2) as usize
    }

    /// Whether the rule that places users is known.
    pub(super) fn has_rule(&self) -> bool {
        self.periods.iter().all(Period::has_rule)
    }

    /// Whether it is known which versions there should be.
    pub(super) fn is_configured(&self) -> bool {
        self.periods.iter().all(|period| !period.shares.is_empty())
    }

    /// Users of whom a version was seen.
    pub(super) fn users_seen(&self) -> u64 {
        let seen = |user: &&AtomicU32| Memory(user.load(Ordering::Relaxed)).version().is_some();
        self.users.iter().filter(seen).count() as u64
    }

    /// A request of `user` is about to be sent.
    #[inline]
    pub(super) fn ask(&self, user: usize) -> Asked {
        let moment = self.moment.load(Ordering::SeqCst);
        let period = (moment / 2) as usize;
        let stands = Memory(self.users[user].load(Ordering::Relaxed)).stands_in(period);
        let is_certain = moment.is_multiple_of(2);
        let place = if is_certain && !stands { self.stand(user, period) } else { None };
        Asked { moment, place }
    }

    #[cold]
    fn stand(&self, user: usize, period: usize) -> Option<u64> {
        if !self.periods[period].is_checked() {
            return None;
        }
        let mut watch = self.watch();
        let before = self
            .remember(user, |memory| (!memory.stands_in(period)).then(|| memory.standing(period)));
        // Another thread may have been faster.
        before?;
        Some(watch.counted[period].stand())
    }

    /// There was no answer.
    pub(super) fn hear_nothing(&self, asked: Asked, user: usize) {
        self.leave_void(asked, user);
        self.end(asked, user, false);
    }

    /// There was an answer, and it does not say which version users get: it names none, or
    /// one that stepped in for another.
    pub(super) fn hear_no_version(&self, asked: Asked, user: usize) {
        self.leave_void(asked, user);
        self.end(asked, user, true);
    }

    /// The version that was to answer: the one of the rule, or else the one that the user
    /// had before.
    pub(super) fn expected(&self, asked: Asked, user: usize, key: &[u8]) -> Option<usize> {
        let mut expected = self.may_show(asked).iter().map(|period| period.expected(key));
        let first = expected.next().flatten();
        let by_rule = first.filter(|_| expected.all(|other| other == first));
        by_rule.or_else(|| Memory(self.users[user].load(Ordering::Relaxed)).version())
    }

    /// The splits that an answer may show: from the one that was there for certain when it
    /// was asked for, to the last that may be.
    fn may_show(&self, asked: Asked) -> &[Period] {
        let now = self.moment.load(Ordering::SeqCst);
        let last = (now.div_ceil(2) as usize).min(self.periods.len() - 1);
        &self.periods[asked.period()..=last]
    }

    /// Notes that a request of `user` has ended, in the period that it was certainly asked
    /// in.
    #[inline]
    fn end(&self, asked: Asked, user: usize, answered: bool) {
        let memory = Memory(self.users[user].load(Ordering::Relaxed));
        let period = asked.period();
        if asked.is_certain() && memory.ending(period, answered).is_some() {
            self.note(period, user, answered);
        }
    }

    #[cold]
    fn note(&self, period: usize, user: usize, answered: bool) {
        // What is remembered and what is counted change together.
        let mut watch = self.watch();
        let mut more = 0;
        self.remember(user, |memory| {
            let (memory, news) = memory.ending(period, answered)?;
            more = news;
            Some(memory)
        });
        let unanswered = &mut watch.counted[period].unanswered;
        *unanswered = unanswered.saturating_add_signed(more);
    }

    fn leave_void(&self, asked: Asked, user: usize) {
        if let Some(place) = asked.place {
            self.leave(asked, place, user, Place::Void);
        }
    }

    /// The answer named `version`. Whether that is the one of the rule; `None` without a
    /// rule.
    #[inline]
    pub(super) fn hear(
        &self,
        asked: Asked,
        user: usize,
        key: &[u8],
        version: usize,
        at: Duration,
    ) -> Option<bool> {
        let allowed = self.may_show(asked);
        if let [_] = allowed {
            self.settle(asked, user, key, version, at);
            if let Some(place) = asked.place {
                self.leave(asked, place, user, Place::Got(version));
            }
        } else {
            self.hear_no_version(asked, user);
        }
        self.agreement(allowed, key, version, at)
    }

    fn agreement(
        &self,
        allowed: &[Period],
        key: &[u8],
        version: usize,
        at: Duration,
    ) -> Option<bool> {
        let by_rule = allowed[0].by_rule(key);
        let agrees = by_rule == Some(version)
            || allowed[1..].iter().any(|period| period.by_rule(key) == Some(version));
        if agrees {
            return Some(true);
        }
        let is_known = allowed.iter().any(|period| period.has(version));
        if by_rule.is_none() && is_known {
            return None;
        }
        let mut watch = self.watch();
        if !is_known {
            watch.strangers += 1;
        }
        let by_rule = by_rule?;
        let user = key.to_vec();
        watch.disagreements.add(|| Disagreement { user, got: version, by_rule, at });
        Some(false)
    }

    /// Remembers what `user` got in a period that it was certainly asked in.
    #[inline]
    fn settle(&self, asked: Asked, user: usize, key: &[u8], version: usize, at: Duration) {
        let (memory, period) = (Memory(self.users[user].load(Ordering::Relaxed)), asked.period());
        // Whoever has this version in this period was answered in it.
        if memory.version() != Some(version) || memory.period() != period {
            self.take_up(period, user, key, version, at);
            self.end(asked, user, true);
        }
    }

    #[cold]
    fn take_up(&self, period: usize, user: usize, key: &[u8], version: usize, at: Duration) {
        let mut watch = self.watch();
        let before = self.remember(user, |memory| {
            // An answer of an earlier period may be judged late.
            let is_late = memory.version().is_some() && memory.period() > period;
            let is_same = memory.version() == Some(version) && memory.period() == period;
            (!is_late && !is_same).then(|| memory.seen(version, period))
        });
        let Some(before) = before else { return };
        match before.version() {
            Some(from) if before.period() == period => {
                watch.changes.add(|| Change { user: key.to_vec(), from, to: version, at });
                let marked = self.remember(user, |memory| {
                    let is_new = memory.0 & Memory::CHANGED == 0;
                    is_new.then_some(Memory(memory.0 | Memory::CHANGED))
                });
                watch.users_changed += u64::from(marked.is_some());
            }
            Some(from) if before.period() + 1 == period => {
                let rules = [period - 1, period].map(|at| self.periods[at].by_rule(key));
                let counted = &mut watch.counted[period];
                counted.keys[version] += 1;
                counted.cross(from, version, rules);
            }
            _ => watch.counted[period].keys[version] += 1,
        }
    }

    /// Changes what is known of a user: what was before, unless it stays.
    fn remember(
        &self,
        user: usize,
        mut change: impl FnMut(Memory) -> Option<Memory>,
    ) -> Option<Memory> {
        let changed =
            self.users[user].fetch_update(Ordering::Relaxed, Ordering::Relaxed, |memory| {
                change(Memory(memory)).map(|Memory(changed)| changed)
            });
        changed.ok().map(Memory)
    }

    #[cold]
    fn leave(&self, asked: Asked, place: u64, user: usize, outcome: Place) {
        let period = asked.period();
        let mut watch = self.watch();
        if outcome == Place::Void {
            // The next request of this user stands in line again.
            self.remember(user, |memory| {
                memory.stands_in(period).then(|| memory.standing_nowhere())
            });
        }
        watch.counted[period].settle(place, outcome, &self.periods[period]);
    }
}

impl Asked {
    /// The period that was certainly there, or was about to end.
    const fn period(self) -> usize {
        (self.moment / 2) as usize
    }

    /// Whether no deployment was being made then.
    const fn is_certain(self) -> bool {
        self.moment.is_multiple_of(2)
    }
}

impl<T> Named<T> {
    fn add(&mut self, example: impl FnOnce() -> T) {
        self.count += 1;
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(example());
        }
    }
}

#[cfg(test)]
mod tests;
