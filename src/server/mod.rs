//! The one accept loop behind every `serve()`: it takes connections, shakes hands
//! where they speak TLS, lets them go when they are idle or take nothing of what is said,
//! and ends them gracefully.

mod drive;
mod handshake;
mod head_clock;
mod passing;
mod patient;
mod presence;
mod queue;
mod silence;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

pub use self::drive::{http1, outstayed};
pub use self::handshake::handshake;
pub use self::head_clock::HeadClock;
pub use self::passing::{Accepted, Passed, Passing};
pub use self::patient::{Patient, STANDSTILLS_MAX};
pub use self::presence::{Busy, Presence};
use self::presence::{Connections, NEWCOMER_PATIENCE};
use self::queue::{ACCEPT_PAUSE, Shortage, next_waiting, of_one_connection};
pub use self::silence::{Alarm, Silence};

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

/// A request's head is given up after this many times the silence that is borne inside of
/// it, however steadily its bytes drip in.
pub const HEAD_SILENCES_MAX: u32 = 6;

/// Connections that are taken from the queue of a listener before it closes. One that
/// others keep open may never be empty.
const QUEUE_MAX: usize = 16_384;

/// Takes connections until `shutdown`, then those that wait in the queue of `listener`,
/// and lets running requests finish. Others may accept from the same socket: it is
/// closed once each of them has seen the queue empty, so none is lost between them.
///
/// `patience` is asked anew for each sweep. Of the connections that come, `passing` may give
/// some to others, and others theirs. `handle` makes the future that serves one
/// connection on this thread; it ends by itself, or soon after [`Presence::dismissed`],
/// or is dropped when the time to drain is over. Must run inside a
/// [`tokio::task::LocalSet`].
pub async fn serve<F>(
    listener: TcpListener,
    patience: impl Fn() -> Patience,
    mut passing: Passing<impl Fn(Accepted) -> Option<Accepted>>,
    shutdown: impl Future<Output = ()>,
    handle: impl Fn(TcpStream, SocketAddr, Rc<Presence>) -> F,
) where
    F: Future<Output = ()> + 'static,
{
    let connections = Connections::default();
    let mut shutdown = pin!(shutdown);
    let mut sweeping = pin!(keep_sweeping(&connections, &patience));
    let mut tasks = tokio::task::JoinSet::new();
    let mut shortage = Shortage::default();
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            never = sweeping.as_mut() => match never {},
            Some(_) = tasks.join_next() => {}
            Some((stream, peer)) = passing.next() => {
                tasks.spawn_local(handle(stream, peer, connections.enter()));
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    if let Some((stream, peer)) = (passing.pass)((prompt(stream), peer)) {
                        tasks.spawn_local(handle(stream, peer, connections.enter()));
                    }
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
    passing.stop();
    let drain = patience().drain;
    let drained = async {
        if let Ok(queue) = listener.into_std() {
            while let Some((stream, peer)) = passing.next().await {
                let presence = connections.enter();
                presence.dismiss(true);
                tasks.spawn_local(handle(stream, peer, presence));
            }
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
    let drained = tokio::select! {
        biased;
        // A head that is late is given up now as ever.
        never = sweeping.as_mut() => match never {},
        drained = tokio::time::timeout(drain, drained) => drained,
    };
    if drained.is_err() {
        let cut = tasks.len();
        tracing::warn!(connections = cut, "requests were cut after {drain:?}");
    }
}

async fn keep_sweeping(connections: &Connections, patience: &impl Fn() -> Patience) -> Infallible {
    loop {
        let patience = patience();
        connections.sweep(patience);
        tokio::time::sleep(patience.sweep_interval()).await;
    }
}

/// Both sides write whole messages; waiting to fill a segment only delays.
fn prompt(stream: TcpStream) -> TcpStream {
    drop(stream.set_nodelay(true));
    stream
}

/// How often to look for idle connections: often enough that one lasts at most a
/// quarter longer than asked.
pub fn sweep_interval(idle: Duration) -> Duration {
    (idle / 4).clamp(Duration::from_millis(5), Duration::from_secs(1))
}
