//! Bytes both ways between a client and an upstream that speak something else than HTTP.
//!
//! Nothing is held while both sides keep up, and no more than was read at once when one
//! does not. The end of what a side says is passed on by itself; a side that breaks off
//! is a break for the other as well.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::time::{Instant, Sleep};
use tokio_rustls::server::TlsStream;

use crate::server::Patient;

/// What is read at once, and held at most, in each direction.
const CHUNK_BYTES: usize = 16 << 10;

/// A side that is not read from cannot say that it broke off, so its socket is asked this
/// often.
pub(super) const WATCH_EVERY: Duration = Duration::from_millis(250);

/// How long a side is heard out whose other has ended and is gone: to close on it at once
/// would reset the connection, and the last words of the other would be lost.
const LINGER_MAX: Duration = Duration::from_secs(5);

/// One side of a tunnel.
pub(super) trait Line: AsyncRead + AsyncWrite + Unpin {
    fn socket<T>(&self, look: impl FnOnce(SockRef<'_>) -> T) -> T;

    /// Whether its peer has said its last, behind what nobody has read yet, as far as this
    /// process knows.
    fn has_said_all(&self) -> bool {
        false
    }

    /// Takes note that a tunnel begins, which has a patience of its own.
    fn endure(&mut self) {}

    /// Makes closing it a reset, which nobody takes for the end of what was said.
    fn break_off(&self) {
        // A Unix socket knows no reset.
        drop(self.socket(|socket| socket.set_linger(Some(Duration::ZERO))));
    }

    /// Makes closing it an end again.
    fn end_in_order(&self) {
        drop(self.socket(|socket| socket.set_linger(None)));
    }

    /// Whether its peer broke off.
    fn is_broken(&self) -> bool {
        !matches!(self.socket(|socket| socket.take_error()), Ok(None))
    }
}

impl Line for Patient {
    fn socket<T>(&self, look: impl FnOnce(SockRef<'_>) -> T) -> T {
        look(SockRef::from(self.stream()))
    }

    fn has_said_all(&self) -> bool {
        let ready = pin!(self.stream().ready(Interest::READABLE));
        let polled = ready.poll(&mut Context::from_waker(Waker::noop()));
        matches!(polled, Poll::Ready(Ok(ready)) if ready.is_read_closed())
    }

    fn endure(&mut self) {
        Self::endure(self);
    }
}

impl<S: Line> Line for TlsStream<S> {
    fn socket<T>(&self, look: impl FnOnce(SockRef<'_>) -> T) -> T {
        self.get_ref().0.socket(look)
    }

    fn has_said_all(&self) -> bool {
        self.get_ref().0.has_said_all()
    }

    fn endure(&mut self) {
        self.get_mut().0.endure();
    }
}

/// A stream, and what was read from it already.
pub(super) struct Side<S> {
    pub(super) stream: S,
    pub(super) read: Bytes,
}

/// Carries bytes until both sides have ended, one breaks off, or both are silent for
/// `idle`.
pub(super) async fn run<C: Line, U: Line>(
    mut client: Side<C>,
    mut upstream: Side<U>,
    idle: Duration,
) {
    client.stream.endure();
    let now = Instant::now();
    let mut tunnel = Tunnel {
        up: Flow::new(client.read),
        down: Flow::new(upstream.read),
        moved: now,
        looked: now,
        parted: None,
        idle,
    };
    let mut timer = pin!(tokio::time::sleep_until(now + idle));
    let outcome =
        poll_fn(|cx| tunnel.poll(cx, &mut client.stream, &mut upstream.stream, timer.as_mut()));
    if let Err(error) = outcome.await {
        tracing::debug!(%error, "a tunnel broke");
        client.stream.break_off();
        upstream.stream.break_off();
    }
}

struct Tunnel {
    up: Flow,
    down: Flow,
    /// When anything was last handed on.
    moved: Instant,
    looked: Instant,
    /// Since when there is only a side to be heard out.
    parted: Option<Instant>,
    idle: Duration,
}

impl Tunnel {
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut impl Line,
        upstream: &mut impl Line,
        timer: Pin<&mut Sleep>,
    ) -> Poll<io::Result<()>> {
        let down = self.down.poll(cx, upstream, client, &mut self.moved)?;
        let up = self.up.poll(cx, client, upstream, &mut self.moved)?;
        if up.is_ready() && down.is_ready() {
            return Poll::Ready(Ok(()));
        }
        if self.parted.is_none() && self.one_is_gone() {
            self.parted = Some(Instant::now());
        }
        self.poll_time(cx, client, upstream, timer)
    }

    /// Whether one side has ended and takes nothing either.
    fn one_is_gone(&self) -> bool {
        let gone = |says: &Flow, takes: &Flow| {
            matches!((&says.state, &takes.state), (State::Over, State::Unheard))
        };
        gone(&self.down, &self.up) || gone(&self.up, &self.down)
    }

    fn poll_time(
        &mut self,
        cx: &mut Context<'_>,
        client: &impl Line,
        upstream: &impl Line,
        mut timer: Pin<&mut Sleep>,
    ) -> Poll<io::Result<()>> {
        let is_watched = !self.up.is_reading() || !self.down.is_reading();
        if is_watched && self.looked + WATCH_EVERY < timer.deadline() {
            timer.as_mut().reset(self.looked + WATCH_EVERY);
        }
        loop {
            ready!(timer.as_mut().poll(cx));
            let now = Instant::now();
            let end = match self.parted {
                Some(parted) => parted + LINGER_MAX,
                None => self.moved + self.idle,
            };
            if now >= end {
                return Poll::Ready(Ok(()));
            }
            let mut next = end;
            if is_watched {
                let is_broken = !self.up.is_reading() && client.is_broken()
                    || !self.down.is_reading() && upstream.is_broken();
                if is_broken {
                    return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
                }
                self.looked = now;
                next = end.min(now + WATCH_EVERY);
            }
            timer.as_mut().reset(next);
        }
    }
}

/// What one side says to the other.
struct Flow {
    /// What was read and not taken yet.
    rest: Bytes,
    /// Whether something taken may still wait to leave.
    unflushed: bool,
    state: State,
}

enum State {
    Open,
    /// The end was read, and is to be passed on.
    Ended,
    /// The end was passed on.
    Over,
    /// Nobody takes it any more: the other side had ended, and is gone.
    Unheard,
}

impl Flow {
    fn new(rest: Bytes) -> Self {
        Self { rest, unflushed: false, state: State::Open }
    }

    fn is_reading(&self) -> bool {
        match self.state {
            State::Open => self.rest.is_empty(),
            State::Unheard => true,
            State::Ended | State::Over => false,
        }
    }

    /// Carries what there is; ready when the flow is over.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
        moved: &mut Instant,
    ) -> Poll<io::Result<()>> {
        loop {
            match self.state {
                State::Open => match ready!(self.poll_open(cx, from, to, moved)) {
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                        // It comes behind an end, so what the other side said is whole.
                        self.rest = Bytes::new();
                        self.state = State::Unheard;
                    }
                    outcome => outcome?,
                },
                State::Ended => {
                    // One that is gone needs not be told.
                    drop(ready!(Pin::new(&mut *to).poll_shutdown(cx)));
                    self.state = State::Over;
                }
                State::Over => return Poll::Ready(Ok(())),
                State::Unheard => {
                    let mut space = [const { MaybeUninit::uninit() }; CHUNK_BYTES];
                    let mut read = ReadBuf::uninit(&mut space);
                    ready!(Pin::new(&mut *from).poll_read(cx, &mut read))?;
                    if read.filled().is_empty() {
                        self.state = State::Over;
                    }
                }
            }
        }
    }

    /// Hands one chunk on.
    fn poll_open(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
        moved: &mut Instant,
    ) -> Poll<io::Result<()>> {
        if !self.rest.is_empty() {
            let taken = ready!(Pin::new(&mut *to).poll_write(cx, &self.rest))?;
            let taken = self.take(taken, moved)?;
            self.rest.advance(taken);
            return Poll::Ready(Ok(()));
        }
        let mut space = [const { MaybeUninit::uninit() }; CHUNK_BYTES];
        let mut read = ReadBuf::uninit(&mut space);
        if Pin::new(&mut *from).poll_read(cx, &mut read)?.is_pending() {
            if self.unflushed {
                ready!(Pin::new(&mut *to).poll_flush(cx))?;
                self.unflushed = false;
            }
            return Poll::Pending;
        }
        let read = read.filled();
        if read.is_empty() {
            self.state = State::Ended;
            return Poll::Ready(Ok(()));
        }
        let taken = match Pin::new(&mut *to).poll_write(cx, read)? {
            Poll::Ready(taken) => self.take(taken, moved)?,
            Poll::Pending => 0,
        };
        // Copied only where the other side does not keep up.
        self.rest = Bytes::copy_from_slice(&read[taken..]);
        Poll::Ready(Ok(()))
    }

    fn take(&mut self, taken: usize, moved: &mut Instant) -> io::Result<usize> {
        if taken == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        *moved = Instant::now();
        self.unflushed = true;
        Ok(taken)
    }
}
