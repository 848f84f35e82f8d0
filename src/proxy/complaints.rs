//! What is said in the log about upstreams that fail, and clients that are too many.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

use super::error::ProxyError;
use super::seats::Full;
use crate::model::{Endpoint, Upstream};
use crate::routing::{SiteOrigin, Target};

/// Warns about upstreams: a dead one is news, not a flood. Origins are warned about for
/// themselves, because one is asked just after a version has failed. And of clients for
/// whom there is no room, and of what Serin has run out of.
#[derive(Default)]
pub(super) struct Complaints {
    versions: Limit,
    origins: Limit,
    clients: Limit,
    shortages: Limit,
}

impl Complaints {
    pub(super) fn version(
        &self,
        target: &Target,
        endpoint: Option<&Endpoint>,
        error: &ProxyError,
        cause: &str,
    ) {
        let Some(withheld) = self.versions.pass() else { return };
        let (subject, version) = (&target.subject, &target.version);
        let kind = subject.noun();
        let upstream = at(endpoint, target.upstream.as_ref());
        tracing::warn!(kind, name = %subject, %version, upstream, cause, withheld, "{error}");
    }

    pub(super) fn full(&self, full: Full) {
        let Some(withheld) = self.clients.pass() else { return };
        tracing::warn!(withheld, "{full}, so one more was turned away");
    }

    pub(super) fn shortage(&self, error: &ProxyError, cause: &str) {
        let Some(withheld) = self.shortages.pass() else { return };
        tracing::warn!(cause, withheld, "{error}");
    }

    pub(super) fn origin(
        &self,
        origin: &SiteOrigin,
        endpoint: Option<&Endpoint>,
        error: &ProxyError,
        cause: &str,
    ) {
        let Some(withheld) = self.origins.pass() else { return };
        let site = &origin.site;
        let routine = origin.routine.as_ref().map(|(name, _)| name.as_str());
        let upstream = at(endpoint, Some(&origin.upstream));
        tracing::warn!(%site, origin = upstream, routine, cause, withheld, "{error}");
    }
}

/// The endpoint that failed, or all of them where none was asked.
fn at<'a>(endpoint: Option<&'a Endpoint>, upstream: Option<&'a Upstream>) -> Option<&'a str> {
    endpoint.map(Endpoint::as_str).or(upstream.map(Upstream::as_str))
}

/// Once a second at most.
#[derive(Default)]
struct Limit {
    last: Cell<Option<Instant>>,
    withheld: Cell<u64>,
}

impl Limit {
    const EVERY: Duration = Duration::from_secs(1);

    /// How many were held back before one that passes.
    fn pass(&self) -> Option<u64> {
        let now = Instant::now();
        if self.last.get().is_some_and(|last| now - last < Self::EVERY) {
            self.withheld.set(self.withheld.get() + 1);
            return None;
        }
        self.last.set(Some(now));
        Some(self.withheld.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Domain;

    #[test]
    fn a_complaint_a_second_passes_and_those_about_origins_by_themselves() {
        let complaints = Complaints::default();
        let origin = SiteOrigin {
            site: Domain::new("a.test").unwrap(),
            upstream: Upstream::new("http://127.0.0.1:1").unwrap(),
            routine: None,
        };
        for _ in 0..3 {
            complaints.origin(&origin, None, &ProxyError::Switched, "");
        }
        assert_eq!(complaints.versions.pass(), Some(0));
        assert_eq!(complaints.origins.pass(), None);
        complaints.origins.last.set(Instant::now().checked_sub(Limit::EVERY));
        assert_eq!(complaints.origins.pass(), Some(3));
    }
}
