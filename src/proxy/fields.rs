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
    let mut number = Some(0u64).filter(|_| !digits.is_empty())?;
    for digit in digits {
        let value = Some(digit.wrapping_sub(b'0')).filter(|&value| value < 10)?;
        number = number.checked_mul(10)?.checked_add(u64::from(value))?;
    }
    Some(number)
}
