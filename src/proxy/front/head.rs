//! A request's head, from bytes that were judged.

use bytes::Bytes;
use http::header::{CONNECTION, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};

use crate::proxy::fields::names;
use crate::proxy::wire::{Head, Refusal};

/// Fields for which room is kept from one head to the next.
const FIELDS_KEPT: usize = 64;

/// The head of no request yet.
pub(super) fn blank() -> Parts {
    Request::new(()).into_parts().0
}

/// Reads what `head` says, of which `bytes` are all, in the place of another one. The values
/// are slices of them.
///
/// What was judged to be good is; a refusal stands where the types of a request would not
/// take it nevertheless.
pub(super) fn read(head: &Head, bytes: &Bytes, parts: &mut Parts) -> Result<(), Refusal> {
    let method = Method::from_bytes(&bytes[head.method()]);
    parts.method = method.map_err(|_| Refusal::RequestLine)?;
    let target = match head.spelling() {
        None => Uri::from_maybe_shared(bytes.slice(head.target())),
        Some(spelled) => Uri::try_from(spelled),
    };
    parts.uri = target.map_err(|_| Refusal::Target)?;
    parts.version = head.version();
    let fields = head.fields(bytes);
    parts.headers.reserve(fields.len());
    for (name, value) in fields {
        let name = HeaderName::from_bytes(&bytes[name]).map_err(|_| Refusal::FieldName)?;
        let value = HeaderValue::from_maybe_shared(bytes.slice(value));
        parts.headers.append(name, value.map_err(|_| Refusal::Control)?);
    }
    Ok(())
}

/// Forgets the fields, and what they hold.
pub(super) fn clear(parts: &mut Parts) {
    if parts.headers.capacity() > FIELDS_KEPT {
        parts.headers = HeaderMap::new();
    } else {
        parts.headers.clear();
    }
}

/// Whether the connection may go on behind the response (RFC 9112, section 9.3).
pub(super) fn persists(parts: &Parts) -> bool {
    let is_later = parts.version >= Version::HTTP_11;
    if !parts.headers.contains_key(CONNECTION) {
        return is_later;
    }
    !names(&parts.headers, CONNECTION, "close")
        && (is_later || names(&parts.headers, CONNECTION, "keep-alive"))
}
