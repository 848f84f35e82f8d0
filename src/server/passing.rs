//! Connections that one who accepts gives to another.

use std::io;
use std::net::{SocketAddr, TcpStream as StdStream};

use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;

/// A connection, and whose it is.
pub type Accepted = (TcpStream, SocketAddr);

/// A connection on its way from one thread to another, with what is to be held until it is
/// there.
pub struct Passed {
    stream: StdStream,
    peer: SocketAddr,
    hold: Box<dyn Send>,
}

impl Passed {
    /// Takes a connection out of this thread's event loop.
    pub fn new((stream, peer): Accepted, hold: impl Send + 'static) -> io::Result<Self> {
        Ok(Self { stream: stream.into_std()?, peer, hold: Box::new(hold) })
    }

    /// Brings it into this thread's.
    pub fn take(self) -> io::Result<Accepted> {
        drop(self.hold);
        Ok((TcpStream::from_std(self.stream)?, self.peer))
    }
}

/// How connections are given to others, and come from them. As many are on their way as were
/// accepted, no more.
pub struct Passing<F> {
    /// Gives a connection to somebody else, or back.
    pub pass: F,
    /// What others give.
    pub passed: UnboundedReceiver<Passed>,
}

impl<F> Passing<F> {
    /// The next connection that somebody gives; `None` when nobody will.
    pub(super) async fn next(&mut self) -> Option<Accepted> {
        loop {
            match self.passed.recv().await?.take() {
                Ok(accepted) => return Some(accepted),
                // It is closed: there is no room for it in the event loop.
                Err(error) => tracing::warn!(%error, "a connection cannot be waited for"),
            }
        }
    }

    /// Takes no more than what is on its way.
    pub(super) fn stop(&mut self) {
        self.passed.close();
    }
}

/// Nobody gives anything.
impl Passing<fn(Accepted) -> Option<Accepted>> {
    pub fn none() -> Self {
        let (_, passed) = tokio::sync::mpsc::unbounded_channel();
        Self { pass: Some, passed }
    }
}
