//! The form in which a request goes over a connection of HTTP/2.

use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Request, Uri, Version};

use super::connect::Protocol;
use super::error::ProxyError;
use super::headers::Head;
use crate::model::{Endpoint, Limits, Transport};

/// Fields for which there is room from the start: what browsers send, and some more. A map
/// that grows while it fills is made anew each time.
const FIELDS: usize = 24;

/// A head of HTTP/2: the host becomes `:authority`.
pub(super) fn to_http2(head: &impl Head, endpoint: &Endpoint) -> Result<Request<()>, ProxyError> {
    let mut request = Request::new(());
    *request.headers_mut() = HeaderMap::with_capacity(FIELDS);
    let headers = request.headers_mut();
    head.tell(endpoint, Protocol::Http2, headers);
    let host = headers.remove(HOST).filter(|host| !host.is_empty());
    let authority = match &host {
        Some(host) => Authority::try_from(host.as_bytes()),
        None => Authority::try_from(endpoint.authority()),
    };
    let scheme = match endpoint.transport() {
        Transport::Tls { .. } => Scheme::HTTPS,
        Transport::Http1 | Transport::H2c => Scheme::HTTP,
    };
    let (before, target) = head.target();
    let target = match before {
        "" => PathAndQuery::try_from(target),
        _ => PathAndQuery::try_from([before, target].concat()),
    };
    let uri = authority.ok().zip(target.ok()).and_then(|(authority, target)| {
        Uri::builder().scheme(scheme).authority(authority).path_and_query(target).build().ok()
    });
    *request.uri_mut() = uri.ok_or(ProxyError::Malformed("the request's Host is not a host"))?;
    *request.version_mut() = Version::HTTP_2;
    request.method_mut().clone_from(head.method());
    Ok(request)
}

/// Whether a head that came over HTTP/2 is within the limits. HTTP/1.1 is read within
/// them.
pub(super) fn is_within(headers: &HeaderMap, limits: &Limits) -> bool {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    headers.len() <= limits.header_count.get() && bytes <= limits.header_bytes.get()
}

#[cfg(test)]
mod tests {
    use http::header::{CONNECTION, TE};
    use http::{HeaderValue, Method};

    use super::*;
    use crate::proxy::headers::Fields;

    struct Asked {
        host: &'static str,
        target: &'static str,
    }

    impl Head for Asked {
        fn method(&self) -> &Method {
            &Method::GET
        }

        fn target(&self) -> (&'static str, &str) {
            ("/", self.target)
        }

        fn tell(&self, _: &Endpoint, protocol: Protocol, to: &mut impl Fields) {
            assert_eq!(protocol, Protocol::Http2);
            to.say(&HOST, self.host.as_bytes());
            to.say(&TE, b"trailers");
        }
    }

    fn fitted(host: &'static str, endpoint: &str) -> Result<Request<()>, ProxyError> {
        to_http2(&Asked { host, target: "a?b" }, &Endpoint::new(endpoint).unwrap())
    }

    #[test]
    fn the_host_becomes_the_authority() {
        let request = fitted("Shop.test:81", "https://b.test").unwrap();
        assert_eq!(*request.uri(), "https://Shop.test:81/a?b");
        assert_eq!((request.headers().len(), request.version()), (1, Version::HTTP_2));
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
        let fields = [(HOST, "a.test"), (CONNECTION, "te"), (TE, "trailers")];
        let fields = fields.map(|(name, value)| (name, HeaderValue::from_static(value)));
        let headers = HeaderMap::from_iter(fields);
        // Without what is between a name and its value.
        assert!(is_within(&headers, &limits(3, 10 + 12 + 10)));
        assert!(!is_within(&headers, &limits(2, 32)));
        assert!(!is_within(&headers, &limits(3, 31)));
    }
}
