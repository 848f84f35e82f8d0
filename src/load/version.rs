//! Which version an answer names, and where.

use std::sync::{Arc, Mutex, PoisonError};

use regex_automata::Input;
use regex_automata::meta::Regex;
use regex_automata::util::primitives::NonMaxUsize;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

/// Versions that are told apart. What a target names beyond that is counted together.
pub(super) const VERSIONS_MAX: usize = 64;

/// The number of all the others,
pub(super) const OTHERS: usize = VERSIONS_MAX;

/// and how many numbers there are.
pub(super) const NUMBERS: usize = VERSIONS_MAX + 1;

/// What stands for their names.
const OTHERS_NAME: &str = "(others)";

/// A longer name is cut, since it is kept and printed.
const NAME_MAX_BYTES: usize = 128;

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
            // The lines before it show the pattern.
            let why = why.lines().last().unwrap_or_default();
            NoPattern::Syntax(why.trim_start_matches("error: ").to_owned())
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
    /// Where Serin names it.
    pub(super) fn serin() -> Self {
        Self::Header("x-serin-version".to_owned())
    }

    /// The field of the head that names it.
    pub(super) fn field(&self) -> Option<&str> {
        match self {
            Self::Header(name) => Some(name),
            Self::Json(_) | Self::Pattern(_) => None,
        }
    }

    /// Looks for it in the body, where it is to be found there. An empty one is none.
    pub(super) fn in_body(&self, body: &[u8], found: impl FnOnce(&[u8])) {
        let found = |octets: &[u8]| {
            if !octets.is_empty() {
                found(octets);
            }
        };
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
    pub(super) fn number(&self, octets: &[u8]) -> Option<usize> {
        let name = name(octets);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = known.iter().position(|version| *version == name) {
            return Some(number);
        }
        (known.len() < VERSIONS_MAX).then(|| {
            known.push(name);
            known.len() - 1
        })
    }

    /// By number.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if names.len() == OTHERS {
            names.push(OTHERS_NAME.to_owned());
        }
        names
    }
}

/// Octets as they are kept and shown. What is different stays different: octets that are
/// no text are written as numbers, and behind a text that is too long stands its hash.
fn name(octets: &[u8]) -> String {
    let kept = &octets[..octets.len().min(NAME_MAX_BYTES)];
    let mut name = String::with_capacity(kept.len());
    for chunk in kept.utf8_chunks() {
        name.push_str(chunk.valid());
        name.extend(chunk.invalid().iter().flat_map(|octet| octet.escape_ascii()).map(char::from));
    }
    if kept.len() < octets.len() {
        name.extend(["…", &format!("{:016x}", xxh3_64(octets))]);
    }
    name
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
    pub(super) fn number(&mut self, octets: &[u8]) -> usize {
        match self.seen.iter().find(|(known, _)| **known == *octets) {
            Some((_, number)) => *number,
            None => self.ask(octets),
        }
    }

    #[cold]
    fn ask(&mut self, octets: &[u8]) -> usize {
        let Some(number) = self.all.number(octets) else { return OTHERS };
        if self.seen.len() < VERSIONS_MAX {
            self.seen.push((octets.into(), number));
        }
        number
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
        for body in [
            "",
            "{",
            r#"{"app":3}"#,
            r#"{"app":{"version":null}}"#,
            r#"{"app":{"version":""}}"#,
            "[]",
        ] {
            assert_eq!(found(&from, body), None, "{body}");
        }
    }

    #[test]
    fn a_version_is_found_by_a_pattern() {
        let from = VersionFrom::Pattern(Pattern::new(r"served by (v\d+)|(none)").unwrap());
        assert_eq!(found(&from, "<p>served by v12</p>").as_deref(), Some("v12"));
        assert_eq!(found(&from, "served by x"), None);
        assert_eq!(found(&from, "none"), None);
        let of_nothing = VersionFrom::Pattern(Pattern::new(r"served by (v?)").unwrap());
        assert_eq!(found(&of_nothing, "served by x"), None);
        assert_eq!(Pattern::new("v1").unwrap_err(), NoPattern::NoGroup);
        let syntax = NoPattern::Syntax("unclosed group".to_owned());
        assert_eq!(Pattern::new("(").unwrap_err(), syntax);
    }

    #[test]
    fn numbers_stay_and_what_is_beyond_them_is_counted_together() {
        let all = Arc::new(Versions::default());
        let (mut one, mut other) = (Known::new(all.clone()), Known::new(all.clone()));
        assert_eq!(one.number(b"v1"), 0);
        assert_eq!(other.number(b"v2"), 1);
        assert_eq!(one.number(b"v2"), 1);
        assert_eq!(one.number(b"\xff"), 2);
        for more in 3..VERSIONS_MAX {
            assert_eq!(one.number(format!("x{more}").as_bytes()), more);
        }
        for name in [&b"one too many"[..], b"and another", b"one too many"] {
            assert_eq!(one.number(name), OTHERS);
        }
        assert_eq!(all.number(b"one too many"), None);
        assert_eq!(other.number(b"v1"), 0);
        let names = all.names();
        assert_eq!(names[..3], ["v1", "v2", r"\xff"]);
        assert_eq!((names.len(), names[OTHERS].as_str()), (NUMBERS, OTHERS_NAME));
    }

    #[test]
    fn different_versions_have_different_names_and_equal_ones_the_same() {
        let versions = Versions::default();
        let long = |end: &str| "x".repeat(3 * NAME_MAX_BYTES) + end;
        let (first, second) = (long("1"), long("2"));
        let of = |octets: &[u8]| versions.number(octets);
        assert_eq!([of(b"\xfe"), of(b"\xff"), of(b"\xfe")], [Some(0), Some(1), Some(0)]);
        assert_eq!((of(first.as_bytes()), of(second.as_bytes())), (Some(2), Some(3)));
        // As one who waits for it has it, and as an answer names it.
        assert_eq!(Known::new(Arc::new(versions)).number(first.as_bytes()), 2);
        // A character that the cut goes through does no harm.
        assert!(name("é".repeat(NAME_MAX_BYTES).as_bytes()).len() < 2 * NAME_MAX_BYTES);
        assert_eq!(name("é".as_bytes()), "é");
    }
}
