//! `[[action]]`: what the operator does beside deploying, or has done to them.

use std::time::Duration;

use super::super::scenario::{Act, Action, VersionPlan};
use super::{LENGTH_MAX, or, time, version_number};
use crate::document::{Table, Value};

const ACTIONS_MAX: usize = 200;

pub(super) const KEYS: [&str; 6] = ["do", "at", "until", "nodes", "code_version", "propagation"];

/// What an action is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Partition,
    TakeOut,
    Stop,
    Delay,
}

impl Name {
    const ALL: [Self; 4] = [Self::Partition, Self::TakeOut, Self::Stop, Self::Delay];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Partition => "partition",
            Self::TakeOut => "take_out",
            Self::Stop => "stop",
            Self::Delay => "delay",
        }
    }

    /// The key that says of what it is.
    const fn key(self) -> &'static str {
        match self {
            Self::Partition | Self::TakeOut => "nodes",
            Self::Stop => "code_version",
            Self::Delay => "propagation",
        }
    }
}

/// Every name that an action may have.
#[cfg(test)]
pub(super) fn names() -> Vec<&'static str> {
    Name::ALL.map(Name::as_str).to_vec()
}

/// `versions` and `nodes` are `None` where they have a mistake.
pub(super) fn actions(
    root: &Table<'_>,
    versions: Option<&[VersionPlan]>,
    nodes: Option<u64>,
) -> Option<Vec<Action>> {
    let tables = root.tables("action", &KEYS);
    if tables.len() > ACTIONS_MAX {
        root.refuse_together(format!("there must be at most {ACTIONS_MAX} actions"));
        return None;
    }
    let actions: Vec<_> = tables.iter().map(|table| action(table, versions, nodes)).collect();
    actions.into_iter().collect()
}

fn action(
    table: &Table<'_>,
    versions: Option<&[VersionPlan]>,
    nodes: Option<u64>,
) -> Option<Action> {
    let at = table.required("at").and_then(|value| time(&value));
    let until = or(table, "until", LENGTH_MAX + Duration::from_nanos(1), time);
    let name = table.required("do").and_then(|value| value.parsed(named))?;
    for key in ["nodes", "code_version", "propagation"] {
        if let Some(value) = table.get(key).filter(|_| key != name.key()) {
            value.refuse(format!("`{}` takes no `{key}`", name.as_str()));
            return None;
        }
    }
    let value = table.required(name.key())?;
    let act = match name {
        Name::Partition => Act::Partition { nodes: some_nodes(&value, nodes, 0)? },
        // Somebody must be left to answer.
        Name::TakeOut => Act::TakeOut { nodes: some_nodes(&value, nodes, 1)? },
        Name::Stop => Act::Stop { version: version_number(&value, versions)? },
        Name::Delay => Act::Delay { propagation: time(&value)? },
    };
    let (at, until) = (at?, until?);
    if until <= at {
        table.refuse_together("`until` must be later than `at`");
        return None;
    }
    Some(Action { during: at..until, act })
}

fn named(text: &str) -> Result<Name, String> {
    let known = Name::ALL.map(Name::as_str).join("`, `");
    let name = Name::ALL.into_iter().find(|name| name.as_str() == text);
    name.ok_or_else(|| format!("`{text}` is no action; there are `{known}`"))
}

/// So many of the first nodes; `spared` of all are left.
fn some_nodes(value: &Value<'_>, nodes: Option<u64>, spared: u64) -> Option<u64> {
    let (some, nodes) = (value.whole()?, nodes?);
    let most = nodes - spared;
    if !(1..=most).contains(&some) {
        value.refuse_together(format!("must be from 1 to {most} of the edge's {nodes} nodes"));
        return None;
    }
    Some(some)
}
