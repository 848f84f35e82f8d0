//! One connection of a client, from its first byte to its last.

use std::cell::Cell;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use rustls::ServerConfig;
use tokio::net::TcpStream;

use super::headers::Client;
use super::opening::{self, Reopened, Spoken};
use super::seats::Seat;
use super::share::Counted;
use super::worker::{Door, Worker};
use super::{front, h2};
use crate::model::{Environment, Timeouts};
use crate::server::{self, Patient, Presence};

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
        _counted: Counted,
    ) {
        let policy = self.policy();
        let client = Client::new(peer.ip(), door.tls.is_some(), &policy.trusted);
        let seat = Seat::take(&self.proxy, client.address, client.is_trusted(), &policy.limits);
        let _seat = match seat {
            Ok(seat) => seat,
            Err(full) => {
                self.complaints.full(full);
                self.traffic.error(super::crowd::ERROR);
                self.traffic.limit(full.limit());
                if door.tls.is_none() {
                    Box::pin(self.crowd.turn_away(stream, full)).await;
                }
                return;
            }
        };
        let _connected = self.requests.client();
        let Timeouts { client_idle, request_head, .. } = policy.timeouts;
        drop(policy);
        let visitor = Rc::new(Visitor {
            environment: door.environment,
            client: Rc::new(client),
            presence,
            requests: Cell::new(0),
        });
        // Boxed is what most connections have no use for, and would carry the state of.
        if let Some(tls) = door.tls {
            let stream = Patient::new(stream, visitor.presence.clone(), client_idle);
            Box::pin(self.serve_tls(tls, stream, visitor, request_head)).await;
        } else {
            match opening::hear(stream, visitor.presence.clone(), client_idle).await {
                Some((Spoken::Http1, stream, first)) => {
                    front::serve(self, visitor, stream, first).await;
                }
                Some((Spoken::Http2, stream, first)) => {
                    let stream = Reopened::new(stream, first);
                    Box::pin(h2::serve(self, visitor, stream)).await;
                }
                None => {}
            }
        }
    }

    async fn serve_tls(
        self: Rc<Self>,
        config: Arc<ServerConfig>,
        stream: Patient,
        visitor: Rc<Visitor>,
        limit: Duration,
    ) {
        let handshake = server::handshake(config, stream, &visitor.presence, limit);
        let Some(stream) = Box::pin(handshake).await else { return };
        match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => Box::pin(h2::serve(self, visitor, stream)).await,
            _ => front::serve(self, visitor, stream, BytesMut::new()).await,
        }
    }
}
