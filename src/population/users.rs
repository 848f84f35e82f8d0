//! Who the users are.

use super::draw::{Draw, mix};
use super::key::{KEY_PREFIX_MAX_BYTES, KeyText};
use super::zipf::Zipf;

/// More than there are people.
pub const USERS_MAX: u64 = 100_000_000_000;

/// Users by number, from 0: the lower the number, the more active. Nothing is kept of a
/// user, so ten million cost what ten do.
#[derive(Debug, Clone)]
pub struct Population {
    users: u64,
    seed: u64,
    key_prefix: String,
    /// Of those who are not heavy.
    activity: Zipf,
    heavy: Heavy,
    /// Where a user's place, uniform over `u64`, ends to be in each region but the last.
    region_ends: Vec<u64>,
    region_seed: u64,
}

/// The first users, who make so much of all requests, alike among each other.
#[derive(Debug, Clone, Copy)]
struct Heavy {
    users: u64,
    share: f64,
}

/// Why there is no such population.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PopulationError {
    #[error("must have from 1 to {USERS_MAX} users")]
    Users,
    #[error(
        "a key's prefix must have at most {KEY_PREFIX_MAX_BYTES} bytes, all of them visible ASCII"
    )]
    Prefix,
    #[error("the exponent must be a number from 0 to 10")]
    Exponent,
    #[error("heavy users must be fewer than all, and make a share of the requests from 0 to 1")]
    Heavy,
    #[error("the shares of regions must be numbers above 0")]
    Regions,
}

impl Population {
    /// Users who are all alike, named `user-0`, `user-1` and so on, in one region.
    pub fn new(users: u64, seed: u64) -> Result<Self, PopulationError> {
        if !(1..=USERS_MAX).contains(&users) {
            return Err(PopulationError::Users);
        }
        Ok(Self {
            users,
            seed,
            key_prefix: "user-".to_owned(),
            activity: Zipf::new(users, 0.0).ok_or(PopulationError::Users)?,
            heavy: Heavy { users: 0, share: 0.0 },
            region_ends: Vec::new(),
            region_seed: Draw::of(seed, "regions").bits(),
        })
    }

    /// Keys that begin like this, for instance to have users of two populations differ.
    pub fn with_key_prefix(mut self, prefix: &str) -> Result<Self, PopulationError> {
        if prefix.len() > KEY_PREFIX_MAX_BYTES || !prefix.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(PopulationError::Prefix);
        }
        prefix.clone_into(&mut self.key_prefix);
        Ok(self)
    }

    /// Users of whom number `n` is 1/(n+1)^exponent as active as the first.
    pub fn with_exponent(mut self, exponent: f64) -> Result<Self, PopulationError> {
        let ranks = self.activity.ranks();
        self.activity = Zipf::new(ranks, exponent).ok_or(PopulationError::Exponent)?;
        Ok(self)
    }

    /// The first `users` make a `share` of all requests, 0 to 1; the rest is the others'.
    pub fn with_heavy(mut self, users: u64, share: f64) -> Result<Self, PopulationError> {
        if users == 0 || users >= self.users || !(0.0..=1.0).contains(&share) {
            return Err(PopulationError::Heavy);
        }
        let exponent = self.activity.exponent();
        self.activity = Zipf::new(self.users - users, exponent).ok_or(PopulationError::Heavy)?;
        self.heavy = Heavy { users, share };
        Ok(self)
    }

    /// Users who are in regions in proportion to `weights`, each in one and always there.
    pub fn with_regions(mut self, weights: &[f64]) -> Result<Self, PopulationError> {
        let total: f64 = weights.iter().sum();
        let whole = weights.iter().all(|&weight| weight > 0.0) && total.is_finite();
        let Some((_, but_last)) = weights.split_last().filter(|_| whole) else {
            return Err(PopulationError::Regions);
        };
        let mut below = 0.0;
        let ends = but_last.iter().map(|weight| {
            below += weight / total;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of 2^64 fits; a cast saturates"
            )]
            let end = (below * 18_446_744_073_709_551_616.0) as u64;
            end
        });
        self.region_ends = ends.collect();
        Ok(self)
    }

    pub const fn users(&self) -> u64 {
        self.users
    }

    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The user of the next request.
    #[inline]
    pub fn draw(&self, draw: &mut Draw) -> u64 {
        if self.heavy.users > 0 && draw.happens(self.heavy.share) {
            draw.below(self.heavy.users)
        } else {
            self.heavy.users + self.activity.draw(draw) - 1
        }
    }

    /// How likely two requests are of one user.
    pub fn same_user(&self) -> f64 {
        let Heavy { users, share } = self.heavy;
        #[expect(clippy::cast_precision_loss, reason = "users are far below 2^52")]
        let of_heavy = if users > 0 { share * share / users as f64 } else { 0.0 };
        let rest = 1.0 - share;
        of_heavy + rest * rest * self.activity.same_rank()
    }

    /// Writes the keys of this population.
    pub fn keys(&self) -> KeyText {
        KeyText::new(&self.key_prefix)
    }

    /// The number of a user's region, in the order of the weights.
    #[inline]
    pub fn region_of(&self, user: u64) -> usize {
        if self.region_ends.is_empty() {
            return 0;
        }
        // Two steps, so that neighbours under one seed are none under the next.
        let place = mix(mix(user ^ self.region_seed).wrapping_add(self.region_seed));
        self.region_ends.iter().take_while(|end| place >= **end).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares_of_first(population: &Population, users: usize) -> Vec<f64> {
        let (draws, mut draw) = (200_000, Draw::new(42));
        let mut counts = vec![0; users + 1];
        for _ in 0..draws {
            let user = usize::try_from(population.draw(&mut draw)).unwrap();
            counts[user.min(users)] += 1;
        }
        counts.into_iter().map(|count| f64::from(count) / f64::from(draws)).collect()
    }

    #[test]
    fn users_are_alike_unless_they_are_said_not_to_be() {
        let shares = shares_of_first(&Population::new(4, 1).unwrap(), 4);
        assert!(shares[..4].iter().all(|share| (share - 0.25).abs() < 0.01), "{shares:?}");
        let uneven = Population::new(4, 1).unwrap().with_exponent(1.0).unwrap();
        // 1 + 1/2 + 1/3 + 1/4 = 25/12.
        let expected = [12.0, 6.0, 4.0, 3.0].map(|twelfths| twelfths / 25.0);
        let shares = shares_of_first(&uneven, 4);
        assert!(shares.iter().zip(expected).all(|(s, e)| (s - e).abs() < 0.01), "{shares:?}");
    }

    #[test]
    fn heavy_users_make_their_share_and_leave_the_rest_as_it_was() {
        for (exponent, second) in [(0.0, 0.48 / 1_000.0), (1.0, 0.48 / 7.4855)] {
            let population = Population::new(1_002, 1).unwrap().with_exponent(exponent).unwrap();
            let population = population.with_heavy(2, 0.52).unwrap();
            let shares = shares_of_first(&population, 3);
            assert!((shares[0] - 0.26).abs() < 0.01, "{shares:?}");
            assert!((shares[1] - 0.26).abs() < 0.01, "{shares:?}");
            assert!((shares[2] - second).abs() < 0.005, "{shares:?}");
        }
    }

    #[test]
    fn two_requests_are_of_one_user_as_often_as_activity_says() {
        let alike = Population::new(4, 1).unwrap();
        assert!((alike.same_user() - 0.25).abs() < 1e-12);
        let heavy = Population::new(4, 1).unwrap().with_heavy(2, 0.6).unwrap();
        // Two of 0.3, two of 0.2.
        assert!((heavy.same_user() - 0.26).abs() < 1e-12);
    }

    #[test]
    fn a_user_is_in_one_region_and_regions_have_their_shares() {
        let of = |seed| Population::new(100_000, seed).unwrap().with_regions(&[6.0, 3.0, 1.0]);
        let (population, other) = (of(1).unwrap(), of(2).unwrap());
        let mut counts = [0_u32; 3];
        let mut same = 0;
        for user in 0..100_000 {
            let region = population.region_of(user);
            assert_eq!(region, population.region_of(user));
            counts[region] += 1;
            same += u32::from(region == other.region_of(user));
        }
        for (count, expected) in counts.into_iter().zip([60_000_u32, 30_000, 10_000]) {
            assert!(count.abs_diff(expected) < 600, "{counts:?}");
        }
        // Independent: 0.36 + 0.09 + 0.01.
        assert!(same.abs_diff(46_000) < 700, "{same}");
        assert_eq!(Population::new(9, 1).unwrap().region_of(8), 0);
    }

    #[test]
    fn a_population_that_cannot_be_says_why() {
        let new = |users| Population::new(users, 1);
        let err = |population: Result<Population, _>| population.unwrap_err();
        assert_eq!(err(new(0)), PopulationError::Users);
        assert_eq!(err(new(USERS_MAX + 1)), PopulationError::Users);
        let ten = || new(10).unwrap();
        for prefix in ["a b", "é", "\n", &"x".repeat(KEY_PREFIX_MAX_BYTES + 1)] {
            assert_eq!(err(ten().with_key_prefix(prefix)), PopulationError::Prefix, "{prefix}");
        }
        assert!(ten().with_key_prefix("").is_ok());
        assert_eq!(err(ten().with_exponent(-1.0)), PopulationError::Exponent);
        for (users, share) in [(0, 0.1), (10, 0.1), (1, 1.1), (1, f64::NAN)] {
            assert_eq!(err(ten().with_heavy(users, share)), PopulationError::Heavy);
        }
        for weights in [&[] as &[f64], &[0.0, 1.0], &[-1.0], &[f64::NAN], &[f64::INFINITY]] {
            assert_eq!(err(ten().with_regions(weights)), PopulationError::Regions);
        }
    }
}
