//! The socket of a connection, whatever is underneath.

use std::cell::RefCell;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;
use hyper::rt::{ReadBufCursor, Write as _};
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::io::{AsyncBufRead, AsyncReadExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

use crate::proxy::pool::Seat;
use crate::proxy::tunnel::Line;

pub(in crate::proxy) enum Stream {
    Tcp(TokioIo<TcpStream>),
    Unix(TokioIo<UnixStream>),
    /// Boxed, because it is large and the others are small.
    Tls(Box<TokioIo<TlsStream<TcpStream>>>),
}

/// A socket, shared with the pool so that it can have a look at an idle one. Its seat is
/// free when the last of both has let go of it.
#[derive(Clone)]
pub(in crate::proxy) struct Socket {
    seated: Rc<Seated>,
    speaks_http: bool,
}

struct Seated {
    stream: RefCell<Stream>,
    _seat: Seat,
}

impl Socket {
    pub(in crate::proxy) fn new(stream: Stream, seat: Seat) -> Self {
        let seated = Rc::new(Seated { stream: RefCell::new(stream), _seat: seat });
        Self { seated, speaks_http: true }
    }

    /// The same, when something else than HTTP/1.1 is spoken on it.
    pub(in crate::proxy) fn bare(self) -> Self {
        Self { speaks_http: false, ..self }
    }

    /// An upstream that takes no more may have said why, and would not be listened to after
    /// a write that failed. Whoever reads is told of the end as well.
    fn hear_out<T>(&self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
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

    /// Whether anything was heard that nobody has read, the end included: no more than this
    /// process knows, and in the clear no system call. It may be a false alarm.
    pub(in crate::proxy) fn has_news(&self) -> bool {
        let cx = &mut Context::from_waker(Waker::noop());
        match &mut *self.seated.stream.borrow_mut() {
            Stream::Tcp(stream) => stream.inner().poll_read_ready(cx).is_ready(),
            Stream::Unix(stream) => stream.inner().poll_read_ready(cx).is_ready(),
            // What TLS has read of the socket is seen by nobody who looks at that; and what
            // is there may be a ticket, which says nothing.
            Stream::Tls(stream) => Pin::new(stream.inner_mut()).poll_fill_buf(cx).is_ready(),
        }
    }

    /// Whether the peer is silent, as the server of an idle connection should be:
    /// neither closed nor saying what nobody asked for. A system call, without
    /// waiting.
    pub(in crate::proxy) fn is_quiet(&self) -> bool {
        if matches!(&*self.seated.stream.borrow(), Stream::Tls(_)) && self.has_news() {
            return false;
        }
        let mut byte = [std::mem::MaybeUninit::uninit()];
        let peeked = self.look(|socket| socket.peek(&mut byte));
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl Line for TokioIo<Socket> {
    fn socket<T>(&self, look: impl FnOnce(SockRef<'_>) -> T) -> T {
        self.inner().look(look)
    }
}

impl Socket {
    /// Has a look at what lies beneath TLS.
    fn look<T>(&self, look: impl FnOnce(SockRef<'_>) -> T) -> T {
        match &*self.seated.stream.borrow() {
            Stream::Tcp(stream) => look(SockRef::from(stream.inner())),
            Stream::Unix(stream) => look(SockRef::from(stream.inner())),
            Stream::Tls(stream) => look(SockRef::from(stream.inner().get_ref().0)),
        }
    }

    /// Reads behind what `buffer` holds, into the room that it has. How many bytes: none at
    /// the end.
    pub(in crate::proxy) fn poll_read_buf(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        match &mut *self.seated.stream.borrow_mut() {
            Stream::Tcp(stream) => pin!(stream.inner_mut().read_buf(buffer)).poll(cx),
            Stream::Unix(stream) => pin!(stream.inner_mut().read_buf(buffer)).poll(cx),
            Stream::Tls(stream) => pin!(stream.inner_mut().read_buf(buffer)).poll(cx),
        }
    }

    pub(in crate::proxy) fn poll_write(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut *self.seated.stream.borrow_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        };
        self.hear_out(written)
    }

    pub(in crate::proxy) fn poll_write_vectored(
        &self,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut *self.seated.stream.borrow_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Stream::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
        };
        self.hear_out(written)
    }

    /// Writes one part or several.
    pub(in crate::proxy) fn poll_write_parts(
        &self,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match parts {
            // Its system call is the cheaper one.
            [part] => self.poll_write(cx, part),
            parts => self.poll_write_vectored(cx, parts),
        }
    }

    pub(in crate::proxy) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = match &mut *self.seated.stream.borrow_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        };
        self.hear_out(flushed)
    }

    fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self.seated.stream.borrow_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    /// Tells the peer of a connection over TLS, on which nothing is under way, that it
    /// ends. Without that it could not tell the end from a cut.
    pub(in crate::proxy) fn say_goodbye(&self) {
        if !matches!(&*self.seated.stream.borrow(), Stream::Tls(_)) {
            return;
        }
        drop(self.poll_shutdown(&mut Context::from_waker(Waker::noop())));
    }
}

impl hyper::rt::Read for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self.seated.stream.borrow_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl hyper::rt::Write for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Self::poll_write(&self, cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Self::poll_flush(&self, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Self::poll_shutdown(&self, cx)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Self::poll_write_vectored(&self, cx, parts)
    }
}
