//! The bytes of HTTP/1.1 clients, judged before anybody acts on them.
//!
//! Many readers forgive what another one of the same bytes might take for something else:
//! a length beside chunks, line feeds alone, blanks in a chunk's size. Here nothing
//! ambiguous is forgiven.
//!
//! [`Framer`] is pure: it follows the bytes of one connection, however they are cut.
//! `Chunks`, which knows where a chunked body ends, is for the bodies of upstreams as well,
//! and so is what writes field lines and chunks.

mod bytes;
mod chunks;
mod framer;
mod head;
mod refusal;
mod target;
mod writing;

#[cfg(test)]
pub(super) mod tests;

pub use framer::{Framer, Step};
pub use head::HeadLimits;
pub use refusal::{Refusal, Violation};

pub(super) use bytes::{control_in, elements, lower_token};
pub(super) use chunks::{Chunks, Part};
pub(super) use head::Head;
pub(super) use writing::{write_chunk_size, write_last_chunk, write_line};
