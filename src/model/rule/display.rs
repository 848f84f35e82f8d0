//! The canonical text of a rule: as few parentheses and escapes as will do.

use std::fmt::{self, Display, Formatter, Write as _};

use ipnet::IpNet;

use super::Rule;
use super::tree::{Networks, Node, NumberTest, Test, Text, TextTest};

impl Display for Rule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Display for Node {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => f.write_str("true"),
            Self::Any(nodes) => joined(f, nodes, " or ", |f, node| node.fmt(f)),
            Self::All(nodes) => joined(f, nodes, " and ", |f, node| match node {
                Self::Any(_) => write!(f, "({node})"),
                other => other.fmt(f),
            }),
            Self::Not(node) => match &**node {
                Self::Test(test) => test.write(f, true),
                Self::Any(_) | Self::All(_) => write!(f, "not ({node})"),
                other => write!(f, "not {other}"),
            },
            Self::Test(test) => test.write(f, false),
        }
    }
}

impl Test {
    fn write(&self, f: &mut Formatter<'_>, negated: bool) -> fmt::Result {
        let equal = if negated { "ne" } else { "eq" };
        match self {
            Self::Text(text, TextTest::OneOf(texts)) if texts.texts().len() == 1 => {
                return write!(f, "{text} {equal} {}", quoted(&texts.texts()[0]));
            }
            Self::Number(NumberTest::OneOf(numbers)) if numbers.len() == 1 => {
                return write!(f, "ip.geoip.asnum {equal} {}", numbers[0]);
            }
            Self::Address(networks) => {
                if let Some(address) = only_address(networks) {
                    return write!(f, "ip.src {equal} {address}");
                }
            }
            _ => {}
        }
        if negated {
            f.write_str("not ")?;
        }
        match self {
            Self::Exists(field) => write!(f, "exists({field})"),
            Self::Secure => f.write_str("ssl"),
            Self::Text(text, asked) => match asked {
                TextTest::OneOf(texts) => {
                    write!(f, "{text} in ")?;
                    set(f, texts.texts(), |f, text| quoted(text).fmt(f))
                }
                TextTest::Contains(needle) => {
                    write!(f, "{text} contains {}", quoted(needle.text()))
                }
                TextTest::StartsWith(prefix) => {
                    write!(f, "starts_with({text}, {})", quoted(prefix))
                }
                TextTest::EndsWith(needle) => {
                    write!(f, "ends_with({text}, {})", quoted(needle.text()))
                }
                TextTest::Matches(pattern) => {
                    write!(f, "{text} matches {}", quoted(pattern.text()))
                }
            },
            Self::Address(networks) => {
                f.write_str("ip.src in ")?;
                set(f, networks.as_slice(), |f, network| match address(network) {
                    Some(address) => address.fmt(f),
                    None => network.fmt(f),
                })
            }
            Self::Number(test) => {
                f.write_str("ip.geoip.asnum ")?;
                match test {
                    NumberTest::OneOf(numbers) => {
                        f.write_str("in ")?;
                        set(f, numbers, |f, number| number.fmt(f))
                    }
                    NumberTest::Above(limit) => write!(f, "gt {limit}"),
                    NumberTest::Below(limit) => write!(f, "lt {limit}"),
                    NumberTest::AtLeast(limit) => write!(f, "ge {limit}"),
                    NumberTest::AtMost(limit) => write!(f, "le {limit}"),
                }
            }
        }
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => field.fmt(f),
            Self::Literal(text) => quoted(text).fmt(f),
            Self::Lower(text) => write!(f, "lower({text})"),
            Self::Concat(parts) => {
                f.write_str("concat(")?;
                joined(f, parts, ", ", |f, part| part.fmt(f))?;
                f.write_char(')')
            }
            Self::Replace(replace) => {
                let (pattern, to) = (quoted(replace.pattern.text()), quoted(replace.to.text()));
                write!(f, "regex_replace({}, {pattern}, {to})", replace.source)
            }
        }
    }
}

fn joined<T>(
    f: &mut Formatter<'_>,
    members: &[T],
    between: &str,
    write: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (index, member) in members.iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        write(f, member)?;
    }
    Ok(())
}

fn set<T>(
    f: &mut Formatter<'_>,
    members: &[T],
    write: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    f.write_char('{')?;
    joined(f, members, " ", write)?;
    f.write_char('}')
}

fn only_address(networks: &Networks) -> Option<std::net::IpAddr> {
    let [network] = networks.as_slice() else { return None };
    address(network)
}

/// The address that is all of a network.
fn address(network: &IpNet) -> Option<std::net::IpAddr> {
    (network.prefix_len() == network.max_prefix_len()).then(|| network.addr())
}

/// A string in quotes. A backslash is doubled only where it would escape, so that a
/// regular expression stays as it was written.
pub(super) fn quoted(text: &str) -> Quoted<'_> {
    Quoted(text)
}

pub(super) struct Quoted<'t>(&'t str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        let mut rest = self.0.chars();
        while let Some(char) = rest.next() {
            let escapes = matches!(rest.as_str().chars().next(), None | Some('"' | '\\'));
            if char == '"' || (char == '\\' && escapes) {
                f.write_char('\\')?;
            }
            f.write_char(char)?;
        }
        f.write_char('"')
    }
}
