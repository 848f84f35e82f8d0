//! One request to an endpoint and its response, over a pooled connection or a new
//! one.

use std::rc::Rc;
use std::time::Duration;

use http::header::UPGRADE;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use tokio::time::Instant;

use super::connect::{Opened, connect};
use super::error::ProxyError;
use super::pool::{Lease, Pool, Pooled};
use super::progress::Progress;
use super::upload::Upload;
use crate::model::Endpoint;

/// How long one exchange waits.
#[derive(Clone, Copy)]
pub(super) struct Waits {
    pub(super) connect: Duration,
    pub(super) response_head: Duration,
    /// For the client in the body of its request.
    pub(super) request_body_idle: Duration,
}

/// Sends `request` to `endpoint` and waits for the head of its response.
///
/// A pooled connection may have died unnoticed. A request is then sent once more,
/// on a new connection: always when none of it had left, else only when it is
/// idempotent and has no body (RFC 9110, section 9.2.2).
///
/// A request that asks for another protocol has a connection of its own from the start,
/// and is sent once.
pub(super) async fn exchange(
    pool: &Rc<Pool>,
    endpoint: &Endpoint,
    mut request: Request<Upload>,
    waits: Waits,
) -> Result<(Response<Incoming>, Lease), ProxyError> {
    let repeatable = request.method().is_idempotent() && request.body().is_empty();
    let switches = request.headers().contains_key(UPGRADE);
    if !switches && let Some(connection) = pool.take(endpoint, repeatable) {
        let spare = repeatable.then(|| copy_of_head(&request));
        match send(pool, endpoint, connection, request, waits).await {
            Ok(answer) => return Ok(answer),
            Err(Failure::Unsent(unsent, _)) => request = *unsent,
            Err(Failure::Died(error)) => request = spare.ok_or(error)?,
            Err(Failure::Final(error)) => return Err(error),
        }
    }
    let Opened { sender, socket, driver, switch } = connect(endpoint, waits.connect).await?;
    let connection = Pooled { sender, socket, driver };
    let answer = send(pool, endpoint, connection, request, waits).await;
    let (response, mut lease) = answer.map_err(|failure| match failure {
        Failure::Unsent(_, error) => ProxyError::Terminated(error),
        Failure::Died(error) | Failure::Final(error) => error,
    })?;
    lease.switch = switches.then_some(switch);
    Ok((response, lease))
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
    /// Another connection would not help.
    Final(ProxyError),
}

async fn send(
    pool: &Rc<Pool>,
    endpoint: &Endpoint,
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
            Ok((response, Lease::new(pool.clone(), endpoint.clone(), connection, upload)))
        }
        Ok(Err(error)) => Err(failure(error, &upload)),
        Err(error) => Err(Failure::Final(error)),
    }
}

fn failure(mut error: TrySendError<Request<Upload>>, upload: &Progress) -> Failure {
    let unsent = error.take_message();
    let error = error.into_error();
    if let Some(unsent) = unsent {
        return Failure::Unsent(Box::new(unsent), error);
    }
    if let Some(limit) = upload.overflowed() {
        Failure::Final(ProxyError::TooLarge(limit))
    } else if error.is_user() && !upload.ended() {
        // Our body failed, which is the client's body.
        Failure::Final(ProxyError::Upload(error))
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
