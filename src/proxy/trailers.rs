//! Trailer fields: which of them travel, and when.
//!
//! Over HTTP/1.1 travel those that `Trailer` announced and no others: `front` writes no others
//! of a response, and `http1` none of a request. HTTP/2 carries whatever may travel.

use http::header::{
    AGE, AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, COOKIE, DATE, EXPECT, EXPIRES, FORWARDED, HOST, LOCATION, MAX_FORWARDS,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, RANGE, RETRY_AFTER, SET_COOKIE, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, VARY, VIA, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::fields::{elements, names};

/// What says how a message is framed, where it goes, who sent it or how its content is
/// read: of no use once the content has passed, and a danger to who merges it into the
/// head (RFC 9110, section 6.5.1).
const FORBIDDEN: [HeaderName; 30] = [
    AGE,
    AUTHORIZATION,
    CACHE_CONTROL,
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    COOKIE,
    DATE,
    EXPECT,
    EXPIRES,
    FORWARDED,
    HOST,
    HeaderName::from_static("keep-alive"),
    LOCATION,
    MAX_FORWARDS,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    RANGE,
    RETRY_AFTER,
    SET_COOKIE,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    VARY,
    VIA,
    WWW_AUTHENTICATE,
];

fn is_forbidden(name: &HeaderName) -> bool {
    let text = name.as_str();
    FORBIDDEN.contains(name) || text.starts_with("x-forwarded-") || text.starts_with("x-serin-")
}

/// Whether who sent this head takes trailer fields (RFC 9110, section 10.1.4).
pub(super) fn are_wanted(headers: &HeaderMap) -> bool {
    names(headers, TE, "trailers")
}

/// What of those that `Trailer` announces may travel.
pub(super) fn announced(headers: &HeaderMap) -> Option<HeaderValue> {
    if headers.contains_key(TRAILER) { announced_in(elements(headers, TRAILER)) } else { None }
}

/// What of those that are announced in a list may travel.
pub(super) fn announced_in<'a>(list: impl Iterator<Item = &'a [u8]>) -> Option<HeaderValue> {
    let names: Vec<HeaderName> = list
        .filter_map(|name| HeaderName::from_bytes(name).ok())
        .filter(|name| !is_forbidden(name))
        .collect();
    let names: Vec<&str> = names.iter().map(HeaderName::as_str).collect();
    let list = (!names.is_empty()).then(|| HeaderValue::try_from(names.join(", ")));
    list.map(|list| list.expect("names of fields are tokens"))
}

/// Drops what may not travel as a trailer.
pub(super) fn permit(mut trailers: HeaderMap) -> HeaderMap {
    let forbidden: Vec<HeaderName> =
        trailers.keys().filter(|name| is_forbidden(name)).cloned().collect();
    for name in forbidden {
        trailers.remove(name);
    }
    trailers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_harms_nobody_is_announced_and_permitted() {
        let mut headers = HeaderMap::new();
        headers.append(TRAILER, HeaderValue::from_static("X-Sum, content-length, bad name"));
        headers.append(TRAILER, HeaderValue::from_static("x-serin-version,,grpc-status"));
        assert_eq!(announced(&headers).unwrap(), "x-sum, grpc-status");
        headers.insert(TRAILER, HeaderValue::from_static("content-length, , host"));
        assert_eq!(announced(&headers), None);

        let mut trailers = HeaderMap::new();
        for name in ["x-sum", "host", "x-forwarded-for", "grpc-status", "set-cookie", "etag"] {
            trailers.append(HeaderName::from_static(name), HeaderValue::from_static("1"));
        }
        let permitted = permit(trailers);
        let mut left: Vec<&str> = permitted.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["etag", "grpc-status", "x-sum"]);
    }

    #[test]
    fn trailers_are_wanted_by_who_says_so() {
        for (line, wanted) in
            [("trailers", true), ("gzip, Trailers", true), ("gzip", false), ("trailers;q=0", false)]
        {
            let mut headers = HeaderMap::new();
            headers.append(TE, HeaderValue::from_static("deflate"));
            headers.append(TE, HeaderValue::from_str(line).unwrap());
            assert_eq!(are_wanted(&headers), wanted, "{line}");
        }
    }
}
