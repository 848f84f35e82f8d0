//! A connection that can take a request, whichever HTTP it speaks.

use super::shared::Stream;
use crate::model::Limits;
use crate::proxy::connect::Socket;
use crate::proxy::http1::Connection;

/// A connection that can take a request.
pub(in crate::proxy) enum Pooled {
    /// Boxed, because it is handed from one to the other and large.
    Http1(Box<Connection>),
    Http2(Stream),
}

impl Pooled {
    pub(super) fn http1(socket: Socket, limits: &Limits) -> Self {
        Self::Http1(Box::new(Connection::new(socket, limits)))
    }

    /// Whether it is one of many requests on its connection.
    pub(in crate::proxy) fn is_stream(&self) -> bool {
        matches!(self, Self::Http2(_))
    }

    /// Whether it has answered a request before.
    pub(in crate::proxy) fn has_answered(&self) -> bool {
        match self {
            Self::Http1(connection) => connection.has_answered(),
            Self::Http2(stream) => stream.has_answered(),
        }
    }
}
