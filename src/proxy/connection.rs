//! One connection of a client, from its first byte to its last.

use std::cell::Cell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::pin::Pin;
use std::rc::Rc;

use http::HeaderValue;
use http::header::CONNECTION;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::error::ProxyError;
use super::h2;
use super::headers::Client;
use super::opening::{self, Spoken};
use super::patient::Patient;
use super::seats::Seat;
use super::tunnel::{self, Line, Side};
use super::upgrade::Switched;
use super::wire::{self, Gate, Guarded, HeadLimits};
use super::worker::{Door, Worker};
use crate::model::{Environment, Timeouts};
use crate::server::{self, Busy, Presence};

/// Who is served on a connection, and where.
pub(super) struct Visitor {
    pub(super) environment: Environment,
    pub(super) client: Rc<Client>,
    pub(super) presence: Rc<Presence>,
    requests: Cell<u64>,
}

impl Visitor {
    /// Counts a request: whether it is the last one that `max` lets through.
    pub(super) fn is_last_request(&self, max: Option<NonZeroU64>) -> bool {
        self.requests.set(self.requests.get() + 1);
        max.is_some_and(|max| self.requests.get() >= max.get())
    }
}

impl Worker {
    /// Answers what comes over `stream` until it ends or is dismissed.
    pub(super) async fn serve_client(
        self: Rc<Self>,
        door: Door,
        stream: TcpStream,
        peer: SocketAddr,
        presence: Rc<Presence>,
    ) {
        let policy = self.policy();
        let client = Client::new(peer.ip(), door.tls.is_some(), &policy.trusted);
        let seat = Seat::take(&self.proxy, client.address, client.is_trusted(), &policy.limits);
        let _seat = match seat {
            Ok(seat) => seat,
            Err(full) => {
                self.complaints.full(full);
                self.traffic.error(super::crowd::ERROR);
                if door.tls.is_none() {
                    Box::pin(self.crowd.turn_away(stream, full)).await;
                }
                return;
            }
        };
        let limit = policy.timeouts.request_head;
        drop(policy);
        let visitor = Rc::new(Visitor {
            environment: door.environment,
            client: Rc::new(client),
            presence,
            requests: Cell::new(0),
        });
        // Boxed is what most connections have no use for, and would carry the state of.
        if let Some(tls) = door.tls {
            let handshake = server::handshake(tls, stream, &visitor.presence, limit);
            let Some(stream) = Box::pin(handshake).await else { return };
            match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => Box::pin(h2::serve(self, visitor, stream)).await,
                _ => Box::pin(self.serve_http1(visitor, stream)).await,
            }
        } else {
            match opening::hear(stream, &visitor.presence, limit).await {
                Some((Spoken::Http1, stream)) => self.serve_http1(visitor, stream).await,
                Some((Spoken::Http2, stream)) => {
                    Box::pin(h2::serve(self, visitor, stream)).await;
                }
                None => {}
            }
        }
    }

    async fn serve_http1(self: Rc<Self>, visitor: Rc<Visitor>, stream: impl Line + 'static) {
        let policy = self.policy();
        let patience = self.patience();
        let gate = Gate::new(visitor.presence.clone());
        let stream = Patient::new(stream, visitor.presence.clone(), patience.idle);
        let switched = Cell::new(None);
        let service = service_fn(|request| {
            let (worker, visitor, gate) = (self.clone(), visitor.clone(), gate.clone());
            let (busy, switched) = (gate.presence().busy(), &switched);
            let max = worker.policy().limits.requests_per_connection;
            let is_last = visitor.is_last_request(max);
            async move {
                let Visitor { environment, client, .. } = &*visitor;
                let mut response = match gate.admit() {
                    Ok(()) => worker.respond(*environment, request, client.clone()).await,
                    Err(refusal) => worker.refuse(*environment, &ProxyError::Head(refusal), None),
                };
                if let Some(upstream) = response.body_mut().take_switched() {
                    switched.set(Some((upstream, busy)));
                    return Ok::<_, Infallible>(response);
                }
                if is_last {
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(CONNECTION, close);
                }
                // Only the proxy's own answers say so: the last one on the connection.
                if response.headers().contains_key(CONNECTION) {
                    gate.linger();
                }
                response.body_mut().hold(busy);
                Ok(response)
            }
        });
        let limits = HeadLimits::of(&policy.limits);
        let guarded = Guarded::new(stream, gate.clone(), limits);
        let mut connection = wire::builder(limits).serve_connection(TokioIo::new(guarded), service);
        let ended = server::drive(Pin::new(&mut connection), gate.presence(), patience).await;
        let guarded = connection.into_parts().io.into_inner();
        if ended {
            // hyper was given nothing behind the request.
            let (stream, read) = guarded.into_parts();
            let client = Side { stream: stream.into_stream(), read };
            // What follows is large, and no part of what an idle connection takes.
            Box::pin(self.go_on(client, switched.take(), &gate)).await;
        }
    }

    /// Goes on where HTTP has ended: in the protocol that both sides have agreed on, if
    /// they have. The connection is busy for as long as that lasts.
    async fn go_on(
        &self,
        mut client: Side<impl Line>,
        agreed: Option<(Switched, Busy)>,
        gate: &Gate,
    ) {
        let Timeouts { client_idle, tunnel_idle, .. } = self.policy().timeouts;
        if let Some((Switched { socket, read }, _busy)) = agreed {
            let _open = self.tallies.tunnel();
            let upstream = Side { stream: TokioIo::new(socket), read };
            tunnel::run(client, upstream, tunnel_idle).await;
            return;
        }
        // hyper leaves it open once any request has named another protocol.
        drop(tokio::time::timeout(client_idle, client.stream.shutdown()).await);
        if gate.lingers() {
            wire::linger(client.stream, gate.presence()).await;
        }
    }
}
