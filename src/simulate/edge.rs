//! Operators and nodes: what is deployed, and who knows of it when.

use std::time::Duration;

use super::rules::{Listed, VersionIndex};
use super::scenario::{NodePer, Scenario};
use crate::control::{Command, Refused, apply};
use crate::model::{
    Catalog, CodeVersion, DeploymentId, Environment, Movement, Percent, RoutineName, Shares, Split,
    Timestamp,
};
use crate::population::Draw;
use crate::routing::{RoutingTable, Settings};

/// Where it is deployed. The other edge would do as well: the split knows no environment.
const ENVIRONMENT: Environment = Environment::Production;

/// What an operator of the scenario asked for was refused.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the scenario cannot be played: {0}")]
pub struct ImpossibleScenario(#[from] Refused);

/// Every table that is published, and when each node has it.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) releases: Vec<Release>,
    nodes: u64,
    node_per: NodePer,
}

/// A deployment, as the control plane made it and the table places it.
#[derive(Debug)]
pub(super) struct Release {
    pub(super) id: DeploymentId,
    pub(super) at_us: u64,
    /// When each node has its table, and when the last one has.
    known_us: Vec<u64>,
    pub(super) settled_us: u64,
    pub(super) listed: Vec<Listed>,
    pub(super) placed: Placed,
    /// What Serin says of who moves; `None` of the first.
    pub(super) movement: Option<Movement>,
}

/// How a table divides keys, as its own explanation tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Placed {
    Only(VersionIndex),
    Canary { newer: VersionIndex, older: VersionIndex, percent: Percent, seed: u64, threshold: u64 },
}

impl Edge {
    /// Has the scenario's operator do what it says.
    pub(super) fn new(scenario: &Scenario) -> Result<Self, ImpossibleScenario> {
        let mut operator = Operator::new(scenario)?;
        let mut delays = Draw::of(scenario.seed, "propagation");
        let mut releases = Vec::new();
        for plan in &scenario.deployments {
            let mut release = operator.deploy(scenario, &plan.shares, plan.at)?;
            for _ in 0..scenario.edge.nodes {
                // Nothing was served before the first one.
                let longest =
                    if releases.is_empty() { Duration::ZERO } else { scenario.edge.propagation };
                let delay_us = delays.below(micros(longest) + 1);
                release.known_us.push(release.at_us + delay_us);
            }
            release.settled_us = release.known_us.iter().copied().max().unwrap_or(release.at_us);
            releases.push(release);
        }
        Ok(Self { releases, nodes: scenario.edge.nodes, node_per: scenario.edge.node_per })
    }

    /// The number of the release that is newest at a time, searched from `newest` on.
    #[inline]
    pub(super) fn newest(&self, mut newest: usize, at_us: u64) -> usize {
        while self.releases.get(newest + 1).is_some_and(|next| next.at_us <= at_us) {
            newest += 1;
        }
        newest
    }

    /// The number of the release whose table the node has that `user` meets.
    #[inline]
    pub(super) fn known(&self, newest: usize, at_us: u64, user: u32, draw: &mut Draw) -> usize {
        if self.releases[newest].settled_us <= at_us {
            return newest;
        }
        let node = match self.node_per {
            NodePer::Request => draw.below(self.nodes),
            NodePer::User => Draw::new(u64::from(user)).below(self.nodes),
        };
        let has = |release: &Release| {
            let node = usize::try_from(node).unwrap_or_default();
            release.known_us.get(node).is_some_and(|known_us| *known_us <= at_us)
        };
        self.releases[..=newest].iter().rposition(has).unwrap_or(0)
    }
}

/// The one writer, without what stores and answers.
struct Operator {
    catalog: Catalog,
    table: RoutingTable,
    name: RoutineName,
}

impl Operator {
    fn new(scenario: &Scenario) -> Result<Self, Refused> {
        let name = scenario.edge.routine.clone();
        let mut operator = Self {
            catalog: Catalog::default(),
            table: RoutingTable::new(Settings::default()),
            name: name.clone(),
        };
        let description = String::new();
        operator.carry_out(
            Command::CreateRoutine { name: name.clone(), description, has_assets: false },
            Duration::ZERO,
        )?;
        if !scenario.edge.cohort.is_empty() {
            let cohort = Some(scenario.edge.cohort.clone());
            let revise = Command::ReviseRoutine {
                name: name.clone(),
                description: None,
                sticky: None,
                cohort,
            };
            operator.carry_out(revise, Duration::ZERO)?;
        }
        for version in &scenario.versions {
            let add = Command::AddVersion {
                name: name.clone(),
                code_version: Some(version.code_version.clone()),
                description: String::new(),
                upstream: None,
            };
            operator.carry_out(add, Duration::ZERO)?;
        }
        Ok(operator)
    }

    fn carry_out(&mut self, command: Command, at: Duration) -> Result<(), Refused> {
        let now = Timestamp(i64::try_from(at.as_nanos()).unwrap_or(i64::MAX));
        apply(&mut self.catalog, command, None, now).map(drop)
    }

    fn split(&self) -> Option<Split> {
        let routine = self.catalog.routine(&self.name)?;
        Some(routine.split(&routine.deployment(ENVIRONMENT)?.shares))
    }

    fn deploy(
        &mut self,
        scenario: &Scenario,
        shares: &Shares,
        at: Duration,
    ) -> Result<Release, Refused> {
        let before = self.split();
        let name = self.name.clone();
        let deploy = Command::Deploy {
            name: name.clone(),
            environment: ENVIRONMENT,
            shares: shares.clone(),
        };
        self.carry_out(deploy, at)?;
        let movement = before.zip(self.split()).map(|(was, is)| Movement::between(&was, &is));
        self.table = self.table.with([(&name, self.catalog.routines.get(&name))]);

        let number = |version: &CodeVersion| -> VersionIndex {
            let mut versions = scenario.versions.iter();
            let number = versions.position(|plan| plan.code_version == *version);
            number
                .and_then(|number| number.try_into().ok())
                .expect("deployed versions are declared")
        };
        let explained = self.table.explain_key(&name, ENVIRONMENT, Some(b"any"));
        let explained = explained.expect("the routine was created");
        let placed = match explained.placement {
            Some(placement) => Placed::Canary {
                newer: number(&placement.newer),
                older: number(&placement.older),
                percent: placement.percent,
                seed: placement.seed,
                threshold: placement.threshold,
            },
            None => Placed::Only(number(&explained.version.expect("one version is everybody's"))),
        };
        Ok(Release {
            id: explained.deployment.expect("it was deployed"),
            at_us: micros(at),
            known_us: Vec::new(),
            settled_us: 0,
            listed: shares.iter().map(|(version, percent)| (number(version), percent)).collect(),
            placed,
            movement,
        })
    }
}

pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::routing::{Draws, SpreadCounters, request_for};
    use crate::simulate::Rule;
    use crate::simulate::rules::Chooser;

    const RAMP: &str = r#"
title = "a ramp"
length = "1h"
[edge]
routine = "shop"
cohort = "spring"
nodes = 50
propagation = "60s"
[[population]]
users = 10
requests_per_user = 1
[[version]]
code_version = "9"
[[version]]
code_version = "10"
[[deployment]]
at = "0s"
code_versions = [{ code_version = "9", percentage = 100 }]
[[deployment]]
at = "10m"
code_versions = [{ code_version = "10", percentage = 5 }, { code_version = "9", percentage = 95 }]
[[deployment]]
at = "620s"
code_versions = [{ code_version = "9", percentage = 50 }, { code_version = "10", percentage = 50 }]
"#;

    fn ramp() -> Scenario {
        Scenario::parse(RAMP).unwrap_or_else(|error| panic!("{error}"))
    }

    /// What is played is what a request would meet: its head, the table, the key.
    #[test]
    fn every_key_is_placed_as_the_table_decides_its_requests() {
        let scenario = ramp();
        let mut operator = Operator::new(&scenario).unwrap();
        let draws =
            Draws { spread: SpreadCounters::default(), mint: Box::new(|| [0; 16]), salt: 0 };
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        for plan in &scenario.deployments {
            let release = operator.deploy(&scenario, &plan.shares, plan.at).unwrap();
            let chooser = Chooser::new(Rule::Serin, "shop", &release.listed, &release.placed);
            let mut chooser = chooser.unwrap();
            for user in 0..1_000 {
                let key = format!("user-{user}");
                let mut request = request_for("shop.localhost");
                request.headers.insert("x-serin-key", key.parse().unwrap());
                let decision = operator.table.decide(ENVIRONMENT, &request, peer, &draws).unwrap();
                let chosen = usize::from(chooser.choose(key.as_bytes()));
                let version = &scenario.versions[chosen].code_version;
                assert_eq!(&decision.target().unwrap().version, version, "{key}");
                assert_eq!(decision.target().unwrap().deployment, Some(release.id));
            }
        }
    }

    #[test]
    fn a_node_answers_by_what_it_knows() {
        let edge = Edge::new(&ramp()).unwrap();
        let [first, second, third] = edge.releases.as_slice() else { panic!("three releases") };
        assert_eq!(first.settled_us, 0, "before the first there was nothing");
        let mut draw = Draw::new(1);
        let mut known = |newest, at_us| -> Vec<usize> {
            let mut known: Vec<_> =
                (0..2_000).map(|user| edge.known(newest, at_us, user, &mut draw)).collect();
            known.sort_unstable();
            known.dedup();
            known
        };
        assert_eq!(known(0, second.at_us - 1), [0]);
        assert_eq!(known(1, second.at_us + 10_000_000), [0, 1], "some know, some do not");
        assert_eq!(known(2, third.at_us + 20_000_000), [0, 1, 2], "and some know both");
        assert_eq!(known(2, third.settled_us), [2]);
        assert!(third.settled_us - third.at_us <= 60_000_000);
        assert_eq!(edge.newest(0, second.at_us - 1), 0);
        assert_eq!(edge.newest(0, second.at_us), 1);
        assert_eq!(edge.newest(1, u64::MAX), 2);
    }

    #[test]
    fn a_user_who_stays_at_a_node_meets_no_older_table_again() {
        let mut scenario = ramp();
        scenario.edge.node_per = NodePer::User;
        let edge = Edge::new(&scenario).unwrap();
        let mut draw = Draw::new(1);
        for user in 0..200 {
            let known = |second: u64| {
                let at_us = (600 + second) * 1_000_000;
                edge.known(edge.newest(0, at_us), at_us, user, &mut draw)
            };
            let known: Vec<_> = (0..90).map(known).collect();
            assert!(known.is_sorted(), "{known:?}");
            assert_eq!(known.last(), Some(&2));
        }
    }

    #[test]
    fn what_an_operator_may_not_do_is_told() {
        let mut scenario = ramp();
        scenario.versions.pop();
        let why = Edge::new(&scenario).unwrap_err().to_string();
        assert_eq!(why, "the scenario cannot be played: routine `shop` has no code version `10`");
    }
}
