//! The vocabulary of the promises: who stands before the proxy, who behind it, and
//! the proxy itself.

pub(crate) mod edge;
pub(crate) mod raw;
pub(crate) mod upstream;

use std::time::{Duration, Instant};

/// Every wait is for a condition, and none is longer than this.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(10);

/// Waits until `condition` holds, which it must.
pub(crate) fn wait_until(mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + WAIT_MAX;
    while !condition() {
        assert!(Instant::now() < end, "what was waited for came never");
        std::thread::yield_now();
    }
}
