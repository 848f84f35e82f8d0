//! One thread of a run: what its connections share.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

use super::connect::Opener;
use super::fault::Fault;
use super::head::{Answer, Reading};
use super::judge::{Asked, Judge};
use super::pace::{Pace, Ticket};
use super::plan::Plan;
use super::request::Written;
use super::tally::Tally;
use super::visits::Visits;

pub(super) struct Lane {
    pub(super) plan: Arc<Plan>,
    pub(super) judge: Arc<Judge>,
    pub(super) opener: Opener,
    pub(super) pace: Pace,
    pub(super) written: Written,
    pub(super) reading: Reading,
    pub(super) visits: RefCell<Visits>,
    pub(super) tally: RefCell<Tally>,
}

/// A request that is under way: whose, and when it was due.
pub(super) struct Errand {
    user: usize,
    asked: Asked,
    ticket: Ticket,
}

impl Lane {
    /// Whose turn it is: writes the key of a user into `key`.
    #[inline]
    pub(super) fn begin(&self, ticket: Ticket, key: &mut Vec<u8>) -> Errand {
        let user = self.visits.borrow_mut().next(key);
        Errand { user, asked: self.judge.ask(user), ticket }
    }

    /// When waiting for an answer ends.
    pub(super) fn end_of(&self, ticket: Ticket) -> Instant {
        ticket.taken + self.plan.timeout
    }

    /// Takes up what came of it.
    #[inline]
    pub(super) fn finish(&self, errand: &Errand, key: &[u8], heard: Result<Answer, Fault>) {
        let Errand { user, asked, ticket } = *errand;
        let now = Instant::now();
        let latencies = (now - ticket.due, now - ticket.taken);
        let at = now - self.pace.origin;
        let mut tally = self.tally.borrow_mut();
        match heard {
            Ok(Answer { status, version, failed_over, .. }) => {
                tally.answered(version, status, at, latencies);
                match version {
                    Some(_) if failed_over => {
                        tally.failed_over += 1;
                        self.judge.hear_nothing(asked, user);
                    }
                    Some(version) => {
                        let judged = self.judge.hear(asked, user, key, version, at);
                        tally.judged += u64::from(judged.is_some());
                    }
                    None => self.judge.hear_nothing(asked, user),
                }
            }
            Err(fault) => {
                tally.failed(fault, latencies);
                self.judge.hear_nothing(asked, user);
            }
        }
    }
}
