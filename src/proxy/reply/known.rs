//! The fields of a response that somebody here asks about.

use http::HeaderName;
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRAILER, TRANSFER_ENCODING, UPGRADE, VIA};

/// What a field is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy) enum Known {
    Connection,
    ContentLength,
    Date,
    Trailer,
    TransferEncoding,
    Upgrade,
    Via,
    /// Another one that is meant for the next hop alone (RFC 9110, section 7.6.1).
    Hop,
    /// What Serin says of a decision.
    Serin,
    Other,
}

impl Known {
    /// By a name in lower case.
    pub(in crate::proxy) fn of(name: &[u8]) -> Self {
        // The length first: nearly every field is sorted out by that.
        match name.len() {
            2 if name == b"te" => Self::Hop,
            3 if name == b"via" => Self::Via,
            4 if name == b"date" => Self::Date,
            7 if name == b"trailer" => Self::Trailer,
            7 if name == b"upgrade" => Self::Upgrade,
            10 if name == b"connection" => Self::Connection,
            10 if name == b"keep-alive" => Self::Hop,
            11 if name == b"x-serin-app" => Self::Serin,
            14 if name == b"content-length" => Self::ContentLength,
            14 if name == b"x-serin-reason" => Self::Serin,
            14 if name == b"http2-settings" => Self::Hop,
            15 if name == b"x-serin-routine" || name == b"x-serin-version" => Self::Serin,
            16 if name == b"x-serin-assigned" => Self::Serin,
            16 if name == b"proxy-connection" => Self::Hop,
            17 if name == b"transfer-encoding" => Self::TransferEncoding,
            18 if name == b"x-serin-deployment" => Self::Serin,
            18 if name == b"proxy-authenticate" => Self::Hop,
            19 if name == b"proxy-authorization" => Self::Hop,
            _ => Self::Other,
        }
    }

    /// Of a field that has one name.
    pub(in crate::proxy) fn name(self) -> Option<HeaderName> {
        match self {
            Self::Connection => Some(CONNECTION),
            Self::ContentLength => Some(CONTENT_LENGTH),
            Self::Date => Some(DATE),
            Self::Trailer => Some(TRAILER),
            Self::TransferEncoding => Some(TRANSFER_ENCODING),
            Self::Upgrade => Some(UPGRADE),
            Self::Via => Some(VIA),
            Self::Hop | Self::Serin | Self::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_has_the_name_by_which_it_is_known() {
        for known in [
            Known::Connection,
            Known::ContentLength,
            Known::Date,
            Known::Trailer,
            Known::TransferEncoding,
            Known::Upgrade,
            Known::Via,
        ] {
            assert_eq!(Known::of(known.name().unwrap().as_str().as_bytes()), known);
        }
    }

    #[test]
    fn what_is_known_is_known_by_its_whole_name() {
        for (name, known) in [
            ("te", Known::Hop),
            ("keep-alive", Known::Hop),
            ("http2-settings", Known::Hop),
            ("proxy-authenticate", Known::Hop),
            ("proxy-authorization", Known::Hop),
            ("proxy-connection", Known::Hop),
            ("x-serin-app", Known::Serin),
            ("x-serin-assigned", Known::Serin),
            ("x-serin-deployment", Known::Serin),
            ("x-serin-reason", Known::Serin),
            ("x-serin-routine", Known::Serin),
            ("x-serin-version", Known::Serin),
            ("x-serin-versions", Known::Other),
            ("x-serin-verbose", Known::Other),
            ("data", Known::Other),
            ("", Known::Other),
        ] {
            assert_eq!(Known::of(name.as_bytes()), known, "{name}");
        }
    }
}
