//! What a rule is once it is read.

use std::net::IpAddr;

use ipnet::IpNet;

use super::field::Field;
use super::needle::{Needle, OneOf};
use super::pattern::{Pattern, Replacement};

/// In one form only: lists have two members at least and none of their own kind,
/// and nothing is negated twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Always,
    Any(Box<[Node]>),
    All(Box<[Node]>),
    Not(Box<Node>),
    Test(Test),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    Exists(Field),
    /// The request came over TLS.
    Secure,
    Text(Text, TextTest),
    Address(Networks),
    Number(NumberTest),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text {
    Field(Field),
    Literal(Box<str>),
    Lower(Box<Text>),
    Concat(Box<[Text]>),
    Replace(Box<Replace>),
}

/// The first match of a pattern gives way to another text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Replace {
    pub(super) source: Text,
    pub(super) pattern: Pattern,
    pub(super) to: Replacement,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TextTest {
    OneOf(OneOf),
    Contains(Needle),
    StartsWith(Box<str>),
    EndsWith(Needle),
    Matches(Pattern),
}

/// Networks that do not overlap, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Networks(Box<[IpNet]>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NumberTest {
    /// In order.
    OneOf(Box<[u32]>),
    Above(u32),
    Below(u32),
    AtLeast(u32),
    AtMost(u32),
}

impl Node {
    pub(super) fn any(nodes: Vec<Self>) -> Self {
        Self::list(nodes, Self::Any, |node| match node {
            Self::Any(members) => Ok(members),
            other => Err(other),
        })
    }

    pub(super) fn all(nodes: Vec<Self>) -> Self {
        Self::list(nodes, Self::All, |node| match node {
            Self::All(members) => Ok(members),
            other => Err(other),
        })
    }

    pub(super) fn not(node: Self) -> Self {
        match node {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Whether a test in it reads a field that is `wanted`.
    pub(super) fn reads(&self, wanted: fn(&Field) -> bool) -> bool {
        match self {
            Self::Always => false,
            Self::Any(nodes) | Self::All(nodes) => nodes.iter().any(|node| node.reads(wanted)),
            Self::Not(node) => node.reads(wanted),
            Self::Test(test) => test.reads(wanted),
        }
    }

    fn list(
        nodes: Vec<Self>,
        make: fn(Box<[Self]>) -> Self,
        members: fn(Self) -> Result<Box<[Self]>, Self>,
    ) -> Self {
        let mut flat = Vec::with_capacity(nodes.len());
        for node in nodes {
            match members(node) {
                Ok(members) => flat.extend(members),
                Err(other) => flat.push(other),
            }
        }
        match <[Self; 1]>::try_from(flat) {
            Ok([only]) => only,
            Err(flat) => make(flat.into()),
        }
    }
}

impl Test {
    fn reads(&self, wanted: fn(&Field) -> bool) -> bool {
        match self {
            Self::Exists(field) => wanted(field),
            Self::Secure => wanted(&Field::Scheme),
            Self::Text(text, _) => text.reads(wanted),
            Self::Address(_) => wanted(&Field::Address),
            Self::Number(_) => wanted(&Field::AsNumber),
        }
    }
}

impl Text {
    fn reads(&self, wanted: fn(&Field) -> bool) -> bool {
        match self {
            Self::Field(field) => wanted(field),
            Self::Literal(_) => false,
            Self::Lower(text) => text.reads(wanted),
            Self::Concat(parts) => parts.iter().any(|part| part.reads(wanted)),
            Self::Replace(replace) => replace.source.reads(wanted),
        }
    }

    /// Whether a comparison of this text ignores case.
    pub(super) fn ignores_case(&self) -> bool {
        matches!(self, Self::Field(field) if field.ignores_case())
    }
}

impl Networks {
    pub(super) fn new(networks: &[IpNet]) -> Self {
        let canonical: Vec<_> = networks.iter().map(canonical).collect();
        let mut disjoint = IpNet::aggregate(&canonical);
        disjoint.sort_unstable();
        Self(disjoint.into())
    }

    pub(super) fn as_slice(&self) -> &[IpNet] {
        &self.0
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let after = self.0.partition_point(|network| network.network() <= address);
        after.checked_sub(1).is_some_and(|last| self.0[last].contains(&address))
    }
}

/// A network of IPv4 addresses written as IPv6 ones is one of IPv4 addresses.
fn canonical(network: &IpNet) -> IpNet {
    let network = network.trunc();
    if let (IpAddr::V4(address), Some(len)) =
        (network.addr().to_canonical(), network.prefix_len().checked_sub(96))
        && network.addr().is_ipv6()
    {
        return IpNet::new(address.into(), len).unwrap_or(network);
    }
    network
}

impl NumberTest {
    pub(super) fn one_of(mut numbers: Vec<u32>) -> Self {
        numbers.sort_unstable();
        numbers.dedup();
        Self::OneOf(numbers.into())
    }
}
