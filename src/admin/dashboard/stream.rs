//! Server-sent events: what a viewer looks at, as it changes.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use http_body::Frame;
use serde::Serialize;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};
use xxhash_rust::xxh3::xxh3_64;

use super::assets::DIGEST;
use super::look::{Look, Looked};
use crate::admin::Admin;
use crate::admin::api::{ApiError, Asked};
use crate::admin::signature::{Caller, Effect};

/// How often it is looked for what has changed.
const TICK: Duration = Duration::from_millis(500);

/// A viewer hears something at least so often, and so knows that Serin is there.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Streams that are open at once. A page that nobody looks at closes its own.
const STREAMS_MAX: usize = 64;

/// What waits for a viewer who takes nothing: ticks.
const TICKS_WAITING_MAX: usize = 4;

/// The streams that are open, and their end.
#[derive(Debug, Clone)]
pub struct Streams {
    open: Arc<AtomicUsize>,
    ended: Arc<watch::Sender<bool>>,
    /// Told when other keys hold.
    rekeyed: Arc<watch::Sender<()>>,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            open: Arc::default(),
            ended: Arc::new(watch::Sender::new(false)),
            rekeyed: Arc::new(watch::Sender::new(())),
        }
    }
}

impl Streams {
    /// Ends every stream, so that no graceful end waits for one.
    pub(in crate::admin) fn end(&self) {
        self.ended.send_replace(true);
    }

    /// Ends the streams that are open, so that whoever goes on is asked for a key again.
    pub(in crate::admin) fn rekey(&self) {
        self.rekeyed.send_replace(());
    }

    /// A place for one more; `None` where all are taken.
    fn sit(&self) -> Option<Seat> {
        let more = |open: usize| (open < STREAMS_MAX).then_some(open + 1);
        let sat = self.open.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        sat.ok().map(|_| Seat(self.open.clone()))
    }
}

/// The place of one stream.
struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Who looks, and what the page must know at once.
#[derive(Serialize)]
struct Hello {
    /// Of Serin.
    version: &'static str,
    /// Of the page: one with another digest is out of date.
    digest: &'static str,
    /// Whether callers must say who they are; and who this one is.
    keys: bool,
    key: Option<String>,
    may_write: bool,
    /// Where requests go.
    production: SocketAddr,
    staging: SocketAddr,
    /// Milliseconds since the Unix epoch.
    now_ms: i64,
}

pub(super) async fn open(
    State(admin): State<Arc<Admin>>,
    Extension(caller): Extension<Caller>,
    Asked(look): Asked<Look>,
) -> Result<Response, ApiError> {
    let looked = Looked::at(look)?;
    let Some(seat) = admin.streams.sit() else {
        let message = format!("{STREAMS_MAX} streams are open, and no more are: close one");
        let error = json!({ "error": { "code": "too_many_streams", "message": message } });
        let again = [(RETRY_AFTER, HeaderValue::from_static("5"))];
        return Ok((StatusCode::SERVICE_UNAVAILABLE, again, Json(error)).into_response());
    };
    let hello = Hello {
        version: env!("CARGO_PKG_VERSION"),
        digest: &DIGEST,
        keys: !admin.keyring.is_empty(),
        key: caller.key().map(ToString::to_string),
        may_write: caller.may(Effect::Writes).is_ok(),
        production: admin.production,
        staging: admin.staging,
        now_ms: (admin.clock)().0 / 1_000_000,
    };
    let mut told = Told::default();
    told.tell("hello", "", &hello);
    let (sender, events) = mpsc::channel(TICKS_WAITING_MAX);
    let rekeyed = admin.streams.rekeyed.subscribe();
    tokio::spawn(feed(admin, looked, told, sender, rekeyed));
    let mut response = Response::new(Body::new(Feed { events, _seat: seat }));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}

/// What a viewer was told, so that only what changes is told again.
#[derive(Default)]
pub(super) struct Told {
    /// By event and what it is of: a hash of the last text.
    last: HashMap<(&'static str, String), u64>,
    /// Not sent yet.
    text: String,
}

impl Told {
    /// Tells `said` unless it was the last thing said of this.
    pub(super) fn tell(&mut self, event: &'static str, of: &str, said: &impl Serialize) {
        let data = serde_json::to_string(said).expect("its keys are text");
        let hash = xxh3_64(data.as_bytes());
        if self.last.insert((event, of.to_owned()), hash) != Some(hash) {
            // JSON holds no line break, so it is one line of data.
            self.text.extend(["event: ", event, "\ndata: ", &data, "\n\n"]);
        }
    }

    /// Forgets what is not among `kept`, so that it is told when it comes again.
    pub(super) fn retain(&mut self, event: &'static str, kept: &[String]) {
        self.last.retain(|(it, of), _| *it != event || kept.contains(of));
    }
}

/// Looks again and again, until nobody does, other keys hold, or Serin ends.
async fn feed(
    admin: Arc<Admin>,
    looked: Looked,
    mut told: Told,
    sender: mpsc::Sender<Bytes>,
    mut rekeyed: watch::Receiver<()>,
) {
    let mut ended = admin.streams.ended.subscribe();
    let ended = async move { drop(ended.wait_for(|ended| *ended).await) };
    let feeding = async move {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut spoke = Instant::now();
        loop {
            tokio::select! {
                () = sender.closed() => return,
                _ = ticks.tick() => {}
            }
            if looked.tell(&admin, &mut told).await.is_err() {
                return;
            }
            if told.text.is_empty() && spoke.elapsed() >= HEARTBEAT {
                ":\n\n".clone_into(&mut told.text);
            }
            if !told.text.is_empty() {
                spoke = Instant::now();
                if sender.send(std::mem::take(&mut told.text).into()).await.is_err() {
                    return;
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = ended => {}
        _ = rekeyed.changed() => {}
        () = feeding => {}
    }
}

/// The body of one stream.
struct Feed {
    events: mpsc::Receiver<Bytes>,
    _seat: Seat,
}

impl http_body::Body for Feed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.events.poll_recv(cx).map(|events| events.map(|it| Ok(Frame::data(it))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_is_told_again_once_it_has_changed_or_was_gone() {
        let mut told = Told::default();
        let tell = |told: &mut Told, number: u32| {
            told.tell("row", "a", &number);
            std::mem::take(&mut told.text)
        };
        assert_eq!(tell(&mut told, 1), "event: row\ndata: 1\n\n");
        assert_eq!(tell(&mut told, 1), "");
        assert_eq!(tell(&mut told, 2), "event: row\ndata: 2\n\n");
        told.retain("row", &["b".to_owned()]);
        assert_eq!(tell(&mut told, 2), "event: row\ndata: 2\n\n");
    }

    #[test]
    fn there_are_so_many_places_and_one_that_is_left_is_free() {
        let streams = Streams::default();
        let mut seats: Vec<_> = (0..STREAMS_MAX).map(|_| streams.sit().unwrap()).collect();
        assert!(streams.sit().is_none());
        seats.pop();
        assert!(streams.sit().is_some());
    }
}
