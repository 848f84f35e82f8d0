//! From an address to a connected socket.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use rustix::io::Errno;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Semaphore;

use super::deadline::Deadline;
use crate::model::Address;
use crate::proxy::error::ProxyError;

/// Of a name that has more, the others are not tried.
const ADDRESSES_MAX: usize = 8;

/// Names that are looked up at once, by the whole process. Each takes a thread, and the
/// system's resolver may keep it for long after nobody waits for it any more.
pub(in crate::proxy) const LOOKUPS_AT_ONCE_MAX: usize = 64;

static LOOKUPS: Semaphore = Semaphore::const_new(LOOKUPS_AT_ONCE_MAX);

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
                Err(_) => resolve(host, *port, &LOOKUPS, deadline).await?,
            };
            let stream = in_turn(&addresses, deadline).await?;
            stream.set_nodelay(true).map_err(failed)?;
            Ok(Reached::Tcp(stream))
        }
    }
}

async fn resolve(
    host: &str,
    port: u16,
    lookups: &'static Semaphore,
    deadline: Deadline,
) -> Result<Vec<SocketAddr>, ProxyError> {
    let host = host.to_owned();
    let looked_up = async {
        let place = lookups.acquire().await.expect("nobody closes it");
        let lookup = tokio::task::spawn_blocking(move || {
            // Kept until the resolver is done, whether anybody still waits or not.
            let _place = place;
            let found = (host.as_str(), port).to_socket_addrs()?;
            Ok(found.take(ADDRESSES_MAX).collect())
        });
        lookup.await.unwrap_or_else(|error| Err(io::Error::other(error)))
    };
    deadline.bound(looked_up).await?.map_err(|error| {
        if is_shortage(&error) { ProxyError::Shortage(error) } else { ProxyError::Resolve(error) }
    })
}

/// Tries one address after the other. Each may take its share of the time that is
/// left, so that one which does not answer leaves some for the next.
async fn in_turn(addresses: &[SocketAddr], deadline: Deadline) -> Result<TcpStream, ProxyError> {
    let mut failure = ProxyError::Resolve(io::ErrorKind::NotFound.into());
    for (tried, address) in addresses.iter().enumerate() {
        let share = deadline.share(addresses.len() - tried);
        failure = match share.bound(TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            // Where there is no IPv6 at all, this is said of its addresses.
            Ok(Err(error)) if address.is_ipv6() && is_without_port(&error) => {
                ProxyError::Connect(error)
            }
            Ok(Err(error)) => failed(error),
            Err(late) => late,
        };
    }
    Err(failure)
}

fn failed(error: io::Error) -> ProxyError {
    match error.kind() {
        _ if is_shortage(&error) || is_without_port(&error) => ProxyError::Shortage(error),
        // A socket file that is not there is a server that does not listen.
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => ProxyError::Refused(error),
        _ => ProxyError::Connect(error),
    }
}

fn is_shortage(error: &io::Error) -> bool {
    let of_ours = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|errno| of_ours.contains(&errno))
}

/// Whether no local port is left.
fn is_without_port(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable
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

    #[test]
    fn what_is_lacking_here_is_no_fault_of_an_endpoint() {
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL]
        {
            let error = failed(errno.into());
            assert!(error.is_shortage() && !error.is_endpoints(), "{errno}");
            assert!(!error.falls_back());
            assert_eq!((error.status().as_u16(), error.kind()), (503, "proxy_internal_error"));
        }
        assert!(failed(Errno::NETUNREACH.into()).is_endpoints());
    }

    #[tokio::test]
    async fn so_many_names_are_looked_up_at_once() {
        static ONE: Semaphore = Semaphore::const_new(1);
        let place = ONE.acquire().await.unwrap();
        let soon = Deadline::after(Duration::from_millis(50));
        let late = resolve("localhost", 80, &ONE, soon).await;
        assert!(matches!(late, Err(ProxyError::ConnectTimeout(_))), "{late:?}");
        drop(place);
        let deadline = Deadline::after(Duration::from_secs(10));
        assert!(resolve("localhost", 80, &ONE, deadline).await.is_ok());
    }
}
