//! Where a version answers.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

/// Why a text is no upstream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("upstream `{text}` must be `http://host:port` or `unix:/path`: {why}")]
pub struct UpstreamError {
    text: String,
    why: &'static str,
}

/// How an upstream is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A host name, resolved at each connect, or an address (IPv6 without brackets).
    Tcp {
        host: String,
        port: u16,
    },
    Unix(PathBuf),
}

/// Where a version answers: `http://host:port` or `unix:/path`.
///
/// Cheap to clone. Two upstreams of the same text are the same upstream, and
/// share a pool.
#[derive(Clone)]
pub struct Upstream(Arc<Parts>);

struct Parts {
    text: String,
    authority: String,
    address: Address,
    hash: u64,
}

impl Upstream {
    pub fn new(text: &str) -> Result<Self, UpstreamError> {
        let bad = |why| UpstreamError { text: text.to_owned(), why };
        let (text, authority, address) = if let Some(path) = text.strip_prefix("unix:") {
            if !Path::new(path).is_absolute() {
                return Err(bad("the path of a socket is absolute"));
            }
            if path.len() > UNIX_PATH_MAX_BYTES || path.contains('\0') {
                return Err(bad("the path of a socket is at most 107 bytes, without NUL"));
            }
            (text.to_owned(), "localhost".to_owned(), Address::Unix(path.into()))
        } else if let Some(authority) = text.strip_prefix("http://") {
            let authority = authority.strip_suffix('/').unwrap_or(authority).to_ascii_lowercase();
            let address = tcp(&authority).map_err(bad)?;
            (format!("http://{authority}"), authority, address)
        } else {
            return Err(bad("no other scheme is spoken"));
        };
        let hash = xxh3_64(text.as_bytes());
        Ok(Self(Arc::new(Parts { text, authority, address, hash })))
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

    /// A hash of the text, made once, so that a pool is found without hashing.
    pub fn precomputed_hash(&self) -> u64 {
        self.0.hash
    }
}

/// `sun_path` of Linux, less its final NUL.
const UNIX_PATH_MAX_BYTES: usize = 107;

fn tcp(authority: &str) -> Result<Address, &'static str> {
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
        _ => (authority, 80),
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

impl PartialEq for Upstream {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.text == other.0.text
    }
}

impl Eq for Upstream {}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upstream({})", self.0.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp_of(text: &str) -> (String, u16) {
        match Upstream::new(text).unwrap().address() {
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
        let unix = Upstream::new("unix:/run/shop.sock").unwrap();
        assert_eq!(unix.address(), &Address::Unix("/run/shop.sock".into()));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for text in [
            "",
            "127.0.0.1:80",
            "https://a:1",
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
            assert!(Upstream::new(text).is_err(), "{text}");
        }
    }
}
