//! Who has a port: found on Linux in `/proc`.

use std::fmt;
use std::net::SocketAddr;

/// Who listens on an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Occupant {
    This,
    Process {
        name: String,
        id: u32,
    },
    /// It cannot be told: it belongs to another user, or does not listen, or is gone.
    Unknown,
}

impl fmt::Display for Occupant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::This => f.write_str("this process"),
            Self::Process { name, id } => write!(f, "`{name}` (process {id})"),
            Self::Unknown => f.write_str("another process"),
        }
    }
}

/// Who keeps others from listening on `address`.
#[cfg(target_os = "linux")]
pub(super) fn occupant(address: SocketAddr) -> Occupant {
    use linux::{holder, listeners};

    let inodes: Vec<u64> = listeners()
        .into_iter()
        .filter(|(taken, _)| in_the_way(*taken, address))
        .map(|(_, inode)| inode)
        .collect();
    match holder(&inodes) {
        Some((id, _)) if id == std::process::id() => Occupant::This,
        Some((id, name)) => Occupant::Process { name, id },
        None => Occupant::Unknown,
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn occupant(_: SocketAddr) -> Occupant {
    Occupant::Unknown
}

/// Whether who has `taken` keeps others from `wanted`: the same port, and the same
/// address, or one of the two is every address.
#[cfg(any(target_os = "linux", test))]
fn in_the_way(taken: SocketAddr, wanted: SocketAddr) -> bool {
    let (one, other) = (taken.ip().to_canonical(), wanted.ip().to_canonical());
    let all = one.is_unspecified() || other.is_unspecified();
    taken.port() == wanted.port() && (one == other || all)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

    /// A socket that listens, as `/proc/net/tcp` spells it.
    const LISTENS: &str = "0A";

    /// Every address that is listened on, and the inode of its socket.
    pub(super) fn listeners() -> Vec<(SocketAddr, u64)> {
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
        let texts = tables.iter().filter_map(|table| fs::read_to_string(table).ok());
        texts.flat_map(|text| text.lines().filter_map(listener).collect::<Vec<_>>()).collect()
    }

    /// One line: its number, address, peer, state, six more columns, the inode.
    pub(super) fn listener(line: &str) -> Option<(SocketAddr, u64)> {
        let mut columns = line.split_whitespace();
        let (address, state) = (columns.nth(1)?, columns.nth(1)?);
        let inode = columns.nth(5)?.parse().ok()?;
        (state == LISTENS).then_some((socket_address(address)?, inode))
    }

    /// Words of 32 bits, each in the order of this machine, and the port.
    fn socket_address(text: &str) -> Option<SocketAddr> {
        let (address, port) = text.split_once(':')?;
        let words = address.as_bytes().chunks(8).map(|word| {
            let word = str::from_utf8(word).ok()?;
            u32::from_str_radix(word, 16).ok().map(u32::to_ne_bytes)
        });
        let octets = words.collect::<Option<Vec<_>>>()?.concat();
        let ip = match octets.len() {
            4 => IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(octets).ok()?)),
            _ => IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?)),
        };
        Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
    }

    /// The process that has one of these sockets open, by number and name; of several
    /// the oldest, which is the parent of the others.
    pub(super) fn holder(inodes: &[u64]) -> Option<(u32, String)> {
        let sockets: Vec<_> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
        let processes = fs::read_dir("/proc").ok()?;
        let ids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let id: u32 = ids.filter(|id| holds(*id, &sockets)).min()?;
        let name = fs::read_to_string(format!("/proc/{id}/comm")).ok()?;
        Some((id, name.trim_end().to_owned()))
    }

    /// Of others' processes the descriptors cannot be read.
    fn holds(id: u32, sockets: &[String]) -> bool {
        let Ok(descriptors) = fs::read_dir(format!("/proc/{id}/fd")) else { return false };
        let mut targets = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        targets.any(|target| sockets.iter().any(|socket| target.as_os_str() == socket.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn every_address_is_in_the_way_of_each() {
        for (taken, wanted, is_in_the_way) in [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "127.0.0.1:81", false),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("0.0.0.0:80", "127.0.0.2:80", true),
            ("[::]:80", "127.0.0.2:80", true),
            ("[::ffff:127.0.0.1]:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "0.0.0.0:80", true),
        ] {
            assert_eq!(in_the_way(at(taken), at(wanted)), is_in_the_way, "{taken} {wanted}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn lines_of_proc_are_read_as_they_are_written() {
        let line = "  36: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0000000000000000 100 0 0 10 0";
        // The words are in the order of the machine; this line is of a little one.
        if cfg!(target_endian = "little") {
            assert_eq!(linux::listener(line), Some((at("127.0.0.1:8080"), 12_345)));
        }
        let line = "   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0000000000000000 100 0 0 10 0";
        assert_eq!(linux::listener(line), Some((at("[::]:8080"), 77)));
        let established = line.replace(" 0A ", " 01 ");
        assert_eq!(linux::listener(&established), None);
        assert_eq!(linux::listener("  sl  local_address rem_address   st"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_listener_of_this_process_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(occupant(address), Occupant::This);
        drop(listener);
        assert_eq!(occupant(address), Occupant::Unknown);
    }
}
