//! The host that a request names, in the form in which hosts are looked up.

use http::header::HOST;
use http::request::Parts;

use super::fields::first_line;

/// RFC 1035, section 2.3.4: a name has at most 255 octets.
const HOST_MAX_BYTES: usize = 255;

/// A host in lower case, without port and final dot: where the request has it, or
/// folded on the stack. Every request has one, and nearly all are folded already.
#[expect(
    clippy::large_enum_variant,
    reason = "it never leaves the stack, so that folding allocates nothing"
)]
pub(super) enum Host<'r> {
    AsSent(&'r [u8]),
    Folded { bytes: [u8; HOST_MAX_BYTES], len: usize },
}

impl<'r> Host<'r> {
    /// The host of the target URI (RFC 9110, section 7.1): the authority of an
    /// absolute-form target, else the `Host` field. `None` when there is none, or
    /// one that can be no host of ours.
    pub(super) fn of(request: &'r Parts) -> Option<Self> {
        match request.uri.authority() {
            None => Self::new(first_line(&request.headers, &HOST)?),
            // RFC 3986, section 3.2: what precedes an `@` is a user and no host.
            Some(authority) => authority
                .as_str()
                .rsplit('@')
                .next()
                .and_then(|authority| Self::new(authority.as_bytes())),
        }
    }

    /// What is malformed keeps the characters that make it so, and with them it is
    /// no exact host of ours.
    fn new(authority: &'r [u8]) -> Option<Self> {
        // From the end, where a port is: a few bytes, however long the host. An
        // IPv6 address ends in a bracket (RFC 3986, section 3.2.2), which stays.
        let digits = authority.iter().rev().take_while(|b| b.is_ascii_digit());
        let host =
            authority[..authority.len() - digits.count()].strip_suffix(b":").unwrap_or(authority);
        let host = host.strip_suffix(b".").unwrap_or(host);
        if host.is_empty() || host.len() > HOST_MAX_BYTES {
            return None;
        }
        if !has_uppercase(host) {
            return Some(Self::AsSent(host));
        }
        let mut bytes = [0; HOST_MAX_BYTES];
        bytes[..host.len()].copy_from_slice(host);
        bytes.make_ascii_lowercase();
        Some(Self::Folded { bytes, len: host.len() })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::AsSent(host) => host,
            Self::Folded { bytes, len } => &bytes[..*len],
        }
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

/// Whether there is any of `A` to `Z`: eight octets at a time, since every request asks.
#[inline]
fn has_uppercase(host: &[u8]) -> bool {
    const ONES: u64 = u64::MAX / 0xff;
    let (words, rest) = host.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let of_word = |octets: &[u8; 8]| {
        let word = u64::from_le_bytes(*octets);
        // Bit 7 of an octet is free for a carry, and set in none of ASCII.
        let low = word & (ONES * 0x7f);
        let from_a = low + ONES * u64::from(0x80 - b'A');
        let above_z = low + ONES * u64::from(0x80 - b'Z' - 1);
        from_a & !above_z & !word & (ONES * 0x80)
    };
    words.iter().chain([&last]).fold(0, |found, word| found | of_word(word)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_uppercase_letter_is_found_wherever_it_stands() {
        for octet in 0..=u8::MAX {
            for (len, at) in [(1, 0), (7, 6), (8, 0), (8, 7), (9, 8), (23, 15), (23, 22)] {
                let mut host = vec![b'a'; len];
                host[at] = octet;
                assert_eq!(has_uppercase(&host), octet.is_ascii_uppercase(), "{octet} at {at}");
            }
        }
        assert!(!has_uppercase(b""));
    }

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
        assert_eq!(host("127.0.0.1").as_deref(), Some("127.0.0.1"));
        assert_eq!(host("a.test.:").as_deref(), Some("a.test"));
    }

    #[test]
    fn what_is_no_host_is_none() {
        for text in ["", ":", ":80", ".", &"a".repeat(256)] {
            assert_eq!(host(text), None, "{text}");
        }
    }

    #[test]
    fn a_malformed_host_is_not_cut_down_to_a_good_one() {
        for text in ["a.test:80:80", "a.test:x", "[::1", "[::1]x", "u:p@a.test", "a.test.."] {
            let host = host(text).unwrap();
            assert!(!["a.test", "[::1]", "u"].contains(&&*host), "{text}: {host}");
        }
    }

    #[test]
    fn the_user_of_an_absolute_target_is_no_host() {
        for target in ["http://b.test:x@A.test:80/", "http://b.test@a.test/"] {
            let (request, ()) = http::Request::get(target).body(()).unwrap().into_parts();
            assert_eq!(Host::of(&request).unwrap().as_bytes(), b"a.test");
        }
    }

    #[test]
    fn suffixes_come_longest_first() {
        let host = Host::new(b"a.b.test").unwrap();
        let suffixes: Vec<_> = host.suffixes().collect();
        assert_eq!(suffixes, [&b".b.test"[..], b".test"]);
    }
}
