//! What it takes to send a request elsewhere once its version has failed.

use super::failover::fails_over;
use super::upload::{Claim, Upload};
use crate::model::Failover;
use crate::routing::Decision;

/// A claim on the body of a request that somebody else may be asked to answer. Bodies are
/// never held, so one of which anything was read is gone.
pub(super) struct Spare(Claim);

impl Spare {
    /// `None` where nobody else would answer.
    pub(super) fn of(decision: &Decision, upload: &mut Upload, failover: Failover) -> Option<Self> {
        let helps = decision.fallback().is_some() || fails_over(decision, failover);
        helps.then(|| Self(upload.claim()))
    }

    /// What to send; `None` where the body can no longer be sent whole.
    pub(super) fn take(self) -> Option<Upload> {
        self.0.take()
    }
}
