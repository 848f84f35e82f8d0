//! New connections to upstreams.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::client::conn::http1::{self, Parts, SendRequest};
use hyper::rt::ReadBufCursor;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::error::ProxyError;
use super::tunnel::Line;
use super::upload::Upload;
use crate::model::{Address, Endpoint};

/// A connection that was just opened.
pub(super) struct Opened {
    pub(super) sender: SendRequest<Upload>,
    pub(super) socket: Socket,
    /// The task that drives it.
    pub(super) driver: AbortHandle,
    pub(super) switch: Switch,
}

/// Where the bare connection comes once HTTP has ended on it, should anybody wait.
pub(super) type Switch = oneshot::Receiver<Parts<Socket>>;

/// Opens a connection to `endpoint` and leaves a task that drives it on this
/// thread.
pub(super) async fn connect(endpoint: &Endpoint, within: Duration) -> Result<Opened, ProxyError> {
    let stream = tokio::time::timeout(within, open(endpoint.address())).await;
    let socket = Socket::new(stream.map_err(|_| ProxyError::ConnectTimeout(within))??);
    let (sender, connection) =
        http1::handshake(socket.clone()).await.map_err(ProxyError::Terminated)?;
    let (hand_over, switch) = oneshot::channel();
    let driver = tokio::task::spawn_local(async move {
        match connection.without_shutdown().await {
            Ok(bare) => {
                if let Err(bare) = hand_over.send(bare) {
                    drop(TokioIo::new(bare.io).shutdown().await);
                }
            }
            Err(error) => tracing::debug!(%error, "upstream connection ended"),
        }
    });
    Ok(Opened { sender, socket, driver: driver.abort_handle(), switch })
}

async fn open(address: &Address) -> Result<Stream, ProxyError> {
    match address {
        Address::Unix(path) => {
            UnixStream::connect(path).await.map(|stream| Stream::Unix(TokioIo::new(stream)))
        }
        Address::Tcp { host, port } => {
            // An address is taken as it stands; a name is resolved at each connect.
            let addresses = match host.parse::<std::net::IpAddr>() {
                Ok(address) => vec![(address, *port).into()],
                Err(_) => tokio::net::lookup_host((host.as_str(), *port))
                    .await
                    .map_err(ProxyError::Resolve)?
                    .collect(),
            };
            match TcpStream::connect(addresses.as_slice()).await {
                Ok(stream) => stream.set_nodelay(true).map(|()| Stream::Tcp(TokioIo::new(stream))),
                Err(error) => Err(error),
            }
        }
    }
    .map_err(|error| match error.kind() {
        // A socket file that is not there is a server that does not listen.
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => ProxyError::Refused(error),
        _ => ProxyError::Connect(error),
    })
}

enum Stream {
    Tcp(TokioIo<TcpStream>),
    Unix(TokioIo<UnixStream>),
}

/// The socket of a connection, shared with the pool so that it can have a look at
/// an idle one.
#[derive(Clone)]
pub(super) struct Socket {
    stream: Rc<RefCell<Stream>>,
    speaks_http: bool,
}

impl Socket {
    fn new(stream: Stream) -> Self {
        Self { stream: Rc::new(RefCell::new(stream)), speaks_http: true }
    }

    /// The same, when something else than HTTP is spoken on it.
    pub(super) fn bare(self) -> Self {
        Self { speaks_http: false, ..self }
    }

    /// An upstream that takes no more may have said why, and hyper would not listen after
    /// a write that failed. Whoever reads is told of the end as well.
    fn hear_out(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        use io::ErrorKind::{BrokenPipe, ConnectionReset};
        match written {
            Poll::Ready(Err(error))
                if self.speaks_http && matches!(error.kind(), BrokenPipe | ConnectionReset) =>
            {
                Poll::Pending
            }
            other => other,
        }
    }

    /// Whether the peer is silent, as the server of an idle connection should be:
    /// neither closed nor saying what nobody asked for. A system call, without
    /// waiting.
    pub(super) fn is_quiet(&self) -> bool {
        let mut byte = [std::mem::MaybeUninit::uninit()];
        let peeked = match &*self.stream.borrow() {
            Stream::Tcp(stream) => SockRef::from(stream.inner()).peek(&mut byte),
            Stream::Unix(stream) => SockRef::from(stream.inner()).peek(&mut byte),
        };
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl Line for TokioIo<Socket> {
    fn socket<T>(&self, look: impl FnOnce(SockRef<'_>) -> T) -> T {
        match &*self.inner().stream.borrow() {
            Stream::Tcp(stream) => look(SockRef::from(stream.inner())),
            Stream::Unix(stream) => look(SockRef::from(stream.inner())),
        }
    }
}

impl hyper::rt::Read for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self.stream.borrow_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl hyper::rt::Write for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut *self.stream.borrow_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        };
        self.hear_out(written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self.stream.borrow_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self.stream.borrow_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut *self.stream.borrow_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Stream::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        };
        self.hear_out(written)
    }
}
