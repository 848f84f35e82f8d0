//! What is noted of who came.

use http::request::Parts;

use super::headers::Client;
use super::worker::Worker;
use crate::observe::{Terms, Unanswered, Visit};
use crate::routing::{Decision, Reason, RoutingTable};

impl Worker {
    /// Takes note of whose request it is that `table` has decided about, in `decision`, too.
    /// Where a key decided
    /// between versions, whoever is seen for the first time is to be told who has answered.
    #[inline]
    pub(super) fn note_user(
        &self,
        table: &RoutingTable,
        parts: &Parts,
        client: &Client,
        decision: &mut Decision,
    ) -> Option<Unanswered> {
        if decision.reason == Reason::Only
            && let Some(target) = decision.target()
        {
            // No key decided. Who comes is known even so, before there is a choice.
            decision.user = table.user_of(target, parts, client.address, &self.proxy.draws);
        }
        let target = decision.target()?;
        let user = match decision.reason {
            Reason::Key | Reason::Only => decision.user,
            Reason::Spread => None,
            Reason::Override | Reason::Region | Reason::Failover | Reason::Origin => return None,
        };
        let split = target.split.0;
        let Some(user) = user else {
            self.users.note_keyless(split, target.placing);
            return None;
        };
        let terms = Terms { placing: target.placing, deployment: target.deployment?.0 };
        let is_divided = decision.reason == Reason::Key;
        let assigned = target.tally.filter(|_| is_divided).map(|tally| tally.0);
        let visit = Visit { split, user: user.hash, terms, assigned };
        self.users.note(visit, || match &decision.minted {
            Some(minted) => Some(minted.value.clone().into_bytes()),
            None => table.key_of(target, parts, client.address),
        })
    }
}
