//! The promises, over real sockets: a file a promise.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod proxy_bodies;
mod proxy_connections;
mod proxy_disclosure;
mod proxy_errors;
mod proxy_headers;
mod proxy_refusals;
mod proxy_retries;
mod proxy_swaps;
mod support;
