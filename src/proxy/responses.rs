//! What is refused of an upstream: responses that two readers could read differently.
//!
//! `http1` refuses what is no head of HTTP/1.1: folded lines, control characters, a status
//! that is no number. What it lets through is refused by [`check`], because a client behind
//! us may read it in another way: lengths that differ, chunks beside a length or in HTTP/1.0.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};

use super::error::ProxyError;
use super::fields::{elements, number};

/// Refuses an ambiguous response, and makes one of several lengths that are the same.
pub(super) fn check(response: &mut Parts) -> Result<(), ProxyError> {
    let Parts { status, version, headers, .. } = response;
    if status.as_u16() > 599 {
        // RFC 9110, section 15: to be treated as a server's error.
        return Err(ProxyError::Ambiguous("the upstream's response has a status that is none"));
    }
    if is_coded(headers) {
        return Err(ProxyError::ResponseCoding);
    }
    let has_chunks = headers.contains_key(TRANSFER_ENCODING);
    if has_chunks && *version == Version::HTTP_10 {
        return Err(ProxyError::Ambiguous("the upstream's response of HTTP/1.0 has chunks"));
    }
    if headers.contains_key(CONTENT_LENGTH) {
        if has_chunks {
            // RFC 9112, section 6.3: chunks would win, but that is how one response
            // becomes two.
            return Err(ProxyError::Ambiguous("the upstream's response has chunks and a length"));
        }
        let Some(length) = only_length(headers) else {
            return Err(ProxyError::Ambiguous("the upstream's response has no one length"));
        };
        if let Some(length) = length {
            headers.insert(CONTENT_LENGTH, length);
        }
        if *status == StatusCode::NO_CONTENT {
            // RFC 9110, section 8.6.
            headers.remove(CONTENT_LENGTH);
        }
    }
    Ok(())
}

/// Whether a body is coded in another way than by chunks, which `http1` undoes. The
/// field that says so is for this hop alone, so nobody behind it could.
fn is_coded(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    match (codings.next(), codings.next()) {
        (None, _) => false,
        (Some(only), None) => !chunked(only),
        (Some(_), Some(_)) => true,
    }
}

/// `Some(None)` where what is said is fine as it stands, else what it comes to (RFC 9112,
/// section 6.3). `http1` looks at the first alone, and at none where there is no body.
#[expect(clippy::option_option, reason = "nearly every response has one length, as it should")]
fn only_length(headers: &HeaderMap) -> Option<Option<HeaderValue>> {
    let mut lines = headers.get_all(CONTENT_LENGTH).iter();
    let first = lines.next()?.as_bytes();
    if first.iter().all(u8::is_ascii_digit) && lines.next().is_none() {
        return number(first).map(|_| None);
    }
    let mut said = elements(headers, CONTENT_LENGTH);
    let only = number(said.next()?)?;
    said.all(|other| number(other) == Some(only)).then(|| Some(HeaderValue::from(only)))
}

/// Whether a response has no body but may say how long one would be, which hyper would
/// drop from a 304.
pub(super) fn shows_length(method: &Method, response: &Parts) -> bool {
    *method != Method::HEAD
        && response.status == StatusCode::NOT_MODIFIED
        && response.headers.contains_key(CONTENT_LENGTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(status: u16, version: Version, lines: &[(&'static str, &str)]) -> Option<HeaderMap> {
        let mut response = http::Response::builder().status(status).version(version);
        for (name, value) in lines {
            response = response.header(*name, *value);
        }
        let (mut parts, ()) = response.body(()).unwrap().into_parts();
        check(&mut parts).ok().map(|()| parts.headers)
    }

    #[test]
    fn equal_lengths_become_one_and_others_are_refused() {
        let lengths = |lines: &[&str]| {
            let lines: Vec<_> = lines.iter().map(|line| ("content-length", *line)).collect();
            let headers = checked(304, Version::HTTP_11, &lines)?;
            let left = headers.get_all(CONTENT_LENGTH).iter();
            Some(left.map(|line| line.to_str().unwrap().to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(lengths(&[]), Some(vec![]));
        assert_eq!(lengths(&["007"]), Some(vec!["007".to_owned()]));
        assert_eq!(lengths(&["7", "7, 7"]), Some(vec!["7".to_owned()]));
        for lines in [&["7", "8"][..], &["7, 8"], &["+7"], &["7,"], &[""], &["0x7"], &["7 7"]] {
            assert_eq!(lengths(lines), None, "{lines:?}");
        }
        assert_eq!(lengths(&["99999999999999999999"]), None);
    }

    #[test]
    fn a_body_is_framed_in_one_way() {
        let chunked = ("transfer-encoding", "chunked");
        let sized = ("content-length", "2");
        assert!(checked(200, Version::HTTP_11, &[chunked]).is_some());
        assert!(checked(200, Version::HTTP_11, &[chunked, sized]).is_none());
        assert!(checked(304, Version::HTTP_10, &[chunked]).is_none());
        assert!(checked(200, Version::HTTP_11, &[chunked, chunked]).is_none());
        assert!(checked(200, Version::HTTP_11, &[("transfer-encoding", "identity")]).is_none());
        assert!(checked(204, Version::HTTP_11, &[sized]).unwrap().is_empty());
    }

    #[test]
    fn a_status_has_a_class() {
        assert!(checked(599, Version::HTTP_11, &[]).is_some());
        assert!(checked(600, Version::HTTP_11, &[]).is_none());
        assert!(checked(999, Version::HTTP_11, &[]).is_none());
    }
}
