//! What is to be played.

use std::time::Duration;

use super::check::Check;
use super::rules::Rule;
use super::version::Behaviour;
use crate::model::{CodeVersion, RoutineName, Shares};
use crate::population::{Draw, Pace, Population, PopulationError, Rhythm};

/// Users of all populations: each takes five bytes for every rule.
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
}

impl Scenario {
    /// The same with so many users in all, each population with its part of them. `None` if
    /// one would be left without, or they are more than can be played.
    pub fn with_users(mut self, users: u64) -> Option<Self> {
        if users > USERS_MAX {
            return None;
        }
        let before = self.users();
        for population in &mut self.populations {
            let part = u128::from(population.users) * u128::from(users) / u128::from(before);
            population.users = u64::try_from(part).ok()?;
            population.build(0).ok()?;
        }
        Some(self)
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
    #[expect(clippy::cast_precision_loss, reason = "users and requests are far below 2^52")]
    pub(super) fn requests(&self) -> f64 {
        let of = |plan: &PopulationPlan| match plan.requests_per_user {
            Requests::OnAverage(mean) => plan.users as f64 * mean,
            Requests::Exactly(requests) => plan.users as f64 * requests as f64,
        };
        self.populations.iter().map(of).sum()
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

    pub(super) fn pace(&self) -> Pace {
        match self.requests_per_user {
            #[expect(clippy::cast_precision_loss, reason = "users are far below 2^52")]
            Requests::OnAverage(mean) => Pace::Random { requests: self.users as f64 * mean },
            Requests::Exactly(requests) => Pace::Rounds(requests),
        }
    }
}
