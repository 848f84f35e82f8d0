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
