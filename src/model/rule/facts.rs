//! What a rule may know of a request.

use std::net::IpAddr;

use http::header::COOKIE;
use http::uri::PathAndQuery;
use http::{HeaderMap, Version};

use super::field::Field;

/// A request as rules see it: borrowed, and cheap to fill.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'r> {
    pub method: &'r str,
    /// `http` or `https`.
    pub scheme: &'r str,
    pub version: Version,
    /// In lower case and without a port.
    pub host: &'r [u8],
    /// Octets as received.
    pub uri: &'r PathAndQuery,
    pub headers: &'r HeaderMap,
    pub client: IpAddr,
    /// As the operator's regions spell it.
    pub country: Option<&'r str>,
    pub as_number: Option<u32>,
}

impl<'r> Facts<'r> {
    pub(super) fn has(&self, field: &Field) -> bool {
        match field {
            Field::AsNumber => self.as_number.is_some(),
            Field::Host => !self.host.is_empty(),
            Field::FullUri | Field::Address => true,
            other => self.octets(other).is_some(),
        }
    }

    /// A field that the request holds in one piece. `None` where it has none, and
    /// for fields that have to be composed.
    pub(super) fn octets(&self, field: &Field) -> Option<&'r [u8]> {
        match field {
            Field::Host => Some(self.host),
            Field::Uri => Some(self.uri.as_str().as_bytes()),
            Field::Path => Some(self.uri.path().as_bytes()),
            Field::Extension => extension(self.uri.path()).map(str::as_bytes),
            Field::Query => self.uri.query().map(str::as_bytes),
            Field::Method => Some(self.method.as_bytes()),
            Field::Scheme => Some(self.scheme.as_bytes()),
            Field::Version => Some(version(self.version).as_bytes()),
            Field::Country => self.country.map(str::as_bytes),
            Field::Cookie(name) => cookie(self.headers, name),
            Field::Cookies | Field::Referer | Field::UserAgent | Field::Header(_) => {
                self.headers.get(field.header()?).map(http::HeaderValue::as_bytes)
            }
            Field::FullUri | Field::Address | Field::AsNumber => None,
        }
    }
}

fn extension(path: &str) -> Option<&str> {
    let file = path.rsplit('/').next()?;
    let (_, extension) = file.rsplit_once('.')?;
    (!extension.is_empty()).then_some(extension)
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_3 => "HTTP/3",
        _ => "HTTP/1.1",
    }
}

/// The first cookie of that name, over all `Cookie` lines, as it stands there.
fn cookie<'r>(headers: &'r HeaderMap, name: &str) -> Option<&'r [u8]> {
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|&b| b == b';'))
        .find_map(|pair| pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}
