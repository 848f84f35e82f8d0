//! An upstream that speaks HTTP/2, or TLS, or both, as a good server does.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{HandshakeKind, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

pub(crate) type Reply = Response<UnsyncBoxBody<Bytes, hyper::Error>>;

/// A server on a free port, on a thread of its own. It ends when dropped.
pub(crate) struct Web {
    address: SocketAddr,
    log: Arc<Log>,
    _stop: oneshot::Sender<()>,
}

#[derive(Default)]
struct Log {
    connections: AtomicUsize,
    greetings: Mutex<Vec<Greeting>>,
}

/// What a client said in its TLS handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Greeting {
    pub(crate) name: Option<String>,
    pub(crate) resumed: bool,
}

/// How a server is spoken to.
pub(crate) struct Manner {
    pub(crate) tls: Option<Arc<ServerConfig>>,
    /// On one connection of HTTP/2.
    pub(crate) streams_max: u32,
}

impl Default for Manner {
    fn default() -> Self {
        Self { tls: None, streams_max: 200 }
    }
}

impl Web {
    pub(crate) fn start<F>(
        manner: Manner,
        answer: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Reply> + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let log = Arc::new(Log::default());
        let noting = log.clone();
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let local = tokio::task::LocalSet::new();
            local.block_on(&runtime, async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    _ = stopped => {}
                    () = accept(listener, manner, noting, answer) => {}
                }
            });
        });
        Self { address, log, _stop: stop }
    }

    /// Says `text` to everybody.
    pub(crate) fn saying(manner: Manner, text: &'static str) -> Self {
        Self::start(manner, move |_| async move { reply(text) })
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.log.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn greetings(&self) -> Vec<Greeting> {
        self.log.greetings.lock().unwrap().clone()
    }
}

async fn accept<F: Future<Output = Reply> + 'static>(
    listener: tokio::net::TcpListener,
    manner: Manner,
    log: Arc<Log>,
    answer: impl Fn(Request<Incoming>) -> F + Clone + 'static,
) {
    while let Ok((stream, _)) = listener.accept().await {
        log.connections.fetch_add(1, Ordering::SeqCst);
        let (tls, log, answer) = (manner.tls.clone(), log.clone(), answer.clone());
        let streams_max = manner.streams_max;
        tokio::task::spawn_local(async move {
            let Some(tls) = tls else {
                return speak(stream, true, streams_max, answer).await;
            };
            let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await else { return };
            let session = stream.get_ref().1;
            let http2 = session.alpn_protocol() == Some(b"h2");
            log.greetings.lock().unwrap().push(Greeting {
                name: session.server_name().map(str::to_owned),
                resumed: session.handshake_kind() == Some(HandshakeKind::Resumed),
            });
            speak(stream, http2, streams_max, answer).await;
        });
    }
}

async fn speak<F: Future<Output = Reply> + 'static>(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    http2: bool,
    streams_max: u32,
    answer: impl Fn(Request<Incoming>) -> F + 'static,
) {
    let service = service_fn(move |request| {
        let reply = answer(request);
        async move { Ok::<_, hyper::Error>(reply.await) }
    });
    let stream = TokioIo::new(stream);
    // The proxy may go away as it likes.
    if http2 {
        let mut builder = http2::Builder::new(Here);
        builder.max_concurrent_streams(streams_max);
        drop(builder.serve_connection(stream, service).await);
    } else {
        drop(http1::Builder::new().serve_connection(stream, service).await);
    }
}

/// Runs tasks on this thread.
#[derive(Clone)]
struct Here;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Here {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(task);
    }
}

pub(crate) fn reply(text: impl Into<Bytes>) -> Reply {
    Response::new(Full::new(text.into()).map_err(|never| match never {}).boxed_unsync())
}

/// A server's certificate, which vouches for itself.
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Identity {
    pub(crate) fn of(names: &[&str]) -> Self {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        Self { certificate: made.cert.der().clone(), key: made.signing_key.serialize_der() }
    }

    /// What a client trusts that trusts this server.
    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.clone()
    }

    /// A server that agrees on one of `protocols`.
    pub(crate) fn speaking(&self, protocols: &[&str]) -> Manner {
        let key = PrivateKeyDer::Pkcs8(self.key.clone().into());
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate()], key)
            .unwrap();
        config.alpn_protocols =
            protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Manner { tls: Some(Arc::new(config)), ..Manner::default() }
    }
}
