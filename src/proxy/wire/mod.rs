//! The bytes of HTTP/1.1 clients, judged before hyper sees them.
//!
//! hyper forgives what another reader of the same bytes might take for something else:
//! a length beside chunks, line feeds alone, blanks in a chunk's size. Here nothing
//! ambiguous is forgiven, and each refusal is answered in the words of this proxy.
//!
//! [`Framer`] is pure: it follows the bytes of one connection, however they are cut.
//! `Guarded` is a stream that lets hyper have those that passed, one request at a time.
//! `Chunks`, which knows where a chunked body ends, is for the bodies of upstreams as well.

mod bytes;
mod chunks;
mod framer;
mod gate;
mod guarded;
mod half_close;
mod head;
mod reading;
mod refusal;
mod sieve;
mod target;
mod watch;

#[cfg(test)]
mod tests;

pub use framer::{Framer, Step};
pub use head::HeadLimits;
pub use refusal::{Refusal, Violation};

pub(super) use bytes::{control_in, elements, lower_token};
pub(super) use chunks::{Chunks, Part};
pub(super) use gate::Gate;
pub(super) use guarded::Guarded;
pub(super) use reading::{builder, linger};
