//! Reading what fields say, where they are lists or numbers.

use http::HeaderMap;
use http::header::AsHeaderName;

use super::wire;

/// The elements of a list that may take several lines, empty ones included (RFC 9110,
/// section 5.6.1).
pub(super) fn elements(
    headers: &HeaderMap,
    list: impl AsHeaderName,
) -> impl Iterator<Item = &[u8]> {
    headers.get_all(list).into_iter().flat_map(|line| wire::elements(line.as_bytes()))
}

/// Whether a list has an element, in any case.
pub(super) fn names(headers: &HeaderMap, list: impl AsHeaderName, element: &str) -> bool {
    elements(headers, list).any(|said| said.eq_ignore_ascii_case(element.as_bytes()))
}

/// A number in digits alone: `parse` would take a sign.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    let digits = Some(digits).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
