//! What is noted of who came.

use http::request::Parts;

use super::headers::Client;
use super::worker::Worker;
use crate::observe::{Answered, Visit};
use crate::routing::{Decision, Reason, SplitNumber};

impl Worker {
    /// Takes note of a request of `user`, whose version of `split` is decided, and of who
    /// has answered it: an error of ours is no answer.
    pub(super) fn note_user(
        &self,
        (split, user): (SplitNumber, u64),
        parts: &Parts,
        client: &Client,
        decision: &Decision,
        is_answered: bool,
    ) {
        let by_split = matches!(decision.reason, Reason::Key | Reason::Failover);
        let answered = decision.target().filter(|_| is_answered && by_split).and_then(|target| {
            let (deployment, by) = target.deployment.zip(target.tally)?;
            Some(Answered { deployment: deployment.0, by: by.0 })
        });
        self.users.note(Visit { split: split.0, user, answered }, || {
            if let Some(minted) = &decision.minted {
                return Some(minted.value.clone().into_bytes());
            }
            let target = decision.assigned.as_ref().or(decision.target())?;
            self.proxy.table.read(|table| table.key_of(target, parts, client.address))
        });
    }
}
