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
use super::tally::{Tally, Waited};
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
    pub(super) region: usize,
    asked: Asked,
    ticket: Ticket,
}

impl Lane {
    /// Whose turn it is: writes the key of a user into `key`.
    #[inline]
    pub(super) fn begin(&self, ticket: Ticket, key: &mut Vec<u8>) -> Errand {
        let (user, region) = self.visits.borrow_mut().next(key);
        Errand { user, region, asked: self.judge.ask(user), ticket }
    }

    /// When waiting for an answer ends.
    pub(super) fn end_of(&self, ticket: Ticket) -> Instant {
        ticket.taken + self.plan.timeout
    }

    /// Takes up what came of it.
    #[inline]
    pub(super) fn finish(&self, errand: &Errand, key: &[u8], heard: Result<Answer, Fault>) {
        let Errand { user, asked, ticket, .. } = *errand;
        let now = Instant::now();
        let waited = Waited { since_due: now - ticket.due, since_sent: now - ticket.taken };
        let at = now - self.pace.origin;
        let mut tally = self.tally.borrow_mut();
        match heard {
            Ok(Answer { status, version: Some(version), failed_over, more, .. }) => {
                tally.answered(version, status, at, waited);
                if more {
                    tally.spoke_unasked(Some(version));
                }
                if failed_over {
                    tally.failed_over += 1;
                    self.judge.hear_no_version(asked, user);
                } else {
                    let judged = self.judge.hear(asked, user, key, version, at);
                    tally.judged += u64::from(judged.is_some());
                }
            }
            Ok(Answer { status, version: None, more, .. }) => {
                let expected = self.judge.expected(asked, user, key);
                tally.answered_by_nobody(expected, status, waited);
                if more {
                    tally.spoke_unasked(None);
                }
                self.judge.hear_no_version(asked, user);
            }
            Err(fault) => {
                tally.failed(fault, self.judge.expected(asked, user, key), waited);
                self.judge.hear_nothing(asked, user);
            }
        }
    }
}
