//! One connection of a client, from its first byte to its last.

use std::cell::Cell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;

use http::Response;
use http::header::CONNECTION;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::body::Body;
use super::error::ProxyError;
use super::headers::Client;
use super::patient::Patient;
use super::tunnel::{self, Line, Side};
use super::upgrade::Switched;
use super::wire::{self, Gate, Guarded, HeadLimits, Refusal};
use super::worker::Worker;
use crate::model::{Environment, Timeouts};
use crate::server::{self, Busy, Presence};

impl Worker {
    /// Answers what comes over `stream` until it ends or is dismissed.
    pub(super) async fn serve_client(
        self: Rc<Self>,
        environment: Environment,
        stream: TcpStream,
        peer: SocketAddr,
        presence: Rc<Presence>,
    ) {
        let policy = self.policy();
        let client = Rc::new(Client::new(peer.ip(), &policy.trusted));
        let patience = self.patience();
        let gate = Gate::new(presence);
        let stream = Patient::new(stream, patience.idle);
        let switched = Cell::new(None);
        let service = service_fn(|request| {
            let (worker, client, gate) = (self.clone(), client.clone(), gate.clone());
            let (busy, switched) = (gate.presence().busy(), &switched);
            async move {
                let mut response = match gate.admit() {
                    Ok(()) => worker.respond(environment, request, client).await,
                    Err(refusal) => refused(environment, refusal),
                };
                if let Some(upstream) = response.body_mut().take_switched() {
                    switched.set(Some((upstream, busy)));
                    return Ok::<_, Infallible>(response);
                }
                gate.release();
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
            // hyper was given nothing behind a request that asked for another protocol.
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

/// The answer to a head that hyper was not given.
fn refused(environment: Environment, refusal: Refusal) -> Response<Body> {
    let error = ProxyError::Head(refusal);
    tracing::debug!(%error, "request refused");
    error.to_response(environment, None, None)
}
