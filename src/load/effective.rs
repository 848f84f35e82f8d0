//! What requests of which some users send many say about a share.

use crate::population::Population;

/// Of a population, the sum of the squares of how likely a request is each user's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effective {
    squares: f64,
}

impl Effective {
    pub(super) fn of(population: &Population) -> Self {
        Self { squares: population.same_user() }
    }

    /// How many users of one request each would say as much about a share as `requests` of
    /// this population.
    ///
    /// A request is user i's with probability w, so the share of a version varies by
    /// p(1−p)·(Σw²·(1−1/n) + 1/n) over all placements of the users.
    pub(super) fn requests(self, requests: u64) -> u64 {
        if requests == 0 {
            return 0;
        }
        #[expect(clippy::cast_precision_loss, reason = "requests are far below 2^52")]
        let requests = requests as f64;
        let variance = self.squares * (1.0 - 1.0 / requests) + 1.0 / requests;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 1 to the number of requests"
        )]
        let effective = (1.0 / variance).round() as u64;
        effective
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Users;
    use super::super::visits::population;
    use super::*;

    fn effective(count: u64, exponent: f64, heavy: Option<(u64, f64)>, requests: u64) -> u64 {
        let users = Users { exponent, heavy, ..Users::alike(count) };
        Effective::of(&population(&users).unwrap()).requests(requests)
    }

    #[test]
    fn users_who_ask_often_say_less_about_a_share() {
        // One user is one observation, however often he asks.
        assert_eq!(effective(1, 1.0, None, 1_000), 1);
        // Of very many who are alike, each request is another user's.
        let of_many = effective(100_000_000, 0.0, None, 1_000);
        assert!((999..=1_000).contains(&of_many), "{of_many}");
        // 1/(1/10 + 9/10/10) of ten requests among ten.
        assert_eq!(effective(10, 0.0, None, 10), 5);
        // Of 10,000 by Zipf: 1/(1.6448/9.7876² + …) of many.
        let of_zipf = effective(10_000, 1.0, None, 1_000_000_000);
        assert!((57..=59).contains(&of_zipf), "{of_zipf}");
        assert_eq!(effective(10, 0.0, None, 0), 0);
        // One makes half of all: 1/(1/4 + 1/4/1000).
        assert_eq!(effective(1_001, 0.0, Some((1, 0.5)), 1_000_000_000), 4);
        // And 100 who make all are as good as 100.
        assert_eq!(effective(1_001, 0.0, Some((100, 1.0)), 1_000_000_000), 100);
    }
}
