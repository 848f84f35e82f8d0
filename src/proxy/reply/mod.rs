//! Heads of responses, as upstreams say them.
//!
//! A head stays in the form in which it came: lines of HTTP/1.1 in the bytes that were
//! read, or a map of HTTP/2. What anybody asks about it is sorted out once, when it is read.

mod came;
mod known;
mod lines;

pub(super) use came::{Came, Reply};
pub(super) use known::Known;
pub(super) use lines::{Lines, Places};
