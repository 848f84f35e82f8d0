//! When requests are due.

use std::time::Duration;

/// What is due later is never due: no run is so long.
const DUE_MAX_S: f64 = 1e10;

/// Requests a second: constant, or growing or falling in a straight line first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    pub from: f64,
    pub to: f64,
    /// How long the way from one to the other takes; after it, the rate stays.
    pub over: Duration,
}

impl Rate {
    /// When request number `count`, from 0, is due after the start.
    ///
    /// After `t` of a ramp from `a` to `b` over `T` the requests due are
    /// `a·t + (b − a)·t²/2T`, which is solved for `t` in the form that loses no digits
    /// where the ramp is nearly flat.
    pub(super) fn due(&self, count: u64) -> Duration {
        if count == 0 {
            return Duration::ZERO;
        }
        #[expect(clippy::cast_precision_loss, reason = "a run sends far fewer than 2^52")]
        let count = count as f64;
        let ramp_s = self.over.as_secs_f64();
        let of_ramp = f64::midpoint(self.from, self.to) * ramp_s;
        let due_s = if count < of_ramp {
            let slope = (self.to - self.from) / ramp_s;
            let root = (self.from * self.from + 2.0 * slope * count).max(0.0).sqrt();
            2.0 * count / (self.from + root)
        } else {
            ramp_s + (count - of_ramp) / self.to
        };
        Duration::from_secs_f64(due_s.clamp(0.0, DUE_MAX_S))
    }

    /// How many requests are due before `time` after the start.
    pub(super) fn count_before(&self, time: Duration) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "what a run has due is far below 2^52, and not negative"
        )]
        let mut count = self.due_within(time) as u64;
        // By the same rounding as each of them.
        while count > 0 && self.due(count - 1) >= time {
            count -= 1;
        }
        while self.due(count) < time {
            count += 1;
        }
        count
    }

    /// How many requests are due within `time` after the start, and parts of one.
    pub(super) fn due_within(&self, time: Duration) -> f64 {
        let (time_s, ramp_s) = (time.as_secs_f64(), self.over.as_secs_f64());
        let in_ramp = time_s.min(ramp_s);
        let slope = if ramp_s > 0.0 { (self.to - self.from) / ramp_s } else { 0.0 };
        self.from * in_ramp + slope * in_ramp * in_ramp / 2.0 + self.to * (time_s - ramp_s).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn constant(rate: f64) -> Rate {
        Rate { from: rate, to: rate, over: Duration::ZERO }
    }

    #[test]
    fn a_constant_rate_is_evenly_spaced() {
        let rate = constant(2_000.0);
        assert_eq!(rate.due(0), Duration::ZERO);
        assert_eq!(rate.due(1), Duration::from_micros(500));
        assert_eq!(rate.due(20_000), Duration::from_secs(10));
    }

    #[test]
    fn a_ramp_is_a_straight_line() {
        // Half of 100 + 300, for ten seconds.
        let rate = Rate { from: 100.0, to: 300.0, over: Duration::from_secs(10) };
        assert_eq!(rate.due(2_000), Duration::from_secs(10));
        assert_eq!(rate.due(2_300), Duration::from_secs(11));
        // 100·5 + 20·25/2
        assert_eq!(rate.due(750), Duration::from_secs(5));
        let falling = Rate { from: 300.0, to: 100.0, over: Duration::from_secs(10) };
        assert_eq!(falling.due(1_250), Duration::from_secs(5));
        let from_nothing = Rate { from: 0.0, to: 100.0, over: Duration::from_secs(2) };
        assert_eq!(from_nothing.due(0), Duration::ZERO);
        assert_eq!(from_nothing.due(100), Duration::from_secs(2));
        assert_eq!(constant(1e-300).due(1), Duration::from_secs_f64(DUE_MAX_S));
    }

    proptest! {
        #[test]
        fn requests_are_due_in_order_and_as_many_as_the_rate_says(
            from in 0.0..10_000.0, to in 0.1..10_000.0, over_ms in 0..60_000_u64,
            count in 0..1_000_000_u64,
        ) {
            let rate = Rate { from, to, over: Duration::from_millis(over_ms) };
            let due = rate.due(count);
            prop_assert!(due <= rate.due(count + 1));
            #[expect(clippy::cast_precision_loss, reason = "counts of a test are small")]
            let whole = count as f64;
            // A time is whole nanoseconds.
            let rounding = 1e-6 + rate.from.max(rate.to) * 2e-9 + whole * 1e-9;
            prop_assert!((rate.due_within(due) - whole).abs() <= rounding);
            // None is counted that is not due, and none that is due is left out.
            let before = rate.count_before(due);
            prop_assert!(before <= count && rate.due(before) >= due);
            prop_assert!(before == 0 || rate.due(before - 1) < due);
        }
    }
}
