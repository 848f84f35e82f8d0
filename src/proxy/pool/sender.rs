//! A connection that can take a request, whichever HTTP it speaks.

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::SendRequest;
use tokio::task::AbortHandle;

use super::shared::Stream;
use crate::proxy::connect::{Opened, Socket, Switch};
use crate::proxy::error::ProxyError;
use crate::proxy::fit;
use crate::proxy::upload::Upload;

/// A connection that can take a request.
pub(in crate::proxy) struct Pooled {
    pub(in crate::proxy) sender: Sender,
    /// Of one that was opened for a request that asks for another protocol.
    pub(in crate::proxy) switch: Option<Switch>,
}

pub(in crate::proxy) enum Sender {
    Http1 {
        requests: SendRequest<Upload>,
        socket: Socket,
        /// The task that drives it.
        driver: AbortHandle,
        has_answered: bool,
    },
    Http2(Stream),
}

impl Pooled {
    pub(super) fn http1(opened: Opened, socket: Socket, switches: bool) -> Self {
        let Opened { sender: requests, driver, switch } = opened;
        let sender = Sender::Http1 { requests, socket, driver, has_answered: false };
        Self { sender, switch: switches.then_some(switch) }
    }

    pub(super) fn stream(stream: Stream) -> Self {
        Self { sender: Sender::Http2(stream), switch: None }
    }

    /// Whether it is one of many requests on its connection.
    pub(in crate::proxy) fn is_stream(&self) -> bool {
        matches!(self.sender, Sender::Http2(_))
    }

    /// Whether it has answered a request before.
    pub(in crate::proxy) fn has_answered(&self) -> bool {
        match &self.sender {
            Sender::Http1 { has_answered, .. } => *has_answered,
            Sender::Http2(stream) => stream.has_answered(),
        }
    }

    pub(super) fn note_answer(&mut self) {
        match &mut self.sender {
            Sender::Http1 { has_answered, .. } => *has_answered = true,
            Sender::Http2(stream) => stream.note_answer(),
        }
    }

    /// Gives `request` the form in which this connection takes it.
    pub(in crate::proxy) fn fit(&self, request: &mut Request<Upload>) -> Result<(), ProxyError> {
        match &self.sender {
            Sender::Http1 { .. } => fit::to_http1(request),
            Sender::Http2(stream) => fit::to_http2(request, stream.line().endpoint())?,
        }
        Ok(())
    }

    /// Keeps it from other requests, if any share it: it failed one in a way that the
    /// next may meet as well.
    pub(in crate::proxy) fn retire(&self) {
        if let Sender::Http2(stream) = &self.sender {
            stream.retire();
        }
    }
}

impl Sender {
    pub(in crate::proxy) fn is_closed(&self) -> bool {
        match self {
            Self::Http1 { requests, .. } => requests.is_closed(),
            Self::Http2(stream) => stream.is_closed(),
        }
    }

    /// Whether it takes a request at once.
    pub(in crate::proxy) fn is_ready(&self) -> bool {
        match self {
            Self::Http1 { requests, .. } => requests.is_ready(),
            Self::Http2(_) => true,
        }
    }

    pub(in crate::proxy) async fn ready(&mut self) -> Result<(), hyper::Error> {
        match self {
            Self::Http1 { requests, .. } => requests.ready().await,
            // Streams are counted before they are given away.
            Self::Http2(_) => Ok(()),
        }
    }

    pub(in crate::proxy) async fn try_send_request(
        &mut self,
        request: Request<Upload>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Upload>>> {
        match self {
            Self::Http1 { requests, .. } => requests.try_send_request(request).await,
            Self::Http2(stream) => stream.try_send(request).await,
        }
    }
}
