//! Whether a rule holds for a request.

use std::ops::ControlFlow::{self, Break, Continue};

use super::facts::Facts;
use super::needle::Needle;
use super::text::Take;
use super::tree::{Node, NumberTest, Test, Text, TextTest};

impl Node {
    /// As deep as the rule nests, which its parser bounds.
    pub(super) fn holds(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::Always => true,
            Self::Any(nodes) => nodes.iter().any(|node| node.holds(facts)),
            Self::All(nodes) => nodes.iter().all(|node| node.holds(facts)),
            Self::Not(node) => !node.holds(facts),
            Self::Test(test) => test.holds(facts),
        }
    }
}

impl Test {
    fn holds(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::Exists(field) => facts.has(field),
            Self::Secure => facts.scheme == "https",
            Self::Address(networks) => networks.contains(facts.client),
            Self::Number(test) => facts.as_number.is_some_and(|number| test.holds(number)),
            Self::Text(text, asked) => asked.holds(text, facts),
        }
    }
}

impl NumberTest {
    fn holds(&self, number: u32) -> bool {
        match self {
            Self::OneOf(numbers) => numbers.binary_search(&number).is_ok(),
            Self::Above(limit) => number > *limit,
            Self::Below(limit) => number < *limit,
            Self::AtLeast(limit) => number >= *limit,
            Self::AtMost(limit) => number <= *limit,
        }
    }
}

impl TextTest {
    fn holds(&self, text: &Text, facts: &Facts<'_>) -> bool {
        match self {
            Self::OneOf(texts) => {
                let mut candidates = texts.candidates();
                let seen = compared(text, facts, &mut |piece| wanted(candidates.narrow(piece)));
                seen.is_continue() && candidates.has_whole()
            }
            Self::StartsWith(prefix) => starts_with(text, facts, prefix.as_bytes()),
            Self::Contains(needle) => contains(text, facts, needle),
            Self::EndsWith(needle) => {
                let mut seen = 0;
                let _ = compared(text, facts, &mut |piece| {
                    seen = piece.iter().fold(seen, |seen, &octet| needle.advance(seen, octet));
                    Continue(())
                });
                needle.is_whole(seen)
            }
            Self::Matches(pattern) => {
                text.with_whole(facts, |text| pattern.is_match(text)).unwrap_or(false)
            }
        }
    }
}

fn starts_with(text: &Text, facts: &Facts<'_>, prefix: &[u8]) -> bool {
    let mut missing = prefix;
    let _ = compared(text, facts, &mut |piece| {
        let len = missing.len().min(piece.len());
        let same = missing[..len] == piece[..len];
        if same {
            missing = &missing[len..];
        }
        wanted(same && !missing.is_empty())
    });
    missing.is_empty()
}

fn contains(text: &Text, facts: &Facts<'_>, needle: &Needle) -> bool {
    let mut seen = 0;
    let _ = compared(text, facts, &mut |piece| {
        for &octet in piece {
            if needle.is_whole(seen) {
                break;
            }
            seen = needle.advance(seen, octet);
        }
        wanted(!needle.is_whole(seen))
    });
    needle.is_whole(seen)
}

/// The text as it is compared.
fn compared(text: &Text, facts: &Facts<'_>, take: &mut Take<'_>) -> ControlFlow<()> {
    if text.ignores_case() { text.lower_pieces(facts, take) } else { text.pieces(facts, take) }
}

fn wanted(more: bool) -> ControlFlow<()> {
    if more { Continue(()) } else { Break(()) }
}
