//! What is refused of an upstream: responses that two readers could read differently.
//!
//! `http1` refuses what is no head of HTTP/1.1: folded lines, control characters, a status
//! that is no number. What it lets through is refused by [`check`], because a client behind
//! us may read it in another way: lengths that differ, chunks beside a length or in HTTP/1.0.

use http::{StatusCode, Version};

use super::error::ProxyError;
use super::fields::number;
use super::reply::{Known, Reply};

/// What becomes of the length that a response tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// It goes on, or there is none.
    AsItCame,
    /// What several come to.
    Is(u64),
    Dropped,
}

/// Refuses an ambiguous response, and makes one of several lengths that are the same.
pub(super) fn check(reply: &Reply) -> Result<Length, ProxyError> {
    if reply.status.as_u16() > 599 {
        // RFC 9110, section 15: to be treated as a server's error.
        return Err(ProxyError::Ambiguous("the upstream's response has a status that is none"));
    }
    let has_chunks = reply.has(Known::TransferEncoding);
    if has_chunks && is_coded(reply) {
        return Err(ProxyError::ResponseCoding);
    }
    if has_chunks && reply.version == Version::HTTP_10 {
        return Err(ProxyError::Ambiguous("the upstream's response of HTTP/1.0 has chunks"));
    }
    if !reply.has(Known::ContentLength) {
        return Ok(Length::AsItCame);
    }
    if has_chunks {
        // RFC 9112, section 6.3: chunks would win, but that is how one response
        // becomes two.
        return Err(ProxyError::Ambiguous("the upstream's response has chunks and a length"));
    }
    let length = only_length(reply)
        .ok_or(ProxyError::Ambiguous("the upstream's response has no one length"))?;
    // RFC 9110, section 8.6.
    Ok(if reply.status == StatusCode::NO_CONTENT { Length::Dropped } else { length })
}

/// Whether a body is coded in another way than by chunks, which `http1` undoes. The
/// field that says so is for this hop alone, so nobody behind it could.
fn is_coded(reply: &Reply) -> bool {
    let mut codings = reply.lines(Known::TransferEncoding);
    let is_chunked = codings.next().is_some_and(|only| only.eq_ignore_ascii_case(b"chunked"));
    !is_chunked || codings.next().is_some()
}

/// What the lengths come to (RFC 9112, section 6.3); `None` if they differ, or are none.
/// `http1` looks at the first alone, and at none where there is no body.
fn only_length(reply: &Reply) -> Option<Length> {
    let mut lines = reply.lines(Known::ContentLength);
    let first = lines.next()?;
    if first.iter().all(u8::is_ascii_digit) && lines.next().is_none() {
        return number(first).map(|_| Length::AsItCame);
    }
    let mut said = reply.elements(Known::ContentLength);
    let only = number(said.next()?)?;
    said.all(|other| number(other) == Some(only)).then_some(Length::Is(only))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(status: u16, version: Version, lines: &[(&str, &str)]) -> Option<Length> {
        let mut response = http::Response::builder().status(status).version(version);
        for (name, value) in lines {
            response = response.header(*name, *value);
        }
        let (parts, ()) = response.body(()).unwrap().into_parts();
        check(&Reply::from(parts)).ok()
    }

    #[test]
    fn equal_lengths_become_one_and_others_are_refused() {
        let length = |lines: &[&str]| {
            let lines: Vec<_> = lines.iter().map(|line| ("content-length", *line)).collect();
            checked(304, Version::HTTP_11, &lines)
        };
        assert_eq!(length(&[]), Some(Length::AsItCame));
        assert_eq!(length(&["007"]), Some(Length::AsItCame));
        assert_eq!(length(&["7", "7, 7"]), Some(Length::Is(7)));
        for lines in [&["7", "8"][..], &["7, 8"], &["+7"], &["7,"], &[""], &["0x7"], &["7 7"]] {
            assert_eq!(length(lines), None, "{lines:?}");
        }
        assert_eq!(length(&["99999999999999999999"]), None);
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
        assert_eq!(checked(204, Version::HTTP_11, &[sized]), Some(Length::Dropped));
    }

    #[test]
    fn a_status_has_a_class() {
        assert!(checked(599, Version::HTTP_11, &[]).is_some());
        assert!(checked(600, Version::HTTP_11, &[]).is_none());
        assert!(checked(999, Version::HTTP_11, &[]).is_none());
    }
}
