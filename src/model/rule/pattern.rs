//! Regular expressions, and what takes the place of their match.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use regex_automata::Input;
use regex_automata::meta::Regex;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::util::syntax;

/// Limits of one regular expression: its program, and the cache of states that a
/// search fills.
const PROGRAM_MAX_BYTES: usize = 128 * 1024;
const CACHE_MAX_BYTES: usize = 256 * 1024;
const NESTING_MAX: u32 = 32;

/// ESA: at most eight references to groups, `${1}` to `${8}`.
const REFERENCES_MAX: usize = 8;
const GROUPS: usize = 9;

#[derive(Clone)]
pub(super) struct Pattern {
    text: Box<str>,
    ignores_case: bool,
    /// Shared by clones, with its caches.
    regex: Arc<Regex>,
}

impl Pattern {
    pub(super) fn new(text: &str, ignores_case: bool) -> Result<Self, String> {
        let limits = Regex::config()
            .utf8_empty(false)
            .nfa_size_limit(Some(PROGRAM_MAX_BYTES))
            .onepass_size_limit(Some(PROGRAM_MAX_BYTES))
            .hybrid_cache_capacity(CACHE_MAX_BYTES);
        // Octets, not characters: a request may hold any, and the tables stay small.
        let syntax = syntax::Config::new()
            .unicode(false)
            .utf8(false)
            .nest_limit(NESTING_MAX)
            .case_insensitive(ignores_case);
        let regex = Regex::builder().configure(limits).syntax(syntax).build(text);
        let regex = regex.map_err(|error| {
            if error.size_limit().is_some() {
                return format!(
                    "the regular expression compiles to more than {PROGRAM_MAX_BYTES} bytes"
                );
            }
            match error.syntax_error() {
                Some(syntax) => {
                    format!("no regular expression of linear time: {}", last_line(syntax))
                }
                None => format!("no regular expression: {error}"),
            }
        })?;
        Ok(Self { text: text.into(), ignores_case, regex: Arc::new(regex) })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    #[inline]
    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }

    /// Where the first match lies, and its groups.
    fn find(&self, text: &[u8]) -> Option<Groups> {
        let mut slots = [None; GROUPS * 2];
        self.regex.search_slots(&Input::new(text), &mut slots)?;
        Some(Groups(slots))
    }
}

/// What went wrong, of a message that first draws where.
fn last_line(error: &impl fmt::Display) -> String {
    let message = error.to_string();
    let line = message.lines().next_back().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.ignores_case == other.ignores_case
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

/// Beginning and end by group; the first is the whole match.
struct Groups([Option<NonMaxUsize>; GROUPS * 2]);

impl Groups {
    /// A group that took no part is empty.
    fn range(&self, group: usize) -> Range<usize> {
        match (self.0[group * 2], self.0[group * 2 + 1]) {
            (Some(start), Some(end)) => start.get()..end.get(),
            _ => 0..0,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Replacement {
    text: Box<str>,
    parts: Box<[Part]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(Box<str>),
    Group(usize),
}

impl Replacement {
    /// `${1}` is a group of `pattern`, `$$` a dollar sign.
    pub(super) fn new(text: &str, pattern: &Pattern) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut references = 0;
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            literal.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                literal.push('$');
                rest = after;
            } else if let Some((number, after)) =
                rest.strip_prefix('{').and_then(|inside| inside.split_once('}'))
            {
                let group = number.parse().ok().filter(|group| *group < GROUPS);
                let group = group
                    .filter(|group| *group < pattern.regex.group_info().group_len(0.into()))
                    .ok_or_else(|| {
                        format!("the regular expression has no group `${{{number}}}`")
                    })?;
                references += 1;
                if references > REFERENCES_MAX {
                    return Err(format!("more than {REFERENCES_MAX} references to groups"));
                }
                parts.push(Part::Literal(std::mem::take(&mut literal).into()));
                parts.push(Part::Group(group));
                rest = after;
            } else {
                literal.push('$');
            }
        }
        literal.push_str(rest);
        parts.push(Part::Literal(literal.into()));
        Ok(Self { text: text.into(), parts: parts.into() })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What `source` becomes, in pieces.
    pub(super) fn pieces<'t>(
        &'t self,
        pattern: &Pattern,
        source: &'t [u8],
    ) -> impl Iterator<Item = &'t [u8]> {
        let groups = pattern.find(source);
        let (before, after) = match &groups {
            Some(groups) => {
                let found = groups.range(0);
                (&source[..found.start], &source[found.end..])
            }
            None => (source, &source[..0]),
        };
        let made = groups.into_iter().flat_map(move |groups| {
            self.parts.iter().map(move |part| match part {
                Part::Literal(text) => text.as_bytes(),
                Part::Group(group) => &source[groups.range(*group)],
            })
        });
        std::iter::once(before).chain(made).chain(std::iter::once(after))
    }
}
