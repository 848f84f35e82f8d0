//! What it takes to ask an origin once the version of a request has failed.

use std::sync::Arc;

use http::Request;
use http::request::Parts;

use super::upload::{Claim, Upload};
use crate::routing::{Decision, SiteOrigin};

/// A request kept as it came, and where it goes should its version fail.
pub(super) struct Spare {
    origin: Arc<SiteOrigin>,
    parts: Parts,
    /// Bodies are never held, so one of which anything was read is gone.
    body: Claim,
}

impl Spare {
    /// Boxed, because nearly no request has one.
    pub(super) fn of(decision: &Decision, parts: &Parts, upload: &mut Upload) -> Option<Box<Self>> {
        let origin = decision.fallback()?.clone();
        let (mut copy, ()) = Request::new(()).into_parts();
        copy.method.clone_from(&parts.method);
        copy.uri.clone_from(&parts.uri);
        copy.version = parts.version;
        copy.headers.clone_from(&parts.headers);
        Some(Box::new(Self { origin, parts: copy, body: upload.claim() }))
    }

    /// Where to send what; `None` where the body can no longer be sent whole.
    pub(super) fn take(self) -> Option<(Arc<SiteOrigin>, Parts, Upload)> {
        let Self { origin, parts, body } = self;
        Some((origin, parts, body.take()?))
    }
}
