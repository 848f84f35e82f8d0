//! What makes two requests the same user: the key, taken from a request as the
//! routine's sources say.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::COOKIE;
use http::request::Parts;
use xxhash_rust::xxh3::Xxh3;

use super::fields::first_line;
use crate::model::{KeySource, Position, TrustedProxies};

/// A fresh key, to be set as a cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MintedKey {
    pub cookie: Box<str>,
    /// 22 characters of base64url.
    pub value: String,
}

impl MintedKey {
    pub(super) fn new(cookie: &str, random: [u8; 16]) -> Self {
        Self { cookie: cookie.into(), value: URL_SAFE_NO_PAD.encode(random) }
    }
}

/// What the sources of a routine say about a request.
pub(super) enum Sought<'r> {
    /// The key, and the place of its source.
    Key(Key<'r>, usize),
    /// No key, and this cookie is to be minted.
    Mint(&'r str),
    /// No key: spread.
    Nothing,
}

/// The bytes of a key, where they are. Nothing is copied to the heap.
pub(super) enum Key<'r> {
    Octets(&'r [u8]),
    /// A value of a query, still percent-encoded.
    Encoded(&'r [u8]),
    Address(AddressText),
}

/// Asks `sources` in order. An empty value is a missing one.
pub(super) fn seek<'r>(
    sources: &'r [KeySource],
    request: &'r Parts,
    peer: IpAddr,
    trusted: &TrustedProxies,
) -> Sought<'r> {
    for (at, source) in sources.iter().enumerate() {
        let key = match source {
            KeySource::Header(name) => first_line(&request.headers, name)
                .filter(|value| !value.is_empty())
                .map(Key::Octets),
            KeySource::Cookie(name) => cookie(&request.headers, name).map(Key::Octets),
            KeySource::Mint(name) => match cookie(&request.headers, name) {
                Some(value) => Some(Key::Octets(value)),
                None => return Sought::Mint(name),
            },
            KeySource::Query(name) => query(request.uri.query(), name).map(Key::Encoded),
            KeySource::ClientIp => {
                let client = client_address(&request.headers, peer, trusted);
                Some(Key::Address(AddressText::of(client)))
            }
            KeySource::Spread => return Sought::Nothing,
        };
        if let Some(key) = key {
            return Sought::Key(key, at);
        }
    }
    Sought::Nothing
}

impl Key<'_> {
    #[inline]
    pub(super) fn position(&self, seed: u64) -> Position {
        match self {
            Self::Octets(octets) => Position::of(seed, octets),
            Self::Encoded(value) if !value.iter().any(|b| matches!(b, b'%' | b'+')) => {
                Position::of(seed, value)
            }
            Self::Encoded(value) => {
                let mut digest = Xxh3::with_seed(seed);
                for byte in decoded(value) {
                    digest.update(&[byte]);
                }
                Position::from_digest(digest.digest())
            }
            Self::Address(text) => Position::of(seed, text.as_bytes()),
        }
    }

    /// The hash of the key under a seed that is no split's.
    #[inline]
    pub(super) fn hash(&self, seed: u64) -> u64 {
        self.position(seed).get()
    }

    pub(super) fn to_vec(&self) -> Vec<u8> {
        match self {
            Self::Octets(octets) => octets.to_vec(),
            Self::Encoded(value) => decoded(value).collect(),
            Self::Address(text) => text.as_bytes().to_vec(),
        }
    }
}

/// The first cookie of that name counts, over all `Cookie` lines (RFC 6265,
/// section 5.4). Its value is taken as it stands, quotes included.
fn cookie<'r>(headers: &'r HeaderMap, name: &str) -> Option<&'r [u8]> {
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|&b| b == b';'))
        .find_map(|pair| {
            let pair = pair.trim_ascii_start();
            pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")
        })
        .filter(|value| !value.is_empty())
}

/// The first parameter of that name counts; names are decoded as values are.
fn query<'r>(query: Option<&'r str>, name: &str) -> Option<&'r [u8]> {
    query?
        .as_bytes()
        .split(|&b| b == b'&')
        .find_map(|pair| {
            let equals = pair.iter().position(|&b| b == b'=').unwrap_or(pair.len());
            let (key, value) = pair.split_at(equals);
            decoded(key).eq(name.bytes()).then(|| value.strip_prefix(b"=").unwrap_or_default())
        })
        .filter(|value| !value.is_empty())
}

/// Percent-decoding, once, with `+` as a space; what is no escape stays as it is
/// (as the WHATWG URL standard's form parser has it).
fn decoded(text: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (&first, after) = rest.split_first()?;
        rest = after;
        match first {
            b'+' => Some(b' '),
            b'%' => {
                let escape = after
                    .first_chunk::<2>()
                    .and_then(|&[high, low]| Some(hex(high)? << 4 | hex(low)?));
                if escape.is_some() {
                    rest = &after[2..];
                }
                Some(escape.unwrap_or(b'%'))
            }
            other => Some(other),
        }
    })
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The address of the client: the peer's, or, where the peer is a trusted proxy,
/// the last one of `X-Forwarded-For` that is not trusted. What is no address ends
/// the search, since nobody who is trusted vouches for what stands before it.
pub fn client_address(headers: &HeaderMap, peer: IpAddr, trusted: &TrustedProxies) -> IpAddr {
    let mut client = peer;
    if !trusted.contains(peer) {
        return client;
    }
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    for entry in lines.flat_map(|line| line.as_bytes().rsplit(|&b| b == b',')) {
        let Some(address) = address(entry) else { break };
        client = address;
        if !trusted.contains(address) {
            break;
        }
    }
    client
}

/// An address as proxies write it: bare, with a port, or in brackets.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry.trim_ascii()).ok()?;
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || text.parse().ok().map(|address: std::net::SocketAddr| address.ip());
    text.parse().ok().or_else(with_port).or_else(bracketed)
}

/// A client's address as a key: a dotted quad, or the RFC 5952 text of an IPv6
/// address's /64 network.
pub(super) struct AddressText {
    bytes: [u8; Self::MAX_BYTES],
    len: usize,
}

impl AddressText {
    /// An IPv6 address written out in full: no key is longer.
    const MAX_BYTES: usize = 39;

    fn of(address: IpAddr) -> Self {
        let mut text = Self { bytes: [0; Self::MAX_BYTES], len: 0 };
        let written = match address.to_canonical() {
            IpAddr::V4(address) => write!(text, "{address}"),
            IpAddr::V6(address) => {
                let network = Ipv6Addr::from_bits(address.to_bits() >> 64 << 64);
                write!(text, "{network}")
            }
        };
        written.expect("an address has at most 39 characters");
        text
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The key that `client-ip` makes of an address.
pub fn address_key(address: IpAddr) -> Vec<u8> {
    AddressText::of(address).as_bytes().to_vec()
}

impl std::fmt::Write for AddressText {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.len + text.len();
        let room = self.bytes.get_mut(self.len..end).ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Sticky;
    use http::Request;

    /// The key of a request with these header lines and this target.
    fn key_of(sources: &[&str], target: &str, lines: &[(&str, &str)]) -> Option<String> {
        key_from("192.0.2.1", &[], sources, target, lines)
    }

    fn key_from(
        peer: &str,
        trusted: &[&str],
        sources: &[&str],
        target: &str,
        lines: &[(&str, &str)],
    ) -> Option<String> {
        let mut request = Request::builder().uri(target);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let sticky = Sticky::parse(sources.iter().copied()).unwrap();
        let trusted =
            TrustedProxies::new(trusted.iter().map(|network| network.parse().unwrap()).collect());
        match seek(sticky.sources(), &parts, peer.parse().unwrap(), &trusted) {
            Sought::Key(key, _) => {
                // However a key is stored, its position is that of its octets.
                assert_eq!(key.position(7), Position::of(7, &key.to_vec()));
                Some(String::from_utf8(key.to_vec()).unwrap())
            }
            Sought::Mint(name) => Some(format!("mint {name}")),
            Sought::Nothing => None,
        }
    }

    #[test]
    fn sources_are_asked_in_order_and_an_empty_value_is_missing() {
        let sources = ["header:x-user", "cookie:uid", "query:u"];
        assert_eq!(
            key_of(&sources, "/?u=q", &[("x-user", "h"), ("cookie", "uid=c")]).unwrap(),
            "h"
        );
        assert_eq!(key_of(&sources, "/?u=q", &[("x-user", ""), ("cookie", "uid=c")]).unwrap(), "c");
        assert_eq!(key_of(&sources, "/?u=q", &[("cookie", "uid=")]).unwrap(), "q");
        assert_eq!(key_of(&sources, "/?u=", &[]), None);
    }

    #[test]
    fn the_first_of_several_counts_even_when_it_is_empty() {
        assert_eq!(key_of(&["header:k"], "/", &[("k", "1"), ("k", "2")]).unwrap(), "1");
        assert_eq!(key_of(&["header:k"], "/", &[("k", ""), ("k", "2")]), None);
        assert_eq!(key_of(&["cookie:k"], "/", &[("cookie", "k=; k=2")]), None);
        assert_eq!(key_of(&["query:k"], "/?k&k=2", &[]), None);
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name_on_any_line_and_taken_as_it_stands() {
        let lines = [("cookie", "xuid=0; uidx=1;uid2=3"), ("cookie", "a=b; uid=\"v=%20\"; uid=5")];
        assert_eq!(key_of(&["cookie:uid"], "/", &lines).unwrap(), "\"v=%20\"");
        assert_eq!(key_of(&["cookie:UID"], "/", &lines), None);
    }

    #[test]
    fn a_query_is_decoded_once_with_plus_as_a_space() {
        assert_eq!(key_of(&["query:u"], "/?x=1&u=a%2520b+c%", &[]).unwrap(), "a%20b c%");
        assert_eq!(key_of(&["query:u"], "/?u=%zz%4", &[]).unwrap(), "%zz%4");
        assert_eq!(key_of(&["query:a b"], "/?a%20b=%C3%BC", &[]).unwrap(), "ü");
        assert_eq!(key_of(&["header:k"], "/", &[("k", "a%20b+c")]).unwrap(), "a%20b+c");
    }

    #[test]
    fn a_client_is_its_address_or_its_network() {
        let key = |peer| key_from(peer, &[], &["client-ip"], "/", &[]).unwrap();
        assert_eq!(key("192.0.2.1"), "192.0.2.1");
        assert_eq!(key("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(key("2001:DB8:0:1:2:3:4:5"), "2001:db8:0:1::");
        assert_eq!(key("2001:db8::5"), "2001:db8::");
        assert_eq!(key("::1"), "::");
        assert_eq!(key("abcd:abcd:abcd:abcd:abcd:abcd:abcd:abcd"), "abcd:abcd:abcd:abcd::");
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let lines =
            [("x-forwarded-for", "198.51.100.1, 203.0.113.9"), ("x-forwarded-for", "10.0.0.2")];
        let key =
            |peer, trusted: &[&str]| key_from(peer, trusted, &["client-ip"], "/", &lines).unwrap();
        assert_eq!(key("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(key("192.0.2.1", &["10.0.0.0/8"]), "192.0.2.1");
        assert_eq!(key("10.0.0.1", &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(key("::ffff:10.0.0.1", &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(key("10.0.0.1", &["0.0.0.0/0"]), "198.51.100.1");
    }

    #[test]
    fn an_entry_that_is_no_address_ends_the_search() {
        let key = |value| {
            let lines = [("x-forwarded-for", value)];
            key_from("10.0.0.1", &["10.0.0.0/8"], &["client-ip"], "/", &lines).unwrap()
        };
        assert_eq!(key("198.51.100.1, unknown, 10.0.0.3"), "10.0.0.3");
        assert_eq!(key(""), "10.0.0.1");
        assert_eq!(key("198.51.100.1:4711"), "198.51.100.1");
        assert_eq!(key("[2001:db8::1]:80"), "2001:db8::");
        assert_eq!(key("[2001:db8::1]"), "2001:db8::");
    }

    #[test]
    fn a_missing_cookie_is_minted_and_spread_comes_last() {
        assert_eq!(key_of(&["mint:id", "spread"], "/", &[]).unwrap(), "mint id");
        assert_eq!(key_of(&["mint:id"], "/", &[("cookie", "id=7")]).unwrap(), "7");
        assert_eq!(key_of(&["header:k", "spread"], "/", &[]), None);
        assert_eq!(MintedKey::new("id", [255; 16]).value, "_____________________w");
    }
}
