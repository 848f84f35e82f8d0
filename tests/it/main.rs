//! The promises of Serin, a file each.

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod architecture;
mod cohorts;
mod crash;
mod restart;
mod split_rule;
mod split_statistics;
mod support;
mod swapping;
mod verbs;
