//! What is noted of a request once its course is complete.

use super::passage::{Ending, Passage};
use super::worker::Worker;
use crate::observe::{Answering, Cut, Finished};
use crate::routing::{Answerer, Decision, REFUSED};

impl Worker {
    /// Takes note of a request whose course is complete: every request comes by here, once,
    /// whoever answered it, and whether anybody did.
    #[inline]
    pub(super) fn complete(&self, passage: &Passage<'_>) {
        let Passage { decision, notes, .. } = passage;
        let environment = passage.visitor.environment;
        let (answering, is_canary, reason) = match decision {
            None => (Answering::Nobody(environment), false, REFUSED),
            Some(Decision { answerer: Answerer::Origin(_), reason, .. }) => {
                (Answering::Origin(environment), false, reason.index())
            }
            Some(Decision { answerer: Answerer::Version(target), reason, .. }) => {
                let nobody = Answering::Nobody(environment);
                let answering = target.tally.map_or(nobody, |tally| Answering::Version(tally.0));
                (answering, target.is_canary, reason.index())
            }
        };
        let class = passage.status.map_or(0, |status| usize::from(status.as_u16() / 100));
        self.requests.finish(&Finished {
            answering,
            environment,
            is_canary,
            reason,
            class: class.min(5),
            cut: match passage.ending {
                Ending::Whole => None,
                Ending::OfClient => Some(Cut::ByClient),
                Ending::OfUpstream(_) => Some(Cut::ByUpstream),
            },
            attempts: notes.attempts(),
            duration: passage.duration(),
            connect: notes.connect(),
            first_byte: notes.first_byte(),
            bytes_in: notes.bytes_in(),
            bytes_out: passage.bytes_out,
        });
    }
}
