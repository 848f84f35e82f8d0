//! One connection of a client, from its first byte to its last.

use std::cell::Cell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::headers::Client;
use super::tunnel::{self, Line, Side};
use super::upgrade::Switched;
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
        let client = Rc::new(Client::new(peer.ip(), &self.policy().trusted));
        let patience = self.patience();
        let switched = Cell::new(None);
        let service = service_fn(|request| {
            let (worker, client) = (self.clone(), client.clone());
            let (busy, switched) = (presence.busy(), &switched);
            async move {
                let mut response = worker.respond(environment, request, client).await;
                match response.body_mut().take_switched() {
                    Some(upstream) => switched.set(Some((upstream, busy))),
                    None => response.body_mut().hold(busy),
                }
                Ok::<_, Infallible>(response)
            }
        });
        let mut builder = http1::Builder::new();
        // The sweep of the accept loop ends idle connections.
        builder.header_read_timeout(None);
        let mut connection = builder.serve_connection(TokioIo::new(stream), service);
        let ended = server::drive(Pin::new(&mut connection), &presence, patience).await;
        let parts = connection.into_parts();
        if ended {
            let client = Side { stream: parts.io.into_inner(), read: parts.read_buf };
            self.go_on(client, switched.take()).await;
        }
    }

    /// Goes on where HTTP has ended: in the protocol that both sides have agreed on, if
    /// they have. The connection is busy for as long as that lasts.
    async fn go_on(&self, mut client: Side<impl Line>, agreed: Option<(Switched, Busy)>) {
        let Timeouts { client_idle, tunnel_idle, .. } = self.policy().timeouts;
        match agreed {
            Some((Switched { socket, read }, _busy)) => {
                let _open = self.tallies.tunnel();
                let upstream = Side { stream: TokioIo::new(socket), read };
                tunnel::run(client, upstream, tunnel_idle).await;
            }
            // hyper leaves it open once any request has named another protocol.
            None => drop(tokio::time::timeout(client_idle, client.stream.shutdown()).await),
        }
    }
}
