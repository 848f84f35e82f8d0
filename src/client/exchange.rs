//! One request to an admin endpoint.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::sign::Credentials;

/// How long an admin endpoint may take, from connecting to the last byte.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The longest answer that is read.
const ANSWER_MAX_BYTES: usize = 16 * 1024 * 1024;

/// Where to call, and as whom.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// `http://host:port`
    pub url: String,
    /// Signs every request; without a key an endpoint may refuse.
    pub credentials: Option<Credentials>,
}

/// Why the admin endpoint did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("`{0}` is no admin endpoint: write http://host:port")]
    Url(String),
    #[error("cannot reach {url}; is Serin running, and is this its admin address?")]
    Connect { url: String, source: io::Error },
    #[error(
        "{url} did not answer within {ANSWER_WITHIN:?}; the deployment may have been made all the same"
    )]
    Slow { url: String },
    #[error("{url} broke off; the deployment may have been made all the same")]
    Broken { url: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("{url} is no admin endpoint of Serin: it answered {status}")]
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
            Self::Connect { .. } | Self::Slow { .. } | Self::Broken { .. } => true,
            Self::Url(_)
            | Self::Foreign { .. }
            | Self::KeyWanted { .. }
            | Self::KeyUnfit { .. }
            | Self::Refused { .. } => false,
        }
    }
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
    call(admin, &Method::GET, path, &Bytes::new())
}

/// Sends `body` as JSON to `path` of the admin endpoint.
pub(super) fn send(
    admin: &Endpoint,
    method: &Method,
    path: &str,
    body: &Value,
) -> Result<Value, ClientError> {
    call(admin, method, path, &Bytes::from(body.to_string()))
}

fn call(
    Endpoint { url, credentials }: &Endpoint,
    method: &Method,
    path: &str,
    body: &Bytes,
) -> Result<Value, ClientError> {
    let authority = authority(url).ok_or_else(|| ClientError::Url(url.clone()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| ClientError::Connect { url: url.to_owned(), source })?;
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, &authority)
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(body.clone()))
        .map_err(|_| ClientError::Url(url.clone()))?;
    if let Some(credentials) = credentials {
        let fields = credentials.fields(method, path, request.headers(), body);
        let unfit = || ClientError::KeyUnfit { id: credentials.id.clone() };
        request.headers_mut().extend(fields.ok_or_else(unfit)?);
    }
    runtime.block_on(async {
        let end = Instant::now() + ANSWER_WITHIN;
        let stream = timeout_at(end, TcpStream::connect(authority)).await;
        let stream = stream.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream =
            stream.map_err(|source| ClientError::Connect { url: url.to_owned(), source })?;
        let answer = timeout_at(end, exchange(url, stream, request)).await;
        let (status, bytes) = answer.map_err(|_| ClientError::Slow { url: url.to_owned() })??;
        let foreign = || ClientError::Foreign { url: url.to_owned(), status };
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|_| foreign());
        }
        if status == StatusCode::UNAUTHORIZED && credentials.is_none() {
            return Err(ClientError::KeyWanted { url: url.clone() });
        }
        let Reason { code, message } = reason(&bytes).map_err(|_| foreign())?;
        Err(ClientError::Refused { code, message })
    })
}

/// `host:port` of `http://host:port`, with the port that the scheme implies.
fn authority(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let is_origin = uri.scheme_str() == Some("http") && uri.path() == "/" && uri.query().is_none();
    let (host, authority) = (uri.host()?, uri.authority()?);
    // What stands before the host is a user, whom nobody asks for.
    let port: u16 = match authority.as_str().strip_prefix(host)? {
        "" => 80,
        port => port.strip_prefix(':')?.parse().ok()?,
    };
    (is_origin && !host.is_empty()).then(|| format!("{host}:{port}"))
}

async fn exchange(
    url: &str,
    stream: TcpStream,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes), ClientError> {
    let broken = |source: Box<dyn std::error::Error + Send + Sync>| ClientError::Broken {
        url: url.to_owned(),
        source,
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(error.into()))?;
    let talk = async {
        let response = sender.send_request(request).await.map_err(|error| broken(error.into()))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_MAX_BYTES).collect().await;
        Ok((status, body.map_err(broken)?.to_bytes()))
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

    #[test]
    fn an_admin_endpoint_is_a_plain_http_origin() {
        assert_eq!(authority("http://127.0.0.1:8090").as_deref(), Some("127.0.0.1:8090"));
        assert_eq!(authority("http://[::1]:8090/").as_deref(), Some("[::1]:8090"));
        assert_eq!(authority("http://localhost").as_deref(), Some("localhost:80"));
        for url in [
            "",
            "localhost:8090",
            "https://localhost",
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
}
