//! The one accept loop behind every `serve()`: it takes connections, shakes hands
//! where they speak TLS, lets them go when they are idle, and ends them gracefully.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
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
    /// After the end was asked for, running requests have this long.
    pub drain: Duration,
}

/// Pause after the process ran out of descriptors or memory: long enough not to
/// spin, short enough to go unnoticed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Takes connections until `shutdown`, then lets running requests finish.
///
/// `patience` is asked anew for each sweep. `handle` makes the future that serves one connection on this thread; it ends by
/// itself, or soon after [`Presence::dismissed`], or is dropped when the time to
/// drain is over. Must run inside a [`tokio::task::LocalSet`].
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
    let mut sweep = pin!(tokio::time::sleep(sweep_interval(patience().idle)));
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            () = sweep.as_mut() => {
                let idle = patience().idle;
                connections.dismiss_idle(idle);
                sweep.as_mut().reset(Instant::now() + sweep_interval(idle));
            }
            Some(_) = tasks.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    // Both sides write whole messages; waiting to fill a segment only delays.
                    drop(stream.set_nodelay(true));
                    let presence = connections.enter();
                    tasks.spawn_local(handle(stream, peer, presence));
                }
                Err(error) if of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections for now");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
    drop(listener);
    connections.dismiss_all();
    let drained = async { while tasks.join_next().await.is_some() {} };
    let drain = patience().drain;
    if tokio::time::timeout(drain, drained).await.is_err() {
        let cut = tasks.len();
        tracing::warn!(connections = cut, "requests were cut after {drain:?}");
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
        let presence = Rc::new(Presence {
            running: Cell::new(0),
            idle_since: Cell::new(Instant::now()),
            dismissal: Notify::new(),
        });
        self.present.borrow_mut().push(Rc::downgrade(&presence));
        presence
    }

    /// One walk a sweep, and no timer for each connection, so that a request pays
    /// nothing for the idle time-out but a look at the clock.
    fn dismiss_idle(&self, idle: Duration) {
        let now = Instant::now();
        self.present.borrow_mut().retain(|presence| {
            let Some(presence) = presence.upgrade() else {
                return false;
            };
            if presence.running.get() == 0 && now - presence.idle_since.get() >= idle {
                presence.dismiss();
            }
            true
        });
    }

    fn dismiss_all(&self) {
        for presence in self.present.borrow().iter().filter_map(Weak::upgrade) {
            presence.dismiss();
        }
    }
}

/// One connection, as the accept loop sees it.
pub struct Presence {
    running: Cell<u32>,
    idle_since: Cell<Instant>,
    dismissal: Notify,
}

impl Presence {
    /// Marks a request as running until the returned value is dropped.
    pub fn busy(self: &Rc<Self>) -> Busy {
        self.running.set(self.running.get() + 1);
        Busy(self.clone())
    }

    /// Asks the connection to finish what it does and close.
    pub fn dismiss(&self) {
        self.dismissal.notify_one();
    }

    /// Ends when the connection should finish what it does and close.
    pub async fn dismissed(&self) {
        self.dismissal.notified().await;
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
    let mut connection = pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = presence.dismissed() => {
            // Closes at once when idle, else after the response that is running.
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                outcome = connection.as_mut() => outcome,
                () = outstayed(presence, patience) => Ok(()),
            }
        }
    };
    if let Err(error) = outcome {
        // A peer that goes away or talks nonsense is no news to the operator.
        tracing::debug!(%error, "connection ended");
    }
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
