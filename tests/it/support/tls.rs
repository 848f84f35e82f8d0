//! A client that speaks TLS and trusts one authority alone.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::WAIT_MAX;
use super::desk::Heard;

/// Whom a client trusts, and what it speaks.
#[derive(Clone)]
pub(crate) struct Trust(Arc<ClientConfig>);

pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

impl Trust {
    pub(crate) fn in_pem(pem: &str) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self(Arc::new(config))
    }

    pub(crate) fn of(config: Arc<ClientConfig>) -> Self {
        Self(config)
    }

    /// The same client, that speaks these alone.
    pub(crate) fn speaking(&self, protocols: &[&str]) -> Self {
        let mut config = ClientConfig::clone(&self.0);
        config.alpn_protocols =
            protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Self(Arc::new(config))
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        self.0.clone()
    }

    /// Shakes hands with `address`, which must show a certificate for `host`; an
    /// address for a host is not told to it (RFC 6066, section 3).
    pub(crate) fn connect(&self, address: SocketAddr, host: &str) -> io::Result<Stream> {
        let name = ServerName::try_from(host.to_owned()).unwrap();
        let tls = ClientConnection::new(self.0.clone(), name).map_err(io::Error::other)?;
        let tcp = TcpStream::connect(address)?;
        tcp.set_read_timeout(Some(WAIT_MAX))?;
        tcp.set_write_timeout(Some(WAIT_MAX))?;
        let mut stream = StreamOwned::new(tls, tcp);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }

    /// One request without a body.
    pub(crate) fn get(&self, address: SocketAddr, host: &str, path: &str) -> Heard {
        self.send(
            address,
            host,
            &format!(
                "GET {path} HTTP/1.1\r\nhost: {host}:{}\r\nconnection: close\r\n\r\n",
                address.port()
            ),
        )
    }

    /// Sends a request that asks to close, and reads to the end, which must be told.
    pub(crate) fn send(&self, address: SocketAddr, host: &str, request: &str) -> Heard {
        let mut stream = self.connect(address, host).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).unwrap();
        Heard::new(&heard)
    }
}
