//! One attempt at a request: an endpoint's response to it, over a pooled connection or
//! a new one.

use std::error::Error;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use h2::Reason;
use http::Request;
use hyper::client::conn::TrySendError;
use tokio::time::Instant;

use super::error::ProxyError;
use super::expect::WAIT_MAX;
use super::fit::{self, is_within};
use super::headers::Head;
use super::http1::Broken;
use super::passage::Notes;
use super::pool::{Lease, Pool, Pooled};
use super::progress::Progress;
use super::reply::Reply;
use super::stream::Content;
use super::upload::Upload;
use crate::model::{Endpoint, Transport};
use crate::server::Alarm;

/// The head of a response, and what its content comes over.
pub(super) type Replied = (Reply, Content, Lease);

/// How long one exchange waits.
#[derive(Clone, Copy)]
pub(super) struct Waits {
    pub(super) connect: Duration,
    pub(super) response_head: Duration,
    /// For the client in the body of its request.
    pub(super) request_body_idle: Duration,
}

impl Waits {
    /// What is left of them after some time was lost to an attempt.
    pub(super) fn after(self, lost: Duration) -> Self {
        let response_head = self.response_head.saturating_sub(lost);
        Self { connect: self.connect.min(response_head), response_head, ..self }
    }

    pub(super) fn are_over(self) -> bool {
        self.response_head.is_zero()
    }
}

/// One attempt.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) waits: Waits,
    /// Whether it asks for a connection that was not waiting for it.
    pub(super) fresh: bool,
    /// When it begins; once there is a connection, when it is sent.
    pub(super) at: Instant,
    pub(super) notes: &'a Notes,
}

/// Sends a request to an endpoint and waits for the head of its response. One that asks for
/// another protocol has a connection of its own.
pub(super) async fn exchange(
    pool: &Rc<Pool>,
    mut attempt: Attempt<'_>,
    head: &impl Head,
    upload: Upload,
) -> Result<Replied, Failure> {
    let Attempt { endpoint, waits, fresh, at, notes } = attempt;
    let line = pool.line(endpoint);
    let is_safe = is_safe(head, &upload);
    // Where HTTP/2 is known to be spoken, nobody can switch to anything.
    let switches = head.switches() && endpoint.transport() != Transport::H2c;
    let pooled = if fresh || switches { None } else { line.take(is_safe, at) };
    let connection = match pooled {
        Some(connection) => connection,
        // Boxed, because few requests come here, and all would carry its state.
        None => match Box::pin(line.acquire(pool, switches, waits.connect)).await {
            Ok((acquired, took)) => {
                if let Some(took) = took {
                    notes.connected(took);
                }
                attempt.at = Instant::now();
                acquired
            }
            Err(error) => return Err(Failure::unsent(upload, error)),
        },
    };
    let (is_stream, has_answered) = (connection.is_stream(), connection.has_answered());
    // From here on it is closed on whatever way out, unless it answers.
    let lease = Lease::new(line, connection, upload.progress());
    let sent = if is_stream {
        let request = fit::to_http2(head, endpoint).map_err(Failure::sent)?;
        Box::pin(send_http2(pool, lease, request.map(|()| upload), attempt, is_safe)).await
    } else {
        send_http1(lease, attempt, head, upload, is_safe).await
    };
    sent.map_err(|failure| {
        let says = if has_answered && (failure.died || failure.unsent) {
            Says::Aged
        } else if is_stream && failure.unsent {
            Says::Declined
        } else {
            Says::Failed
        };
        Failure { says, ..failure }
    })
}

/// Whether a request may be done twice (RFC 9110, section 9.2.2), and is here to be sent
/// twice. A change of protocol is asked for once.
pub(super) fn is_safe(head: &impl Head, upload: &Upload) -> bool {
    head.method().is_idempotent() && upload.is_empty() && !head.switches()
}

/// An attempt without a response.
pub(super) struct Failure {
    pub(super) error: ProxyError,
    /// The body as it was, where sending the request again does no harm and could help.
    pub(super) upload: Option<Upload>,
    /// Whether nothing of it had left, or the peer says that it has not looked at it (RFC
    /// 9113, section 8.7).
    pub(super) unsent: bool,
    /// Whether the connection died under it.
    died: bool,
    pub(super) says: Says,
}

/// What a failure says about the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// Nothing: a connection that had answered before came to its end.
    Aged,
    /// That it did not take one request of many on a new connection. It may take it on
    /// another one.
    Declined,
    /// That it failed, if it is to blame.
    Failed,
}

impl Failure {
    fn unsent(upload: Upload, error: ProxyError) -> Self {
        Self { upload: Some(upload), unsent: true, ..Self::sent(error) }
    }

    fn sent(error: ProxyError) -> Self {
        Self { error, upload: None, unsent: false, died: false, says: Says::Failed }
    }
}

/// Over a connection that the request has for itself. `is_safe` is whether it may be sent
/// twice.
async fn send_http1(
    mut lease: Lease,
    attempt: Attempt<'_>,
    head: &impl Head,
    upload: Upload,
    is_safe: bool,
) -> Result<Replied, Failure> {
    let progress = upload.progress();
    let connection = lease.http1_mut().expect("who takes it for one of HTTP/1.1 has looked");
    let mut alarm = connection.take_alarm();
    let response = connection.exchange(head, attempt.endpoint, upload);
    let broken = match within(attempt, &progress, &mut alarm, response).await {
        Ok(Ok(reply)) => {
            connection.note_answer(alarm);
            return Ok((reply, Content::Http1, lease));
        }
        Ok(Err(broken)) => broken,
        Err(error) => return Err(Failure::sent(error)),
    };
    let error = match broken {
        Broken::Upload(error) => return Err(Failure::sent(error.into())),
        Broken::HeadTooLarge => return Err(Failure::sent(ProxyError::HeadTooLarge)),
        Broken::Length => return Err(Failure::sent(ProxyError::Upload(broken.into()))),
        Broken::Head(_) | Broken::Unparsed(_) | Broken::Chunks(_) => {
            return Err(Failure::sent(ProxyError::Protocol(broken.into())));
        }
        Broken::Io(_) | Broken::Ended => ProxyError::terminated(broken),
    };
    if let Some(upload) = connection.take_back() {
        return Err(Failure::unsent(upload, error));
    }
    Err(Failure { died: true, upload: is_safe.then(Upload::empty), ..Failure::sent(error) })
}

/// Over a stream of a connection that others share.
async fn send_http2(
    pool: &Pool,
    mut lease: Lease,
    mut request: Request<Upload>,
    attempt: Attempt<'_>,
    is_safe: bool,
) -> Result<Replied, Failure> {
    // A body of which nothing is read can be sent again.
    let claim = request.body_mut().claim();
    let upload = request.body().progress();
    let Pooled::Http2(stream) = lease.connection() else {
        unreachable!("who takes it for a stream has looked");
    };
    let mut failure =
        match within(attempt, &upload, &mut Alarm::default(), stream.try_send(request)).await {
            Ok(Ok(response)) if !is_within(response.headers(), &pool.limits()) => {
                return Err(Failure::sent(ProxyError::HeadTooLarge));
            }
            Ok(Ok(response)) => {
                stream.note_answer();
                let (parts, incoming) = response.into_parts();
                return Ok((parts.into(), Content::Http2(incoming), lease));
            }
            Ok(Err(error)) => stream_failure(error, &upload),
            Err(error) => Failure::sent(error),
        };
    // Its peer may be gone without a word, or has said that it takes no more.
    let is_silent = matches!(failure.error, ProxyError::ResponseTimeout(_));
    if is_silent || failure.unsent && failure.upload.is_none() {
        stream.retire();
    }
    if failure.upload.is_none() {
        if failure.unsent {
            failure.upload = claim.take();
            failure.unsent = failure.upload.is_some();
        } else if is_safe && failure.died {
            failure.upload = Some(Upload::empty());
        }
    }
    Err(failure)
}

fn stream_failure(mut error: TrySendError<Request<Upload>>, upload: &Progress) -> Failure {
    let unsent = error.take_message();
    let error = error.into_error();
    if let Some(unsent) = unsent {
        return Failure::unsent(unsent.into_body(), ProxyError::terminated(error));
    }
    if let Some(limit) = upload.overflowed() {
        return Failure::sent(ProxyError::TooLarge(limit));
    }
    if let Some(cause) = error.source().and_then(<dyn Error>::downcast_ref::<h2::Error>) {
        return if cause.is_remote() {
            let unsent = cause.is_go_away() || cause.reason() == Some(Reason::REFUSED_STREAM);
            Failure { unsent, ..Failure::sent(ProxyError::terminated(error)) }
        } else if cause.is_library() {
            Failure::sent(ProxyError::Protocol(error.into()))
        } else {
            // It was we who gave the stream up, for want of the client's body.
            Failure::sent(ProxyError::Upload(error.into()))
        };
    }
    if error.is_user() && !upload.ended() {
        // Our body failed, which is the client's body.
        Failure::sent(ProxyError::Upload(error.into()))
    } else {
        Failure { died: true, ..Failure::sent(ProxyError::terminated(error)) }
    }
}

/// Waits for `response` until the request's body has been still for too long, or the
/// upstream after it was gone. A long upload that moves is no silence.
async fn within<T, E>(
    attempt: Attempt<'_>,
    upload: &Progress,
    alarm: &mut Alarm,
    response: impl Future<Output = Result<T, E>>,
) -> Result<Result<T, E>, ProxyError> {
    let Attempt { waits, at: begun, notes, .. } = attempt;
    let Waits { response_head, request_body_idle, .. } = waits;
    let mut response = std::pin::pin!(response);
    let mut now = begun;
    loop {
        let awaited = upload.awaited();
        let silence = if awaited { request_body_idle } else { response_head };
        // A body that is held back is not the upstream's to answer yet.
        let held_back = if upload.is_held_back() { WAIT_MAX } else { Duration::ZERO };
        let due = upload.since().max(begun) + silence + held_back;
        if due <= now {
            return Err(if awaited {
                ProxyError::UploadTimeout(silence)
            } else {
                ProxyError::ResponseTimeout(silence)
            });
        }
        // Who is waited for may change meanwhile, while there is a body.
        let look = if upload.ended() { due } else { due.min(now + request_body_idle) };
        let answered = poll_fn(|cx| match response.as_mut().poll(cx) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending => alarm.poll(cx, look).map(|()| None),
        });
        let outcome = answered.await;
        now = Instant::now();
        if let Some(outcome) = outcome {
            if outcome.is_ok() {
                notes.answered(now - begun);
            }
            return Ok(outcome);
        }
    }
}
