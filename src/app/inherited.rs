//! Sockets that were opened by whoever started this process, as systemd does.

use std::net::{SocketAddr, TcpListener};

use listenfd::ListenFd;
use socket2::SockRef;

use super::outside;

/// The keys of [listen], which are also the names of such sockets.
const NAMES: [&str; 6] =
    ["production", "staging", "admin", "production_tls", "staging_tls", "admin_tls"];

/// The sockets that nobody has taken yet.
#[derive(Debug, Default)]
pub(super) struct Inherited(Vec<Socket>);

#[derive(Debug)]
struct Socket {
    name: String,
    address: SocketAddr,
    listener: TcpListener,
}

impl Inherited {
    /// Those of `LISTEN_FDS`, meant for this process by `LISTEN_PID` and named by
    /// `LISTEN_FDNAMES`. To be called before there are threads: it takes the variables.
    pub(super) fn from_environment() -> Self {
        let names = outside::variable("LISTEN_FDNAMES").unwrap_or_default();
        let names = names.to_string_lossy();
        let mut names = names.split(':');
        let mut descriptors = ListenFd::from_env();
        let mut sockets = Vec::new();
        for index in 0..descriptors.len() {
            let name = names.next().unwrap_or_default().to_owned();
            match descriptors.take_tcp_listener(index) {
                Ok(Some(listener)) if SockRef::from(&listener).is_listener().unwrap_or(false) => {
                    // systemd passes them as they block; whoever took one would wait for ever.
                    let address =
                        listener.set_nonblocking(true).and_then(|()| listener.local_addr());
                    if let Ok(address) = address {
                        sockets.push(Socket { name, address, listener });
                    }
                }
                _ => tracing::warn!(
                    name,
                    "a descriptor that was passed is no TCP socket that listens, and is left alone"
                ),
            }
        }
        Self(sockets)
    }

    /// The socket for the key `purpose` of [listen]: the one of that name, else the one
    /// at `address` whose name is no other key.
    pub(super) fn take(
        &mut self,
        purpose: &str,
        address: Option<SocketAddr>,
    ) -> Option<TcpListener> {
        let named = |socket: &Socket| socket.name == purpose;
        let there =
            |socket: &Socket| Some(socket.address) == address && !NAMES.contains(&&*socket.name);
        let found = self.0.iter().position(named).or_else(|| self.0.iter().position(there))?;
        Some(self.0.swap_remove(found).listener)
    }

    /// Says which ones are of no use. They close here, or connections to them would
    /// wait for ever.
    pub(super) fn leave(self) {
        for Socket { name, address, .. } in self.0 {
            tracing::warn!(
                name,
                %address,
                "a socket that was passed has neither the name nor the address of a key in [listen], and is not served"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(name: &str) -> (Socket, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (Socket { name: name.to_owned(), address, listener }, address)
    }

    #[test]
    fn a_name_counts_before_an_address() {
        let ((first, at_first), (second, at_second)) = (socket("staging"), socket("serin.socket"));
        let mut inherited = Inherited(vec![first, second]);
        let mut take = |purpose, address| {
            let taken = inherited.take(purpose, address);
            taken.map(|listener| listener.local_addr().unwrap())
        };
        // It stands where production shall, but it is staging's by name.
        assert_eq!(take("production", Some(at_first)), None);
        assert_eq!(take("staging", Some(at_second)), Some(at_first));
        assert_eq!(take("admin", None), None);
        assert_eq!(take("admin", Some(at_second)), Some(at_second));
        assert_eq!(take("admin", Some(at_second)), None);
    }
}
