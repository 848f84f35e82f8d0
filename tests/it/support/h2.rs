//! A client that speaks HTTP/2 as it should: hyper's.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;

use super::WAIT_MAX;
use super::tls::Trust;

/// One connection.
pub(crate) struct Speaker(SendRequest<Sent>);

/// A response that was read whole.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
}

/// Lets `visit` run on a runtime of its own, for a time that is limited.
pub(crate) fn run<T>(visit: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(WAIT_MAX, visit).await }).unwrap()
}

impl Speaker {
    /// Speaks HTTP/2 because it knows that `address` does.
    pub(crate) async fn plain(address: SocketAddr) -> Self {
        Self::on(TcpStream::connect(address).await.unwrap()).await
    }

    /// Speaks HTTP/2 because both sides said so in the handshake.
    pub(crate) async fn tls(address: SocketAddr, host: &'static str, trust: &Trust) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from(host).unwrap();
        let connector = TlsConnector::from(trust.config());
        let stream = connector.connect(name, stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        Self::on(stream).await
    }

    async fn on(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    /// A second voice on the same connection.
    pub(crate) fn another(&self) -> Self {
        Self(self.0.clone())
    }

    /// The head of the response; `Err` when the stream or the connection is ended instead.
    pub(crate) async fn send(
        &mut self,
        request: Request<Sent>,
    ) -> Result<Response<Incoming>, hyper::Error> {
        self.0.ready().await?;
        self.0.send_request(request).await
    }

    pub(crate) async fn ask(&mut self, request: Request<Sent>) -> Heard {
        heard(self.send(request).await.unwrap()).await
    }

    pub(crate) async fn get(&mut self, uri: &str) -> Heard {
        self.ask(Request::get(uri).body(Sent::nothing()).unwrap()).await
    }
}

/// Reads a response to its end, which must come in good order.
pub(crate) async fn heard(response: Response<Incoming>) -> Heard {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap();
    let trailers = body.trailers().cloned();
    Heard { status: parts.status, headers: parts.headers, body: body.to_bytes(), trailers }
}

impl Heard {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// The body of a request, sent frame by frame.
pub(crate) struct Sent(Option<mpsc::UnboundedReceiver<Frame<Bytes>>>);

/// Who sends it. Its end is the body's.
pub(crate) type Sending = mpsc::UnboundedSender<Frame<Bytes>>;

impl Sent {
    pub(crate) fn nothing() -> Self {
        Self(None)
    }

    pub(crate) fn slowly() -> (Sending, Self) {
        let (sending, frames) = mpsc::unbounded_channel();
        (sending, Self(Some(frames)))
    }

    pub(crate) fn whole(body: &'static [u8]) -> Self {
        let (sending, sent) = Self::slowly();
        sending.send(Frame::data(Bytes::from_static(body))).unwrap();
        sent
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.0 {
            Some(frames) => frames.poll_recv(cx).map(|frame| frame.map(Ok)),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}
