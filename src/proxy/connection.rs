//! One connection of a client, from its first byte to its last.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::net::TcpStream;

use super::headers::Client;
use super::patient::Patient;
use super::worker::Worker;
use crate::model::Environment;
use crate::server::{self, Presence};

impl Worker {
    /// Answers what comes over `stream` until it ends or is dismissed.
    pub(super) async fn serve_client(
        self: Rc<Self>,
        environment: Environment,
        stream: TcpStream,
        peer: SocketAddr,
        presence: Rc<Presence>,
    ) {
        let client = Rc::new(Client::new(peer.ip(), &self.policy().trusted));
        let patience = self.patience();
        let stream = Patient::new(stream, patience.idle);
        let service = service_fn(|request| {
            let (worker, client) = (self.clone(), client.clone());
            let busy = presence.busy();
            async move {
                let mut response = worker.respond(environment, request, client).await;
                response.body_mut().hold(busy);
                Ok::<_, Infallible>(response)
            }
        });
        let mut builder = http1::Builder::new();
        // The sweep of the accept loop ends idle connections.
        builder.header_read_timeout(None);
        server::http1(&builder, stream, service, &presence, patience).await;
    }
}
