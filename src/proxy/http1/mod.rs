//! HTTP/1.1 as it is spoken to an endpoint (RFC 9112).
//!
//! Whoever has a request reads and writes for it: there is no task of the connection in
//! between, nothing to be handed over and nobody to be woken. What is sent is written from
//! the head as it stands; what comes is read strictly, and sliced, not copied.

#[cfg(test)]
mod agreement;
mod broken;
mod connection;
mod content;
mod reader;
mod request;
mod response;
mod sending;

pub(super) use broken::Broken;
pub(super) use connection::Connection;
pub(super) use response::parse_trailers;
