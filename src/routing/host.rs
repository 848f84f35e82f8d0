//! The host that a request names, in the form in which hosts are looked up.

use http::header::HOST;
use http::request::Parts;

/// RFC 1035, section 2.3.4: a name has at most 255 octets.
const HOST_MAX_BYTES: usize = 255;

/// A host in lower case, without port and final dot. On the stack, because every
/// request has one.
pub(super) struct Host {
    bytes: [u8; HOST_MAX_BYTES],
    len: usize,
}

impl Host {
    /// The host of the target URI (RFC 9110, section 7.1): the authority of an
    /// absolute-form target, else the `Host` field. `None` when there is none, or
    /// one that can be no host of ours.
    pub(super) fn of(request: &Parts) -> Option<Self> {
        let authority = match request.uri.authority() {
            Some(authority) => authority.as_str().as_bytes(),
            None => request.headers.get(HOST)?.as_bytes(),
        };
        Self::new(authority)
    }

    fn new(authority: &[u8]) -> Option<Self> {
        let host = match authority.first()? {
            // RFC 3986, section 3.2.2: an IPv6 address keeps its brackets.
            b'[' => &authority[..=authority.iter().position(|&b| b == b']')?],
            _ => authority.split(|&b| b == b':').next().unwrap_or_default(),
        };
        let host = host.strip_suffix(b".").unwrap_or(host);
        if host.is_empty() || host.len() > HOST_MAX_BYTES {
            return None;
        }
        let mut bytes = [0; HOST_MAX_BYTES];
        bytes[..host.len()].copy_from_slice(host);
        bytes[..host.len()].make_ascii_lowercase();
        Some(Self { bytes, len: host.len() })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// What `*` may stand before, longest first: `.b.test` and `.test` of `a.b.test`.
    pub(super) fn suffixes(&self) -> impl Iterator<Item = &[u8]> {
        let host = self.as_bytes();
        host.iter()
            .enumerate()
            .filter(|&(index, &byte)| byte == b'.' && index > 0)
            .map(move |(index, _)| &host[index..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(authority: &str) -> Option<String> {
        Host::new(authority.as_bytes())
            .map(|host| String::from_utf8(host.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn a_host_is_folded_and_loses_port_and_final_dot() {
        assert_eq!(host("Shop.Example.com:8080").as_deref(), Some("shop.example.com"));
        assert_eq!(host("shop.example.com.").as_deref(), Some("shop.example.com"));
        assert_eq!(host("[::1]:80").as_deref(), Some("[::1]"));
        assert_eq!(host("127.0.0.1:80").as_deref(), Some("127.0.0.1"));
    }

    #[test]
    fn what_is_no_host_is_none() {
        for text in ["", ":80", ".", "[::1", &"a".repeat(256)] {
            assert_eq!(host(text), None, "{text}");
        }
    }

    #[test]
    fn suffixes_come_longest_first() {
        let host = Host::new(b"a.b.test").unwrap();
        let suffixes: Vec<_> = host.suffixes().collect();
        assert_eq!(suffixes, [&b".b.test"[..], b".test"]);
    }
}
