//! Whom a worker has decided about for the first time under the terms of a split, in the
//! order in which they came, and whose version has answered them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Terms;
use super::samples::{Samples, Seen};

/// The most users that are told apart of one split, by one worker.
pub(super) const OF_SPLIT_MAX: usize = 8_192;

/// The most users that are told apart of all splits, by one worker.
pub(super) const OF_ALL_MAX: usize = 262_144;

/// The most users of one split that wait for the checks, at one worker. Whoever comes when
/// as many wait is not looked at until the next time; which version answers has no part in
/// that.
const WAITING_MAX: usize = 4_096;

/// Whoever is not answered for so long is counted for the version that was to answer:
/// behind one that uploads for hours, nobody else would be.
const PENDING_MAX: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Firsts {
    users: Samples<()>,
    queues: Vec<Option<Box<Queue>>>,
    /// No number below is waited for in a queue that is forgotten.
    begin: u64,
}

impl Default for Firsts {
    fn default() -> Self {
        let users = Samples::new(OF_SPLIT_MAX, OF_ALL_MAX);
        Self { users, queues: Vec::new(), begin: 0 }
    }
}

/// The users of one split who wait for their answer, or for the checks.
#[derive(Debug)]
struct Queue {
    terms: Terms,
    /// The number of the first who waits.
    begin: u64,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    user: u64,
    at: Instant,
    /// The number at which the version is counted that is to answer, or has.
    by: u32,
    is_pending: bool,
}

/// A user whose first request has come to its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct First {
    pub(super) split: u32,
    pub(super) terms: Terms,
    pub(super) user: u64,
    pub(super) at: Instant,
    pub(super) by: u32,
}

impl Firsts {
    /// Takes up a user. A number for whoever is seen first, by which it is settled.
    #[inline]
    pub(super) fn note(&mut self, split: u32, user: u64, terms: Terms, by: u32) -> Option<u64> {
        let queue = match self.queues.get_mut(split as usize) {
            Some(Some(queue)) if queue.terms == terms => queue,
            _ => self.begin(split, terms),
        };
        if queue.waiting.len() >= WAITING_MAX
            || self.users.see(split, user, || (), |()| ()) != Seen::First
        {
            return None;
        }
        let queue = self.queues[split as usize].as_mut()?;
        queue.waiting.push_back(Waiting { user, at: Instant::now(), by, is_pending: true });
        Some(queue.begin + queue.waiting.len() as u64 - 1)
    }

    /// Begins anew: a worker decides by the newest table alone, so what differs is newer.
    #[cold]
    fn begin(&mut self, split: u32, terms: Terms) -> &mut Queue {
        self.users.restart(split);
        let split = split as usize;
        if self.queues.len() <= split {
            self.queues.resize_with(split + 1, || None);
        }
        let begin = self.begin;
        let none = || Box::new(Queue { terms, begin, waiting: VecDeque::new() });
        let queue = self.queues[split].get_or_insert_with(none);
        // Numbers are not given again, so who is answered late settles nobody else.
        queue.begin += queue.waiting.len() as u64;
        queue.waiting.clear();
        queue.terms = terms;
        queue
    }

    /// The request has come to its end: `by` whom it was answered, if it was.
    pub(super) fn settle(&mut self, split: u32, number: u64, by: Option<u32>) {
        let Some(Some(queue)) = self.queues.get_mut(split as usize) else { return };
        let place = number.checked_sub(queue.begin).and_then(|it| usize::try_from(it).ok());
        if let Some(waiting) = place.and_then(|place| queue.waiting.get_mut(place)) {
            waiting.is_pending = false;
            waiting.by = by.unwrap_or(waiting.by);
        }
    }

    /// When whoever is not answered yet came, the first of each split, with the terms.
    pub(super) fn pending(&self, now: Instant) -> Vec<(u32, Terms, Instant)> {
        let is_pending =
            |it: &&Waiting| it.is_pending && now.saturating_duration_since(it.at) < PENDING_MAX;
        let first = |(split, queue): (u32, &Queue)| {
            let pending = queue.waiting.iter().find(is_pending)?;
            Some((split, queue.terms, pending.at))
        };
        self.queues().filter_map(first).collect()
    }

    /// Those who came before the moment that is said of their split.
    pub(super) fn take(&mut self, before: impl Fn(u32) -> Instant) -> Vec<First> {
        let mut taken = Vec::new();
        for (split, queue) in self.queues.iter_mut().enumerate() {
            let Some(queue) = queue.as_mut().filter(|queue| !queue.waiting.is_empty()) else {
                continue;
            };
            let (split, terms) = (u32::try_from(split).unwrap_or(u32::MAX), queue.terms);
            let before = before(split);
            while let Some(Waiting { user, at, by, .. }) =
                queue.waiting.pop_front_if(|waiting| waiting.at < before)
            {
                queue.begin += 1;
                taken.push(First { split, terms, user, at, by });
            }
        }
        taken
    }

    /// The splits of which something is held.
    pub(super) fn splits(&self) -> Vec<u32> {
        self.queues().map(|(split, _)| split).collect()
    }

    /// Forgets a split. Whoever still waits there is settled in vain.
    pub(super) fn forget(&mut self, split: u32) {
        self.users.restart(split);
        if let Some(queue) = self.queues.get_mut(split as usize).and_then(Option::take) {
            self.begin = self.begin.max(queue.begin + queue.waiting.len() as u64);
        }
    }

    fn queues(&self) -> impl Iterator<Item = (u32, &Queue)> {
        (0..).zip(&self.queues).filter_map(|(split, queue)| Some((split, queue.as_deref()?)))
    }
}
