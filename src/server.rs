//! The one accept loop behind every `serve()`: it takes connections, shakes hands
//! where they speak TLS, lets them go when they are idle, and ends them gracefully.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::HttpService;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

/// How long connections may last.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// A connection without a request for this long is closed.
    pub idle: Duration,
    /// A request's head that has begun is given up after this long without a byte.
    pub request_head: Duration,
    /// After the end was asked for, running requests have this long.
    pub drain: Duration,
}

impl Patience {
    fn sweep_interval(&self) -> Duration {
        sweep_interval(self.idle.min(self.request_head))
    }
}

/// A head is given up after this many times the silence that is borne inside of one,
/// however steadily its bytes drip in.
const HEAD_SILENCES_MAX: u32 = 6;

/// Pause after the process ran out of descriptors or memory: long enough not to
/// spin, short enough to go unnoticed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// That it ran out is said again after this long.
const SHORTAGE_SILENCE: Duration = Duration::from_secs(10);

/// Since it was accepted, a connection has this long for its first request although
/// Serin drains or is short of descriptors. Clients send again what was lost on a
/// connection that they had used before, and not what was lost on a new one.
const NEWCOMER_PATIENCE: Duration = Duration::from_secs(1);

/// Connections that are taken from the queue of a listener before it closes. One that
/// others keep open may never be empty.
const QUEUE_MAX: usize = 16_384;

/// Takes connections until `shutdown`, then those that wait in the queue of `listener`,
/// and lets running requests finish. Others may accept from the same socket: it is
/// closed once each of them has seen the queue empty, so none is lost between them.
///
/// `patience` is asked anew for each sweep. `handle` makes the future that serves one
/// connection on this thread; it ends by itself, or soon after [`Presence::dismissed`],
/// or is dropped when the time to drain is over. Must run inside a
/// [`tokio::task::LocalSet`].
pub async fn serve<F>(
    listener: TcpListener,
    patience: impl Fn() -> Patience,
    shutdown: impl Future<Output = ()>,
    handle: impl Fn(TcpStream, SocketAddr, Rc<Presence>) -> F,
) where
    F: Future<Output = ()> + 'static,
{
    let connections = Rc::new(Connections::default());
    let mut shutdown = pin!(shutdown);
    let mut sweep = pin!(tokio::time::sleep(patience().sweep_interval()));
    let mut tasks = tokio::task::JoinSet::new();
    let mut shortage = Shortage::default();
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            () = sweep.as_mut() => {
                let patience = patience();
                connections.sweep(patience);
                sweep.as_mut().reset(Instant::now() + patience.sweep_interval());
            }
            Some(_) = tasks.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let presence = connections.enter();
                    tasks.spawn_local(handle(prompt(stream), peer, presence));
                }
                Err(error) if of_one_connection(&error) => {}
                Err(error) => {
                    shortage.say(&error);
                    // Whoever waits to be accepted has a better use for descriptors.
                    let short = NEWCOMER_PATIENCE;
                    connections.sweep(Patience { idle: short, request_head: short, ..patience() });
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
    connections.dismiss_all();
    let drain = patience().drain;
    let drained = async {
        if let Ok(queue) = listener.into_std() {
            // All at once: who is answered meanwhile might come back into the queue.
            for _ in 0..QUEUE_MAX {
                let Some((stream, peer)) = next_waiting(&queue, &mut shortage).await else { break };
                let presence = connections.enter();
                presence.dismiss(true);
                tasks.spawn_local(handle(prompt(stream), peer, presence));
            }
        }
        while tasks.join_next().await.is_some() {}
    };
    if tokio::time::timeout(drain, drained).await.is_err() {
        let cut = tasks.len();
        tracing::warn!(connections = cut, "requests were cut after {drain:?}");
    }
}

/// Both sides write whole messages; waiting to fill a segment only delays.
fn prompt(stream: TcpStream) -> TcpStream {
    drop(stream.set_nodelay(true));
    stream
}

/// The next connection in the queue of `listener`, which does not block; `None` when
/// there is none. Asked of the system: the event loop may not have heard of it yet.
async fn next_waiting(
    listener: &std::net::TcpListener,
    shortage: &mut Shortage,
) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = listener.accept().and_then(|(stream, peer)| {
            stream.set_nonblocking(true)?;
            Ok((TcpStream::from_std(stream)?, peer))
        });
        match accepted {
            Ok(accepted) => return Some(accepted),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(error) if of_one_connection(&error) => {}
            Err(error) => {
                // Requests that end give their descriptors back.
                shortage.say(&error);
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Says that connections cannot be accepted, and not with every try.
#[derive(Default)]
struct Shortage {
    said: Option<Instant>,
}

impl Shortage {
    fn say(&mut self, error: &io::Error) {
        if self.said.is_none_or(|said| said.elapsed() >= SHORTAGE_SILENCE) {
            self.said = Some(Instant::now());
            tracing::warn!(%error, "cannot accept connections for now");
        }
    }
}

/// How often to look for idle connections: often enough that one lasts at most a
/// quarter longer than asked.
pub fn sweep_interval(idle: Duration) -> Duration {
    (idle / 4).clamp(Duration::from_millis(5), Duration::from_secs(1))
}

/// Errors of a connection that was gone before it was taken: the next one is fine.
fn of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

/// The connections of one listener on one thread.
#[derive(Default)]
struct Connections {
    present: RefCell<Vec<Weak<Presence>>>,
}

impl Connections {
    fn enter(&self) -> Rc<Presence> {
        let presence = Rc::new(Presence::new());
        self.present.borrow_mut().push(Rc::downgrade(&presence));
        presence
    }

    /// One walk a sweep, and no timer for each connection, so that a request pays
    /// nothing for the idle time-out but a look at the clock.
    fn sweep(&self, patience: Patience) {
        let now = Instant::now();
        self.present.borrow_mut().retain(|presence| {
            let Some(presence) = presence.upgrade() else {
                return false;
            };
            presence.check(now, patience);
            true
        });
    }

    fn dismiss_all(&self) {
        for presence in self.present.borrow().iter().filter_map(Weak::upgrade) {
            presence.dismiss(true);
        }
    }
}

/// One connection, as the accept loop sees it.
pub struct Presence {
    running: Cell<u32>,
    idle_since: Cell<Instant>,
    /// Until its first request.
    newcomer_until: Cell<Option<Instant>>,
    first_request: Notify,
    is_dismissed: Cell<bool>,
    is_draining: Cell<bool>,
    dismissal: Notify,
    head: HeadClock,
}

impl Presence {
    /// A connection that has just come.
    #[expect(clippy::new_without_default, reason = "a look at the clock is no default")]
    pub fn new() -> Self {
        Self {
            running: Cell::new(0),
            idle_since: Cell::new(Instant::now()),
            newcomer_until: Cell::new(Some(Instant::now() + NEWCOMER_PATIENCE)),
            first_request: Notify::new(),
            is_dismissed: Cell::new(false),
            is_draining: Cell::new(false),
            dismissal: Notify::new(),
            head: HeadClock::default(),
        }
    }

    /// Dismisses an idle connection, and gives up a head that is late. A head that
    /// arrives while a request runs has time until that is over.
    fn check(&self, now: Instant, patience: Patience) {
        if self.running.get() > 0 {
            return;
        }
        let idle_since = self.idle_since.get();
        if self.head.is_running() {
            self.head.check(now, idle_since, patience.request_head);
        } else if now - idle_since >= patience.idle {
            self.dismiss(false);
        }
    }

    /// The time of the head that is arriving, kept by who reads it.
    pub fn head(&self) -> &HeadClock {
        &self.head
    }

    /// Marks a request as running until the returned value is dropped.
    pub fn busy(self: &Rc<Self>) -> Busy {
        self.running.set(self.running.get() + 1);
        if self.newcomer_until.take().is_some() {
            self.first_request.notify_one();
        }
        Busy(self.clone())
    }

    /// Whether a request is running.
    pub fn is_busy(&self) -> bool {
        self.running.get() > 0
    }

    /// Asks the connection to finish what it does and close.
    pub fn finish(&self) {
        self.dismiss(false);
    }

    fn dismiss(&self, is_draining: bool) {
        self.is_dismissed.set(true);
        self.is_draining.set(self.is_draining.get() || is_draining);
        self.dismissal.notify_one();
    }

    /// Ends when the connection should finish what it does and close. It must run on
    /// meanwhile, so that a request that has been sent is read before it closes.
    pub async fn dismissed(&self) {
        while !self.is_dismissed.get() {
            self.dismissal.notified().await;
        }
        if self.is_draining.get()
            && let Some(end) = self.newcomer_until.get()
        {
            drop(tokio::time::timeout_at(end, self.first_request.notified()).await);
        }
        // The event loop tells of what has arrived once every task has had its turn.
        tokio::task::yield_now().await;
    }
}

/// The time of a request's head that has begun and is not whole.
#[derive(Default)]
pub struct HeadClock {
    times: Cell<Option<HeadTimes>>,
    late: Cell<bool>,
    /// Who reads it and waits for more.
    reader: RefCell<Option<Waker>>,
}

#[derive(Clone, Copy)]
struct HeadTimes {
    begun: Instant,
    moved: Instant,
}

impl HeadClock {
    /// Takes note of bytes of a head that has more to come.
    pub fn moved(&self) {
        let moved = Instant::now();
        let begun = self.times.get().map_or(moved, |times| times.begun);
        self.times.set(Some(HeadTimes { begun, moved }));
    }

    /// Names whom to wake should the head be late.
    pub fn wait(&self, reader: &Waker) {
        let mut waiting = self.reader.borrow_mut();
        match &mut *waiting {
            Some(waiting) => waiting.clone_from(reader),
            None => *waiting = Some(reader.clone()),
        }
    }

    /// Takes note that the head is whole, or no longer waited for.
    pub fn stop(&self) {
        if self.times.take().is_some() {
            self.reader.take();
        }
    }

    pub fn is_running(&self) -> bool {
        self.times.get().is_some()
    }

    /// Whether the head has used up its time.
    pub fn is_late(&self) -> bool {
        self.late.get()
    }

    fn check(&self, now: Instant, idle_since: Instant, silence: Duration) {
        let Some(HeadTimes { begun, moved }) = self.times.get() else { return };
        let since = |time: Instant| now.saturating_duration_since(time.max(idle_since));
        if since(moved) >= silence || since(begun) >= silence * HEAD_SILENCES_MAX {
            self.give_up();
        }
    }

    /// Declares the head late, and wakes its reader to hear it.
    pub fn give_up(&self) {
        self.late.set(true);
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

/// A request that is running.
pub struct Busy(Rc<Presence>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.running.set(self.0.running.get() - 1);
        self.0.idle_since.set(Instant::now());
    }
}

/// The TLS alert `unrecognized_name`, fatal: before any key is agreed on it goes in
/// the clear (RFC 8446, section 6.2; RFC 6066, section 3).
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// Agrees on TLS with a client, within `limit`. `None` when that fails, or when the
/// connection is dismissed before.
pub async fn handshake(
    config: Arc<ServerConfig>,
    stream: TcpStream,
    presence: &Presence,
    limit: Duration,
) -> Option<TlsStream<TcpStream>> {
    let outcome = tokio::select! {
        outcome = tokio::time::timeout(limit, agree(config, stream)) => outcome,
        () = presence.dismissed() => return None,
    };
    match outcome.unwrap_or_else(|late| Err(late.into())) {
        Ok(stream) => Some(stream),
        Err(error) => {
            // Talk of another protocol, or a client that does not trust us.
            tracing::debug!(%error, "no TLS handshake");
            None
        }
    }
}

async fn agree(config: Arc<ServerConfig>, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    let mut start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    // Asked here, since rustls would say `access_denied`, which names no cause.
    if config.cert_resolver.resolve(start.client_hello()).is_none() {
        start.io.write_all(&UNRECOGNIZED_NAME).await?;
        start.io.shutdown().await?;
        let name = start.client_hello().server_name().unwrap_or_default().to_owned();
        return Err(io::Error::other(format!("there is no certificate for `{name}`")));
    }
    start.into_stream(config).await
}

/// Speaks HTTP/1.1 on `stream` until it ends or is dismissed.
pub async fn http1<S, B>(
    builder: &http1::Builder,
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    service: S,
    presence: &Presence,
    patience: Patience,
) where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    drive(pin!(connection), presence, patience).await;
}

/// Lets `connection` run until it ends or is dismissed. Whether it ended by itself and
/// in order.
pub async fn drive<I, S, B>(
    mut connection: Pin<&mut http1::Connection<I, S>>,
    presence: &Presence,
    patience: Patience,
) -> bool
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let outcome = tokio::select! {
        biased;
        outcome = connection.as_mut() => Some(outcome),
        () = presence.dismissed() => {
            let outcome = heard_out(connection.as_mut(), presence).await;
            if outcome.is_none() {
                // Closes at once when idle, else after the response that is running.
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    outcome = connection.as_mut() => Some(outcome),
                    () = outstayed(presence, patience) => None,
                }
            } else {
                outcome
            }
        }
    };
    if let Some(Err(error)) = &outcome {
        // A peer that goes away or talks nonsense is no news to the operator.
        tracing::debug!(%error, "connection ended");
    }
    matches!(outcome, Some(Ok(())))
}

/// Lets a dismissed connection run on while a head is arriving, so that the request is
/// answered. `None` once there is no such head.
async fn heard_out<F: Future>(
    mut connection: Pin<&mut F>,
    presence: &Presence,
) -> Option<F::Output> {
    std::future::poll_fn(|cx| match connection.as_mut().poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending if presence.head.is_running() => Poll::Pending,
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Ends when a dismissed connection has been without a request for another idle
/// time: a half-sent head, or a client that does not take its last bytes.
pub async fn outstayed(presence: &Presence, patience: Patience) {
    loop {
        let since = presence.idle_since.get();
        tokio::time::sleep_until(since.max(Instant::now()) + patience.idle).await;
        if presence.running.get() == 0 && presence.idle_since.get() == since {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long enough for what must end, and no test waits for it.
    const LONG: Duration = Duration::from_secs(30);

    fn on_a_runtime(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime").block_on(test);
    }

    async fn leaves(presence: &Presence, within: Duration) -> bool {
        tokio::time::timeout(within, presence.dismissed()).await.is_ok()
    }

    #[test]
    fn a_drain_lets_a_newcomer_ask_once() {
        on_a_runtime(async {
            let connections = Connections::default();
            let newcomer = connections.enter();
            connections.dismiss_all();
            assert!(!leaves(&newcomer, Duration::from_millis(20)).await);
            // Who has shaken hands meanwhile is told once more.
            drop(newcomer.busy());
            assert!(leaves(&newcomer, LONG).await);
        });
    }

    #[test]
    fn a_drain_waits_for_no_newcomer_for_ever_and_an_idle_one_goes_at_once() {
        on_a_runtime(async {
            let connections = Connections::default();
            let silent = connections.enter();
            let idle = connections.enter();
            drop(idle.busy());
            connections.dismiss_all();
            assert!(leaves(&idle, NEWCOMER_PATIENCE / 2).await);
            assert!(leaves(&silent, LONG).await);
        });
    }
}
