//! One connection of a client that speaks HTTP/2.
//!
//! What it may make us hold is bounded: of requests, [`CONNECTION_WINDOW_BYTES`] of
//! bodies that upstreams do not take, and one head of `limits.header_bytes`; of
//! responses, for each of `limits.h2_streams` streams the chunk that was read from its
//! upstream last and [`SEND_BUFFER_BYTES`] on their way.

mod admit;
mod body;
mod frames;
mod prompt;
mod streams;

use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::TcpKeepalive;

pub(super) use self::admit::admit;
use self::body::{Paced, forbid_body};
use self::prompt::Prompt;
use self::streams::{Spawner, Streams};
use super::body::Body;
use super::connection::Visitor;
use super::passage::{Asking, Passage};
use super::tunnel::Line;
use super::upload::Source;
use super::worker::Worker;
use crate::model::Policy;
use crate::server;

/// What a client may send of one request's body before its upstream takes any.
const STREAM_WINDOW_BYTES: u32 = 64 << 10;
/// And of all on a connection: sixteen of them can stand still before they hold up
/// others.
const CONNECTION_WINDOW_BYTES: u32 = 1 << 20;
/// What waits to be written to a client, of one response.
const SEND_BUFFER_BYTES: usize = 64 << 10;

/// A connection on which nothing moves is probed this often once it could be idle, and is
/// gone after so many probes without an answer.
const PROBE_INTERVAL: Duration = Duration::from_secs(5);
const PROBES_MAX: u32 = 3;
/// Linux waits no longer before the first one, and refuses to be told to.
const PROBED_AFTER_MAX: Duration = Duration::from_secs(32_767);

/// Requests that a client may have taken back before anybody saw them, at one time.
const RESET_UNSEEN_MAX: usize = 20;
/// Mistakes of one client in the frames of streams, before it is sent away.
const STREAM_ERRORS_MAX: usize = 1_024;

/// Speaks HTTP/2 on `stream` until it ends or is dismissed.
pub(super) async fn serve(worker: Rc<Worker>, visitor: Rc<Visitor>, stream: impl Line + 'static) {
    let policy = worker.policy();
    let patience = worker.patience();
    let streams = Rc::new(Streams::new(patience.idle, visitor.presence.clone()));
    watch_over(&stream, patience.idle);
    let service = service_fn(|request| {
        let (worker, visitor) = (worker.clone(), visitor.clone());
        let busy = visitor.presence.busy();
        let pace = streams.enter();
        let unanswered = streams.unanswered();
        // It takes kilobytes, which hyper and tokio would move again and again.
        Box::pin(async move {
            let (mut response, passage) = answer(&worker, &visitor, request).await;
            unanswered.answered();
            response.body_mut().hold(busy);
            let presence = visitor.presence.clone();
            Ok::<_, Infallible>(response.map(|body| Paced::new(body, pace, presence, passage)))
        })
    });
    let stream = Prompt::new(stream, policy.timeouts.request_head);
    let connection = builder(&policy, &streams).serve_connection(TokioIo::new(stream), service);
    drop(policy);
    let mut connection = Box::pin(connection);
    let presence = &visitor.presence;
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = streams.abused() => {
            tracing::debug!("an HTTP/2 client takes back what it asks for, and is sent away");
            return;
        }
        () = presence.dismissed() => {
            // Says that no further requests are taken, and closes after those that run.
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = streams.abused() => Ok(()),
                () = server::outstayed(presence, patience) => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        // A peer that goes away or talks nonsense is no news to the operator.
        tracing::debug!(%error, "HTTP/2 connection ended");
    }
}

/// Has the kernel miss a client that vanished while its response is awaited. A ping would
/// come behind all that a slow reader has yet to read, and be answered minutes later.
fn watch_over(stream: &impl Line, idle: Duration) {
    let probes = TcpKeepalive::new()
        .with_time(idle.clamp(PROBE_INTERVAL, PROBED_AFTER_MAX))
        .with_interval(PROBE_INTERVAL)
        .with_retries(PROBES_MAX);
    // Without them it is missed when its response comes.
    drop(stream.socket(|socket| socket.set_tcp_keepalive(&probes)));
}

fn builder(policy: &Policy, streams: &Rc<Streams>) -> http2::Builder<Spawner> {
    let limits = &policy.limits;
    let mut builder = http2::Builder::new(Spawner(streams.clone()));
    builder
        .max_concurrent_streams(limits.h2_streams.get())
        .max_header_list_size(u32::try_from(limits.header_bytes.get()).unwrap_or(u32::MAX))
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .max_pending_accept_reset_streams(RESET_UNSEEN_MAX)
        .max_local_error_reset_streams(STREAM_ERRORS_MAX);
    builder
}

async fn answer(
    worker: &Rc<Worker>,
    visitor: &Rc<Visitor>,
    request: Request<Incoming>,
) -> (Response<Body>, Box<Passage<'static>>) {
    let policy = worker.policy();
    if visitor.is_last_request(policy.limits.requests_per_connection) {
        visitor.presence.finish();
    }
    let method = request.method().clone();
    let (mut parts, body) = request.into_parts();
    let admitted = admit(&mut parts, &policy.limits);
    let parts = Rc::new(parts);
    let mut passage = Box::new(Passage::new(worker, visitor, Asking::Kept(parts.clone())));
    let answer = match admitted {
        Ok(()) => worker.respond(&parts, Source::Http2(body), &mut passage).await,
        Err(error) => worker.refuse(&mut passage, &error),
    };
    passage.status = Some(answer.head.status());
    let mut response = answer.into_response();
    forbid_body(&method, &mut response);
    (response, passage)
}
