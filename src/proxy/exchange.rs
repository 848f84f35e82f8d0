//! One request to an endpoint and its response, over a pooled connection or a new
//! one.

use std::error::Error;
use std::rc::Rc;
use std::time::Duration;

use h2::Reason;
use http::header::UPGRADE;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use tokio::time::Instant;

use super::error::ProxyError;
use super::fit::is_within;
use super::pool::{Lease, Line, Pool, Pooled};
use super::progress::Progress;
use super::upload::{Claim, Upload};
use crate::model::{Endpoint, Transport};

/// How long one exchange waits.
#[derive(Clone, Copy)]
pub(super) struct Waits {
    pub(super) connect: Duration,
    pub(super) response_head: Duration,
    /// For the client in the body of its request.
    pub(super) request_body_idle: Duration,
}

/// A request that certainly was not processed is sent again this often at most.
const RESENDS_MAX: u32 = 3;

/// Sends `request` to `endpoint` and waits for the head of its response.
///
/// A pooled connection may have died unnoticed. A request is then sent once more,
/// on a new connection: always when none of it had left, else only when it is
/// idempotent and has no body (RFC 9110, section 9.2.2). What a peer says it has not
/// processed (RFC 9113, section 8.7) is sent again whatever it is, unless some of its
/// body is gone.
///
/// A request that asks for another protocol has a connection of its own from the start,
/// and is sent once.
pub(super) async fn exchange(
    pool: &Rc<Pool>,
    endpoint: &Endpoint,
    mut request: Request<Upload>,
    waits: Waits,
) -> Result<(Response<Incoming>, Lease), ProxyError> {
    let line = pool.line(endpoint);
    let repeatable = request.method().is_idempotent() && request.body().is_empty();
    // Where HTTP/2 is known to be spoken, nobody can switch to anything.
    let switches =
        request.headers().contains_key(UPGRADE) && endpoint.transport() != Transport::H2c;
    let mut taken = if switches { None } else { line.take(repeatable) };
    let mut resent = 0;
    loop {
        let (connection, used) = match taken.take() {
            Some(connection) => (connection, true),
            // Boxed, because few requests come here, and all would carry its state.
            None => Box::pin(line.acquire(pool, switches, waits.connect)).await?,
        };
        let is_stream = connection.is_stream();
        let repeatable = repeatable && used && resent == 0;
        let copy = (repeatable || is_stream).then(|| copy_of_head(&request));
        let claim = is_stream.then(|| request.body_mut().claim());
        connection.fit(&mut request)?;
        let failure = match send(pool, &line, connection, request, waits).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let (again, error) = match failure {
            Failure::Unsent(unsent, error) => {
                let again = (used || is_stream).then_some(*unsent);
                (again, ProxyError::Terminated(error))
            }
            Failure::Died(error) => (copy.filter(|_| repeatable), error),
            Failure::Unprocessed(error) => {
                let body = claim.and_then(Claim::take);
                (copy.zip(body).map(|(head, body)| head.map(|_| body)), error)
            }
            Failure::Final(error) => return Err(error),
        };
        resent += 1;
        request = again.filter(|_| resent <= RESENDS_MAX).ok_or(error)?;
    }
}

fn copy_of_head(request: &Request<Upload>) -> Request<Upload> {
    let mut copy = Request::new(Upload::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    copy.headers_mut().clone_from(request.headers());
    copy
}

enum Failure {
    /// The connection was closed before the request left.
    Unsent(Box<Request<Upload>>, hyper::Error),
    /// The connection died under the request.
    Died(ProxyError),
    /// The peer has not looked at it, as it says.
    Unprocessed(ProxyError),
    /// Another connection would not help.
    Final(ProxyError),
}

async fn send(
    pool: &Pool,
    line: &Rc<Line>,
    mut connection: Pooled,
    request: Request<Upload>,
    waits: Waits,
) -> Result<(Response<Incoming>, Lease), Failure> {
    if let Err(error) = connection.sender.ready().await {
        return Err(Failure::Unsent(Box::new(request), error));
    }
    let upload = request.body().progress();
    let response = connection.sender.try_send_request(request);
    match within(waits, &upload, response).await {
        Ok(Ok(response)) => {
            if connection.is_stream() && !is_within(response.headers(), &pool.limits()) {
                return Err(Failure::Final(ProxyError::HeadTooLarge));
            }
            Ok((response, Lease::new(line.clone(), connection, upload)))
        }
        Ok(Err(error)) => {
            let failure = failure(error, &upload);
            if matches!(failure, Failure::Unprocessed(_)) {
                connection.retire();
            }
            Err(failure)
        }
        Err(error) => {
            // Its peer may be gone without a word.
            if matches!(error, ProxyError::ResponseTimeout(_)) {
                connection.retire();
            }
            Err(Failure::Final(error))
        }
    }
}

fn failure(mut error: TrySendError<Request<Upload>>, upload: &Progress) -> Failure {
    let unsent = error.take_message();
    let error = error.into_error();
    if let Some(unsent) = unsent {
        return Failure::Unsent(Box::new(unsent), error);
    }
    if let Some(limit) = upload.overflowed() {
        return Failure::Final(ProxyError::TooLarge(limit));
    }
    if let Some(cause) = error.source().and_then(<dyn Error>::downcast_ref::<h2::Error>) {
        return if cause.is_remote() {
            let unprocessed = cause.is_go_away() || cause.reason() == Some(Reason::REFUSED_STREAM);
            let error = ProxyError::Terminated(error);
            if unprocessed { Failure::Unprocessed(error) } else { Failure::Final(error) }
        } else if cause.is_library() {
            Failure::Final(ProxyError::Protocol(error))
        } else {
            // It was we who gave the stream up, for want of the client's body.
            Failure::Final(ProxyError::Upload(error))
        };
    }
    if error.is_user() && !upload.ended() {
        // Our body failed, which is the client's body.
        Failure::Final(ProxyError::Upload(error))
    } else if error.is_parse_too_large() {
        Failure::Final(ProxyError::HeadTooLarge)
    } else if error.is_parse() {
        Failure::Final(ProxyError::Protocol(error))
    } else {
        Failure::Died(ProxyError::Terminated(error))
    }
}

/// Waits for `response` until the request's body has been still for too long, or the
/// upstream after it was gone. A long upload that moves is no silence.
async fn within<T>(
    waits: Waits,
    upload: &Progress,
    response: impl Future<Output = T>,
) -> Result<T, ProxyError> {
    let Waits { response_head, request_body_idle, .. } = waits;
    let mut response = std::pin::pin!(response);
    let begun = Instant::now();
    let mut now = begun;
    loop {
        let awaited = upload.awaited();
        let silence = if awaited { request_body_idle } else { response_head };
        let due = upload.since().max(begun) + silence;
        if due <= now {
            return Err(if awaited {
                ProxyError::UploadTimeout(silence)
            } else {
                ProxyError::ResponseTimeout(silence)
            });
        }
        // Who is waited for may change meanwhile, while there is a body.
        let look = if upload.ended() { due } else { due.min(now + request_body_idle) };
        if let Ok(outcome) = tokio::time::timeout_at(look, response.as_mut()).await {
            return Ok(outcome);
        }
        now = Instant::now();
    }
}
