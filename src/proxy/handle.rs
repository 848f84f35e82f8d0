//! One request, start to end.

use std::rc::Rc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::body::{Body, Upload};
use super::error::{Fault, ProxyError};
use super::exchange::exchange;
use super::guard::admit;
use super::headers::{Client, disclose, is_coded, set_minted_key, to_client, to_upstream};
use super::worker::Worker;
use super::{BuiltInRequest, Proxy};
use crate::model::{Environment, Upstream};
use crate::routing::{Decision, SubjectName};

/// The host that a request names: in its target, else in `Host` (RFC 9112, section
/// 3.2.2).
fn asked_host(parts: &Parts) -> Option<&[u8]> {
    match parts.uri.authority() {
        Some(authority) => Some(authority.as_str().as_bytes()),
        None => parts.headers.get(HOST).map(HeaderValue::as_bytes),
    }
}

impl Worker {
    /// Answers every request, one way or the other.
    pub(super) async fn respond(
        self: Rc<Self>,
        environment: Environment,
        request: Request<Incoming>,
        client: Rc<Client>,
    ) -> Response<Body> {
        let (parts, body) = request.into_parts();
        // Dropped on whatever way out, so that the client is heard out.
        let upload = Upload::new(body, self.linger.over(&parts));
        let decided = admit(&parts).and_then(|()| self.decide(environment, &parts, &client));
        let (decision, key) = match decided {
            Ok(decided) => decided,
            Err(error) => {
                tracing::debug!(%error, "request refused");
                return error.to_response(environment, asked_host(&parts));
            }
        };
        if let Some(tally) = decision.target.tally {
            self.tallies.count(tally.0);
        }

        let secure = client.is_secure(&parts.headers);
        let answered = match &decision.target.upstream {
            Some(upstream) => self.forward(parts, upload, &client, upstream).await,
            None => self.answer(&parts, upload, &decision, key.as_deref()).await,
        };
        let mut response = answered.unwrap_or_else(|error| {
            self.complain(&error, &decision);
            error.to_response(environment, None)
        });
        if self.proxy.headers.response {
            disclose(response.headers_mut(), &decision);
        }
        set_minted_key(response.headers_mut(), &decision, secure);
        response
    }

    /// The decision, by one table; and the key, where the built-in backend will
    /// want to name it.
    fn decide(
        &self,
        environment: Environment,
        parts: &Parts,
        client: &Client,
    ) -> Result<(Decision, Option<Vec<u8>>), ProxyError> {
        let Proxy { table, draws, .. } = &*self.proxy;
        table.read(|table| {
            let decision = table
                .decide(environment, parts, client.address, draws)
                .map_err(ProxyError::Unroutable)?;
            let key = match (&decision.target.upstream, &decision.minted) {
                (Some(_), _) => None,
                (None, Some(minted)) => Some(minted.value.clone().into_bytes()),
                (None, None) => table.key_of(&decision.target, parts, client.address),
            };
            Ok((decision, key))
        })
    }

    async fn forward(
        &self,
        mut parts: Parts,
        upload: Upload,
        client: &Client,
        upstream: &Upstream,
    ) -> Result<Response<Body>, ProxyError> {
        let policy = self.proxy.headers;
        to_upstream(&mut parts, client, upstream, policy);
        if upload.size_hint().exact().is_none() {
            // Said outright, because hyper drops a body of unknown length from methods
            // that seldom have one.
            parts.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        parts.version = http::Version::HTTP_11;
        let request = Request::from_parts(parts, upload);

        let (response, lease) =
            exchange(&self.pool, upstream, request, &self.proxy.timeouts).await?;

        let (mut parts, incoming) = response.into_parts();
        if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(ProxyError::Switched);
        }
        if is_coded(&parts.headers) {
            return Err(ProxyError::ResponseCoding);
        }
        to_client(parts.version, &mut parts.headers);
        parts.version = http::Version::HTTP_11;
        Ok(Response::from_parts(parts, Body::upstream(incoming, lease)))
    }

    /// Answers for a version without an upstream, after it has heard the whole
    /// request, as an upstream would.
    async fn answer(
        &self,
        parts: &Parts,
        mut upload: Upload,
        decision: &Decision,
        key: Option<&[u8]>,
    ) -> Result<Response<Body>, ProxyError> {
        let silence = self.proxy.timeouts.response_head;
        while let Some(frame) = tokio::time::timeout(silence, upload.frame())
            .await
            .map_err(|_| ProxyError::UploadTimeout(silence))?
        {
            frame.map_err(ProxyError::Upload)?;
        }
        let target = &decision.target;
        let name = target.subject.as_str();
        let routine = matches!(target.subject, SubjectName::Routine(_));
        let answer = (self.proxy.built_in)(&BuiltInRequest {
            routine: routine.then_some(name),
            app: (!routine).then_some(name),
            version: target.version.as_str(),
            environment: target.environment,
            method: parts.method.as_str(),
            path: parts.uri.path(),
            key,
        });
        let mut response = Response::new(Body::full(Bytes::from(answer)));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        Ok(response)
    }

    fn complain(&self, error: &ProxyError, decision: &Decision) {
        let Decision { target, .. } = decision;
        let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        match error.fault() {
            Fault::Upstream => self.complaints.upstream(target, error, &cause),
            Fault::Operator | Fault::Client => tracing::debug!(%error, cause, "request failed"),
        }
    }
}
