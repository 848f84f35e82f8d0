//! Nodes: which of them answer, and since when each has a table.

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::scenario::{Act, NodePer, Scenario};
use crate::population::Draw;

#[derive(Debug)]
pub(super) struct Nodes {
    count: u64,
    per: NodePer,
    /// Of which node is whose.
    seed: u64,
    partitioned: Vec<Absence>,
    taken_out: Vec<Absence>,
}

/// A time in which the first `nodes` are not there.
#[derive(Debug)]
struct Absence {
    during_us: Range<u64>,
    nodes: u64,
}

impl Absence {
    fn concerns(&self, node: u64, at_us: u64) -> bool {
        node < self.nodes && self.during_us.contains(&at_us)
    }
}

impl Nodes {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let (mut partitioned, mut taken_out) = (Vec::new(), Vec::new());
        for action in &scenario.actions {
            let during_us = micros(action.during.start)..micros(action.during.end);
            match action.act {
                Act::Partition { nodes } => partitioned.push(Absence { during_us, nodes }),
                Act::TakeOut { nodes } => taken_out.push(Absence { during_us, nodes }),
                Act::Stop { .. } | Act::Delay { .. } => {}
            }
        }
        Self {
            count: scenario.edge.nodes,
            per: scenario.edge.node_per,
            seed: Draw::of(scenario.seed, "node of user").bits(),
            partitioned,
            taken_out,
        }
    }

    /// When `node` has the table that is published at `at_us` and would reach it by
    /// `arrives_us`: what it is not there for waits until it is.
    pub(super) fn has_it_us(&self, node: u64, at_us: u64, arrives_us: u64) -> u64 {
        let mut has_it_us = arrives_us;
        let absences = || self.partitioned.iter().chain(&self.taken_out);
        while let Some(absence) = absences().find(|it| it.concerns(node, has_it_us)) {
            has_it_us = absence.during_us.end;
        }
        // A node that starts reads what there is, and does not wait to be told.
        let starts = self.taken_out.iter().filter(|it| node < it.nodes);
        let starts = starts.map(|it| it.during_us.end).filter(|&start_us| {
            start_us >= at_us && !absences().any(|it| it.concerns(node, start_us))
        });
        starts.fold(has_it_us, u64::min)
    }

    /// The node that a user meets.
    pub(super) fn met(&self, at_us: u64, user: u32, draw: &mut Draw) -> u64 {
        let out = self.taken_out.iter().filter(|it| it.during_us.contains(&at_us));
        let out = out.map(|it| it.nodes).max().unwrap_or(0);
        let of_others = |draw: &mut Draw| out + draw.below(self.count - out);
        match self.per {
            NodePer::Request => of_others(draw),
            NodePer::User => {
                let mut own = Draw::new(xxh3_64_with_seed(&user.to_le_bytes(), self.seed));
                let node = own.below(self.count);
                // Whose node is out goes to another, the same as long as it is.
                if node < out { of_others(&mut own) } else { node }
            }
        }
    }
}

pub(super) fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_US: u64 = 60_000_000;

    /// Ten nodes; the first two are partitioned from minute 10 to 20, and the first four
    /// are out from minute 15 to 30.
    fn nodes(per: NodePer, seed: u64) -> Nodes {
        let minutes = |range: Range<u64>| range.start * MINUTE_US..range.end * MINUTE_US;
        Nodes {
            count: 10,
            per,
            seed,
            partitioned: vec![Absence { during_us: minutes(10..20), nodes: 2 }],
            taken_out: vec![Absence { during_us: minutes(15..30), nodes: 4 }],
        }
    }

    #[test]
    fn a_table_waits_for_a_node_that_is_not_there() {
        let nodes = nodes(NodePer::Request, 1);
        let has_it = |node, at: u64, arrives: u64| {
            nodes.has_it_us(node, at * MINUTE_US, arrives * MINUTE_US) / MINUTE_US
        };
        assert_eq!(has_it(0, 8, 9), 9);
        assert_eq!(has_it(5, 11, 12), 12, "it is another's partition");
        assert_eq!(has_it(0, 9, 10), 30, "the partition ends while it is out");
        assert_eq!(has_it(3, 9, 16), 30);
        assert_eq!(has_it(3, 29, 40), 30, "it starts with what there is");
        assert_eq!(has_it(3, 31, 33), 33);
    }

    #[test]
    fn a_node_that_is_out_meets_nobody() {
        for per in [NodePer::Request, NodePer::User] {
            let nodes = nodes(per, 1);
            let mut draw = Draw::new(1);
            let mut met = |minute: u64| {
                let met = (0..1_000).map(|user| nodes.met(minute * MINUTE_US, user, &mut draw));
                let mut met: Vec<_> = met.collect();
                met.sort_unstable();
                met.dedup();
                met
            };
            assert_eq!(met(14), (0..10).collect::<Vec<_>>());
            assert_eq!(met(15), (4..10).collect::<Vec<_>>());
            assert_eq!(met(30), (0..10).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_user_has_one_node_and_under_another_seed_another() {
        let of = |seed, minute: u64| -> Vec<u64> {
            let (nodes, mut draw) = (nodes(NodePer::User, seed), Draw::new(minute));
            (0..1_000).map(|user| nodes.met(minute * MINUTE_US, user, &mut draw)).collect()
        };
        assert_eq!(of(1, 1), of(1, 40));
        assert_eq!(of(1, 16), of(1, 29), "whose node is out, too");
        let same = of(1, 1).iter().zip(of(2, 1)).filter(|(one, other)| *one == other).count();
        // A tenth, and a deviation of 9.5.
        assert!(same.abs_diff(100) < 40, "{same}");
    }
}
