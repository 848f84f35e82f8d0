//! What is to be played.

use std::ops::Range;
use std::time::Duration;

use super::check::Check;
use super::rules::Rule;
use super::version::Behaviour;
use crate::model::{CodeVersion, RoutineName, Shares};
use crate::population::{Draw, Pace, Population, PopulationError, Rhythm};

/// Users of all populations: each takes five bytes for every rule, and one more where it
/// keeps cookies.
pub(super) const USERS_MAX: u64 = 100_000_000;

/// A scenario without mistakes.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub title: String,
    pub seed: u64,
    pub length: Duration,
    /// What the timeline tells together.
    pub step: Duration,
    pub edge: EdgePlan,
    /// In the order in which populations name them first.
    pub regions: Vec<String>,
    pub populations: Vec<PopulationPlan>,
    pub versions: Vec<VersionPlan>,
    /// In order of time; the first is there from the beginning.
    pub deployments: Vec<DeploymentPlan>,
    /// As the scenario lists them.
    pub actions: Vec<Action>,
    /// Serin's own comes first.
    pub rules: Vec<Rule>,
    pub checks: Vec<Check>,
}

#[derive(Debug, Clone)]
pub struct EdgePlan {
    pub routine: RoutineName,
    pub cohort: String,
    pub nodes: u64,
    /// Until the last node has a new table.
    pub propagation: Duration,
    /// Whether a user always meets the same node, or any with each request.
    pub node_per: NodePer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodePer {
    Request,
    User,
}

/// A population that is known to be possible with any seed.
#[derive(Debug, Clone)]
pub struct PopulationPlan {
    pub users: u64,
    pub key_prefix: Option<String>,
    pub exponent: f64,
    /// How many heavy users, and their share of the requests.
    pub heavy: Option<(u64, f64)>,
    /// Numbers of the scenario's regions, and their shares; at least one.
    pub regions: Vec<(usize, f64)>,
    pub rhythm: Rhythm,
    pub requests_per_user: Requests,
}

/// How often a user asks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Requests {
    OnAverage(f64),
    Exactly(u64),
}

#[derive(Debug, Clone)]
pub struct VersionPlan {
    pub code_version: CodeVersion,
    pub behaviour: Behaviour,
}

#[derive(Debug, Clone)]
pub struct DeploymentPlan {
    pub at: Duration,
    pub shares: Shares,
    /// The number, from 1, of the deployment whose shares come again.
    pub rollback_to: Option<usize>,
}

/// What an operator does beside deploying, and for how long.
#[derive(Debug, Clone)]
pub struct Action {
    pub during: Range<Duration>,
    pub act: Act,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// The first nodes answer, and hear of no deployment.
    Partition { nodes: u64 },
    /// The first nodes answer nobody; their users go to the others.
    TakeOut { nodes: u64 },
    /// A version's upstream refuses every request.
    Stop { version: usize },
    /// Tables that are published meanwhile take up to so long to reach a node.
    Delay { propagation: Duration },
}

/// Why a scenario cannot have so many users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotScalable {
    #[error("is more than {USERS_MAX} users")]
    TooMany,
    #[error("leaves population {population} of the scenario without users")]
    NoUsers { population: usize },
    #[error("does not do for population {population} of the scenario: {source}")]
    Population { population: usize, source: PopulationError },
}

impl Scenario {
    /// The same with so many users in all: each population with its part of them, and as
    /// large a part of its heavy users.
    pub fn with_users(mut self, users: u64) -> Result<Self, NotScalable> {
        if users > USERS_MAX {
            return Err(NotScalable::TooMany);
        }
        let before = self.users();
        let part = |of: u64| {
            let part = u128::from(of) * u128::from(users) / u128::from(before);
            u64::try_from(part).unwrap_or(u64::MAX)
        };
        for (number, population) in (1..).zip(&mut self.populations) {
            population.users = part(population.users);
            if population.users == 0 {
                return Err(NotScalable::NoUsers { population: number });
            }
            if let Some((heavy_users, _)) = &mut population.heavy {
                *heavy_users = part(*heavy_users).max(1);
            }
            let built = population.build(0);
            built.map_err(|source| NotScalable::Population { population: number, source })?;
        }
        Ok(self)
    }

    /// How long a table that is published at this time may take to reach a node.
    pub(super) fn propagation_at(&self, at: Duration) -> Duration {
        let delays = self.actions.iter().filter(|action| action.during.contains(&at));
        let delays = delays.filter_map(|action| match action.act {
            Act::Delay { propagation } => Some((action.during.start, propagation)),
            Act::Partition { .. } | Act::TakeOut { .. } | Act::Stop { .. } => None,
        });
        let latest = delays.max_by_key(|(start, _)| *start);
        latest.map_or(self.edge.propagation, |(_, propagation)| propagation)
    }

    /// The populations under the scenario's seed, each with one of its own.
    pub(super) fn population(&self, number: usize) -> Population {
        let seed = Draw::of(self.seed, &format!("population/{number}")).bits();
        self.populations[number].build(seed).expect("a population that was checked")
    }

    pub(super) fn users(&self) -> u64 {
        self.populations.iter().map(|it| it.users).fold(0, u64::saturating_add)
    }

    /// How many requests are to be expected.
    pub(super) fn requests(&self) -> f64 {
        self.populations.iter().map(PopulationPlan::requests).sum()
    }
}

impl PopulationPlan {
    pub(super) fn build(&self, seed: u64) -> Result<Population, PopulationError> {
        let mut population = Population::new(self.users, seed)?;
        if let Some(prefix) = &self.key_prefix {
            population = population.with_key_prefix(prefix)?;
        }
        population = population.with_exponent(self.exponent)?;
        if let Some((users, share)) = self.heavy {
            population = population.with_heavy(users, share)?;
        }
        let shares: Vec<f64> = self.regions.iter().map(|(_, share)| *share).collect();
        population.with_regions(&shares)
    }

    /// How many requests are to be expected.
    #[expect(clippy::cast_precision_loss, reason = "users and requests are far below 2^52")]
    pub(super) fn requests(&self) -> f64 {
        match self.requests_per_user {
            Requests::OnAverage(mean) => self.users as f64 * mean,
            Requests::Exactly(requests) => self.users as f64 * requests as f64,
        }
    }

    pub(super) fn pace(&self) -> Pace {
        match self.requests_per_user {
            Requests::OnAverage(_) => Pace::Random { requests: self.requests() },
            Requests::Exactly(requests) => Pace::Rounds(requests),
        }
    }
}
