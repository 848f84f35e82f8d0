//! Whom a worker has decided about for the first time under the terms of a split, in the
//! order in which they came, and who has answered them.

use std::collections::VecDeque;
use std::time::Instant;

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

#[derive(Debug)]
pub(super) struct Firsts {
    users: Samples<()>,
    queues: Vec<Option<Box<Queue>>>,
}

impl Default for Firsts {
    fn default() -> Self {
        Self { users: Samples::new(OF_SPLIT_MAX, OF_ALL_MAX), queues: Vec::new() }
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
    outcome: Outcome,
}

/// What became of a user's first request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Pending,
    /// By the version that is counted at this number.
    Answered(u32),
    /// An error of ours, or the client was gone before.
    Nobody,
}

/// A user whose first request was answered.
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
    pub(super) fn note(&mut self, split: u32, user: u64, terms: Terms) -> Option<u64> {
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
        queue.waiting.push_back(Waiting { user, at: Instant::now(), outcome: Outcome::Pending });
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
        let none = || Box::new(Queue { terms, begin: 0, waiting: VecDeque::new() });
        let queue = self.queues[split].get_or_insert_with(none);
        // Numbers are not given again, so who is answered late settles nobody else.
        queue.begin += queue.waiting.len() as u64;
        queue.waiting.clear();
        queue.terms = terms;
        queue
    }

    pub(super) fn settle(&mut self, split: u32, number: u64, outcome: Outcome) {
        let Some(Some(queue)) = self.queues.get_mut(split as usize) else { return };
        let place = number.checked_sub(queue.begin).and_then(|it| usize::try_from(it).ok());
        if let Some(waiting) = place.and_then(|place| queue.waiting.get_mut(place)) {
            waiting.outcome = outcome;
        }
    }

    /// When whoever is not answered yet came, the first of each split.
    pub(super) fn pending(&self) -> impl Iterator<Item = (u32, Instant)> {
        self.queues().filter_map(|(split, queue)| {
            let mut waiting = queue.waiting.iter();
            let pending = waiting.find(|waiting| waiting.outcome == Outcome::Pending)?;
            Some((split, pending.at))
        })
    }

    /// Those who came before the moment that is said of their split, and were answered.
    pub(super) fn take(&mut self, before: impl Fn(u32) -> Instant) -> Vec<First> {
        let mut taken = Vec::new();
        for (split, queue) in self.queues.iter_mut().enumerate() {
            let Some(queue) = queue.as_mut().filter(|queue| !queue.waiting.is_empty()) else {
                continue;
            };
            let (split, terms) = (u32::try_from(split).unwrap_or(u32::MAX), queue.terms);
            let before = before(split);
            while let Some(Waiting { user, at, outcome }) =
                queue.waiting.pop_front_if(|waiting| waiting.at < before)
            {
                queue.begin += 1;
                if let Outcome::Answered(by) = outcome {
                    taken.push(First { split, terms, user, at, by });
                }
            }
        }
        taken
    }

    /// Forgets the splits that are none any more.
    pub(super) fn retain(&mut self, is_split: impl Fn(u32) -> bool) {
        let gone: Vec<u32> =
            self.queues().map(|(split, _)| split).filter(|split| !is_split(*split)).collect();
        for split in gone {
            self.users.restart(split);
            // Whoever still waits there is settled in vain.
            self.queues[split as usize] = None;
        }
    }

    fn queues(&self) -> impl Iterator<Item = (u32, &Queue)> {
        (0..).zip(&self.queues).filter_map(|(split, queue)| Some((split, queue.as_deref()?)))
    }
}
