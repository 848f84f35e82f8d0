//! Connections in use.

use std::rc::Rc;

use bytes::Bytes;

use super::{Line, Pooled};
use crate::proxy::connect::Socket;
use crate::proxy::http1::Connection;
use crate::proxy::progress::Progress;

/// A connection that is to answer a request, on its way back to the pool. Dropped, it is
/// closed whatever is still under way on it: a request that its upstream does not take
/// would keep it open. Of a shared one, its stream alone.
pub(in crate::proxy) struct Lease {
    line: Rc<Line>,
    connection: Pooled,
    pub(in crate::proxy) upload: Rc<Progress>,
}

impl Lease {
    pub(in crate::proxy) fn new(line: Rc<Line>, connection: Pooled, upload: Rc<Progress>) -> Self {
        Self { line, connection, upload }
    }

    /// What it is a lease of.
    pub(in crate::proxy) fn connection(&mut self) -> &mut Pooled {
        &mut self.connection
    }

    /// That of HTTP/1.1, which its request has for itself.
    pub(in crate::proxy) fn http1(&self) -> Option<&Connection> {
        match &self.connection {
            Pooled::Http1(connection) => Some(connection),
            Pooled::Http2(_) => None,
        }
    }

    pub(in crate::proxy) fn http1_mut(&mut self) -> Option<&mut Connection> {
        match &mut self.connection {
            Pooled::Http1(connection) => Some(connection),
            Pooled::Http2(_) => None,
        }
    }

    /// Whether the whole request has left, or never will.
    pub(in crate::proxy) fn is_through(&self) -> bool {
        match &self.connection {
            Pooled::Http1(connection) => connection.is_sent(),
            Pooled::Http2(stream) => stream.is_closed() || self.upload.ended(),
        }
    }

    /// Gives the connection back after its response was read whole. One whose
    /// request is still being sent is not used again: nobody knows where it ends. A
    /// stream has an end of its own, and is not to be given back.
    pub(in crate::proxy) fn release(self) {
        if let Pooled::Http1(connection) = self.connection
            && connection.is_free()
        {
            self.line.put(connection);
        }
    }

    /// What is left where HTTP/1.1 has ended.
    pub(in crate::proxy) fn into_bare(self) -> Option<(Socket, Bytes)> {
        match self.connection {
            Pooled::Http1(connection) => Some(connection.into_bare()),
            Pooled::Http2(_) => None,
        }
    }
}
