//! How busy the hours of a day are.

use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

/// Rates over a day, which repeats: slots of one length, each with a weight in proportion
/// to its rate.
#[derive(Debug, Clone, PartialEq)]
pub struct Rhythm {
    weights: Vec<f64>,
    slot_us: f64,
}

impl Rhythm {
    /// The same at any time.
    pub fn even() -> Self {
        Self { weights: vec![1.0], slot_us: micros(DAY) }
    }

    /// A day of as many slots as there are weights, for instance 24. `None` if one is
    /// negative, or all are nothing.
    pub fn of_day(weights: &[f64]) -> Option<Self> {
        let total: f64 = weights.iter().sum();
        let fits = weights.iter().all(|&weight| weight >= 0.0);
        #[expect(clippy::cast_precision_loss, reason = "there are few slots")]
        let slot_us = micros(DAY) / weights.len() as f64;
        (fits && total > 0.0 && total.is_finite())
            .then(|| Self { weights: weights.to_vec(), slot_us })
    }

    /// The rhythm for `length`, in which `requests` are to be expected.
    pub(super) fn course(&self, length: Duration, requests: f64) -> Course {
        let length_us = micros(length);
        let ends = (1_u32..).map(|number| (f64::from(number) * self.slot_us).min(length_us));
        let (mut stretches, mut start_us, mut before) = (Vec::new(), 0.0, 0.0);
        for (end_us, weight) in ends.zip(self.weights.iter().cycle()) {
            if start_us >= length_us {
                break;
            }
            stretches.push(Stretch { start_us, before, rate: *weight });
            before += (end_us - start_us) * weight;
            start_us = end_us;
        }
        let per_weight = if before > 0.0 { requests / before } else { 0.0 };
        for stretch in &mut stretches {
            stretch.before *= per_weight;
            stretch.rate *= per_weight;
        }
        let requests = if before > 0.0 { requests } else { 0.0 };
        let last_us = u64::try_from(length.as_micros()).unwrap_or(u64::MAX).saturating_sub(1);
        Course { stretches, at: 0, requests, last_us }
    }
}

/// Time, told by how many requests are to be expected until then.
#[derive(Debug, Clone)]
pub(super) struct Course {
    stretches: Vec<Stretch>,
    at: usize,
    requests: f64,
    /// Rounding must not lead out of time.
    last_us: u64,
}

/// A time of one rate.
#[derive(Debug, Clone)]
struct Stretch {
    start_us: f64,
    /// Requests to be expected until it starts.
    before: f64,
    /// Requests in a microsecond.
    rate: f64,
}

impl Course {
    /// The microsecond before which so many requests are to be expected; `None` when time
    /// is over until then. What is asked for never falls from one call to the next.
    #[inline]
    pub(super) fn at(&mut self, requests: f64) -> Option<u64> {
        if requests >= self.requests {
            return None;
        }
        while self.stretches.get(self.at + 1).is_some_and(|next| next.before <= requests) {
            self.at += 1;
        }
        let stretch = &self.stretches[self.at];
        // A stretch of no rate ends where it begins in requests, and was passed.
        let since_us = (requests - stretch.before) / stretch.rate;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a time is not negative, and a cast saturates"
        )]
        let at_us = (stretch.start_us + since_us) as u64;
        Some(at_us.min(self.last_us))
    }
}

#[expect(clippy::cast_precision_loss, reason = "285 years of microseconds are below 2^53")]
fn micros(duration: Duration) -> f64 {
    duration.as_micros() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_US: u64 = 3_600_000_000;

    #[test]
    fn a_day_repeats_and_ends_where_it_is_told_to() {
        let rhythm = Rhythm::of_day(&[1.0, 3.0]).unwrap();
        // 12 h at 1, 12 h at 3, 6 h at 1: 54 hours of weight.
        let mut course = rhythm.course(Duration::from_hours(30), 54.0);
        let at = |hours: u64| Some(hours * HOUR_US);
        assert_eq!(course.at(0.0), at(0));
        assert_eq!(course.at(6.0), at(6));
        assert_eq!(course.at(12.0), at(12));
        assert_eq!(course.at(30.0), at(18));
        assert_eq!(course.at(51.0), at(27));
        assert_eq!(course.at(54.0), None, "30 h is the end");
    }

    #[test]
    fn hours_of_nothing_are_passed_over() {
        let rhythm = Rhythm::of_day(&[0.0, 1.0, 0.0]).unwrap();
        let mut course = rhythm.course(Duration::from_hours(24), 8.0);
        assert_eq!(course.at(0.0), Some(8 * HOUR_US));
        assert_eq!(course.at(4.0), Some(12 * HOUR_US));
        assert!(course.at(7.999).is_some_and(|at| at < 16 * HOUR_US));
        assert_eq!(course.at(8.0), None);
        // Over before the day's requests begin.
        assert_eq!(rhythm.course(Duration::from_hours(8), 8.0).at(0.0), None);
    }

    #[test]
    fn a_rhythm_has_rates() {
        for weights in [&[] as &[f64], &[0.0], &[-1.0, 2.0], &[f64::NAN], &[f64::INFINITY]] {
            assert_eq!(Rhythm::of_day(weights), None, "{weights:?}");
        }
    }
}
