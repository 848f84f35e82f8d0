//! A connection that can take a request, whichever HTTP it speaks.

use http::Request;

use super::shared::Stream;
use crate::model::Limits;
use crate::proxy::connect::Socket;
use crate::proxy::error::ProxyError;
use crate::proxy::fit;
use crate::proxy::http1::Connection;
use crate::proxy::upload::Upload;

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

    /// Gives `request` the form in which this connection takes it.
    pub(in crate::proxy) fn fit(&self, request: &mut Request<Upload>) -> Result<(), ProxyError> {
        match self {
            Self::Http1(_) => fit::to_http1(request),
            Self::Http2(stream) => fit::to_http2(request, stream.line().endpoint())?,
        }
        Ok(())
    }
}
