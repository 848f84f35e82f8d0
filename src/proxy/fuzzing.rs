//! A door to rules about heads that no socket is needed for, for the fuzz targets in
//! `tests/fuzz`: each is the very function that a worker calls.

use std::net::IpAddr;

use http::{HeaderMap, Response, StatusCode, Version, request, response};

use super::connect::Protocol;
use super::error::ProxyError;
use super::headers::{Back, Client, Head, Onward};
use super::reply::Reply;
use super::upload::Upload;
use super::{fit, guard, h2, handle, responses};
use crate::model::{Endpoint, Limits, Policy};

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

/// The head of a client's request without a body as it goes to `endpoint`: its target, and
/// its fields in HTTP/1.1 or HTTP/2.
pub fn onward(
    head: &request::Parts,
    (address, is_secure): (IpAddr, bool),
    endpoint: &Endpoint,
    policy: &Policy,
    is_http1: bool,
) -> (String, HeaderMap) {
    let client = Client::new(address, is_secure, &policy.trusted);
    let onward = Onward::new(head, &Upload::empty(), &client, policy, None);
    let (before, target) = onward.target();
    let target = [before, target].concat();
    let protocol = if is_http1 { Protocol::Http1 } else { Protocol::Http2 };
    let mut fields = HeaderMap::new();
    onward.tell(endpoint, protocol, &mut fields);
    (target, fields)
}

/// The same as a request of HTTP/2.
pub fn to_http2(
    head: &request::Parts,
    address: IpAddr,
    endpoint: &Endpoint,
    policy: &Policy,
) -> Result<request::Parts, Refused> {
    let client = Client::new(address, false, &policy.trusted);
    let onward = Onward::new(head, &Upload::empty(), &client, policy, None);
    Ok(fit::to_http2(&onward, endpoint)?.into_parts().0)
}

/// Makes the head of an upstream one for the client, unless it is ambiguous.
pub fn to_client(head: &mut response::Parts) -> Result<(), Refused> {
    let mut parts = Response::new(()).into_parts().0;
    (parts.status, parts.version) = (head.status, head.version);
    parts.headers = std::mem::take(&mut head.headers);
    let reply = Reply::from(parts);
    let length = responses::check(&reply)?;
    head.headers = Back::of_upstream(reply, length).to_map();
    Ok(())
}
