//! Hearing a client out that was answered before its body was read.
//!
//! Many clients send the whole body before they look for the response. Closing on
//! them resets the connection, and the response is lost (RFC 9112, section 9.6).

use std::time::Duration;

use http::Version;
use http::header::EXPECT;
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::mpsc;

/// How long a body is read for nothing but the client's sake.
const LINGER_MAX: Duration = Duration::from_secs(30);

/// A client that is silent for this long has seen its answer, or never will.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// Takes the rests of bodies that nobody reads. Cheap to clone.
#[derive(Clone)]
pub(super) struct Linger(mpsc::UnboundedSender<Incoming>);

impl Linger {
    /// Also the task that reads; it ends when no one can send a rest any more. As many
    /// rests wait as there are connections, no more.
    pub(super) fn start() -> Self {
        let (linger, mut rests) = mpsc::unbounded_channel();
        tokio::task::spawn_local(async move {
            while let Some(rest) = rests.recv().await {
                tokio::task::spawn_local(tokio::time::timeout(LINGER_MAX, read_out(rest)));
            }
        });
        Self(linger)
    }

    /// Who lingers over the body of `request`; nobody over one that was not sent yet,
    /// because reading it would ask for it, nor over one of HTTP/2, whose client can be
    /// told to keep the rest (RFC 9113, section 8.1).
    pub(super) fn over(&self, request: &Parts) -> Option<Self> {
        let is_sent = !request.headers.contains_key(EXPECT);
        (is_sent && request.version != Version::HTTP_2).then(|| self.clone())
    }

    pub(super) fn read(&self, rest: Incoming) {
        // At the end of the worker there is nobody left to read.
        drop(self.0.send(rest));
    }
}

async fn read_out(mut rest: Incoming) {
    while let Ok(Some(Ok(_))) = tokio::time::timeout(SILENCE_MAX, rest.frame()).await {}
}
