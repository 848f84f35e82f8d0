//! Fields of a request, found by a look at each name: of the few that a request
//! has, that is cheaper than the hash of one.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The first line of the field `name`; only the first counts where there are more.
#[inline]
pub(super) fn first_line<'r>(headers: &'r HeaderMap, name: &HeaderName) -> Option<&'r [u8]> {
    headers.iter().find(|(known, _)| *known == name).map(|(_, value)| HeaderValue::as_bytes(value))
}
