//! The end of waiting: one timer a connection, however many requests it carries.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Instant;

use tokio::time::Sleep;

use super::fault::Fault;

/// Rings at the end of the wait that is the current one.
pub(super) struct Watchdog(Pin<Box<Sleep>>);

impl Watchdog {
    pub(super) fn new() -> Self {
        Self(Box::pin(tokio::time::sleep(std::time::Duration::ZERO)))
    }

    /// Does `work`, unless it takes until `end`.
    ///
    /// The timer is set when it rings and not for each request: ends only move away.
    pub(super) async fn until<T>(
        &mut self,
        end: Instant,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let mut work = pin!(work);
        let sleep = &mut self.0;
        poll_fn(|context| {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(done);
            }
            while sleep.as_mut().poll(context).is_ready() {
                if Instant::now() >= end {
                    return Poll::Ready(Err(Fault::Timeout));
                }
                sleep.as_mut().reset(end.into());
            }
            Poll::Pending
        })
        .await
    }
}
