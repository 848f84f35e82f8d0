//! A door to rules about heads that no socket is needed for, for the fuzz targets in
//! `tests/fuzz`: each is the very function that a worker calls.

use std::net::IpAddr;

use http::{Request, StatusCode, Version, request, response};

use super::error::ProxyError;
use super::headers::{self, Client};
use super::upload::Upload;
use super::{fit, guard, h2, handle, responses};
use crate::model::{Endpoint, Headers, Limits, TrustedProxies};

/// What the client is told that sent a head which is refused.
#[derive(Debug)]
pub struct Refused {
    pub status: StatusCode,
    /// The error type of `Proxy-Status`.
    pub kind: &'static str,
    pub message: String,
}

impl From<ProxyError> for Refused {
    fn from(error: ProxyError) -> Self {
        Self { status: error.status(), kind: error.kind(), message: error.to_string() }
    }
}

/// Refuses a request that is not to be decided about. One of HTTP/2 becomes what it
/// would be in HTTP/1.1.
pub fn admit(head: &mut request::Parts, limits: &Limits) -> Result<(), Refused> {
    if head.version == Version::HTTP_2 {
        h2::admit(head, limits)?;
    }
    Ok(guard::admit(head)?)
}

/// The host that a request names.
pub fn asked_host(head: &request::Parts) -> Option<&[u8]> {
    handle::asked_host(head)
}

/// Makes the head of a client one for `endpoint`.
pub fn to_upstream(
    head: &mut request::Parts,
    (address, is_secure): (IpAddr, bool),
    trusted: &TrustedProxies,
    endpoint: &Endpoint,
    policy: Headers,
) {
    let client = Client::new(address, is_secure, trusted);
    headers::to_upstream(head, &client, endpoint, policy);
}

/// The head as it goes over a connection of HTTP/2, and what it is again should the next
/// connection speak HTTP/1.1.
pub fn to_http2(
    mut head: request::Parts,
    endpoint: &Endpoint,
) -> Result<(request::Parts, request::Parts), Refused> {
    head.version = Version::HTTP_11;
    let mut request = Request::from_parts(head, Upload::empty());
    fit::to_http2(&mut request, endpoint)?;
    let sent = request.into_parts().0;
    let mut request = Request::from_parts(sent.clone(), Upload::empty());
    fit::to_http1(&mut request);
    Ok((sent, request.into_parts().0))
}

/// Makes the head of an upstream one for the client, unless it is ambiguous.
pub fn to_client(head: &mut response::Parts) -> Result<(), Refused> {
    responses::check(head)?;
    headers::to_client(head.version, &mut head.headers);
    Ok(())
}
