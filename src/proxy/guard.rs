//! What is refused before anybody decides about it: requests that two readers
//! could read differently.

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{Method, Version};

use super::error::ProxyError;

/// Refuses a request that is ambiguous or that a gateway does not serve.
pub(super) fn admit(request: &Parts) -> Result<(), ProxyError> {
    if request.method == Method::CONNECT || request.method == Method::TRACE {
        return Err(ProxyError::Method(request.method.clone()));
    }
    let headers = &request.headers;
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        // RFC 9112, section 3.2: exactly one, in HTTP/1.1.
        (Some(_), Some(_)) => {
            return Err(ProxyError::Malformed("the request has more than one Host"));
        }
        (None, _) if request.version == Version::HTTP_11 => {
            return Err(ProxyError::Malformed("the request has no Host"));
        }
        (Some(host), None) if !host.as_bytes().iter().all(|&b| belongs_to_host(b)) => {
            return Err(ProxyError::Malformed("the request's Host is not a host"));
        }
        _ => {}
    }
    if headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH) {
        // RFC 9112, section 6.1: how requests are smuggled.
        return Err(ProxyError::Malformed(
            "the request has both Transfer-Encoding and Content-Length",
        ));
    }
    Ok(())
}

/// RFC 3986, section 3.2: what may stand in a host and port, less what only
/// credentials and lists would bring.
fn belongs_to_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':' | b'[' | b']' | b'%')
}
