//! The promises, a file each.

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod split_rule;
mod split_statistics;
mod support;
