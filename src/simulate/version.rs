//! How a version behaves: how long it takes, and when it fails.

use std::ops::Range;
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::population::Draw;

/// How a version answers.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    /// `None` is not measured.
    pub latency: Option<Latency>,
    /// The share of requests that fail at any time, 0 to 1.
    pub error_rate: f64,
    pub failures: Vec<Failure>,
    /// When it is stopped: whoever asks is refused at once.
    pub stopped: Vec<Range<Duration>>,
}

/// A log-normal distribution, which latencies of services are near: told by what half of
/// the requests, and all but one in a hundred, stay below.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    ln_median_us: f64,
    sigma: f64,
}

/// A time in which a version fails otherwise than by itself.
#[derive(Debug, Clone)]
pub struct Failure {
    pub during: Range<Duration>,
    pub error_rate: f64,
    /// What of latency becomes so much longer.
    pub slowdown: f64,
    pub per: FailurePer,
    /// The number of the only region where it happens.
    pub region: Option<usize>,
}

/// Which requests fail together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailurePer {
    /// None: each may.
    Request,
    /// Those of a user: some have it always, others never.
    User,
}

impl Latency {
    /// `None` unless 0 < `median` ≤ `p99`.
    pub fn new(median: Duration, p99: Duration) -> Option<Self> {
        /// The normal distribution's quantile of 0.99.
        const NORMAL_P99: f64 = 2.326_347_874_040_841;
        let ln_us = |duration: Duration| libm::log(duration.as_secs_f64() * 1e6);
        let sigma = (ln_us(p99) - ln_us(median)) / NORMAL_P99;
        let fits = !median.is_zero() && p99 >= median;
        fits.then(|| Self { ln_median_us: ln_us(median), sigma })
    }

    fn draw_us(&self, draw: &mut Draw) -> f64 {
        libm::exp(self.ln_median_us + self.sigma * draw.normal())
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) failed: bool,
    /// In microseconds; 0 is not measured.
    pub(super) latency_us: u64,
}

/// Who asks, when and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking {
    pub(super) at_us: u64,
    pub(super) user: u32,
    pub(super) region: u16,
    /// Uniform from 0 to 1: the same request is as lucky under each rule.
    pub(super) luck: f64,
}

impl Behaviour {
    /// Whether chance has a part in it.
    pub(super) fn needs_luck(&self) -> bool {
        self.error_rate > 0.0 || !self.failures.is_empty()
    }

    #[inline]
    fn is_stopped(&self, at_us: u64) -> bool {
        !self.stopped.is_empty() && {
            let at = Duration::from_micros(at_us);
            self.stopped.iter().any(|during| during.contains(&at))
        }
    }

    /// Whether a request fails. `seed` is that of who is unlucky.
    #[inline]
    fn fails(&self, asking: &Asking, version: u8, seed: u64) -> bool {
        if asking.luck < self.error_rate {
            return true;
        }
        if self.failures.is_empty() {
            return false;
        }
        self.failures_now(asking).any(|(number, failure)| match failure.per {
            FailurePer::Request => asking.luck < failure.error_rate,
            FailurePer::User => {
                luck_of_user(seed, asking.user, version, number) < failure.error_rate
            }
        })
    }

    /// An answer whose latency is not measured.
    #[inline]
    pub(super) fn answer_untimed(&self, asking: &Asking, version: u8, seed: u64) -> Answer {
        let failed = self.is_stopped(asking.at_us) || self.fails(asking, version, seed);
        Answer { failed, latency_us: 0 }
    }

    /// An answer, and how long it takes; who is refused is not measured.
    #[inline]
    pub(super) fn answer(
        &self,
        asking: &Asking,
        version: u8,
        seed: u64,
        draw: &mut Draw,
    ) -> Answer {
        let Some(latency) = self.latency.filter(|_| !self.is_stopped(asking.at_us)) else {
            return self.answer_untimed(asking, version, seed);
        };
        let slowdown = if self.failures.is_empty() {
            1.0
        } else {
            self.failures_now(asking).map(|(_, failure)| failure.slowdown).product()
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a latency is positive, and a cast saturates"
        )]
        let latency_us = (latency.draw_us(draw) * slowdown) as u64;
        Answer { failed: self.fails(asking, version, seed), latency_us: latency_us.max(1) }
    }

    fn failures_now(&self, asking: &Asking) -> impl Iterator<Item = (usize, &Failure)> {
        let (at, region) = (Duration::from_micros(asking.at_us), usize::from(asking.region));
        self.failures.iter().enumerate().filter(move |(_, failure)| {
            failure.during.contains(&at) && failure.region.is_none_or(|only| only == region)
        })
    }
}

/// Uniform from 0 to 1, and always the same under one seed.
fn luck_of_user(seed: u64, user: u32, version: u8, failure: usize) -> f64 {
    let of_failure = seed ^ (u64::from(version) << 32 | failure as u64);
    Draw::new(xxh3_64_with_seed(&user.to_le_bytes(), of_failure)).unit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(minute: u64, user: u32, luck: f64) -> Asking {
        Asking { at_us: minute * 60_000_000, user, region: 0, luck }
    }

    fn minutes(range: Range<u64>) -> Range<Duration> {
        Duration::from_mins(range.start)..Duration::from_mins(range.end)
    }

    #[test]
    fn latencies_have_their_median_and_their_p99() {
        let latency = Latency::new(Duration::from_millis(20), Duration::from_millis(200)).unwrap();
        let mut draw = Draw::new(7);
        let mut drawn: Vec<f64> = (0..100_000).map(|_| latency.draw_us(&mut draw)).collect();
        drawn.sort_by(f64::total_cmp);
        assert!((drawn[50_000] / 20_000.0 - 1.0).abs() < 0.03, "{}", drawn[50_000]);
        assert!((drawn[99_000] / 200_000.0 - 1.0).abs() < 0.06, "{}", drawn[99_000]);
        assert!(Latency::new(Duration::from_millis(2), Duration::from_millis(1)).is_none());
        assert!(Latency::new(Duration::ZERO, Duration::from_millis(1)).is_none());
    }

    #[test]
    fn a_failure_has_its_time_and_its_region() {
        let failure = |per, region| Failure {
            during: minutes(20..40),
            error_rate: 0.5,
            slowdown: 1.0,
            per,
            region,
        };
        let fails = |failure, asking: Asking| {
            let behaviour = Behaviour { failures: vec![failure], ..Behaviour::default() };
            behaviour.answer_untimed(&asking, 1, 7).failed
        };
        let everywhere = || failure(FailurePer::Request, None);
        assert!(
            !fails(everywhere(), asking(19, 1, 0.4)) && fails(everywhere(), asking(20, 1, 0.4))
        );
        assert!(
            fails(everywhere(), asking(39, 1, 0.4)) && !fails(everywhere(), asking(40, 1, 0.4))
        );
        assert!(!fails(everywhere(), asking(30, 1, 0.6)));
        assert!(!fails(failure(FailurePer::Request, Some(1)), asking(30, 1, 0.4)));
    }

    #[test]
    fn what_fails_by_user_fails_for_the_same_always() {
        let during = minutes(0..60);
        let failure =
            Failure { during, error_rate: 0.3, slowdown: 1.0, per: FailurePer::User, region: None };
        let behaviour = Behaviour { failures: vec![failure], ..Behaviour::default() };
        let unlucky = |seed, minute, luck| -> Vec<u32> {
            let fails =
                |user: &u32| behaviour.answer_untimed(&asking(minute, *user, luck), 1, seed).failed;
            (0..10_000).filter(fails).collect()
        };
        let some = unlucky(1, 1, 0.0001);
        assert!(some.len().abs_diff(3_000) < 200, "{}", some.len());
        assert_eq!(some, unlucky(1, 50, 0.9));
        let others = unlucky(2, 1, 0.0001);
        let both = some.iter().filter(|user| others.contains(user)).count();
        // Independent: 900, and a deviation of 29.
        assert!(both.abs_diff(900) < 120, "{both}");
    }

    #[test]
    fn a_version_that_is_stopped_refuses_everybody_and_is_not_measured() {
        let latency = Latency::new(Duration::from_millis(20), Duration::from_millis(200));
        let stopped = vec![minutes(20..40)];
        let behaviour = Behaviour { latency, stopped, ..Behaviour::default() };
        let mut draw = Draw::new(1);
        let mut answer = |minute| behaviour.answer(&asking(minute, 1, 0.9), 1, 7, &mut draw);
        assert!(!answer(19).failed && answer(19).latency_us > 0);
        assert_eq!(answer(20), Answer { failed: true, latency_us: 0 });
        assert_eq!(answer(39), Answer { failed: true, latency_us: 0 });
        assert!(!answer(40).failed);
    }
}
