//! Which hosts a rule could match, so that only those rules are evaluated that speak
//! of a request's host.

use super::super::HostPattern;
use super::field::Field;
use super::tree::{Node, Test, Text, TextTest};

/// Never misses a host that the rule could match; may hold one that it cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostBound {
    /// Exact hosts and suffixes that begin with a dot, each once. Of none, nothing
    /// matches.
    Among(Vec<HostPattern>),
    Any,
}

impl HostBound {
    /// `host` in lower case and without a port.
    pub fn admits(&self, host: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Among(patterns) => patterns.iter().any(|pattern| match pattern {
                HostPattern::Exact(exact) => exact.as_bytes() == host,
                HostPattern::Suffix(suffix) => host.ends_with(suffix.as_bytes()),
                HostPattern::Any => true,
            }),
        }
    }
}

pub(super) fn bound(node: &Node) -> HostBound {
    match node {
        Node::Always | Node::Not(_) => HostBound::Any,
        Node::Test(test) => of_condition(test),
        Node::Any(nodes) => {
            let mut all = Vec::new();
            for node in nodes {
                match bound(node) {
                    HostBound::Any => return HostBound::Any,
                    HostBound::Among(patterns) => all.extend(patterns),
                }
            }
            let mut known = std::collections::HashSet::new();
            all.retain(|pattern| known.insert(pattern.clone()));
            HostBound::Among(all)
        }
        // Each of them bounds what all of them match: the narrowest will do.
        Node::All(nodes) => nodes.iter().map(bound).min_by_key(breadth).unwrap_or(HostBound::Any),
    }
}

/// Suffixes are broad, then long lists.
fn breadth(bound: &HostBound) -> (usize, usize) {
    match bound {
        HostBound::Any => (usize::MAX, 0),
        HostBound::Among(patterns) => {
            let exact = patterns.iter().filter(|it| matches!(it, HostPattern::Exact(_))).count();
            (patterns.len() - exact, exact)
        }
    }
}

fn of_condition(condition: &Test) -> HostBound {
    match condition {
        Test::Text(text, TextTest::OneOf(hosts)) if is_host(text) => HostBound::Among(
            hosts.texts().iter().map(|host| HostPattern::Exact((&**host).into())).collect(),
        ),
        // Hosts are looked up by whole labels, so a suffix begins with a dot.
        Test::Text(text, TextTest::EndsWith(needle)) if is_host(text) => {
            match needle.text().find('.') {
                Some(dot) => {
                    HostBound::Among(vec![HostPattern::Suffix(needle.text()[dot..].into())])
                }
                None => HostBound::Any,
            }
        }
        _ => HostBound::Any,
    }
}

/// The host, which is in lower case anyway.
fn is_host(text: &Text) -> bool {
    match text {
        Text::Field(field) => *field == Field::Host,
        Text::Lower(text) => is_host(text),
        _ => false,
    }
}
