//! The requests of a scenario, in order of time, with all that does not depend on a rule.

use std::iter::Peekable;

use super::edge::Edge;
use super::scenario::Scenario;
use super::version::{Asking, Behaviour};
use crate::population::{Arrival, Arrivals, Draw, KeyText, Population};

/// A request, and which tables are there when it comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) asking: Asking,
    /// The population of the user, and its number there.
    pub(super) population: u16,
    pub(super) user: u32,
    /// The release whose table answers, and the newest one.
    pub(super) known: u16,
    pub(super) newest: u16,
}

/// Users of all populations, numbered through.
pub(super) struct Populations {
    all: Vec<Population>,
    first_users: Vec<u32>,
    /// A population's regions, as the scenario numbers them.
    regions: Vec<Vec<u16>>,
}

impl Populations {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let all: Vec<_> =
            (0..scenario.populations.len()).map(|number| scenario.population(number)).collect();
        let mut next = 0;
        let first_users = all.iter().map(|population| {
            let first = next;
            next += narrow(population.users());
            first
        });
        let first_users = first_users.collect();
        let regions = scenario
            .populations
            .iter()
            .map(|plan| plan.regions.iter().map(|(region, _)| few(*region)).collect());
        Self { first_users, regions: regions.collect(), all }
    }

    pub(super) fn keys(&self) -> Vec<KeyText> {
        self.all.iter().map(Population::keys).collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Population> {
        self.all.iter()
    }
}

/// Numbers of users are read from a scenario, which has fewer than 2^32.
fn narrow(user: u64) -> u32 {
    u32::try_from(user).expect("a scenario has fewer users than 2^32")
}

fn few(number: usize) -> u16 {
    u16::try_from(number).expect("a scenario has few populations, regions and deployments")
}

pub(super) struct Traffic<'s> {
    edge: &'s Edge,
    populations: &'s Populations,
    arrivals: Vec<Peekable<Arrivals<'s>>>,
    newest: usize,
    nodes: Draw,
    luck: Draw,
    luck_matters: bool,
}

impl<'s> Traffic<'s> {
    pub(super) fn new(scenario: &Scenario, edge: &'s Edge, populations: &'s Populations) -> Self {
        let plans = scenario.populations.iter().zip(&populations.all);
        let arrivals = plans.map(|(plan, population)| {
            Arrivals::new(population, &plan.rhythm, scenario.length, plan.pace()).peekable()
        });
        let arrivals = arrivals.collect();
        let mut behaviours = scenario.versions.iter().map(|version| &version.behaviour);
        let luck_matters = behaviours.any(Behaviour::needs_luck);
        Self {
            edge,
            populations,
            arrivals,
            newest: 0,
            nodes: Draw::of(scenario.seed, "nodes"),
            luck: Draw::of(scenario.seed, "luck"),
            luck_matters,
        }
    }

    /// The earliest request of all populations, and whose it is.
    #[inline]
    fn earliest(&mut self) -> Option<(usize, Arrival)> {
        if let [only] = self.arrivals.as_mut_slice() {
            return only.next().map(|arrival| (0, arrival));
        }
        let times = self.arrivals.iter_mut().enumerate();
        let times = times.filter_map(|(number, it)| it.peek().map(|next| (next.at_us, number)));
        let (_, number) = times.min()?;
        self.arrivals[number].next().map(|arrival| (number, arrival))
    }
}

impl Iterator for Traffic<'_> {
    type Item = Request;

    #[inline]
    fn next(&mut self) -> Option<Request> {
        let (number, Arrival { at_us, user, region }) = self.earliest()?;
        let in_population = narrow(user);
        let user = self.populations.first_users[number] + in_population;
        self.newest = self.edge.newest(self.newest, at_us);
        let known = self.edge.known(self.newest, at_us, user, &mut self.nodes);
        let region = self.populations.regions[number][region];
        let luck = if self.luck_matters { self.luck.unit() } else { 1.0 };
        Some(Request {
            asking: Asking { at_us, user, region, luck },
            population: few(number),
            user: in_population,
            known: few(known),
            newest: few(self.newest),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = r#"
title = "two populations"
length = "1h"
[[population]]
users = 1_000
requests_per_user = 3
regions = [{ name = "eu", share = 1 }, { name = "us", share = 1 }]
[[population]]
users = 500
key_prefix = "bot-"
pace = "rounds"
requests_per_user = 2
regions = [{ name = "asia", share = 1 }, { name = "us", share = 1 }]
[[version]]
code_version = "1"
[[deployment]]
at = "0s"
code_versions = [{ code_version = "1", percentage = 100 }]
"#;

    #[test]
    fn populations_ask_in_one_order_of_time_and_share_no_user() {
        let scenario = Scenario::parse(TWO).unwrap_or_else(|error| panic!("{error}"));
        let edge = Edge::new(&scenario).unwrap();
        let populations = Populations::new(&scenario);
        let requests: Vec<_> = Traffic::new(&scenario, &edge, &populations).collect();

        assert!(requests.is_sorted_by_key(|request| request.asking.at_us));
        let of = |population| requests.iter().filter(move |it| it.population == population);
        assert_eq!(of(1).count(), 1_000, "each of 500 twice");
        assert!(of(0).count().abs_diff(3_000) < 250, "{}", of(0).count());
        assert!(of(0).all(|request| request.asking.user == request.user && request.user < 1_000));
        assert!(of(1).all(|request| request.asking.user == request.user + 1_000));

        let region = |name| scenario.regions.iter().position(|region| region == name).unwrap();
        let in_region = |population, name| {
            let region = u16::try_from(region(name)).unwrap();
            of(population).filter(|request| request.asking.region == region).count()
        };
        assert_eq!(in_region(0, "asia") + in_region(1, "eu"), 0);
        assert!(in_region(0, "us") > 1_000 && in_region(1, "us") > 300);
    }
}
