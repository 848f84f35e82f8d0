//! Who asks when.

use std::time::Duration;

use super::draw::Draw;
use super::rhythm::{Course, Rhythm};
use super::users::Population;

/// A user's request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Microseconds since the beginning.
    pub at_us: u64,
    pub user: u64,
    /// The number of the user's region.
    pub region: usize,
}

/// How much is asked in all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// So many requests are to be expected, each by a user who is drawn, at a time that
    /// knows nothing of the others': a Poisson process whose rate follows the rhythm.
    Random { requests: f64 },
    /// Each user asks so many times, all of them once before anybody does again, at equal
    /// steps of the rhythm. Nobody is more active than others.
    Rounds(u64),
}

/// The requests of a population, in order of time.
#[derive(Debug, Clone)]
pub struct Arrivals<'p> {
    population: &'p Population,
    course: Course,
    order: Order,
}

#[derive(Debug, Clone)]
enum Order {
    Random { draw: Draw, expected: f64 },
    Rounds(Rounds),
}

impl<'p> Arrivals<'p> {
    pub fn new(population: &'p Population, rhythm: &Rhythm, length: Duration, pace: Pace) -> Self {
        let (requests, order) = match pace {
            Pace::Random { requests } => {
                let draw = Draw::of(population.seed(), "arrivals");
                (requests.max(0.0), Order::Random { draw, expected: 0.0 })
            }
            Pace::Rounds(rounds) => {
                let rounds = Rounds::new(population, rounds);
                (rounds.requests(), Order::Rounds(rounds))
            }
        };
        Self { population, course: rhythm.course(length, requests), order }
    }
}

impl Iterator for Arrivals<'_> {
    type Item = Arrival;

    #[inline]
    fn next(&mut self) -> Option<Arrival> {
        let (at_us, user) = match &mut self.order {
            Order::Random { draw, expected } => {
                // The time of the next event of a Poisson process of rate 1, read off the
                // rhythm's own clock (Çinlar, Introduction to Stochastic Processes, 4.7).
                *expected += draw.exponential();
                (self.course.at(*expected)?, self.population.draw(draw))
            }
            Order::Rounds(rounds) => {
                let user = rounds.next()?;
                #[expect(clippy::cast_precision_loss, reason = "nobody waits for 2^52 requests")]
                let middle_of_step = rounds.taken as f64 - 0.5;
                (self.course.at(middle_of_step)?, user)
            }
        };
        Some(Arrival { at_us, user, region: self.population.region_of(user) })
    }
}

/// Every user once, then every user again in another order.
///
/// A round counts through the least power of two that holds all users, and shuffles each
/// number by steps that can be undone: so it meets each once, and those who are no user are
/// passed over.
#[derive(Debug, Clone)]
struct Rounds {
    users: u64,
    left: u64,
    draw: Draw,
    shuffle: Shuffle,
    /// Through the power of two, of this round.
    next: u64,
    taken: u64,
}

impl Rounds {
    fn new(population: &Population, rounds: u64) -> Self {
        let mut draw = Draw::of(population.seed(), "rounds");
        let users = population.users();
        let shuffle = Shuffle::draw(users, &mut draw);
        Self { users, left: rounds, draw, shuffle, next: 0, taken: 0 }
    }

    #[expect(clippy::cast_precision_loss, reason = "nobody waits for 2^52 requests")]
    fn requests(&self) -> f64 {
        self.users as f64 * self.left as f64
    }
}

impl Iterator for Rounds {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        loop {
            if self.left == 0 {
                return None;
            }
            let user = self.shuffle.of(self.next);
            if self.next < self.shuffle.mask {
                self.next += 1;
            } else {
                self.next = 0;
                self.left -= 1;
                self.shuffle = Shuffle::draw(self.users, &mut self.draw);
            }
            if user < self.users {
                self.taken += 1;
                return Some(user);
            }
        }
    }
}

/// A bijection of the numbers up to `mask`, which is a power of two less 1: products with
/// odd numbers and shifted exclusive ors, each of which can be undone.
#[derive(Debug, Clone)]
struct Shuffle {
    mask: u64,
    shift: u32,
    odd: [u64; 3],
    start: u64,
}

impl Shuffle {
    fn draw(users: u64, draw: &mut Draw) -> Self {
        let mask = users.next_power_of_two() - 1;
        let shift = (mask.count_ones() / 2).max(1);
        Self { mask, shift, odd: [(); 3].map(|()| draw.bits() | 1), start: draw.bits() }
    }

    #[inline]
    fn of(&self, number: u64) -> u64 {
        self.odd.iter().fold(number.wrapping_add(self.start) & self.mask, |number, odd| {
            let number = number.wrapping_mul(*odd) & self.mask;
            number ^ (number >> self.shift)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn random(population: &Population, rhythm: &Rhythm, requests: f64) -> Vec<Arrival> {
        Arrivals::new(population, rhythm, DAY, Pace::Random { requests }).collect()
    }

    /// What a seed gives never changes: whoever kept a scenario gets the numbers it gave.
    #[test]
    fn a_seed_gives_these_arrivals_for_ever() {
        let population = Population::new(1_000_000, 42).unwrap().with_exponent(1.1).unwrap();
        let population = population.with_heavy(3, 0.1).unwrap();
        let population = population.with_regions(&[5.0, 3.0, 2.0]).unwrap();
        let rhythm = Rhythm::of_day(&[1.0, 4.0, 2.0]).unwrap();
        let arrivals = random(&population, &rhythm, 1e6);
        let told = |arrival: &Arrival| (arrival.at_us, arrival.user, arrival.region);
        let first: Vec<_> = arrivals.iter().take(5).map(told).collect();
        let rounds = Arrivals::new(&population, &rhythm, DAY, Pace::Rounds(1));
        let round: Vec<_> = rounds.take(3).map(|arrival| told(&arrival)).collect();
        assert_eq!(
            first,
            [
                (336_648, 24, 0),
                (408_569, 3, 0),
                (765_302, 494, 2),
                (973_680, 3, 0),
                (1_041_605, 5, 2)
            ]
        );
        let last = arrivals.last().map(told);
        assert_eq!((arrivals.len(), last), (999_946, Some((86_399_725_039, 351, 0))));
        assert_eq!(round, [(100_800, 688_072, 0), (302_400, 365_360, 0), (504_000, 944_162, 1)]);
    }

    #[test]
    fn arrivals_are_in_order_and_follow_the_rhythm() {
        let population = Population::new(10_000, 1).unwrap();
        let rhythm = Rhythm::of_day(&[1.0, 0.0, 3.0]).unwrap();
        let arrivals = random(&population, &rhythm, 100_000.0);
        assert!(arrivals.is_sorted_by_key(|arrival| arrival.at_us));
        // Their number has a deviation of 316, the hours' numbers of 158 and 274.
        assert!(arrivals.len().abs_diff(100_000) < 1_300, "{}", arrivals.len());
        let mut by_slot = [0_usize; 3];
        for arrival in &arrivals {
            by_slot[usize::try_from(arrival.at_us / (8 * 3_600_000_000)).unwrap()] += 1;
        }
        assert!(by_slot[0].abs_diff(25_000) < 700, "{by_slot:?}");
        assert_eq!(by_slot[1], 0);
    }

    #[test]
    fn gaps_are_those_of_a_poisson_process() {
        let population = Population::new(10, 1).unwrap();
        let arrivals = random(&population, &Rhythm::even(), 100_000.0);
        let mean_us = 864_000.0;
        let gaps = arrivals.windows(2).map(|pair| pair[1].at_us - pair[0].at_us);
        #[expect(clippy::cast_precision_loss, reason = "a gap is far below 2^52")]
        let above_mean = gaps.filter(|gap| *gap as f64 > mean_us).count();
        // 1/e of them, and a deviation of 152.
        assert!(above_mean.abs_diff(36_788) < 700, "{above_mean}");
    }

    #[test]
    fn in_rounds_each_user_asks_once_before_anybody_does_again() {
        for users in [1, 2, 7, 1_000, 1_024] {
            let population = Population::new(users, 5).unwrap();
            let pace = Pace::Rounds(3);
            let arrivals: Vec<_> = Arrivals::new(&population, &Rhythm::even(), DAY, pace).collect();
            let users = usize::try_from(users).unwrap();
            assert_eq!(arrivals.len(), 3 * users);
            assert!(arrivals.is_sorted_by_key(|arrival| arrival.at_us));
            for round in arrivals.chunks(users) {
                let mut asked: Vec<_> = round.iter().map(|arrival| arrival.user).collect();
                asked.sort_unstable();
                assert!(asked.into_iter().eq(0..users as u64));
            }
        }
    }

    /// Neighbours in number are none in time: pairs of one parity are as many as others.
    #[test]
    fn the_order_of_a_round_tells_nothing_of_numbers() {
        let population = Population::new(100_000, 5).unwrap();
        let arrivals = Arrivals::new(&population, &Rhythm::even(), DAY, Pace::Rounds(1));
        let users: Vec<u64> = arrivals.map(|arrival| arrival.user).collect();
        for modulus in [2, 10] {
            let alike = users.windows(2).filter(|pair| pair[0] % modulus == pair[1] % modulus);
            let (alike, due) = (alike.count() as u64, 100_000 / modulus);
            // A deviation is at most 158.
            assert!(alike.abs_diff(due) < 700, "modulo {modulus}: {alike}");
        }
    }

    #[test]
    fn rounds_are_spread_evenly_and_end_in_time() {
        let population = Population::new(4, 5).unwrap();
        let arrivals = Arrivals::new(&population, &Rhythm::even(), DAY, Pace::Rounds(6));
        let hours: Vec<_> = arrivals.map(|arrival| arrival.at_us / 1_800_000_000).collect();
        // In the middle of each of 24 hours.
        assert!(hours.into_iter().eq((0..24).map(|hour| 2 * hour + 1)));
    }

    #[test]
    fn nothing_is_asked_where_nothing_is_to_be_expected() {
        let population = Population::new(4, 5).unwrap();
        for pace in [Pace::Random { requests: 0.0 }, Pace::Rounds(0)] {
            let arrivals = Arrivals::new(&population, &Rhythm::even(), DAY, pace);
            assert_eq!(arrivals.count(), 0, "{pace:?}");
        }
    }
}
