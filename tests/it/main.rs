//! The promises, over real sockets: a file a promise.

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod api;
mod esa;
mod support;
