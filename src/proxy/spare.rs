//! What it takes to send a request elsewhere once its version has failed.

use http::Request;
use http::request::Parts;

use super::failover::fails_over;
use super::upload::{Claim, Upload};
use crate::model::Failover;
use crate::routing::Decision;

/// A request kept as it came.
pub(super) struct Spare {
    parts: Parts,
    /// Bodies are never held, so one of which anything was read is gone.
    body: Claim,
}

impl Spare {
    /// `None` where nobody else would answer. Boxed, because nearly no request has one.
    pub(super) fn of(
        decision: &Decision,
        parts: &Parts,
        upload: &mut Upload,
        failover: Failover,
    ) -> Option<Box<Self>> {
        if decision.fallback().is_none() && !fails_over(decision, failover) {
            return None;
        }
        let (mut copy, ()) = Request::new(()).into_parts();
        copy.method.clone_from(&parts.method);
        copy.uri.clone_from(&parts.uri);
        copy.version = parts.version;
        copy.headers.clone_from(&parts.headers);
        Some(Box::new(Self { parts: copy, body: upload.claim() }))
    }

    /// What to send; `None` where the body can no longer be sent whole.
    pub(super) fn take(self) -> Option<(Parts, Upload)> {
        let Self { parts, body } = self;
        Some((parts, body.take()?))
    }
}
