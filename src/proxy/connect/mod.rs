//! New connections to endpoints: an address is reached, TLS is spoken, and it is settled
//! which HTTP follows.

mod address;
mod deadline;
mod http2;
mod socket;
mod tls;

use hyper_util::rt::TokioIo;

pub(super) use self::address::{LOOKUPS_AT_ONCE_MAX, reach};
pub(super) use self::deadline::Deadline;
pub(super) use self::http2::Agreement;
pub(super) use self::http2::handshake as http2;
pub(super) use self::socket::{Socket, Stream};
pub use self::tls::UpstreamTls;

use self::address::Reached;
use super::error::ProxyError;
use crate::model::{Endpoint, Transport};

/// Which HTTP a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Reaches `endpoint`. With `http1_only`, TLS does not offer HTTP/2.
pub(super) async fn open(
    endpoint: &Endpoint,
    tls: &UpstreamTls,
    http1_only: bool,
    deadline: Deadline,
) -> Result<(Stream, Protocol), ProxyError> {
    let reached = reach(endpoint.address(), deadline).await?;
    let plain = match endpoint.transport() {
        Transport::Http1 => Protocol::Http1,
        Transport::H2c => Protocol::Http2,
        Transport::Tls { insecure } => {
            let Reached::Tcp(stream) = reached else {
                unreachable!("TLS is spoken to hosts, whose address is not a path");
            };
            let (stream, protocol) =
                tls.shake_hands(endpoint, insecure, http1_only, stream, deadline).await?;
            return Ok((Stream::Tls(Box::new(TokioIo::new(stream))), protocol));
        }
    };
    let stream = match reached {
        Reached::Tcp(stream) => Stream::Tcp(TokioIo::new(stream)),
        Reached::Unix(stream) => Stream::Unix(TokioIo::new(stream)),
    };
    Ok((stream, plain))
}
