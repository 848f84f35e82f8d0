//! One request to one of an upstream's endpoints, and to another while that does no harm.
//!
//! - A connection that answered before may have died unnoticed: the request goes out on a
//!   new one, to the same endpoint. Who fails it again is left for another endpoint.
//! - An endpoint that takes no connection has seen nothing: the next one is asked, whatever
//!   the request is.
//! - An endpoint may have seen a request whose connection died. It is sent a second time,
//!   on a new connection, when it is idempotent and has no body (RFC 9110, section 9.2.2)
//!   and the budget allows it; to another endpoint once.
//!
//! All of that happens in the time that one attempt would have had. The budget bounds what
//! is sent twice; where nothing was sent, no endpoint gets more to do.

use tokio::time::Instant;

use super::ejection::is_gateway_failure;
use super::endpoints::{Chosen, Noted, Tried};
use super::error::ProxyError;
use super::exchange::{Attempt, Failure, Replied, Says, Waits, exchange, is_safe};
use super::headers::Head;
use super::passage::Notes;
use super::upload::Upload;
use super::worker::Worker;
use crate::model::{Endpoint, Policy, Upstream};

/// Endpoints that one request is sent to, at most.
const ENDPOINTS_TRIED_MAX: usize = 3;

/// Other connections to the same endpoint that one request is sent over, at most, where
/// there is no other endpoint: a peer may refuse every stream.
const RESENDS_MAX: u32 = 3;

/// A request that has no response.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) error: ProxyError,
    /// Whether it can be sent elsewhere without harm: nothing of it was sent, or it may be
    /// done twice and no whole head of a response was heard.
    pub(super) is_repeatable: bool,
    /// Who failed it, for the log alone: where an upstream is, is not told to clients.
    pub(super) endpoint: Option<Endpoint>,
}

impl From<ProxyError> for Failed {
    fn from(error: ProxyError) -> Self {
        Self { error, is_repeatable: false, endpoint: None }
    }
}

/// Where a request goes, and how it may go on from there.
pub(super) struct Course<'a> {
    upstream: &'a Upstream,
    policy: &'a Policy,
    chosen: Chosen,
    tried: Tried,
    began: Instant,
    /// It was sent to another endpoint after one may have seen it.
    moved_on: bool,
    /// Times that it was sent again to the endpoint that it is sent to now.
    resent: u32,
}

impl<'a> Course<'a> {
    pub(super) fn endpoint(&self) -> &'a Endpoint {
        &self.upstream.endpoints()[self.chosen.index]
    }
}

impl Worker {
    /// Chooses where a request to `upstream` goes first, `now`.
    pub(super) fn set_out<'a>(
        &self,
        upstream: &'a Upstream,
        policy: &'a Policy,
        now: Instant,
    ) -> Result<Course<'a>, Failed> {
        self.budget.earn(policy.retries);
        let mut tried = Tried::default();
        let chosen = self.endpoints.choose(upstream, tried, policy.ejection.as_ref());
        let Some(chosen) = chosen else {
            let error = ProxyError::NoEndpoint;
            return Err(Failed { error, is_repeatable: true, endpoint: None });
        };
        tried.add(chosen);
        Ok(Course { upstream, policy, chosen, tried, began: now, moved_on: false, resent: 0 })
    }

    /// Sends a request on its course.
    pub(super) async fn send(
        &self,
        mut course: Course<'_>,
        head: &impl Head,
        mut upload: Upload,
        waits: Waits,
        notes: &Notes,
    ) -> Result<Replied, Failed> {
        let (mut fresh, mut left, mut at) = (false, waits, course.began);
        loop {
            let is_safe = is_safe(head, &upload);
            let endpoint = course.endpoint();
            notes.attempt(course.chosen.index);
            let attempt = Attempt { endpoint, waits: left, fresh, at, notes };
            let failure = match exchange(&self.pool, attempt, head, upload).await {
                Ok(replied) => {
                    self.note(&course, !is_gateway_failure(replied.0.status));
                    return Ok(replied);
                }
                Err(failure) => failure,
            };
            if failure.says != Says::Aged && failure.error.is_endpoints() {
                self.note(&course, false);
            }
            let Failure { error, upload: mut unchanged, unsent, says, .. } = failure;
            if error.is_shortage() {
                // What is lacking here is lacking for everybody else as well.
                unchanged = None;
            }
            let is_repeatable = unchanged.is_some() || is_safe && error.is_silence();
            let failed = Failed { error, is_repeatable, endpoint: Some(endpoint.clone()) };
            let Some(again) = unchanged else {
                return Err(failed);
            };
            at = Instant::now();
            left = waits.after(at - course.began);
            if left.are_over() || !self.goes_on(&mut course, unsent, says) {
                return Err(failed);
            }
            self.traffic.fault(failed.error.kind());
            tracing::debug!(%endpoint, error = %failed.error, "request sent again");
            upload = again;
            fresh |= !unsent || says != Says::Failed;
        }
    }

    /// Whether there is another attempt for a request that is as it was, and where.
    fn goes_on(&self, course: &mut Course<'_>, unsent: bool, says: Says) -> bool {
        let is_once_more = says == Says::Aged && course.resent == 0;
        let next = if is_once_more { None } else { self.next(course, unsent) };
        if next.is_none() && (says == Says::Failed || course.resent == RESENDS_MAX) {
            return false;
        }
        if !unsent && !self.may_resend(course.policy) {
            return false;
        }
        if let Some(next) = next {
            course.moved_on |= !unsent;
            (course.chosen, course.resent) = (next, 0);
            course.tried.add(next);
        } else {
            course.resent += 1;
        }
        if unsent {
            self.traffic.count(|counts| {
                let is_moved = next.is_some();
                let count = if is_moved { &mut counts.moves } else { &mut counts.reconnects };
                *count += 1;
            });
        }
        true
    }

    /// Another endpoint that may be asked.
    fn next(&self, course: &Course<'_>, unsent: bool) -> Option<Chosen> {
        let Course { upstream, policy, tried, moved_on, .. } = *course;
        let are_tried =
            tried.count() as usize >= upstream.endpoints().len().min(ENDPOINTS_TRIED_MAX);
        if are_tried || !unsent && moved_on {
            return None;
        }
        self.endpoints.choose(upstream, tried, policy.ejection.as_ref())
    }

    fn may_resend(&self, policy: &Policy) -> bool {
        let may = self.budget.pay(policy.retries, Instant::now());
        self.traffic.count(|counts| {
            let count = if may { &mut counts.retries } else { &mut counts.retries_denied };
            *count += 1;
        });
        may
    }

    /// Takes note of how the endpoint did.
    fn note(&self, course: &Course<'_>, is_well: bool) {
        let Course { upstream, chosen, policy, .. } = course;
        let endpoint = course.endpoint();
        match self.endpoints.note(upstream, *chosen, is_well, policy.ejection.as_ref()) {
            Noted::Nothing => {}
            Noted::Returned => tracing::info!(%endpoint, "endpoint answers again"),
            Noted::Ejected(time) => {
                self.traffic.count(|counts| counts.ejections += 1);
                tracing::warn!(%endpoint, ?time, "endpoint ejected: it failed too often in a row");
            }
        }
    }
}
