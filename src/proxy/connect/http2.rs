//! HTTP/2 on a connection: its limits, and tasks that stay on this thread.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hyper::client::conn::http2::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioTimer;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::{Deadline, Socket};
use crate::model::Limits;
use crate::proxy::error::ProxyError;
use crate::proxy::upload::Upload;

/// To tell a peer that a connection ends. One that reads nothing may not take it.
const GOODBYE_MAX: Duration = Duration::from_secs(1);

/// Requests at once on one connection, even if its peer would take more.
const STREAMS_MAX: usize = 100;

/// Of a response, not taken by its client yet.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;

/// Of all responses of a connection: as much as all streams together may hold, so that
/// clients who take nothing cannot keep the others waiting.
const CONNECTION_WINDOW_BYTES: u32 = 100 * STREAM_WINDOW_BYTES;

/// Of a request's body, taken from the client and not sent yet.
const SEND_BUFFER_BYTES: usize = 256 * 1024;

/// A connection with requests, and silent for this long, is asked for a sign of life.
/// Servers of gRPC take asking twice in five minutes for abuse.
const PING_AFTER: Duration = Duration::from_secs(310);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// Stands for what a peer has not said yet. No peer can say it, since what it says has
/// 32 bits, or is nothing and means no limit.
const STREAMS_UNKNOWN: usize = usize::MAX - 1;

/// What was agreed on with the peer of a connection.
pub(in crate::proxy) struct Agreement {
    pub(in crate::proxy) sender: SendRequest<Upload>,
    /// Requests at once, kept up to date.
    pub(in crate::proxy) streams_max: Rc<Cell<usize>>,
    /// Dropped when nobody has a request on the connection, nor will.
    pub(in crate::proxy) held: oneshot::Sender<Infallible>,
}

/// Speaks HTTP/2 on `socket`, and leaves tasks that do so on this thread.
///
/// Waits for the peer's settings, which come first (RFC 9113, section 3.4): who sends
/// none does not speak HTTP/2, and nobody has sent it a request yet; who does has said
/// how many requests it takes.
pub(in crate::proxy) async fn handshake(
    socket: Socket,
    limits: &Limits,
    deadline: Deadline,
) -> Result<Agreement, ProxyError> {
    // Whoever speaks HTTP/2 reads nothing while a write is pending, and would wait for ever
    // on one that has failed.
    let socket = socket.bare();
    let local = Local::default();
    let mut builder = Builder::new(local.clone());
    builder
        .timer(TokioTimer::new())
        .initial_max_send_streams(STREAMS_UNKNOWN)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .max_header_list_size(header_list_max(limits))
        .keep_alive_interval(PING_AFTER)
        .keep_alive_timeout(PING_TIMEOUT);
    let (sender, connection) =
        deadline.bound(builder.handshake(socket)).await?.map_err(ProxyError::terminated)?;
    let streams_max = Rc::new(Cell::new(STREAMS_UNKNOWN));
    let mut driver = Driver { connection, local, streams_max: streams_max.clone() };
    let settled = poll_fn(|cx| match driver.poll(cx) {
        Poll::Ready(_) => Poll::Ready(Err(ProxyError::NotHttp2)),
        Poll::Pending if driver.streams_max.get() == STREAMS_UNKNOWN => Poll::Pending,
        Poll::Pending => Poll::Ready(Ok(())),
    });
    deadline.bound(settled).await??;
    let (held, mut let_go) = oneshot::channel();
    tokio::task::spawn_local(async move {
        let ended = tokio::select! {
            ended = poll_fn(|cx| driver.poll(cx)) => Some(ended),
            _ = &mut let_go => None,
        };
        let local = driver.local.clone();
        // With it go requests that it has not taken.
        drop(driver);
        if let Some(ended) = ended {
            if let Err(error) = ended {
                tracing::debug!(%error, "upstream connection ended");
            }
            // It takes no more requests, and those it has may go on.
            drop(let_go.await);
        }
        tokio::time::sleep(GOODBYE_MAX).await;
        local.close();
    });
    Ok(Agreement { sender, streams_max, held })
}

/// Twice what is allowed, since HTTP/2 counts 32 bytes more for each field (RFC 9113,
/// section 6.5.2): who is beyond that is cut off, who is beyond the limit is told.
fn header_list_max(limits: &Limits) -> u32 {
    u32::try_from(limits.header_bytes.get().saturating_mul(2)).unwrap_or(u32::MAX)
}

/// Hands requests over to the task that moves bytes.
struct Driver {
    connection: Connection<Socket, Upload, Local>,
    local: Local,
    streams_max: Rc<Cell<usize>>,
}

impl Driver {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        self.local.wake_also(cx.waker());
        let polled = Pin::new(&mut self.connection).poll(cx);
        let max = match self.connection.current_max_send_streams() {
            STREAMS_UNKNOWN => STREAMS_UNKNOWN,
            // A peer that takes none at the moment lets the first one wait.
            max => max.clamp(1, STREAMS_MAX),
        };
        self.streams_max.set(max);
        polled
    }
}

/// Runs hyper's tasks on this thread, since neither our sockets nor our bodies can leave
/// it.
///
/// The first of them moves the bytes. When it has, the driver is woken, too: left alone,
/// it would learn with the next request alone that the peer has said goodbye, or how many
/// it takes.
#[derive(Clone, Default)]
struct Local(Rc<Link>);

#[derive(Default)]
struct Link {
    /// The task that moves the bytes.
    mover: RefCell<Option<AbortHandle>>,
    driver: RefCell<Option<Waker>>,
}

impl Local {
    fn wake_also(&self, waker: &Waker) {
        let mut driver = self.0.driver.borrow_mut();
        if !driver.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *driver = Some(waker.clone());
        }
    }

    /// Closes the socket, whatever is still to be written.
    fn close(&self) {
        if let Some(mover) = &*self.0.mover.borrow() {
            mover.abort();
        }
    }
}

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, task: F) {
        if self.0.mover.borrow().is_some() {
            tokio::task::spawn_local(task);
            return;
        }
        let link = self.0.clone();
        let mover = tokio::task::spawn_local(async move {
            let mut task = pin!(task);
            poll_fn(|cx| {
                let polled = task.as_mut().poll(cx);
                if let Some(driver) = &*link.driver.borrow() {
                    driver.wake_by_ref();
                }
                polled
            })
            .await;
        });
        self.0.mover.replace(Some(mover.abort_handle()));
    }
}
