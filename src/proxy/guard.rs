//! What is refused before anybody decides about it: requests that two readers
//! could read differently. Their bytes were judged before, in [`super::wire`].

use http::header::HOST;
use http::request::Parts;
use http::{Method, Version};

use super::error::ProxyError;

/// Refuses a request that is ambiguous or that a gateway does not serve.
pub(super) fn admit(request: &Parts) -> Result<(), ProxyError> {
    if request.method == Method::CONNECT || request.method == Method::TRACE {
        return Err(ProxyError::Method(request.method.clone()));
    }
    if let Some(authority) = request.uri.authority() {
        if request.uri.scheme().is_none() {
            // RFC 9112, section 3.2.3: that form is for CONNECT.
            return Err(ProxyError::Malformed("the request's target has no path"));
        }
        if !is_host(authority.as_str().as_bytes()) {
            return Err(ProxyError::Malformed("the request's target has no host"));
        }
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
        (Some(host), None) if !is_host(host.as_bytes()) => {
            return Err(ProxyError::Malformed("the request's Host is not a host"));
        }
        _ => {}
    }
    Ok(())
}

/// RFC 3986, section 3.2: what may stand in a host and port, less what only
/// credentials and lists would bring.
fn is_host(text: &[u8]) -> bool {
    text.iter().all(|&byte| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':' | b'[' | b']' | b'%')
    })
}
