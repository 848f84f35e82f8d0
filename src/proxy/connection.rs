//! One connection of a client, from its first byte to its last.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;

use http::header::CONNECTION;
use http::{Response, StatusCode};
use hyper::service::service_fn;
use tokio::net::TcpStream;

use super::body::Body;
use super::error::ProxyError;
use super::headers::Client;
use super::wire::{self, Gate, HeadLimits, Refusal};
use super::worker::Worker;
use crate::model::Environment;
use crate::server::Presence;

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
        let gate = Gate::new(presence);
        let service = service_fn(|request| {
            let (worker, client, gate) = (self.clone(), client.clone(), gate.clone());
            let busy = gate.presence().busy();
            async move {
                let mut response = match gate.admit() {
                    Ok(()) => worker.respond(environment, request, client).await,
                    Err(refusal) => refused(environment, refusal),
                };
                if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                    gate.release();
                    // Only the proxy's own answers say so: the last one on the connection.
                    if response.headers().contains_key(CONNECTION) {
                        gate.linger();
                    }
                }
                response.body_mut().hold(busy);
                Ok::<_, Infallible>(response)
            }
        });
        wire::serve(stream, &gate, HeadLimits::of(&policy.limits), service, self.patience()).await;
    }
}

/// The answer to a head that hyper was not given.
fn refused(environment: Environment, refusal: Refusal) -> Response<Body> {
    let error = ProxyError::Head(refusal);
    tracing::debug!(%error, "request refused");
    error.to_response(environment, None, None)
}
