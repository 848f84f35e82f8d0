//! One attempt at a request: an endpoint's response to it, over a pooled connection or
//! a new one.

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

/// Sends `request` to `endpoint` and waits for the head of its response. `fresh` asks for
/// a new connection; a request that asks for another protocol has one of its own.
pub(super) async fn exchange(
    pool: &Rc<Pool>,
    endpoint: &Endpoint,
    request: Request<Upload>,
    waits: Waits,
    fresh: bool,
) -> Result<(Response<Incoming>, Lease), Failure> {
    let (is_safe, switches) = (is_safe(&request), request.headers().contains_key(UPGRADE));
    let pooled = if fresh || switches { None } else { pool.take(endpoint, is_safe) };
    let reused = pooled.is_some();
    let (connection, switch) = match pooled {
        Some(connection) => (connection, None),
        None => match connect(endpoint, waits.connect).await {
            Ok(Opened { sender, socket, driver, switch }) => {
                (Pooled { sender, socket, driver }, Some(switch))
            }
            Err(error) => return Err(Failure::unsent(request, error, reused)),
        },
    };
    // A request that can be sent again is kept until it is answered.
    let spare = is_safe.then(|| copy_of_head(&request));
    match send(pool, endpoint, connection, request, waits, reused).await {
        Ok((response, mut lease)) => {
            lease.switch = switch.filter(|_| switches);
            Ok((response, lease))
        }
        Err(mut failure) => {
            if let ProxyError::Terminated(_) = failure.error
                && failure.request.is_none()
            {
                failure.request = spare.map(Box::new);
            }
            Err(failure)
        }
    }
}

/// Whether `request` may be done twice (RFC 9110, section 9.2.2), and is here to be sent
/// twice. A change of protocol is asked for once.
pub(super) fn is_safe(request: &Request<Upload>) -> bool {
    request.method().is_idempotent()
        && request.body().is_empty()
        && !request.headers().contains_key(UPGRADE)
}

fn copy_of_head(request: &Request<Upload>) -> Request<Upload> {
    let mut copy = Request::new(Upload::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    copy.headers_mut().clone_from(request.headers());
    copy
}

/// An attempt without a response.
pub(super) struct Failure {
    pub(super) error: ProxyError,
    /// The request as it was, where sending it again does no harm and could help.
    pub(super) request: Option<Box<Request<Upload>>>,
    /// Whether nothing of it had left.
    pub(super) unsent: bool,
    /// Whether the connection had been used before.
    pub(super) reused: bool,
}

impl Failure {
    fn unsent(request: Request<Upload>, error: ProxyError, reused: bool) -> Self {
        Self { error, request: Some(Box::new(request)), unsent: true, reused }
    }

    fn sent(error: ProxyError, reused: bool) -> Self {
        Self { error, request: None, unsent: false, reused }
    }
}

async fn send(
    pool: &Rc<Pool>,
    endpoint: &Endpoint,
    mut connection: Pooled,
    request: Request<Upload>,
    waits: Waits,
    reused: bool,
) -> Result<(Response<Incoming>, Lease), Failure> {
    if let Err(error) = connection.sender.ready().await {
        return Err(Failure::unsent(request, ProxyError::Terminated(error), reused));
    }
    let upload = request.body().progress();
    let response = connection.sender.try_send_request(request);
    match within(waits, &upload, response).await {
        Ok(Ok(response)) => {
            Ok((response, Lease::new(pool.clone(), endpoint.clone(), connection, upload)))
        }
        Ok(Err(error)) => Err(failure(error, &upload, reused)),
        Err(error) => Err(Failure::sent(error, reused)),
    }
}

fn failure(mut error: TrySendError<Request<Upload>>, upload: &Progress, reused: bool) -> Failure {
    let unsent = error.take_message();
    let error = error.into_error();
    if let Some(unsent) = unsent {
        return Failure::unsent(unsent, ProxyError::Terminated(error), reused);
    }
    let error = if let Some(limit) = upload.overflowed() {
        ProxyError::TooLarge(limit)
    } else if error.is_user() && !upload.ended() {
        // Our body failed, which is the client's body.
        ProxyError::Upload(error)
    } else if error.is_parse() {
        ProxyError::Protocol(error)
    } else {
        ProxyError::Terminated(error)
    };
    Failure::sent(error, reused)
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
