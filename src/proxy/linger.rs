//! What goes on after a response is through: hearing a client out that was answered
//! before its body was read.
//!
//! Many clients send the whole body before they look for the response. Closing on
//! them resets the connection, and the response is lost (RFC 9112, section 9.6).

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::pool::Lease;

/// How long a body is read for nothing but the client's sake.
const LINGER_MAX: Duration = Duration::from_secs(30);

/// A client that is silent for this long has seen its answer, or never will.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// An upstream that has answered, and takes nothing for this long, wants no more.
const STALL_MAX: Duration = Duration::from_secs(1);

/// Takes what is left over of exchanges. Cheap to clone.
#[derive(Clone)]
pub(super) struct Linger(mpsc::UnboundedSender<Left>);

enum Left {
    /// The rest of a body that nobody reads.
    Body(Incoming),
    /// An upstream that has answered before it had the whole request; how long the client
    /// may be silent.
    Upstream(Lease, Duration),
}

impl Linger {
    /// Also the task that reads; it ends when no one can send a rest any more. As many
    /// rests wait as there are requests, no more.
    pub(super) fn start() -> Self {
        let (linger, mut all) = mpsc::unbounded_channel();
        tokio::task::spawn_local(async move {
            while let Some(left) = all.recv().await {
                match left {
                    Left::Body(rest) => {
                        let read = tokio::time::timeout(LINGER_MAX, read_out(rest));
                        drop(tokio::task::spawn_local(read));
                    }
                    Left::Upstream(lease, silence) => {
                        drop(tokio::task::spawn_local(outlast(lease, silence)));
                    }
                }
            }
        });
        Self(linger)
    }

    pub(super) fn read(&self, rest: Incoming) {
        // At the end of the worker there is nobody left to read.
        drop(self.0.send(Left::Body(rest)));
    }

    /// Lets the upload to an upstream that has answered go on for as long as it moves.
    pub(super) fn outlast(&self, lease: Lease, silence: Duration) {
        drop(self.0.send(Left::Upstream(lease, silence)));
    }
}

async fn read_out(mut rest: Incoming) {
    while let Ok(Some(Ok(_))) = tokio::time::timeout(SILENCE_MAX, rest.frame()).await {}
}

/// Keeps the connection until its upload is through or no longer moves. Then the rest of
/// the body is read for the client's sake; where the upstream speaks HTTP/2, which holds it
/// still, nobody reads it.
async fn outlast(lease: Lease, silence: Duration) {
    while !lease.is_through() {
        let upload = &lease.upload;
        let max = if upload.awaited() { silence } else { STALL_MAX };
        let due = upload.since() + max;
        let now = Instant::now();
        if due <= now {
            break;
        }
        // Who is waited for may change meanwhile.
        tokio::time::sleep_until(due.min(now + STALL_MAX)).await;
    }
}
