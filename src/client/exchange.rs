//! One request to an admin endpoint.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, HOST, IF_MATCH};
use http::response::Parts;
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::sign::Credentials;

/// How long an admin endpoint may take, from connecting to the last byte.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The longest answer that is read.
const ANSWER_MAX_BYTES: usize = 16 * 1024 * 1024;

/// Where to call, and as whom.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// `http://host:port`, or `https://host:port`
    pub url: String,
    /// Whom to trust, which an `https` endpoint needs.
    pub tls: Option<Arc<ClientConfig>>,
    /// Signs every request; without a key an endpoint may refuse.
    pub credentials: Option<Credentials>,
}

/// Why the admin endpoint did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("`{0}` is no admin endpoint: write http://host:port or https://host:port")]
    Url(String),
    #[error(
        "cannot reach {url}; is Serin running, and is this its admin address? --admin or SERIN_ADMIN says another"
    )]
    Connect { url: String, source: io::Error },
    #[error(
        "cannot speak TLS with {url}; if its certificate is of an authority that the system does not know, such as Serin's own (`serin ca`), --ca or SERIN_CA names a file of it"
    )]
    Tls { url: String, source: io::Error },
    #[error("{url} did not answer within {ANSWER_WITHIN:?}{}", or_done(*.is_change))]
    Slow { url: String, is_change: bool },
    #[error("{url} broke off{}", or_done(*.is_change))]
    Broken { url: String, is_change: bool, source: Box<dyn std::error::Error + Send + Sync> },
    #[error(
        "{url} is no admin endpoint of Serin, or of another version: it answered {status}; --admin or SERIN_ADMIN says another"
    )]
    Foreign { url: String, status: StatusCode },
    #[error(
        "{url} wants an access key: set SERIN_ACCESS_KEY_ID and SERIN_ACCESS_KEY_SECRET (or ESA_ACCESS_KEY_ID and ESA_ACCESS_KEY_SECRET)"
    )]
    KeyWanted { url: String },
    #[error("the access key `{id}` cannot sign a request: an id is visible ASCII")]
    KeyUnfit { id: String },
    #[error("refused: {message} ({code})")]
    Refused { code: String, message: String },
}

impl ClientError {
    /// Whether nobody was there to say anything.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Tls { .. } | Self::Slow { .. } | Self::Broken { .. } => {
                true
            }
            Self::Url(_)
            | Self::Foreign { .. }
            | Self::KeyWanted { .. }
            | Self::KeyUnfit { .. }
            | Self::Refused { .. } => false,
        }
    }
}

/// Nobody knows whether a change was made that was not answered.
const fn or_done(is_change: bool) -> &'static str {
    if is_change { "; the change may have been made all the same" } else { "" }
}

/// The native API's way to refuse.
#[derive(Deserialize)]
struct Refusal {
    error: Reason,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(alias = "Code")]
    code: String,
    #[serde(alias = "Message")]
    message: String,
}

/// What a refusal says, in the native API's words or in those of ESA's.
fn reason(bytes: &[u8]) -> serde_json::Result<Reason> {
    let native = serde_json::from_slice(bytes).map(|Refusal { error }| error);
    native.or_else(|_| serde_json::from_slice(bytes))
}

/// Asks the admin endpoint for what is at `path`.
pub(super) fn ask(admin: &Endpoint, path: &str) -> Result<Value, ClientError> {
    ask_tagged(admin, path).map(|(value, _)| value)
}

/// The same with its entity tag, if it has one.
pub(super) fn ask_tagged(
    admin: &Endpoint,
    path: &str,
) -> Result<(Value, Option<HeaderValue>), ClientError> {
    call(admin, &Method::GET, path, &Bytes::new(), None)
}

/// Sends `body` as JSON to `path` of the admin endpoint.
pub(super) fn send(
    admin: &Endpoint,
    method: &Method,
    path: &str,
    body: &Value,
) -> Result<Value, ClientError> {
    send_if(admin, method, path, body, None)
}

/// The same, if what is there still has this entity tag.
pub(super) fn send_if(
    admin: &Endpoint,
    method: &Method,
    path: &str,
    body: &Value,
    tag: Option<&HeaderValue>,
) -> Result<Value, ClientError> {
    call(admin, method, path, &Bytes::from(body.to_string()), tag).map(|(value, _)| value)
}

/// What an answer says, as what it should be.
pub(super) fn read<T: DeserializeOwned>(admin: &Endpoint, answer: Value) -> Result<T, ClientError> {
    let foreign = |_| ClientError::Foreign { url: admin.url.clone(), status: StatusCode::OK };
    serde_json::from_value(answer).map_err(foreign)
}

fn call(
    admin: &Endpoint,
    method: &Method,
    path: &str,
    body: &Bytes,
    tag: Option<&HeaderValue>,
) -> Result<(Value, Option<HeaderValue>), ClientError> {
    let Endpoint { url, credentials, tls } = admin;
    let origin = Origin::of(url).ok_or_else(|| ClientError::Url(url.clone()))?;
    let tls = match (origin.is_tls, tls) {
        (false, _) => None,
        (true, Some(tls)) => Some(tls.clone()),
        (true, None) => return Err(ClientError::Url(url.clone())),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| ClientError::Connect { url: url.clone(), source })?;
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, &origin.authority)
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(body.clone()))
        .map_err(|_| ClientError::Url(url.clone()))?;
    if let Some(tag) = tag {
        request.headers_mut().insert(IF_MATCH, tag.clone());
    }
    if let Some(credentials) = credentials {
        let fields = credentials.fields(method, path, request.headers(), body);
        let unfit = || ClientError::KeyUnfit { id: credentials.id.clone() };
        request.headers_mut().extend(fields.ok_or_else(unfit)?);
    }
    let is_change = method != Method::GET;
    let (head, bytes) = runtime.block_on(async {
        let end = Instant::now() + ANSWER_WITHIN;
        let stream = timeout_at(end, TcpStream::connect(origin.authority)).await;
        let stream = stream.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream = stream.map_err(|source| ClientError::Connect { url: url.clone(), source })?;
        let answer = async {
            match tls {
                None => exchange(url, is_change, stream, request).await,
                Some(tls) => {
                    let stream = TlsConnector::from(tls).connect(origin.name, stream).await;
                    let broken = |source| ClientError::Tls { url: url.clone(), source };
                    exchange(url, is_change, stream.map_err(broken)?, request).await
                }
            }
        };
        let slow = |_| ClientError::Slow { url: url.clone(), is_change };
        timeout_at(end, answer).await.map_err(slow)?
    })?;
    let status = head.status;
    let foreign = || ClientError::Foreign { url: url.clone(), status };
    if status == StatusCode::NO_CONTENT {
        return Ok((Value::Null, None));
    }
    if status.is_success() {
        let value = serde_json::from_slice(&bytes).map_err(|_| foreign())?;
        return Ok((value, head.headers.get(ETAG).cloned()));
    }
    if status == StatusCode::UNAUTHORIZED && credentials.is_none() {
        return Err(ClientError::KeyWanted { url: url.clone() });
    }
    let Reason { code, message } = reason(&bytes).map_err(|_| foreign())?;
    Err(ClientError::Refused { code, message })
}

/// Where `http://host:port` and `https://host:port` lead.
struct Origin {
    is_tls: bool,
    /// `host:port`, with the port that the scheme implies.
    authority: String,
    /// The host as a certificate names it.
    name: ServerName<'static>,
}

impl Origin {
    fn of(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let (is_tls, implied) = match uri.scheme_str()? {
            "http" => (false, 80),
            "https" => (true, 443),
            _ => return None,
        };
        let is_origin = uri.path() == "/" && uri.query().is_none();
        let (host, authority) = (uri.host()?, uri.authority()?);
        // What stands before the host is a user, whom nobody asks for.
        let port: u16 = match authority.as_str().strip_prefix(host)? {
            "" => implied,
            port => port.strip_prefix(':')?.parse().ok()?,
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(bare.to_owned()).ok()?;
        is_origin.then(|| Self { is_tls, authority: format!("{host}:{port}"), name })
    }
}

async fn exchange(
    url: &str,
    is_change: bool,
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Request<Full<Bytes>>,
) -> Result<(Parts, Bytes), ClientError> {
    let broken = |source: Box<dyn std::error::Error + Send + Sync>| ClientError::Broken {
        url: url.to_owned(),
        is_change,
        source,
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(error.into()))?;
    let talk = async {
        let response = sender.send_request(request).await.map_err(|error| broken(error.into()))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_MAX_BYTES).collect().await;
        Ok((head, body.map_err(broken)?.to_bytes()))
    };
    tokio::pin!(talk);
    tokio::select! {
        biased;
        answer = &mut talk => answer,
        // What the end of the connection means is told by the exchange that it breaks.
        _ = connection => talk.await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority(url: &str) -> Option<(bool, String)> {
        Origin::of(url).map(|origin| (origin.is_tls, origin.authority))
    }

    #[test]
    fn an_admin_endpoint_is_an_origin_with_or_without_tls() {
        for (url, is_tls, expected) in [
            ("http://127.0.0.1:8090", false, "127.0.0.1:8090"),
            ("http://[::1]:8090/", false, "[::1]:8090"),
            ("http://localhost", false, "localhost:80"),
            ("https://admin.test", true, "admin.test:443"),
            ("https://[::1]:8443", true, "[::1]:8443"),
        ] {
            assert_eq!(authority(url), Some((is_tls, expected.to_owned())), "{url}");
        }
        for url in [
            "",
            "localhost:8090",
            "ftp://localhost",
            "http://a/b",
            "/",
            "http://a?b",
            "http://a:",
            "http://a:65536",
            "http://u@a",
        ] {
            assert_eq!(authority(url), None, "{url}");
        }
    }

    #[test]
    fn what_may_have_been_done_all_the_same_is_said_of_changes_alone() {
        let slow = |is_change| ClientError::Slow { url: "http://a".to_owned(), is_change };
        assert!(slow(true).to_string().ends_with("the change may have been made all the same"));
        assert_eq!(slow(false).to_string(), "http://a did not answer within 10s");
    }
}
