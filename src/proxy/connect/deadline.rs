//! How long a connection may take to come about, all of its steps together.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::proxy::error::ProxyError;

#[derive(Clone, Copy)]
pub(in crate::proxy) struct Deadline {
    at: Instant,
    after: Duration,
}

impl Deadline {
    pub(in crate::proxy) fn after(after: Duration) -> Self {
        Self { at: Instant::now() + after, after }
    }

    pub(in crate::proxy) async fn bound<T>(
        self,
        step: impl Future<Output = T>,
    ) -> Result<T, ProxyError> {
        timeout_at(self.at, step).await.map_err(|_| self.passed())
    }

    /// What is left, for the first of so many attempts.
    pub(super) fn share(self, attempts: usize) -> Self {
        let now = Instant::now();
        let left = self.at.saturating_duration_since(now);
        let attempts = u32::try_from(attempts.max(1)).unwrap_or(u32::MAX);
        Self { at: now + left / attempts, after: self.after }
    }

    pub(in crate::proxy) fn time(self) -> Duration {
        self.after
    }

    pub(super) fn passed(self) -> ProxyError {
        ProxyError::ConnectTimeout(self.after)
    }
}
