//! Whose turn it is.

use super::error::LoadError;
use super::plan::Users;
use crate::population::{Draw, KeyText, Population, PopulationError};

/// The requests of a population, as one thread draws them.
pub(super) struct Visits {
    population: Population,
    keys: KeyText,
    draw: Draw,
}

pub(super) fn population(users: &Users) -> Result<Population, LoadError> {
    of_users(users).map_err(|error| LoadError::Usage(format!("users: {error}")))
}

fn of_users(users: &Users) -> Result<Population, PopulationError> {
    let mut population = Population::new(users.count, users.seed)?
        .with_key_prefix(&users.key_prefix)?
        .with_exponent(users.exponent)?;
    if let Some((heavy, share)) = users.heavy {
        population = population.with_heavy(heavy, share)?;
    }
    if users.regions.is_empty() {
        return Ok(population);
    }
    let weights: Vec<_> = users.regions.iter().map(|&(_, weight)| weight).collect();
    population.with_regions(&weights)
}

impl Visits {
    pub(super) fn new(population: Population, thread: u64) -> Self {
        let draw = Draw::of(population.seed(), &format!("load thread {thread}"));
        Self { keys: population.keys(), population, draw }
    }

    /// The number of the next user, whose key is written, and of the region.
    #[inline]
    pub(super) fn next(&mut self, key: &mut Vec<u8>) -> (usize, usize) {
        let user = self.population.draw(&mut self.draw);
        key.clear();
        key.extend_from_slice(self.keys.of(user));
        let region = self.population.region_of(user);
        (usize::try_from(user).expect("users are fewer than a run may have"), region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_one_key_and_one_region() {
        let regions = vec![("eu".to_owned(), 3.0), ("cn".to_owned(), 1.0)];
        let users = Users { exponent: 1.0, regions, ..Users::alike(50) };
        let mut visits = Visits::new(population(&users).unwrap(), 0);
        let mut keys = vec![None; 50];
        let mut key = Vec::new();
        for _ in 0..1_000 {
            let (user, region) = visits.next(&mut key);
            assert!(region < 2);
            let seen = (key.clone(), region);
            assert_eq!(*keys[user].get_or_insert_with(|| seen.clone()), seen);
        }
        assert!(keys[0].is_some());
        assert!(keys.iter().flatten().any(|(_, region)| *region == 1));
    }
}
