//! From [listen] to sockets: those that were passed to this process, else bound here.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::inherited::Inherited;
use super::occupant::{Occupant, occupant};

/// Connections that may wait to be accepted; the kernel caps it at `somaxconn`.
const BACKLOG: i32 = 4_096;

/// Before a listener closes, handshakes that have begun have this long to end: some
/// round trips. On a loopback address they take no time.
const HANDSHAKES_END: Duration = Duration::from_millis(250);

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for {purpose}{advice}")]
pub struct ListenError {
    purpose: &'static str,
    address: SocketAddr,
    advice: String,
    source: io::Error,
}

fn advice(error: &io::Error, address: SocketAddr) -> String {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => match occupant(address) {
            Occupant::This => {
                return format!(
                    ": {address} is taken by a socket that was passed to this process and has neither the name nor the address of a key in [listen]"
                );
            }
            other => {
                return format!(
                    ": {address} is taken by {other}; stop it, or choose another port in [listen]"
                );
            }
        },
        io::ErrorKind::PermissionDenied => {
            ": ports below 1024 need a privilege, or a socket that systemd opens"
        }
        io::ErrorKind::AddrNotAvailable => ": this machine has no such address",
        _ => "",
    };
    advice.to_owned()
}

/// The sockets of one Serin.
pub(super) struct Sockets {
    inherited: Inherited,
    doors: Doors,
}

/// The sockets that were bound here, and can be shut to newcomers. Those that were
/// passed to this process stay open for the next one.
#[derive(Default)]
pub(super) struct Doors(Vec<(&'static str, Socket)>);

impl Sockets {
    pub(super) fn new(inherited: Inherited) -> Self {
        Self { inherited, doors: Doors::default() }
    }

    /// The listener of a key of [listen], for all workers together.
    pub(super) fn open(
        &mut self,
        purpose: &'static str,
        address: SocketAddr,
    ) -> Result<TcpListener, ListenError> {
        self.taken_or_bound(purpose, address).map_err(|source| {
            let advice = advice(&source, address);
            ListenError { purpose, address, advice, source }
        })
    }

    /// The same for a key that may be absent: without it, only what was passed.
    pub(super) fn open_if_wanted(
        &mut self,
        purpose: &'static str,
        address: Option<SocketAddr>,
    ) -> Result<Option<TcpListener>, ListenError> {
        match address {
            Some(address) => self.open(purpose, address).map(Some),
            None => Ok(self.inherited.take(purpose, None)),
        }
    }

    fn taken_or_bound(
        &mut self,
        purpose: &'static str,
        address: SocketAddr,
    ) -> io::Result<TcpListener> {
        if let Some(listener) = self.inherited.take(purpose, Some(address)) {
            return Ok(listener);
        }
        let socket = bound(address)?;
        self.doors.0.push((purpose, socket.try_clone()?));
        Ok(socket.into())
    }

    /// To be called once every key has its listener.
    pub(super) fn all_open(self) -> Doors {
        self.inherited.leave();
        self.doors
    }
}

/// One socket, to be shared, and not one a worker with `SO_REUSEPORT`: under that option
/// a second Serin would be let in and get half of the connections.
fn bound(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Lets a restart bind while old connections linger; it lets nobody share.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

impl Doors {
    /// The doors of admin, and those that are left.
    pub(super) fn split(self) -> (Self, Self) {
        let (admin, data) =
            self.0.into_iter().partition(|(purpose, _)| purpose.starts_with("admin"));
        (Self(admin), Self(data))
    }

    /// Lets no new connection begin, and those that have begun become whole, so that
    /// whoever accepts can empty the queue for good before it closes: what comes
    /// between the last look and the close would be reset. Who is turned away tries
    /// again a second later, as TCP does, and is refused then, or finds the next Serin.
    pub(super) fn shut(self) {
        let mut is_local = true;
        for (purpose, socket) in &self.0 {
            if let Err(error) = refuse_newcomers(socket) {
                tracing::debug!(purpose, %error, "a listener cannot be shut before it closes");
            }
            let address = socket.local_addr().ok().and_then(|address| address.as_socket());
            is_local &= address.is_some_and(|address| address.ip().is_loopback());
        }
        if !is_local {
            std::thread::sleep(HANDSHAKES_END);
        }
    }
}

/// Has the kernel drop each SYN, which begins a connection, before TCP sees it.
#[cfg(target_os = "linux")]
fn refuse_newcomers(socket: &Socket) -> io::Result<()> {
    use socket2::SockFilter;

    /// The offset of the flags in a TCP header, and two of them.
    const FLAGS: u32 = 13;
    const SYN: u32 = 0x02;
    const ACK: u32 = 0x10;
    socket.attach_filter(&[
        // Load the octet of the flags.
        SockFilter::new(0x30, 0, 0, FLAGS),
        // Keep these two.
        SockFilter::new(0x54, 0, 0, SYN | ACK),
        // Unless there is SYN alone, skip one.
        SockFilter::new(0x15, 0, 1, SYN),
        // Keep nothing of the packet,
        SockFilter::new(0x06, 0, 0, 0),
        // or all of it.
        SockFilter::new(0x06, 0, 0, u32::MAX),
    ])
}

#[cfg(not(target_os = "linux"))]
fn refuse_newcomers(_: &Socket) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_door_that_is_shut_lets_nobody_begin_and_those_inside_be_served() {
        let mut sockets = Sockets::new(Inherited::default());
        let listener = sockets.open("production", "127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let before = TcpStream::connect(address).unwrap();
        let (admin, data) = sockets.all_open().split();
        assert!(admin.0.is_empty());
        data.shut();
        let turned_away = TcpStream::connect_timeout(&address, Duration::from_millis(50));
        assert_eq!(turned_away.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let (_, peer) = listener.accept().unwrap();
        assert_eq!(peer, before.local_addr().unwrap());
        assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}
