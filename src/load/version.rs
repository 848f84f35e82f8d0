//! Which version an answer names, and where.

use std::sync::{Arc, Mutex, PoisonError};

use regex_automata::Input;
use regex_automata::meta::Regex;
use regex_automata::util::primitives::NonMaxUsize;
use serde_json::Value;

/// Versions that are told apart. What a target names beyond that is counted together.
pub(super) const VERSIONS_MAX: usize = 64;

/// A longer name is cut: it is no name, and is kept and printed.
const VERSION_MAX_BYTES: usize = 128;

/// Where a version is named.
#[derive(Debug, Clone)]
pub enum VersionFrom {
    /// A field of the head, in any case.
    Header(String),
    /// A field of a body in JSON; dots lead into objects.
    Json(String),
    /// What the first group of a pattern matches in the body.
    Pattern(Pattern),
}

/// A regular expression with a group.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

/// Why a text is no [`Pattern`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPattern {
    #[error("no regular expression: {0}")]
    Syntax(String),
    #[error("has no group: put parentheses around the version")]
    NoGroup,
}

impl Pattern {
    pub fn new(text: &str) -> Result<Self, NoPattern> {
        let regex = Regex::new(text).map_err(|error| {
            let why = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
            NoPattern::Syntax(why)
        })?;
        // The first group is the whole.
        if regex.group_info().group_len(0.into()) < 2 {
            return Err(NoPattern::NoGroup);
        }
        Ok(Self(regex))
    }

    fn find<'a>(&self, body: &'a [u8]) -> Option<&'a [u8]> {
        let mut ends: [Option<NonMaxUsize>; 4] = [None; 4];
        self.0.search_slots(&Input::new(body), &mut ends)?;
        body.get(ends[2]?.get()..ends[3]?.get())
    }
}

impl VersionFrom {
    /// The field of the head that names it.
    pub(super) fn field(&self) -> Option<&str> {
        match self {
            Self::Header(name) => Some(name),
            Self::Json(_) | Self::Pattern(_) => None,
        }
    }

    /// Looks for it in the body, where it is to be found there.
    pub(super) fn in_body(&self, body: &[u8], found: impl FnOnce(&[u8])) {
        match self {
            Self::Header(_) => {}
            Self::Json(path) => {
                let Ok(whole) = serde_json::from_slice::<Value>(body) else { return };
                let mut names = path.split('.');
                match names.try_fold(&whole, |value, name| value.get(name)) {
                    Some(Value::String(text)) => found(text.as_bytes()),
                    Some(Value::Number(number)) => found(number.to_string().as_bytes()),
                    _ => {}
                }
            }
            Self::Pattern(pattern) => {
                if let Some(octets) = pattern.find(body) {
                    found(octets);
                }
            }
        }
    }
}

/// The versions that are known, by number. Numbers are given once and stay.
#[derive(Debug, Default)]
pub(super) struct Versions(Mutex<Vec<String>>);

impl Versions {
    /// The number of a version; `None` where there are too many.
    pub(super) fn number(&self, name: &str) -> Option<usize> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = known.iter().position(|version| version == name) {
            return Some(number);
        }
        (known.len() < VERSIONS_MAX).then(|| {
            known.push(name.to_owned());
            known.len() - 1
        })
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What one thread knows of them, so that it asks once for each.
#[derive(Debug)]
pub(super) struct Known {
    all: Arc<Versions>,
    seen: Vec<(Box<[u8]>, usize)>,
}

impl Known {
    pub(super) fn new(all: Arc<Versions>) -> Self {
        Self { all, seen: Vec::new() }
    }

    #[inline]
    pub(super) fn number(&mut self, octets: &[u8]) -> Option<usize> {
        match self.seen.iter().find(|(known, _)| **known == *octets) {
            Some((_, number)) => Some(*number),
            None => self.ask(octets),
        }
    }

    #[cold]
    fn ask(&mut self, octets: &[u8]) -> Option<usize> {
        let cut = &octets[..octets.len().min(VERSION_MAX_BYTES)];
        let number = self.all.number(&String::from_utf8_lossy(cut))?;
        if self.seen.len() < VERSIONS_MAX {
            self.seen.push((octets.into(), number));
        }
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(from: &VersionFrom, body: &str) -> Option<String> {
        let mut version = None;
        from.in_body(body.as_bytes(), |octets| {
            version = Some(String::from_utf8_lossy(octets).into_owned());
        });
        version
    }

    #[test]
    fn a_version_is_found_in_json() {
        let from = VersionFrom::Json("app.version".to_owned());
        assert_eq!(found(&from, r#"{"app":{"version":"v2"}}"#).as_deref(), Some("v2"));
        assert_eq!(found(&from, r#"{"app":{"version":17}}"#).as_deref(), Some("17"));
        for body in ["", "{", r#"{"app":3}"#, r#"{"app":{"version":null}}"#, "[]"] {
            assert_eq!(found(&from, body), None, "{body}");
        }
    }

    #[test]
    fn a_version_is_found_by_a_pattern() {
        let from = VersionFrom::Pattern(Pattern::new(r"served by (v\d+)|(none)").unwrap());
        assert_eq!(found(&from, "<p>served by v12</p>").as_deref(), Some("v12"));
        assert_eq!(found(&from, "served by x"), None);
        assert_eq!(found(&from, "none"), None);
        assert_eq!(Pattern::new("v1").unwrap_err(), NoPattern::NoGroup);
        assert!(matches!(Pattern::new("(").unwrap_err(), NoPattern::Syntax(_)));
    }

    #[test]
    fn numbers_stay_and_are_no_more_than_are_told_apart() {
        let all = Arc::new(Versions::default());
        let (mut one, mut other) = (Known::new(all.clone()), Known::new(all.clone()));
        assert_eq!(one.number(b"v1"), Some(0));
        assert_eq!(other.number(b"v2"), Some(1));
        assert_eq!(one.number(b"v2"), Some(1));
        assert_eq!(one.number(b"\xff"), Some(2));
        for more in 3..VERSIONS_MAX {
            assert_eq!(one.number(format!("x{more}").as_bytes()), Some(more));
        }
        assert_eq!(one.number(b"one too many"), None);
        assert_eq!(other.number(b"v1"), Some(0));
        assert_eq!(all.names()[..2], ["v1", "v2"]);
    }
}
