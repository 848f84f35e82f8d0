//! Whose turn it is.

use crate::population::{Draw, KeyText, Population, PopulationError};

use super::plan::Users;

/// The requests of a population, as one thread draws them.
pub(super) struct Visits {
    population: Population,
    keys: KeyText,
    draw: Draw,
}

pub(super) fn population(users: Users) -> Result<Population, PopulationError> {
    Population::new(users.count, users.seed)?.with_exponent(users.exponent)
}

impl Visits {
    pub(super) fn new(population: Population, thread: u64) -> Self {
        let draw = Draw::of(population.seed(), &format!("load thread {thread}"));
        Self { keys: population.keys(), population, draw }
    }

    /// The number of the next user, whose key is written.
    #[inline]
    pub(super) fn next(&mut self, key: &mut Vec<u8>) -> usize {
        let user = self.population.draw(&mut self.draw);
        key.clear();
        key.extend_from_slice(self.keys.of(user));
        usize::try_from(user).expect("users are fewer than a run may have")
    }
}

/// How many users of one request each would say as much about a share as `requests` of
/// this population, in which some ask often.
///
/// A request is user i's with probability w, so the share of a version varies by
/// p(1−p)·(Σw²·(1−1/n) + 1/n) over all placements of the users.
pub(super) fn effective_requests(users: Users, requests: u64) -> u64 {
    /// As many are summed one by one; the rest are an integral.
    const SUMMED_MAX: u64 = 1_000_000;
    if requests == 0 {
        return 0;
    }
    #[expect(clippy::cast_precision_loss, reason = "users and requests are far below 2^52")]
    let (count, requests) = (users.count as f64, requests as f64);
    #[expect(clippy::cast_precision_loss, reason = "users are far below 2^52")]
    let sum = |power: f64| {
        let summed = users.count.min(SUMMED_MAX);
        let head: f64 = (1..=summed).map(|rank| (rank as f64).powf(-power)).sum();
        let (from, to) = (summed as f64 + 0.5, count + 0.5);
        let rest = if (power - 1.0).abs() < 1e-9 {
            (to / from).ln()
        } else {
            (to.powf(1.0 - power) - from.powf(1.0 - power)) / (1.0 - power)
        };
        head + rest
    };
    let squares = sum(2.0 * users.exponent) / sum(users.exponent).powi(2);
    let variance = squares * (1.0 - 1.0 / requests) + 1.0 / requests;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 1 to the number of requests"
    )]
    let effective = (1.0 / variance).round() as u64;
    effective
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(count: u64, exponent: f64) -> Users {
        Users { count, seed: 1, exponent }
    }

    #[test]
    fn a_user_has_one_key() {
        let population = population(users(50, 1.0)).unwrap();
        let mut visits = Visits::new(population, 0);
        let mut keys = vec![None; 50];
        let mut key = Vec::new();
        for _ in 0..1_000 {
            let user = visits.next(&mut key);
            assert_eq!(*keys[user].get_or_insert_with(|| key.clone()), key);
        }
        assert!(keys[0].is_some());
    }

    #[test]
    fn heavy_users_say_less_about_a_share() {
        // One user is one observation, however often he asks.
        assert_eq!(effective_requests(users(1, 1.0), 1_000), 1);
        // Of very many who are alike, each request is another user's.
        let of_many = effective_requests(users(100_000_000, 0.0), 1_000);
        assert!((999..=1_000).contains(&of_many), "{of_many}");
        // 1/(1/10 + 9/10/10) of ten requests among ten.
        assert_eq!(effective_requests(users(10, 0.0), 10), 5);
        // Of 10,000 by Zipf: 1/(1.6448/9.7876² + …) of many.
        let of_zipf = effective_requests(users(10_000, 1.0), 1_000_000_000);
        assert!((57..=59).contains(&of_zipf), "{of_zipf}");
        assert_eq!(effective_requests(users(10, 0.0), 0), 0);
    }
}
