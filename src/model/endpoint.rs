//! One place where a version answers, and how it is spoken to there.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

/// How an endpoint is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A host name, resolved at each connect, or an address (IPv6 without brackets).
    Tcp {
        host: String,
        port: u16,
    },
    Unix(PathBuf),
}

/// What is spoken on a connection to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// HTTP/1.1 in the clear.
    Http1,
    /// HTTP/2 in the clear, by prior knowledge (RFC 9113, section 3.3).
    H2c,
    /// TLS, and in it what ALPN agrees on: HTTP/2 or HTTP/1.1.
    Tls {
        /// Whether any certificate will do.
        insecure: bool,
    },
}

/// One place where a version answers: `http://host:port`, `h2c://host:port`,
/// `https://host:port`, `https+insecure://host:port` or `unix:/path`.
///
/// Cheap to clone. Two endpoints of the same text are the same endpoint, and share a
/// pool.
#[derive(Clone)]
pub struct Endpoint(Arc<Parts>);

struct Parts {
    text: String,
    authority: String,
    address: Address,
    transport: Transport,
    hash: u64,
}

const SCHEMES: [(&str, Transport, u16); 4] = [
    ("http://", Transport::Http1, 80),
    ("h2c://", Transport::H2c, 80),
    ("https://", Transport::Tls { insecure: false }, 443),
    ("https+insecure://", Transport::Tls { insecure: true }, 443),
];

impl Endpoint {
    pub fn new(text: &str) -> Result<Self, &'static str> {
        if let Some(path) = text.strip_prefix("unix:") {
            if !Path::new(path).is_absolute() {
                return Err("the path of a socket is absolute");
            }
            if path.len() > UNIX_PATH_MAX_BYTES || path.contains('\0') {
                return Err("the path of a socket is at most 107 bytes, without NUL");
            }
            let address = Address::Unix(path.into());
            return Ok(Self::of(text.to_owned(), "localhost".into(), address, Transport::Http1));
        }
        let known = SCHEMES.iter().find_map(|(scheme, transport, port)| {
            let authority = text.strip_prefix(scheme)?;
            Some((scheme, authority, *transport, *port))
        });
        let (scheme, authority, transport, port) = known.ok_or("no other scheme is spoken")?;
        let authority = authority.strip_suffix('/').unwrap_or(authority).to_ascii_lowercase();
        let address = tcp(&authority, port)?;
        Ok(Self::of(format!("{scheme}{authority}"), authority, address, transport))
    }

    fn of(text: String, authority: String, address: Address, transport: Transport) -> Self {
        let hash = xxh3_64(text.as_bytes());
        Self(Arc::new(Parts { text, authority, address, transport, hash }))
    }

    /// The same endpoint, with any certificate taken. `None` where there is none.
    #[must_use]
    pub fn insecure(&self) -> Option<Self> {
        let Transport::Tls { .. } = self.0.transport else {
            return None;
        };
        let Parts { authority, address, .. } = &*self.0;
        let text = format!("https+insecure://{authority}");
        let transport = Transport::Tls { insecure: true };
        Some(Self::of(text, authority.clone(), address.clone(), transport))
    }

    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// What `Host` says when the client's is not kept: `host:port` as written.
    pub fn authority(&self) -> &str {
        &self.0.authority
    }

    pub fn address(&self) -> &Address {
        &self.0.address
    }

    pub fn transport(&self) -> Transport {
        self.0.transport
    }

    /// A hash of the text, made once, so that a pool is found without hashing.
    pub fn precomputed_hash(&self) -> u64 {
        self.0.hash
    }
}

/// `sun_path` of Linux, less its final NUL.
const UNIX_PATH_MAX_BYTES: usize = 107;

fn tcp(authority: &str, default_port: u16) -> Result<Address, &'static str> {
    if authority.contains('@') {
        return Err("credentials in an upstream are not supported");
    }
    if authority.contains(['/', '?', '#']) {
        return Err("an upstream has no path; requests keep their own");
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
            let port = port.parse::<u16>().ok().filter(|&port| digits && port != 0);
            (host, port.ok_or("the port is 1 to 65535")?)
        }
        _ => (authority, default_port),
    };
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match bracketed {
        Some(address) => match address.parse::<std::net::Ipv6Addr>() {
            Ok(address) => Ok(Address::Tcp { host: address.to_string(), port }),
            Err(_) => Err("what stands in brackets is an IPv6 address"),
        },
        None if super::name::is_dns_name(host) => Ok(Address::Tcp { host: host.to_owned(), port }),
        None => Err("the host is a DNS name, an IPv4 address or an IPv6 address in brackets"),
    }
}

impl PartialEq for Endpoint {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.text == other.0.text
    }
}

impl Eq for Endpoint {}

impl Hash for Endpoint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.0.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp_of(text: &str) -> (String, u16) {
        match Endpoint::new(text).unwrap().address() {
            Address::Tcp { host, port } => (host.clone(), *port),
            Address::Unix(path) => panic!("{path:?}"),
        }
    }

    #[test]
    fn what_can_be_reached_is_taken() {
        assert_eq!(tcp_of("http://127.0.0.1:9001"), ("127.0.0.1".into(), 9001));
        assert_eq!(tcp_of("http://Backend.test"), ("backend.test".into(), 80));
        assert_eq!(tcp_of("http://[::1]:81/"), ("::1".into(), 81));
        assert_eq!(tcp_of("http://[::1]"), ("::1".into(), 80));
        assert_eq!(tcp_of("h2c://a.test"), ("a.test".into(), 80));
        assert_eq!(tcp_of("https://a.test"), ("a.test".into(), 443));
        let unix = Endpoint::new("unix:/run/shop.sock").unwrap();
        assert_eq!(unix.address(), &Address::Unix("/run/shop.sock".into()));
    }

    #[test]
    fn the_scheme_says_what_is_spoken() {
        let spoken = |text| Endpoint::new(text).unwrap().transport();
        assert_eq!(spoken("http://a"), Transport::Http1);
        assert_eq!(spoken("unix:/a"), Transport::Http1);
        assert_eq!(spoken("h2c://a"), Transport::H2c);
        assert_eq!(spoken("https://a"), Transport::Tls { insecure: false });
        assert_eq!(spoken("https+insecure://a"), Transport::Tls { insecure: true });
        let insecure = Endpoint::new("https://a:1").unwrap().insecure();
        assert_eq!(insecure, Endpoint::new("https+insecure://a:1").ok());
        assert_eq!(Endpoint::new("http://a:1").unwrap().insecure(), None);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for text in [
            "",
            "127.0.0.1:80",
            "ftp://a:1",
            "http://",
            "http://a:0",
            "http://a:70000",
            "http://a:+1",
            "http://a/b",
            "http://u@a",
            "http://[::1",
            "http://::1:80",
            "unix:run.sock",
            "http://a b",
        ] {
            assert!(Endpoint::new(text).is_err(), "{text}");
        }
    }
}
