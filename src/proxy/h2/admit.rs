//! What of HTTP/2 becomes a request, and what is refused before anybody decides about it.
//!
//! The connection itself refuses fields of HTTP/1.1 connections, names in upper case,
//! pseudo-fields in the wrong place and bodies at odds with their length.

use http::header::{CONTENT_LENGTH, COOKIE, HOST};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Uri};

use super::super::error::ProxyError;
use super::super::wire::Refusal;
use crate::model::Limits;

/// Refuses what an HTTP/1.1 upstream could read differently, and makes the rest what it
/// would be in HTTP/1.1.
pub(in crate::proxy) fn admit(request: &mut Parts, limits: &Limits) -> Result<(), ProxyError> {
    if request.method == Method::CONNECT {
        // Refused as in HTTP/1.1. It has an authority and nothing else.
        return Ok(());
    }
    check_target(request, limits)?;
    check_host(request)?;
    if request.uri.authority().is_some() {
        // Said twice, and a default port may tell the two apart for others.
        request.headers.remove(HOST);
    }
    check_fields(&request.headers, limits)?;
    join_cookies(&mut request.headers);
    Ok(())
}

fn check_target(request: &Parts, limits: &Limits) -> Result<(), ProxyError> {
    if request
        .uri
        .scheme()
        .is_some_and(|scheme| *scheme != Scheme::HTTP && *scheme != Scheme::HTTPS)
    {
        return Err(ProxyError::Malformed("the request's scheme is not http or https"));
    }
    // Of a fragment alone the library leaves nothing, which it shows as a path.
    let is_empty = |target: &PathAndQuery| Uri::from(target.clone()).path().is_empty();
    let target = request.uri.path_and_query().filter(|target| *target != "/" || !is_empty(target));
    let target = target.map(PathAndQuery::as_str).unwrap_or_default();
    // RFC 9113, section 8.3.1.
    if !target.starts_with('/') && (target != "*" || request.method != Method::OPTIONS) {
        return Err(ProxyError::Malformed("the request's target has no path"));
    }
    if target.len() > limits.uri_bytes.get() {
        return Err(ProxyError::Head(Refusal::TargetTooLong));
    }
    Ok(())
}

/// RFC 9113, section 8.3.1: `Host` may stand in for `:authority`, or say the same.
fn check_host(request: &Parts) -> Result<(), ProxyError> {
    match (request.uri.authority(), request.headers.get(HOST)) {
        (None, None) => Err(ProxyError::Malformed("the request has no :authority and no Host")),
        (Some(authority), Some(host)) if !is_same(&request.uri, authority, host) => {
            Err(ProxyError::Malformed("the request's Host is not its :authority"))
        }
        _ => Ok(()),
    }
}

/// Whether both are one host and port. The port of the scheme is as good as none.
fn is_same(uri: &Uri, authority: &Authority, host: &HeaderValue) -> bool {
    let port = if uri.scheme() == Some(&Scheme::HTTP) { ":80" } else { ":443" };
    let host = host.to_str().unwrap_or_default();
    let [host, authority] = [host, authority.as_str()]
        .map(|text| text.strip_suffix(port).or_else(|| text.strip_suffix(':')).unwrap_or(text));
    host.eq_ignore_ascii_case(authority)
}

fn check_fields(headers: &HeaderMap, limits: &Limits) -> Result<(), ProxyError> {
    if headers.len() > limits.header_count.get() {
        return Err(ProxyError::Head(Refusal::TooManyFields));
    }
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let is_length = |length: &HeaderValue| {
        !length.is_empty() && length.as_bytes().iter().all(u8::is_ascii_digit)
    };
    match (lengths.next(), lengths.next()) {
        (Some(_), Some(_)) => {
            return Err(ProxyError::Malformed("the request has more than one Content-Length"));
        }
        (Some(length), None) if !is_length(length) => {
            return Err(ProxyError::Malformed("the request's Content-Length is not a length"));
        }
        _ => {}
    }
    // RFC 9113, section 8.2.1. Readers of HTTP/1.1 would take the blanks away.
    let is_blank = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b' ' | b'\t'));
    let is_padded = |value: &HeaderValue| {
        let bytes = value.as_bytes();
        is_blank(bytes.first()) || is_blank(bytes.last())
    };
    if headers.values().any(is_padded) {
        return Err(ProxyError::Malformed("a field of the request begins or ends with a blank"));
    }
    Ok(())
}

/// RFC 9113, section 8.2.3: clients may cut a cookie field into crumbs, of which a reader
/// of HTTP/1.1 would see the first.
fn join_cookies(headers: &mut HeaderMap) {
    let mut crumbs = headers.get_all(COOKIE).iter();
    if let (Some(first), Some(second)) = (crumbs.next(), crumbs.next()) {
        let crumbs = [first, second].into_iter().chain(crumbs);
        let joined = crumbs.map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b"; "[..]);
        let joined = HeaderValue::from_bytes(&joined).expect("joined values are a value");
        headers.insert(COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn admitted(uri: &str, fields: &[(&'static str, &'static str)]) -> Result<Parts, String> {
        let mut request = Request::get(uri).version(http::Version::HTTP_2);
        for &(name, value) in fields {
            request = request.header(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        admit(&mut parts, &Limits::default()).map_err(|error| error.to_string())?;
        Ok(parts)
    }

    #[test]
    fn the_host_is_said_once_or_twice_alike() {
        for (uri, host) in [
            ("https://shop.test/", None),
            ("/", Some("shop.test")),
            ("https://shop.test/", Some("shop.test")),
            ("https://shop.test/", Some("Shop.Test")),
            ("https://shop.test/", Some("shop.test:443")),
            ("https://shop.test:443/", Some("shop.test")),
            ("http://shop.test:8080/", Some("shop.test:8080")),
        ] {
            let fields: Vec<_> = host.map(|host| ("host", host)).into_iter().collect();
            assert!(admitted(uri, &fields).is_ok(), "{uri} {host:?}");
        }
        for (uri, fields) in [
            ("/", vec![]),
            ("https://shop.test/", vec![("host", "cart.test")]),
            ("https://shop.test/", vec![("host", "shop.test:8080")]),
            ("https://shop.test/", vec![("host", "shop.test:80")]),
            ("https://shop.test/", vec![("host", "")]),
        ] {
            assert!(admitted(uri, &fields).is_err(), "{uri} {fields:?}");
        }
    }

    #[test]
    fn a_fragment_alone_is_no_target() {
        let (mut request, ()) = Request::new(()).into_parts();
        request.headers.insert(HOST, HeaderValue::from_static("shop.test"));
        for (path, is_good) in [("#a", false), ("?a", false), ("/", true)] {
            request.uri = Uri::from(PathAndQuery::try_from(path).unwrap());
            let admitted = admit(&mut request, &Limits::default());
            assert_eq!(admitted.is_ok(), is_good, "{path}");
        }
    }

    #[test]
    fn crumbs_of_a_cookie_become_one_field() {
        let parts = admitted(
            "https://shop.test/",
            &[("cookie", "a=1"), ("cookie", "b=2; c=3"), ("cookie", "d=4")],
        );
        let parts = parts.unwrap();
        let cookies: Vec<_> = parts.headers.get_all(COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1; b=2; c=3; d=4"]);
    }

    #[test]
    fn what_readers_of_http1_could_read_differently_is_refused() {
        for fields in [
            &[("content-length", "")][..],
            &[("content-length", "+5")],
            &[("content-length", "5"), ("content-length", "5")],
            &[("x-padded", " a")],
            &[("x-padded", "a\t")],
        ] {
            assert!(admitted("https://shop.test/", fields).is_err(), "{fields:?}");
        }
        assert!(admitted("ftp://shop.test/", &[]).is_err());
        let many = vec![("x-field", "1"); Limits::default().header_count.get() + 1];
        assert!(admitted("https://shop.test/", &many).unwrap_err().contains("too many"));
        let long = format!("https://shop.test/{}", "a".repeat(Limits::default().uri_bytes.get()));
        assert!(admitted(&long, &[]).unwrap_err().contains("too long"));
    }
}
