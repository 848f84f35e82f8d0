//! Connections to the target.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::plan::{Plan, Protocol};

/// What ALPN calls them (RFC 7301; RFC 9113, section 3.2).
const HTTP1: &[u8] = b"http/1.1";
const HTTP2: &[u8] = b"h2";

/// How a connection is opened.
#[derive(Clone)]
pub(super) struct Opener {
    addresses: Vec<SocketAddr>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    is_http2: bool,
}

/// Bytes both ways.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Opener {
    /// Looks the target up.
    pub(super) fn new(plan: &Plan) -> io::Result<Self> {
        let target = &plan.target;
        let addresses = (target.host.as_str(), target.port).to_socket_addrs()?.collect();
        let is_http2 = matches!(plan.protocol, Protocol::Http2 { .. });
        let tls = target.tls.then(|| {
            let mut config = ClientConfig::clone(&plan.tls);
            let protocol = if is_http2 { HTTP2 } else { HTTP1 };
            config.alpn_protocols = vec![protocol.to_vec()];
            let name = ServerName::try_from(target.host.clone()).map_err(io::Error::other)?;
            Ok::<_, io::Error>((TlsConnector::from(Arc::new(config)), name))
        });
        Ok(Self { addresses, tls: tls.transpose()?, is_http2 })
    }

    pub(super) async fn open(&self) -> io::Result<Stream> {
        let stream = TcpStream::connect(self.addresses.as_slice()).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => Ok(Stream::Plain(stream)),
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await?;
                if self.is_http2 && stream.get_ref().1.alpn_protocol() != Some(HTTP2) {
                    return Err(io::Error::other("it does not speak HTTP/2"));
                }
                Ok(Stream::Tls(Box::new(stream)))
            }
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, room),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, room),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
