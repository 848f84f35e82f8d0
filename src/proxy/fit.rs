//! The form in which a request goes over a connection, which is known when there is one.

use http::header::{CONNECTION, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Request, Uri, Version};
use http_body::Body as _;

use super::error::ProxyError;
use super::upload::Upload;
use crate::model::{Endpoint, Limits, Transport};

/// What HTTP/2 says in frames (RFC 9113, section 8.2.2).
const OF_HTTP1: [http::HeaderName; 3] = [CONNECTION, TRANSFER_ENCODING, UPGRADE];

/// Makes a request in origin form one of HTTP/2: the host becomes `:authority`.
pub(super) fn to_http2(
    request: &mut Request<Upload>,
    endpoint: &Endpoint,
) -> Result<(), ProxyError> {
    let host = request.headers_mut().remove(HOST).filter(|host| !host.is_empty());
    let authority = match &host {
        Some(host) => Authority::try_from(host.as_bytes()),
        None => Authority::try_from(endpoint.authority()),
    };
    let scheme = match endpoint.transport() {
        Transport::Tls { .. } => Scheme::HTTPS,
        Transport::Http1 | Transport::H2c => Scheme::HTTP,
    };
    let target = request.uri().path_and_query().cloned();
    let uri = authority.ok().and_then(|authority| {
        let target = target.unwrap_or(PathAndQuery::from_static("/"));
        Uri::builder().scheme(scheme).authority(authority).path_and_query(target).build().ok()
    });
    *request.uri_mut() = uri.ok_or(ProxyError::Malformed("the request's Host is not a host"))?;
    *request.version_mut() = Version::HTTP_2;
    for name in OF_HTTP1 {
        request.headers_mut().remove(name);
    }
    Ok(())
}

/// Undoes that, should the next connection speak HTTP/1.1.
pub(super) fn to_http1(request: &mut Request<Upload>) {
    if request.version() == Version::HTTP_2 {
        let uri = std::mem::take(request.uri_mut());
        let target = uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
        *request.uri_mut() = Uri::from(target);
        if let Some(authority) = uri.authority() {
            let host = HeaderValue::from_str(authority.as_str());
            let host = host.expect("an authority is visible ASCII");
            request.headers_mut().insert(HOST, host);
        }
        *request.version_mut() = Version::HTTP_11;
        if request.body().size_hint().exact().is_none() {
            let chunked = HeaderValue::from_static("chunked");
            request.headers_mut().insert(TRANSFER_ENCODING, chunked);
        }
    }
    // RFC 9110, section 10.1.4: it is for the next hop alone, which is to know.
    if request.headers().contains_key(TE) && !request.headers().contains_key(CONNECTION) {
        request.headers_mut().insert(CONNECTION, HeaderValue::from_static("te"));
    }
}

/// Whether a head that came over HTTP/2 is within the limits. HTTP/1.1 is read within
/// them.
pub(super) fn is_within(headers: &HeaderMap, limits: &Limits) -> bool {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    headers.len() <= limits.header_count.get() && bytes <= limits.header_bytes.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(host: &'static str) -> Request<Upload> {
        let request = Request::get("/a?b").header(HOST, host).header(CONNECTION, "te");
        request.header(TE, "trailers").body(Upload::empty()).unwrap()
    }

    fn fitted(host: &'static str, endpoint: &str) -> Result<Request<Upload>, ProxyError> {
        let mut request = asked(host);
        to_http2(&mut request, &Endpoint::new(endpoint).unwrap())?;
        Ok(request)
    }

    #[test]
    fn the_host_becomes_the_authority_and_comes_back() {
        let mut request = fitted("Shop.test:81", "https://b.test").unwrap();
        assert_eq!(*request.uri(), "https://Shop.test:81/a?b");
        assert_eq!((request.headers().len(), request.version()), (1, Version::HTTP_2));
        to_http1(&mut request);
        assert_eq!(
            (request.uri(), request.version()),
            (&Uri::from_static("/a?b"), Version::HTTP_11)
        );
        assert_eq!(request.headers()[HOST], "Shop.test:81");
        assert_eq!(request.headers()[CONNECTION], "te");
    }

    #[test]
    fn who_names_no_host_means_the_endpoint() {
        let request = fitted("", "h2c://b.test:1").unwrap();
        assert_eq!(*request.uri(), "http://b.test:1/a?b");
        assert!(matches!(fitted("a:b:c", "h2c://b.test"), Err(ProxyError::Malformed(_))));
    }

    #[test]
    fn a_head_is_counted_in_fields_and_in_bytes() {
        let limits = |count: usize, bytes: usize| Limits {
            header_count: count.try_into().unwrap(),
            header_bytes: bytes.try_into().unwrap(),
            ..Limits::default()
        };
        let request = asked("a.test");
        // `host: a.test`, `connection: te` and `te: trailers`, without what is between.
        assert!(is_within(request.headers(), &limits(3, 10 + 12 + 10)));
        assert!(!is_within(request.headers(), &limits(2, 32)));
        assert!(!is_within(request.headers(), &limits(3, 31)));
    }
}
