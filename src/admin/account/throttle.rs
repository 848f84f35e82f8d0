//! How many calls come within a second.

use std::collections::HashMap;
use std::num::NonZeroU32;

use super::Hindrance;
use crate::model::{AccessKeyId, Timestamp};

const SECOND_NS: i64 = 1_000_000_000;
const MILLISECOND_NS: i64 = 1_000_000;

/// The calls of each caller in its last second. Callers are known by then, so there are
/// as many counts as access keys in the config, or one.
#[derive(Debug, Default)]
pub(super) struct Throttle(HashMap<Option<AccessKeyId>, Count>);

#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    /// Which second, since 1970.
    second: i64,
    calls: u32,
}

impl Throttle {
    /// Takes one more call, unless `max` came within this second of the clock.
    pub(super) fn take(
        &mut self,
        key: Option<&AccessKeyId>,
        max: NonZeroU32,
        now: Timestamp,
    ) -> Result<(), Hindrance> {
        let second = now.0.div_euclid(SECOND_NS);
        let count = self.0.entry(key.cloned()).or_default();
        if count.second != second {
            *count = Count { second, calls: 0 };
        }
        if count.calls >= max.get() {
            let retry_after_ms = to_next_second_ms(now);
            return Err(Hindrance::TooFast { calls_per_second: max.get(), retry_after_ms });
        }
        count.calls += 1;
        Ok(())
    }
}

/// In milliseconds, rounded up: who waits so long is in the next second.
fn to_next_second_ms(now: Timestamp) -> u64 {
    let left = SECOND_NS - now.0.rem_euclid(SECOND_NS);
    (left.unsigned_abs()).div_ceil(MILLISECOND_NS.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> NonZeroU32 {
        NonZeroU32::new(2).unwrap()
    }

    #[test]
    fn each_second_and_each_key_has_its_own_count() {
        let (one, other) = (AccessKeyId::new("one").unwrap(), AccessKeyId::new("other").unwrap());
        let mut throttle = Throttle::default();
        let mut take = |key, ns| throttle.take(key, two(), Timestamp(ns)).is_ok();
        assert!(take(Some(&one), 0) && take(Some(&one), 999_999_999));
        assert!(!take(Some(&one), 999_999_999));
        assert!(take(Some(&other), 0) && take(None, 0));
        assert!(take(Some(&one), SECOND_NS) && take(Some(&one), SECOND_NS));
        assert!(!take(Some(&one), SECOND_NS));
        assert_eq!(throttle.0.len(), 3);
    }

    #[test]
    fn who_is_refused_is_told_when_the_second_ends() {
        for (now, retry_after_ms) in
            [(0, 1000), (1, 1000), (999_000_000, 1), (999_999_999, 1), (-250_000_000, 250)]
        {
            let mut throttle = Throttle::default();
            let mut take = || throttle.take(None, NonZeroU32::MIN, Timestamp(now));
            assert_eq!(take(), Ok(()));
            assert_eq!(take(), Err(Hindrance::TooFast { calls_per_second: 1, retry_after_ms }));
        }
    }
}
