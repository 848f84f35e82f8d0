//! The head of a response, in either form in which it may have come.

use http::{HeaderMap, HeaderValue, StatusCode, Version, response};

use super::{Known, Lines};
use crate::proxy::wire;

/// The head of a response.
#[derive(Debug)]
pub(in crate::proxy) struct Reply {
    pub(in crate::proxy) status: StatusCode,
    /// The version in which it came.
    pub(in crate::proxy) version: Version,
    pub(in crate::proxy) fields: Came,
}

/// Its fields, as they came.
#[derive(Debug)]
pub(in crate::proxy) enum Came {
    Lines(Lines),
    /// Boxed, since it is large and few have it.
    Map(Box<HeaderMap>),
}

impl From<response::Parts> for Reply {
    fn from(parts: response::Parts) -> Self {
        let response::Parts { status, version, headers, .. } = parts;
        Self { status, version, fields: Came::Map(Box::new(headers)) }
    }
}

impl Reply {
    pub(in crate::proxy) fn has(&self, known: Known) -> bool {
        match &self.fields {
            Came::Lines(lines) => lines.has(known),
            Came::Map(map) => known.name().is_some_and(|name| map.contains_key(name)),
        }
    }

    /// Whether `Connection` says anything but `keep-alive`, which is what most servers say
    /// there.
    pub(in crate::proxy) fn names_options(&self) -> bool {
        self.has(Known::Connection) && {
            let mut lines = self.lines(Known::Connection);
            lines.any(|line| !line.eq_ignore_ascii_case(b"keep-alive"))
        }
    }

    /// The values of a field that has one name, line by line.
    pub(in crate::proxy) fn lines(&self, known: Known) -> impl Iterator<Item = &[u8]> {
        let (of_lines, of_map) = match &self.fields {
            Came::Lines(lines) => (Some(lines.all(known)), None),
            Came::Map(map) => (None, known.name().map(|name| map.get_all(name))),
        };
        let of_map = of_map.into_iter().flatten().map(HeaderValue::as_bytes);
        of_lines.into_iter().flatten().chain(of_map)
    }

    /// The elements of a list that may take several lines, empty ones included (RFC 9110,
    /// section 5.6.1).
    pub(in crate::proxy) fn elements(&self, list: Known) -> impl Iterator<Item = &[u8]> {
        self.lines(list).flat_map(wire::elements)
    }

    /// Whether a list has an element, in any case.
    pub(in crate::proxy) fn names(&self, list: Known, element: &str) -> bool {
        self.elements(list).any(|said| said.eq_ignore_ascii_case(element.as_bytes()))
    }
}
