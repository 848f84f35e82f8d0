//! HTTP/1.1 as it is spoken with clients (RFC 9112).
//!
//! One task reads requests, has each answered and writes the response, one after the
//! other: nothing is handed over, and nobody is woken in between. What clients send is
//! judged by [`wire`](super::wire), and read strictly; a refusal is answered in the words of
//! this proxy.
//!
//! A connection that waits for its next request is parked: it keeps its socket, and no
//! buffer.

mod connection;
mod content;
mod dismissal;
mod drain;
mod half_close;
mod head;
mod hearing;
mod linger;
mod outgoing;
mod response;
mod serve;
mod watch;

pub(super) use content::Content;
pub(super) use serve::serve;
