//! Who moves at a deployment: users are asked for their versions before and after.

use std::ops::Range;

use super::rules::Chooser;
use super::traffic::Populations;
use crate::population::{Draw, Population};
use crate::stats::ratio;

/// Of others' rules, whose hashes take longer, so many users are asked where there are more: a
/// share of them is off by at most 0.15 % with a probability of 99.7 %.
pub(super) const FOREIGN_USERS_MAX: u64 = 1_000_000;

/// How many users move, and of how many that were asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    pub moved: u64,
    pub of: u64,
}

impl Moved {
    pub fn share(self) -> f64 {
        ratio(self.moved, self.of)
    }
}

/// How many users of a population are asked, who are `users` of `all`: everybody, or its part
/// of `users_max`, rounded up.
pub(super) fn asked(users: u64, all: u64, users_max: u64) -> u64 {
    if all <= users_max {
        return users;
    }
    let part = (u128::from(users) * u128::from(users_max)).div_ceil(u128::from(all));
    u64::try_from(part).unwrap_or(u64::MAX)
}

/// The users of a population who are asked: all of them in turn, or so many that are drawn,
/// each from all of them.
#[derive(Debug, Clone, Copy)]
struct Sample {
    users: u64,
    asked: u64,
    seed: u64,
}

impl Sample {
    /// The same whoever asks for it, so that cores may share the work.
    #[inline]
    const fn user(self, number: u64) -> u64 {
        if self.asked == self.users {
            return number;
        }
        Draw::new(self.seed.wrapping_add(number)).below(self.users)
    }
}

/// Who moves at each of several deployments, of which `choosers` say who gets what: `None` for
/// the first, and where the key decides nothing. Counted on so many `cores`; a sum is the same
/// in any order.
pub(super) fn moved(
    populations: &Populations,
    users_max: u64,
    cores: usize,
    choosers: &[Option<Chooser>],
) -> Vec<Option<Moved>> {
    let poll = Poll::new(choosers);
    let mut all = Moved::default();
    let mut moved = poll.moved.clone();
    let there_are = populations.iter().map(Population::users).sum();
    for population in populations.iter() {
        let (keys, users) = (population.keys(), population.users());
        let asked = asked(users, there_are, users_max);
        let whom = Sample { users, asked, seed: Draw::of(population.seed(), "census").bits() };
        let part = asked.div_ceil(cores as u64).max(1);
        let count = |numbers: Range<u64>| {
            let (mut keys, mut poll) = (keys.clone(), poll.clone());
            numbers.for_each(|number| poll.ask(keys.of(whom.user(number))));
            poll.moved
        };
        std::thread::scope(|scope| {
            let starts = (0..cores as u64).map(|number| number * part);
            let parts: Vec<_> = starts
                .take_while(|start| *start < asked)
                .map(|start| scope.spawn(move || count(start..(start + part).min(asked))))
                .collect();
            for part in parts {
                let of_part = part.join().expect("counting does not panic");
                moved.iter_mut().zip(of_part).for_each(|(sum, more)| *sum += more);
            }
        });
        all.of += asked;
    }
    let told = (0..)
        .zip(moved)
        .map(|(number, moved)| poll.is_told(number).then_some(Moved { moved, ..all }));
    told.collect()
}

/// Asks one user after the other for the versions of all deployments, so that a key is written
/// and placed once.
#[derive(Clone)]
struct Poll {
    choosers: Vec<Option<Chooser>>,
    /// How many have another version than at the deployment before.
    moved: Vec<u64>,
}

impl Poll {
    fn new(choosers: &[Option<Chooser>]) -> Self {
        Self { choosers: choosers.to_vec(), moved: vec![0; choosers.len()] }
    }

    #[inline]
    fn ask(&mut self, key: &[u8]) {
        let (mut known, mut before) = (None, None);
        for (chooser, moved) in self.choosers.iter_mut().zip(&mut self.moved) {
            let version = chooser.as_mut().map(|chooser| chooser.choose_again(key, &mut known));
            if let (Some(before), Some(version)) = (before, version) {
                *moved += u64::from(before != version);
            }
            before = version;
        }
    }

    /// Whether the key decides at deployment `number`, and did at the one before.
    fn is_told(&self, number: usize) -> bool {
        let is_by_key = |number: usize| self.choosers[number].is_some();
        number > 0 && is_by_key(number - 1) && is_by_key(number)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scenario;
    use super::*;

    const THREE_USERS_TWICE: &str = r#"
title = "small"
length = "1h"
[[population]]
users = 3
requests_per_user = 1
[[population]]
users = 4_000
key_prefix = "bot-"
requests_per_user = 1
[[version]]
code_version = "1"
[[deployment]]
at = "0s"
code_versions = [{ code_version = "1", percentage = 100 }]
"#;

    #[test]
    fn every_user_is_asked_once_even_where_there_are_fewer_than_cores() {
        let scenario = Scenario::parse(THREE_USERS_TWICE).unwrap();
        let populations = Populations::new(&scenario);
        let choosers = [Some(0), Some(1), Some(1), None, Some(0)].map(|it| it.map(Chooser::Only));
        let (all, none) = (Moved { moved: 4_003, of: 4_003 }, Moved { moved: 0, of: 4_003 });
        for cores in [1, 2, 7] {
            let moved = moved(&populations, u64::MAX, cores, &choosers);
            assert_eq!(moved, [None, Some(all), Some(none), None, None]);
        }
    }

    #[test]
    fn populations_have_their_parts_of_a_sample() {
        assert_eq!([3, 4_000].map(|users| asked(users, 4_003, 4_003)), [3, 4_000]);
        assert_eq!([3, 4_000].map(|users| asked(users, 4_003, 100)), [1, 100]);
        assert_eq!(asked(1_000, 3_000, 100), 34);
        let scenario = Scenario::parse(THREE_USERS_TWICE).unwrap();
        let populations = Populations::new(&scenario);
        let choosers = [0, 1].map(|version| Some(Chooser::Only(version)));
        for cores in [1, 2, 7] {
            let found = moved(&populations, 100, cores, &choosers);
            assert_eq!(found, [None, Some(Moved { moved: 101, of: 101 })]);
        }
    }

    /// Not the first ones: those with few digits, who may be the most active.
    #[test]
    fn a_sample_is_drawn_from_all_users() {
        let sample = |seed| Sample { users: 1_000, asked: 600, seed };
        let drawn = |seed| (0..600).map(|number| sample(seed).user(number)).collect::<Vec<_>>();
        let tenth = |user: u64| usize::try_from(user / 100).unwrap();
        let mut counts = [0_u32; 10];
        for user in drawn(1) {
            counts[tenth(user)] += 1;
        }
        // 60 each, and a deviation of 7.3.
        assert!(counts.iter().all(|count| count.abs_diff(60) < 33), "{counts:?}");
        assert_ne!(drawn(1), drawn(2));
        let all = Sample { asked: 1_000, ..sample(1) };
        assert!((0..1_000).all(|number| all.user(number) == number));
    }
}
