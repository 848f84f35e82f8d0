//! Why the proxy answers by itself: which status, whose fault.

use std::io;
use std::time::Duration;

use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::json;

use super::answer::Answer;
use super::wire::Refusal;
use crate::model::{Domain, Environment};
use crate::routing::Unroutable;

/// What is served here, and any other method but CONNECT and TRACE.
pub(super) const METHODS: &str = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";

/// What a library or the system says.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A request that the proxy answers instead of an upstream.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProxyError {
    /// The message itself, and not what it asks for, is at fault.
    #[error("{0}")]
    Malformed(&'static str),
    #[error(transparent)]
    Head(Refusal),
    #[error("method {0} is not served here")]
    Method(http::Method),
    #[error("the request comes back to where it was, so an upstream leads here")]
    Loop,
    #[error("the request's body is larger than {0} bytes")]
    TooLarge(u64),
    #[error(transparent)]
    Unroutable(Unroutable),
    #[error("no endpoint of the upstream is healthy")]
    NoEndpoint,
    #[error("cannot resolve the upstream's name")]
    Resolve(#[source] io::Error),
    #[error("the upstream refuses connections")]
    Refused(#[source] io::Error),
    #[error("cannot connect to the upstream")]
    Connect(#[source] io::Error),
    /// Of the process or its machine: no endpoint has anything to do with it.
    #[error("no descriptor, port or memory is left here for a connection to the upstream")]
    Shortage(#[source] io::Error),
    #[error("the upstream did not accept a connection within {0:?}")]
    ConnectTimeout(Duration),
    #[error("the upstream's certificate is not one to trust")]
    Certificate(#[source] io::Error),
    #[error("the upstream gives up TLS with an alert")]
    TlsAlert(#[source] io::Error),
    #[error("TLS with the upstream fails")]
    Tls(#[source] io::Error),
    #[error("the upstream does not speak HTTP/2")]
    NotHttp2,
    #[error(
        "`limits.connections_per_endpoint` are in use, and `limits.waiting_per_endpoint` wait for one"
    )]
    Crowded,
    #[error("`limits.connections_per_endpoint` are in use, and none came back within {0:?}")]
    QueueTimeout(Duration),
    #[error("the upstream closed the connection before its response")]
    Terminated(#[source] Cause),
    #[error("the upstream's response is not HTTP/1.1")]
    Protocol(#[source] Cause),
    #[error(
        "the head of the upstream's response is beyond `limits.header_bytes` or `header_count`"
    )]
    HeadTooLarge,
    /// HTTP, and yet not to be understood in one way alone.
    #[error("{0}")]
    Ambiguous(&'static str),
    #[error("the upstream's response is coded as nobody asked for")]
    ResponseCoding,
    #[error("the upstream switched protocols unasked")]
    Switched,
    #[error("{0}")]
    Upgrade(&'static str),
    #[error("the upstream sent no response within {0:?}")]
    ResponseTimeout(Duration),
    /// From here on the response has begun, and can only be cut.
    #[error("the upstream's response broke off")]
    Incomplete(#[source] Cause),
    #[error("the upstream's response fell silent for {0:?}")]
    BodyTimeout(Duration),
    #[error("the request's body did not arrive")]
    Upload(#[source] Cause),
    #[error("the request's body fell silent for {0:?}")]
    UploadTimeout(Duration),
}

/// Whose fault it is. Decides the log level and who may answer instead, never the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Client,
    /// What the operator configured or has not deployed yet.
    Operator,
    Upstream,
}

impl ProxyError {
    pub(super) fn terminated(cause: impl Into<Cause>) -> Self {
        Self::Terminated(cause.into())
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) | Self::Upload(_) | Self::Unroutable(Unroutable::BadOverride(_)) => {
                StatusCode::BAD_REQUEST
            }
            Self::Head(refusal) => refusal.status(),
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::UploadTimeout(_) => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unroutable(Unroutable::NoRoutine) => StatusCode::NOT_FOUND,
            Self::Unroutable(Unroutable::NoDeployment { .. } | Unroutable::NotPublished { .. })
            | Self::Crowded
            | Self::QueueTimeout(_)
            | Self::Shortage(_)
            | Self::NoEndpoint => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unroutable(Unroutable::NoFallback { .. } | Unroutable::NoOrigin { .. })
            | Self::Resolve(_)
            | Self::Refused(_)
            | Self::Connect(_)
            | Self::Certificate(_)
            | Self::TlsAlert(_)
            | Self::Tls(_)
            | Self::NotHttp2
            | Self::HeadTooLarge
            | Self::Terminated(_)
            | Self::Protocol(_)
            | Self::Ambiguous(_)
            | Self::ResponseCoding
            | Self::Switched
            | Self::Upgrade(_)
            | Self::Loop
            | Self::Incomplete(_) => StatusCode::BAD_GATEWAY,
            Self::ConnectTimeout(_) | Self::ResponseTimeout(_) | Self::BodyTimeout(_) => {
                StatusCode::GATEWAY_TIMEOUT
            }
        }
    }

    pub(super) fn fault(&self) -> Fault {
        match self {
            Self::Malformed(_)
            | Self::Head(_)
            | Self::Method(_)
            | Self::TooLarge(_)
            | Self::Upload(_)
            | Self::UploadTimeout(_)
            | Self::Unroutable(Unroutable::BadOverride(_) | Unroutable::NoRoutine) => Fault::Client,
            Self::Loop
            | Self::Unroutable(
                Unroutable::NoDeployment { .. }
                | Unroutable::NoFallback { .. }
                | Unroutable::NoOrigin { .. }
                | Unroutable::NotPublished { .. },
            )
            // The upstream has failed nothing: it was not asked.
            | Self::Crowded
            | Self::QueueTimeout(_)
            | Self::Shortage(_) => Fault::Operator,
            Self::NoEndpoint
            | Self::Resolve(_)
            | Self::Refused(_)
            | Self::Connect(_)
            | Self::ConnectTimeout(_)
            | Self::Certificate(_)
            | Self::TlsAlert(_)
            | Self::Tls(_)
            | Self::NotHttp2
            | Self::HeadTooLarge
            | Self::Terminated(_)
            | Self::Protocol(_)
            | Self::Ambiguous(_)
            | Self::ResponseCoding
            | Self::Switched
            | Self::Upgrade(_)
            | Self::ResponseTimeout(_)
            | Self::Incomplete(_)
            | Self::BodyTimeout(_) => Fault::Upstream,
        }
    }

    /// Whether a site's origin may answer instead: what the upstream failed, and nobody
    /// else.
    pub(super) fn falls_back(&self) -> bool {
        self.fault() == Fault::Upstream
    }

    /// Whether it is one of the endpoint that was asked.
    pub(super) fn is_endpoints(&self) -> bool {
        self.fault() == Fault::Upstream && !matches!(self, Self::NoEndpoint)
    }

    /// Whether Serin itself has run out of something.
    pub(super) fn is_shortage(&self) -> bool {
        matches!(self, Self::Shortage(_))
    }

    /// Whether the upstream said nothing.
    pub(super) fn is_silence(&self) -> bool {
        matches!(self, Self::ResponseTimeout(_))
    }

    /// The error type of `Proxy-Status` (RFC 9209, section 2.3), also the `error` of
    /// the body, and under which it is counted.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Malformed(_)
            | Self::Head(_)
            | Self::TooLarge(_)
            | Self::Upload(_)
            | Self::UploadTimeout(_) => "http_request_error",
            Self::Loop => "proxy_loop_detected",
            Self::Method(_) | Self::Unroutable(Unroutable::BadOverride(_)) => "http_request_denied",
            Self::Unroutable(Unroutable::NoRoutine) => "destination_not_found",
            Self::Unroutable(
                Unroutable::NoDeployment { .. }
                | Unroutable::NoFallback { .. }
                | Unroutable::NotPublished { .. },
            )
            | Self::NoEndpoint => "destination_unavailable",
            Self::Unroutable(Unroutable::NoOrigin { .. }) => "proxy_configuration_error",
            Self::Resolve(_) => "dns_error",
            Self::Refused(_) => "connection_refused",
            Self::Connect(_) => "destination_ip_unroutable",
            Self::ConnectTimeout(_) => "connection_timeout",
            Self::Certificate(_) => "tls_certificate_error",
            Self::TlsAlert(_) => "tls_alert_received",
            Self::Tls(_) => "tls_protocol_error",
            Self::Crowded | Self::QueueTimeout(_) => "connection_limit_reached",
            Self::Shortage(_) => "proxy_internal_error",
            Self::Terminated(_) => "connection_terminated",
            Self::Protocol(_) | Self::Ambiguous(_) | Self::Switched | Self::NotHttp2 => {
                "http_protocol_error"
            }
            Self::HeadTooLarge => "http_response_header_section_size",
            Self::Upgrade(_) => "http_upgrade_failed",
            Self::ResponseCoding => "http_response_transfer_coding",
            Self::ResponseTimeout(_) | Self::BodyTimeout(_) => "http_response_timeout",
            Self::Incomplete(_) => "http_response_incomplete",
        }
    }

    /// The limit of the config that was met, if one was: its name under `[limits]`.
    pub(super) fn limit(&self) -> Option<&'static str> {
        match self {
            Self::TooLarge(_) => Some("body_bytes"),
            Self::Head(refusal) => refusal.limit(),
            Self::Crowded => Some("waiting_per_endpoint"),
            Self::QueueTimeout(_) => Some("connections_per_endpoint"),
            _ => None,
        }
    }

    /// Whether what follows on the connection can no longer be trusted to be the
    /// next request.
    fn ends_connection(&self) -> bool {
        matches!(
            self,
            Self::Malformed(_)
                | Self::Head(_)
                | Self::Method(_)
                | Self::TooLarge(_)
                | Self::Upload(_)
                | Self::UploadTimeout(_)
        )
    }

    /// The answer, in the words of this proxy: a short JSON body and `Proxy-Status`,
    /// which tell it from anything that an upstream says. `without_fallback` is a site
    /// that has no origin where one would have helped.
    pub(super) fn to_answer(
        &self,
        environment: Environment,
        host: Option<&[u8]>,
        without_fallback: Option<&Domain>,
    ) -> Answer {
        let mut body = json!({ "error": self.kind(), "message": self.to_string() });
        let without_fallback = without_fallback.filter(|_| self.falls_back());
        if let Some(site) = without_fallback {
            let message = format!("{self}, and site `{site}` has no origin to fall back to");
            body["message"] = json!(message);
            body["site"] = json!(site.as_str());
        }
        match self {
            Self::Unroutable(Unroutable::NoRoutine) => {
                let host = host.map(String::from_utf8_lossy);
                body["host"] = json!(host);
                body["environment"] = json!(environment.as_str());
            }
            Self::Unroutable(Unroutable::NoDeployment { routine, environment }) => {
                body["routine"] = json!(routine.as_str());
                body["environment"] = json!(environment.as_str());
            }
            Self::Unroutable(Unroutable::NoFallback { routine, environment, site }) => {
                body["routine"] = json!(routine.as_str());
                body["environment"] = json!(environment.as_str());
                body["site"] = json!(site.as_str());
            }
            Self::Unroutable(Unroutable::NoOrigin { routine, site }) => {
                body["routine"] = json!(routine.as_str());
                body["site"] = json!(site.as_str());
            }
            Self::Unroutable(Unroutable::NotPublished { app, environment }) => {
                body["app"] = json!(app.as_str());
                body["environment"] = json!(environment.as_str());
            }
            _ => {}
        }
        let mut body = body.to_string();
        body.push('\n');
        // The way to the origin is what fails then, however the version did.
        let status = match without_fallback {
            Some(_) => StatusCode::BAD_GATEWAY,
            None => self.status(),
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // RFC 9209, section 2.1.5: what the error type does not say.
        let details = match self {
            Self::Unroutable(Unroutable::NoOrigin { site, .. }) => {
                format!("; details=\"site {site} has no origin\"")
            }
            _ => String::new(),
        };
        let proxy_status = format!("serin; error={}{details}", self.kind());
        let proxy_status = HeaderValue::try_from(proxy_status);
        let proxy_status = proxy_status.expect("error types and names of sites are ASCII");
        headers.insert(HeaderName::from_static("proxy-status"), proxy_status);
        if matches!(self, Self::Method(_)) {
            headers.insert(ALLOW, HeaderValue::from_static(METHODS));
        }
        if matches!(self, Self::Crowded | Self::QueueTimeout(_) | Self::Shortage(_)) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        let mut answer = Answer::ours(status, headers, body);
        if self.ends_connection() {
            answer.head.close();
        }
        answer
    }
}
