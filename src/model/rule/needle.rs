//! What texts are compared with. A text comes piece by piece, so nothing here looks
//! back at an octet that it has seen.

use std::fmt;

/// A text to be found in another (Knuth, Morris and Pratt): linear, whatever both are.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Needle {
    text: Box<str>,
    /// By octet: how much of the beginning is also the end, up to and with it.
    borders: Box<[usize]>,
}

impl Needle {
    pub(super) fn new(text: &str) -> Self {
        let mut needle = Self { text: text.into(), borders: vec![0; text.len()].into() };
        let mut border = 0;
        for at in 1..text.len() {
            border = needle.advance(border, text.as_bytes()[at]);
            needle.borders[at] = border;
        }
        needle
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// How much of the beginning of this text ends what was seen, after `octet`.
    #[inline]
    pub(super) fn advance(&self, mut seen: usize, octet: u8) -> usize {
        while self.text.as_bytes().get(seen) != Some(&octet) {
            match seen.checked_sub(1) {
                Some(last) => seen = self.borders[last],
                None => return 0,
            }
        }
        seen + 1
    }

    pub(super) fn is_whole(&self, seen: usize) -> bool {
        seen == self.text.len()
    }
}

impl fmt::Debug for Needle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

/// Texts of which a text is to be one. In order and without doubles, so that those
/// that begin alike are neighbours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OneOf(Box<[Box<str>]>);

impl OneOf {
    pub(super) fn new(mut texts: Vec<Box<str>>) -> Self {
        texts.sort_unstable();
        texts.dedup();
        Self(texts.into())
    }

    pub(super) fn texts(&self) -> &[Box<str>] {
        &self.0
    }

    pub(super) fn candidates(&self) -> Candidates<'_> {
        Candidates { texts: &self.0, seen: 0 }
    }
}

/// The texts that begin with what was seen.
pub(super) struct Candidates<'s> {
    texts: &'s [Box<str>],
    seen: usize,
}

impl Candidates<'_> {
    /// Whether any are left once `piece` follows.
    #[inline]
    pub(super) fn narrow(&mut self, piece: &[u8]) -> bool {
        let seen = self.seen;
        let next = |text: &str| {
            let rest = &text.as_bytes()[seen..];
            rest[..rest.len().min(piece.len())].cmp(piece)
        };
        let from = self.texts.partition_point(|text| next(text).is_lt());
        let len = self.texts[from..].partition_point(|text| next(text).is_eq());
        self.texts = &self.texts[from..from + len];
        self.seen += piece.len();
        !self.texts.is_empty()
    }

    /// Whether one is all that was seen: the shortest, which is the first.
    #[inline]
    pub(super) fn has_whole(&self) -> bool {
        self.texts.first().is_some_and(|text| text.len() == self.seen)
    }
}
