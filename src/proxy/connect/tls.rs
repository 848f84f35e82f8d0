//! TLS with an endpoint: what is offered, what is checked, what went wrong.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, ClientConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Deadline, Protocol};
use crate::model::{Address, Endpoint};
use crate::proxy::error::ProxyError;

const H2: &[u8] = b"h2";
const HTTP_1_1: &[u8] = b"http/1.1";

/// How TLS is spoken to endpoints, shared by all workers. Sessions are resumed.
pub struct UpstreamTls {
    checked: Offers,
    unchecked: Offers,
    /// The endpoints of which it was said that any certificate is taken.
    said: Mutex<HashSet<String>>,
}

/// What ALPN offers.
struct Offers {
    both: TlsConnector,
    /// To those that are to switch protocols, which HTTP/2 cannot.
    http1: TlsConnector,
}

impl Offers {
    fn of(config: &ClientConfig) -> Self {
        let offer = |protocols: &[&[u8]]| {
            let mut config = config.clone();
            config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
            TlsConnector::from(Arc::new(config))
        };
        Self { both: offer(&[H2, HTTP_1_1]), http1: offer(&[HTTP_1_1]) }
    }
}

impl UpstreamTls {
    /// `checked` for `https://`, `unchecked` for `https+insecure://`; what they say of
    /// ALPN is replaced.
    pub fn new(checked: &ClientConfig, unchecked: &ClientConfig) -> Self {
        let (checked, unchecked) = (Offers::of(checked), Offers::of(unchecked));
        Self { checked, unchecked, said: Mutex::default() }
    }

    /// Says in the log, once of each endpoint, that it may show any certificate.
    pub(in crate::proxy) fn say_unchecked(&self, endpoint: &Endpoint) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.insert(endpoint.as_str().to_owned()) {
            tracing::warn!(%endpoint, "the certificate of this endpoint is not checked");
        }
    }

    pub(super) async fn shake_hands(
        &self,
        endpoint: &Endpoint,
        insecure: bool,
        http1_only: bool,
        stream: TcpStream,
        deadline: Deadline,
    ) -> Result<(TlsStream<TcpStream>, Protocol), ProxyError> {
        let offers = if insecure { &self.unchecked } else { &self.checked };
        let connector = if http1_only { &offers.http1 } else { &offers.both };
        let name = server_name(endpoint)?;
        let stream = deadline.bound(connector.connect(name, stream)).await?.map_err(failed)?;
        // Who agrees on nothing speaks HTTP/1.1.
        let protocol = match stream.get_ref().1.alpn_protocol() {
            Some(H2) => Protocol::Http2,
            _ => Protocol::Http1,
        };
        Ok((stream, protocol))
    }
}

/// Whom the certificate must name. A name is told to the endpoint as well, an address
/// is not (RFC 6066, section 3).
fn server_name(endpoint: &Endpoint) -> Result<ServerName<'static>, ProxyError> {
    let host = match endpoint.address() {
        Address::Tcp { host, .. } => host.as_str(),
        Address::Unix(_) => "localhost",
    };
    let named = ServerName::try_from(host.to_owned());
    named.map_err(|error| ProxyError::Certificate(io::Error::other(error)))
}

fn failed(error: io::Error) -> ProxyError {
    use rustls::Error::{AlertReceived, InvalidCertificate, NoCertificatesPresented};
    match error.get_ref().and_then(|cause| cause.downcast_ref()) {
        Some(InvalidCertificate(_) | NoCertificatesPresented) => ProxyError::Certificate(error),
        // A goodbye in the middle of a handshake is no alert to speak of.
        Some(AlertReceived(alert)) if *alert != AlertDescription::CloseNotify => {
            ProxyError::TlsAlert(error)
        }
        _ => ProxyError::Tls(error),
    }
}
