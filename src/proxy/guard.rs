//! What is refused before anybody decides about it: requests that two readers
//! could read differently, or that have come in a circle. Their bytes were judged
//! before, in [`super::wire`].

use std::net::Ipv6Addr;

use http::header::{HOST, MAX_FORWARDS, VIA};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Version};

use super::error::ProxyError;
use super::fields::number;
use super::headers::PSEUDONYM;
use super::wire::elements;

/// How often a request may have been through a Serin. A few in a row are a setup that
/// people build; as many as these are a circle.
const HOPS_MAX: usize = 8;

/// Refuses a request that is ambiguous or that a gateway does not serve.
pub(super) fn admit(request: &Parts) -> Result<(), ProxyError> {
    let Parts { method, uri, headers, version, .. } = request;
    if *method == Method::CONNECT || *method == Method::TRACE {
        return Err(ProxyError::Method(method.clone()));
    }
    if uri.path() == "*" && *method != Method::OPTIONS {
        // RFC 9112, section 3.2.4.
        return Err(ProxyError::Malformed("only OPTIONS may ask for `*`"));
    }
    if let Some(authority) = uri.authority() {
        if uri.scheme().is_none() {
            // RFC 9112, section 3.2.3: that form is for CONNECT.
            return Err(ProxyError::Malformed("the request's target has no path"));
        }
        if !is_host(authority.as_str().as_bytes()) {
            return Err(ProxyError::Malformed("the request's target has no host"));
        }
    }
    // One walk over what there is costs less than to ask for what there may be.
    let (mut host, mut hosts, mut hops) = (None, 0, 0);
    for (name, value) in headers {
        match *name {
            HOST => (host, hosts) = (Some(value), hosts + 1),
            VIA => hops += hops_in(value.as_bytes()),
            _ => {}
        }
    }
    match (host, hosts) {
        // RFC 9112, section 3.2: exactly one, in HTTP/1.1.
        (Some(_), 2..) => {
            return Err(ProxyError::Malformed("the request has more than one Host"));
        }
        (None, _) if *version == Version::HTTP_11 => {
            return Err(ProxyError::Malformed("the request has no Host"));
        }
        (Some(host), _) => check_host(request, host)?,
        _ => {}
    }
    if hops >= HOPS_MAX {
        return Err(ProxyError::Loop);
    }
    Ok(())
}

/// Beside an absolute target `Host` counts for nothing (RFC 9112, section 3.2.2), but
/// what is no host is no request. In HTTP/2 the two were compared before, and there is one.
fn check_host(request: &Parts, host: &HeaderValue) -> Result<(), ProxyError> {
    let host = host.as_bytes();
    match request.uri.authority() {
        Some(_) if host.is_empty() => Ok(()),
        _ if !is_host(host) => Err(ProxyError::Malformed("the request's Host is not a host")),
        _ => Ok(()),
    }
}

/// RFC 3986, section 3.2: what may stand in a host and port, less what only credentials
/// and lists would bring, and less escapes, which HTTP/2 could not say to an endpoint. A
/// host is never empty (RFC 9110, section 4.2.1).
fn is_host(text: &[u8]) -> bool {
    let behind = if let [b'[', rest @ ..] = text {
        let end = rest.iter().position(|&byte| byte == b']');
        end.filter(|&end| is_ipv6(&rest[..end])).map(|end| &rest[end + 1..])
    } else {
        let end = text.iter().position(|byte| !is_of_name(*byte)).unwrap_or(text.len());
        (end > 0).then(|| &text[end..])
    };
    match behind {
        Some([]) => true,
        Some([b':', port @ ..]) => port.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

fn is_of_name(byte: u8) -> bool {
    const OF_NAME: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0u8;
        while byte < 0x80 {
            table[byte as usize] =
                byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
            byte += 1;
        }
        table
    };
    OF_NAME[usize::from(byte)]
}

/// Nothing else stands in brackets: no later version of IP was ever given a form.
fn is_ipv6(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

/// How often a request was received by a Serin, by a line of `Via` (RFC 9110, section 7.6.3).
fn hops_in(line: &[u8]) -> usize {
    let ours = |hop: &&[u8]| {
        let mut words = hop.split(|&byte| byte == b' ' || byte == b'\t');
        words.by_ref().any(|protocol| !protocol.is_empty());
        words.find(|word| !word.is_empty()) == Some(PSEUDONYM.as_bytes())
    };
    elements(line).filter(ours).count()
}

/// Whether a request is to be answered here and now, because it may not be forwarded
/// (RFC 9110, section 7.6.2).
pub(super) fn is_last_hop(request: &Parts) -> bool {
    request.method == Method::OPTIONS && max_forwards(&request.headers) == Some(0)
}

/// How many may forward a request, if it says so in a way that can be understood.
pub(super) fn max_forwards(headers: &HeaderMap) -> Option<u64> {
    number(headers.get(MAX_FORWARDS)?.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for host in [
            "a.test",
            "a_b.test:80",
            "127.0.0.1:8080",
            "[::1]",
            "[::1]:80",
            "[2001:db8::a:1]:",
            "[::ffff:1.2.3.4]",
            "a.test:",
        ] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for host in [
            "",
            ":",
            ":80",
            "a b",
            "a@b",
            "a,b",
            "a/b",
            "a:b",
            "a:80x",
            "a:80:81",
            "\u{e9}",
            "a?",
            "a#",
            "[",
            "[]",
            "[::1",
            "[::1]a",
            "[::1]]",
            "[::1]:80:81",
            "[::1]:x",
            "[[::1]]",
            "::1",
            "a[",
            "a]",
            "]",
            "[a]",
            "[1]",
            "[::1%25eth0]",
            "[\u{e9}]",
            "%61",
        ] {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn what_no_authority_can_say_is_no_host() {
        for host in ["a]", "a[", "[a", "[]", "[::1]a", "a[::1]", "[::1", "[[::1]]", "[:]", "%61"] {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn hops_are_counted_by_who_received_the_request() {
        let counted =
            |lines: &[&str]| lines.iter().map(|line| hops_in(line.as_bytes())).sum::<usize>();
        assert_eq!(counted(&[]), 0);
        assert_eq!(counted(&["1.1 serin, 1.0 serin", "HTTP/2  serin (mine)"]), 3);
        assert_eq!(counted(&["1.1 proxy", "1.1 serin.test,serin", ",, ", "1.1"]), 0);
    }
}
