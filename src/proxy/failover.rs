//! What becomes of a request whose version failed: the deployment's other version answers,
//! or else the site's origin.

use tokio::time::Instant;

use super::answer::Answer;
use super::error::{Fault, ProxyError};
use super::handle::Errand;
use super::retry::Failed;
use super::spare::Spare;
use super::worker::Worker;
use crate::model::{Endpoint, Failover};
use crate::routing::{Answerer, Decision};

impl Worker {
    /// Sends a request elsewhere that its version has `failed`: to the other version
    /// where that cannot do it twice, then to the origin, as the route says. `decision`
    /// becomes what was done.
    pub(super) async fn elsewhere(
        &self,
        errand: Errand<'_>,
        mut failed: Failed,
        mut spare: Spare,
        decision: &mut Decision,
        key: Option<&[u8]>,
    ) -> Result<Answer, Failed> {
        let failover = errand.policy.failover;
        if failed.is_repeatable && fails_over(decision, failover) {
            let Some(mut upload) = spare.take() else {
                return Err(failed);
            };
            self.note_failure(&failed, decision);
            self.traffic.count(|counts| counts.failovers += 1);
            if let Some(tally) = decision.target().and_then(|target| target.tally) {
                self.tallies.failed_over(tally.0);
            }
            decision.fail_over();
            let next = Spare::of(decision, &mut upload, failover);
            let errand = Errand { at: Instant::now(), ..errand };
            match self.carry_out(errand, upload, decision, key).await {
                Err(again) if let Some(next) = next => (failed, spare) = (again, next),
                answered => return answered,
            }
        }
        if failed.error.falls_back()
            && let Some(origin) = decision.fallback().cloned()
            && let Some(upload) = spare.take()
        {
            self.note_failure(&failed, decision);
            self.traffic.count(|counts| counts.fallbacks += 1);
            decision.fall_back_to(origin);
            let errand = Errand { at: Instant::now(), ..errand };
            return self.carry_out(errand, upload, decision, None).await;
        }
        Err(failed)
    }

    /// Takes note of who has failed a request.
    pub(super) fn note_failure(&self, failed: &Failed, decision: &Decision) {
        let Failed { error, endpoint, .. } = failed;
        if error.fault() == Fault::Upstream
            && let Some(tally) = decision.target().and_then(|target| target.tally)
        {
            self.tallies.failed(tally.0);
        }
        self.complain(endpoint.as_ref(), error, &decision.answerer);
    }

    /// Complains of what failed a request, or broke its response off.
    pub(super) fn complain(
        &self,
        endpoint: Option<&Endpoint>,
        error: &ProxyError,
        answerer: &Answerer,
    ) {
        let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        if error.is_shortage() {
            return self.complaints.shortage(error, &cause);
        }
        if error.fault() != Fault::Upstream {
            tracing::debug!(%error, cause, "request failed");
            return;
        }
        self.traffic.fault(error.kind());
        match answerer {
            Answerer::Version(target) => self.complaints.version(target, endpoint, error, &cause),
            Answerer::Origin(origin) => self.complaints.origin(origin, endpoint, error, &cause),
        }
    }
}

/// Whether another version takes over should the one that was assigned fail.
#[inline]
pub(super) fn fails_over(decision: &Decision, policy: Failover) -> bool {
    match policy {
        Failover::None => false,
        Failover::OtherVersion => decision.other().is_some(),
    }
}
