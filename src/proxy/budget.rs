//! How many requests may be sent a second time, so that an upstream in trouble does not
//! get more of it. Pure: what time it is, is handed in.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::Retries;

/// What a long time without retries saves up, in retries.
const SAVED_MAX: u32 = 100;

/// One retry, in what a request earns: a percent is one of these.
const PRICE: u32 = 100;

const SECOND: Duration = Duration::from_secs(1);

/// The budget of one worker: each request earns a part of a retry, and some retries a
/// second are free.
#[derive(Default)]
pub(super) struct Budget {
    earned: Cell<u32>,
    /// Until when the free ones are taken, when they are taken evenly.
    free_from: Cell<Option<Instant>>,
}

impl Budget {
    #[inline]
    pub(super) fn earn(&self, policy: Retries) {
        let earned = self.earned.get().saturating_add(policy.budget_percent);
        self.earned.set(earned.min(SAVED_MAX * PRICE));
    }

    /// Whether there was enough for one retry, which is paid then.
    pub(super) fn pay(&self, policy: Retries, now: Instant) -> bool {
        if self.is_free(policy.at_least_per_second, now) {
            return true;
        }
        let left = self.earned.get().checked_sub(PRICE);
        // What was earned under another policy counts for nothing under none.
        let left = left.filter(|_| policy.budget_percent > 0);
        self.earned.set(left.unwrap_or(self.earned.get()));
        left.is_some()
    }

    fn is_free(&self, per_second: u32, now: Instant) -> bool {
        if per_second == 0 {
            return false;
        }
        let each = SECOND / per_second;
        let begun = now.checked_sub(SECOND).unwrap_or(now);
        let taken_until = self.free_from.get().map_or(begun, |from| from.max(begun)) + each;
        let is_free = taken_until <= now;
        if is_free {
            self.free_from.set(Some(taken_until));
        }
        is_free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paid(budget: &Budget, policy: Retries, now: Instant, tries: u32) -> u32 {
        (0..tries).filter(|_| budget.pay(policy, now)).count().try_into().unwrap()
    }

    #[test]
    fn some_are_free_each_second_and_no_more() {
        let policy = Retries { budget_percent: 0, at_least_per_second: 4 };
        let (budget, start) = (Budget::default(), Instant::now() + SECOND);
        assert_eq!(paid(&budget, policy, start, 9), 4);
        assert_eq!(paid(&budget, policy, start + SECOND / 4, 9), 1);
        assert_eq!(paid(&budget, policy, start + SECOND, 9), 3);
        assert_eq!(paid(&budget, policy, start + 60 * SECOND, 9), 4);
    }

    #[test]
    fn requests_earn_a_percentage_and_not_without_end() {
        let policy = Retries { budget_percent: 20, at_least_per_second: 0 };
        let (budget, now) = (Budget::default(), Instant::now());
        assert_eq!(paid(&budget, policy, now, 1), 0);
        (0..24).for_each(|_| budget.earn(policy));
        assert_eq!(paid(&budget, policy, now, 9), 4);
        budget.earn(policy);
        assert_eq!(paid(&budget, policy, now, 9), 1);
        (0..10_000).for_each(|_| budget.earn(policy));
        assert_eq!(paid(&budget, policy, now, 1_000), SAVED_MAX);
    }

    #[test]
    fn nothing_allowed_is_nothing_paid() {
        let (budget, now) = (Budget::default(), Instant::now());
        (0..100).for_each(|_| budget.earn(Retries::default()));
        let none = Retries { budget_percent: 0, at_least_per_second: 0 };
        assert_eq!(paid(&budget, none, now, 9), 0);
    }
}
