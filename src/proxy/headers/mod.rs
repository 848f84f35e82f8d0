//! What happens to heads on their way through: requests go on, and responses back.

mod back;
mod client;
mod disclosed;
mod hearer;
mod onward;

use http::header::{CONNECTION, CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderName};

pub(super) use back::Back;
pub(super) use client::Client;
pub(super) use hearer::Hearer;
pub(super) use onward::{Fields, Head, Onward};

use super::fields::elements;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What Serin calls itself in `Via`.
pub(super) const PSEUDONYM: &str = "serin";

/// Whether a field is meant for the next hop alone (RFC 9110, section 7.6.1), named there
/// or not.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "http2-settings"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// What one Serin adds to `Via`, by the version in which the message came (RFC 9110, section
/// 7.6.3).
fn via(received: http::Version) -> &'static str {
    match received {
        http::Version::HTTP_10 => "1.0 serin",
        http::Version::HTTP_2 => "2.0 serin",
        _ => "1.1 serin",
    }
}

/// What `Connection` names and would be passed on otherwise.
///
/// It may appear more than once, and each line names more headers to drop; reading only the
/// first lets a client smuggle a header through. `Host` and `Content-Length` are no options
/// of a connection, whoever names them.
fn named(headers: &HeaderMap) -> Vec<&[u8]> {
    let is_known = |name: &&[u8]| {
        [&b"keep-alive"[..], b"upgrade", b"te", b""]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
    };
    let stays = |name: &&[u8]| {
        [HOST, CONTENT_LENGTH]
            .iter()
            .any(|stays| name.eq_ignore_ascii_case(stays.as_str().as_bytes()))
    };
    let named = elements(headers, CONNECTION);
    named.filter(|name| !is_known(name) && !stays(name)).collect()
}
