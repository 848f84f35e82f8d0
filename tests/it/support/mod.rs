//! The vocabulary of the promises.

pub(crate) mod desk;
pub(crate) mod edge;
pub(crate) mod fixtures;
pub(crate) mod frames;
pub(crate) mod h2;
pub(crate) mod h2_peer;
pub(crate) mod http;
pub(crate) mod keys;
pub(crate) mod oss;
pub(crate) mod process;
pub(crate) mod raw;
pub(crate) mod second_rule;
pub(crate) mod secured;
pub(crate) mod signer;
pub(crate) mod statistics;
pub(crate) mod tls;
pub(crate) mod upstream;
pub(crate) mod web;

use std::time::{Duration, Instant};

/// Every wait is for a condition, and none is longer than this. No test waits for it
/// to pass, so it is long: a machine may be busy with other things.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(30);

/// Waits until `condition` holds, which it must.
pub(crate) fn wait_until(mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + WAIT_MAX;
    while !condition() {
        assert!(Instant::now() < end, "what was waited for came never");
        std::thread::yield_now();
    }
}
