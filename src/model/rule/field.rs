//! The fields of a request that rules speak of, by ESA's names.

use std::fmt;

use http::HeaderName;
use http::header::{REFERER, USER_AGENT};

use super::display::quoted;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    Host,
    FullUri,
    /// Path and query.
    Uri,
    Path,
    /// What follows the last dot of the last segment of the path.
    Extension,
    Query,
    Method,
    Scheme,
    Version,
    /// The line of all cookies.
    Cookies,
    Referer,
    UserAgent,
    Header(HeaderName),
    Cookie(Box<str>),
    Country,
    Address,
    AsNumber,
}

/// What a name before any bracket stands for.
pub(super) enum Named {
    Field(Field),
    Headers,
    Cookies,
    /// A name that ESA knows and we do not serve, and why.
    Refused(&'static str),
}

const BODY: &str = "request bodies are never buffered, so a rule cannot read them";

impl Named {
    pub(super) fn new(name: &str) -> Option<Self> {
        Some(match name {
            "http.request.headers" => Self::Headers,
            "http.request.cookies" => Self::Cookies,
            _ if name.starts_with("http.request.body") => Self::Refused(BODY),
            _ => {
                let (_, field) = PLAIN.iter().find(|(known, _)| *known == name)?;
                Self::Field(field.clone())
            }
        })
    }
}

const PLAIN: &[(&str, Field)] = &[
    ("http.host", Field::Host),
    ("http.request.full_uri", Field::FullUri),
    ("http.request.uri", Field::Uri),
    ("http.request.uri.path", Field::Path),
    ("http.request.uri.path.extension", Field::Extension),
    ("http.request.uri.query", Field::Query),
    ("http.request.method", Field::Method),
    ("http.request.scheme", Field::Scheme),
    ("http.request.version", Field::Version),
    ("http.cookie", Field::Cookies),
    ("http.referer", Field::Referer),
    ("http.user_agent", Field::UserAgent),
    ("ip.geoip.country", Field::Country),
    ("ip.src", Field::Address),
    ("ip.geoip.asnum", Field::AsNumber),
];

impl Field {
    pub(super) fn ignores_case(&self) -> bool {
        matches!(self, Self::Host | Self::Referer | Self::Extension)
    }

    /// The header field whose first line this is.
    pub(super) fn header(&self) -> Option<&HeaderName> {
        match self {
            Self::Referer => Some(&REFERER),
            Self::UserAgent => Some(&USER_AGENT),
            Self::Cookies => Some(&http::header::COOKIE),
            Self::Header(name) => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "http.request.headers[{}]", quoted(name.as_str())),
            Self::Cookie(name) => write!(f, "http.request.cookies[{}]", quoted(name)),
            plain => {
                let named = PLAIN.iter().find(|(_, field)| field == plain);
                f.write_str(named.map_or("", |(name, _)| name))
            }
        }
    }
}
