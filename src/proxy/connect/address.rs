//! From an address to a connected socket.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpStream, UnixStream, lookup_host};

use super::deadline::Deadline;
use crate::model::Address;
use crate::proxy::error::ProxyError;

/// Of a name that has more, the others are not tried.
const ADDRESSES_MAX: usize = 8;

pub(in crate::proxy) enum Reached {
    Tcp(TcpStream),
    Unix(UnixStream),
}

pub(in crate::proxy) async fn reach(
    address: &Address,
    deadline: Deadline,
) -> Result<Reached, ProxyError> {
    match address {
        Address::Unix(path) => {
            let stream = deadline.bound(UnixStream::connect(path)).await?;
            stream.map(Reached::Unix).map_err(failed)
        }
        Address::Tcp { host, port } => {
            // An address is taken as it stands; a name is resolved at each connect.
            let addresses = match host.parse::<IpAddr>() {
                Ok(address) => vec![(address, *port).into()],
                Err(_) => resolve(host, *port, deadline).await?,
            };
            let stream = in_turn(&addresses, deadline).await?;
            stream.set_nodelay(true).map_err(failed)?;
            Ok(Reached::Tcp(stream))
        }
    }
}

async fn resolve(host: &str, port: u16, deadline: Deadline) -> Result<Vec<SocketAddr>, ProxyError> {
    let found = deadline.bound(lookup_host((host, port))).await?.map_err(ProxyError::Resolve)?;
    Ok(found.take(ADDRESSES_MAX).collect())
}

/// Tries one address after the other. Each may take its share of the time that is
/// left, so that one which does not answer leaves some for the next.
async fn in_turn(addresses: &[SocketAddr], deadline: Deadline) -> Result<TcpStream, ProxyError> {
    let mut failure = ProxyError::Resolve(io::ErrorKind::NotFound.into());
    for (tried, address) in addresses.iter().enumerate() {
        let share = deadline.share(addresses.len() - tried);
        failure = match share.bound(TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failed(error),
            Err(late) => late,
        };
    }
    Err(failure)
}

fn failed(error: io::Error) -> ProxyError {
    match error.kind() {
        // A socket file that is not there is a server that does not listen.
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => ProxyError::Refused(error),
        _ => ProxyError::Connect(error),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use socket2::{Domain, Socket, Type};

    use super::*;

    /// Listens, and has no place for another connection: who tries waits.
    fn full() -> (Socket, SocketAddr, Vec<Socket>) {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let waiting = (0..8).map(|_| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            drop(socket.connect(&address));
            socket
        });
        let waiting = waiting.collect();
        (listener, address.as_socket().unwrap(), waiting)
    }

    #[tokio::test]
    async fn an_address_that_does_not_answer_leaves_time_for_the_next() {
        let (_full, silent, _waiting) = full();
        let good = TcpListener::bind("127.0.0.1:0").unwrap();
        let good = good.local_addr().map(|address| (good, address)).unwrap();
        let deadline = Deadline::after(Duration::from_secs(2));
        let reached = in_turn(&[silent, good.1], deadline).await;
        assert_eq!(reached.unwrap().peer_addr().unwrap(), good.1);

        let deadline = Deadline::after(Duration::from_millis(100));
        let reached = in_turn(&[silent, silent], deadline).await;
        assert!(matches!(reached, Err(ProxyError::ConnectTimeout(_))), "{reached:?}");
    }

    #[tokio::test]
    async fn an_address_that_refuses_is_passed_over() {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let good = TcpListener::bind("127.0.0.1:0").unwrap();
        let addresses = [gone, good.local_addr().unwrap()];
        let deadline = Deadline::after(Duration::from_secs(10));
        assert!(in_turn(&addresses, deadline).await.is_ok());
        let refused = in_turn(&addresses[..1], deadline).await;
        assert!(matches!(refused, Err(ProxyError::Refused(_))), "{refused:?}");
        let nothing = in_turn(&[], deadline).await;
        assert!(matches!(nothing, Err(ProxyError::Resolve(_))), "{nothing:?}");
    }
}
