//! What happens to heads on their way through: requests go on, and responses back.

mod back;
mod client;
mod onward;

use http::HeaderName;

pub(super) use back::{disclose, set_minted_key, to_client};
pub(super) use client::Client;
pub(super) use onward::{Fields, Head, Onward};

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
