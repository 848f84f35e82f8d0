//! Rates, from what was counted at two moments.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::client::Subject;
use crate::operate::told::Tallied;

/// A rate is told over as much as this, so that it is calm enough to be read.
const WINDOW: Duration = Duration::from_secs(5);

/// Less than this tells no rate.
const LEAST: Duration = Duration::from_millis(500);

/// Of one version in one environment, requests and failures a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rate {
    pub(super) assigned: f64,
    pub(super) failed: f64,
}

type Name = (Subject, String, String);

/// What was counted, lately.
#[derive(Debug, Default)]
pub(super) struct Rates(BTreeMap<Name, VecDeque<(Instant, u64, u64)>>);

impl Rates {
    /// Takes what was counted `at` a moment.
    pub(super) fn count(&mut self, at: Instant, subject: &Subject, tallied: &Tallied) {
        let name = (subject.clone(), tallied.environment.clone(), tallied.code_version.clone());
        let counted = self.0.entry(name).or_default();
        // Who counts less than before has started anew.
        if counted.back().is_some_and(|(_, assigned, _)| *assigned > tallied.assigned) {
            counted.clear();
        }
        counted.push_back((at, tallied.assigned, tallied.failed));
        while counted.len() > 2 && at.saturating_duration_since(counted[1].0) >= WINDOW {
            counted.pop_front();
        }
    }

    /// Forgets what was not counted at that moment: it was not looked at, so a rate over the
    /// gap would be one of long ago.
    pub(super) fn forget_before(&mut self, at: Instant) {
        self.0.retain(|_, counted| counted.back().is_some_and(|(last, ..)| *last >= at));
    }

    /// `None` where too little was counted to tell.
    pub(super) fn of(&self, subject: &Subject, environment: &str, version: &str) -> Option<Rate> {
        let name = (subject.clone(), environment.to_owned(), version.to_owned());
        let counted = self.0.get(&name)?;
        let ((from, assigned, failed), (to, assigned_then, failed_then)) =
            (*counted.front()?, *counted.back()?);
        let time = to.saturating_duration_since(from);
        (time >= LEAST).then(|| Rate {
            assigned: a_second(assigned_then.saturating_sub(assigned), time),
            failed: a_second(failed_then.saturating_sub(failed), time),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts within seconds are far below 2^52")]
fn a_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tallied(assigned: u64, failed: u64) -> Tallied {
        let (environment, code_version) = ("production".to_owned(), "1".to_owned());
        Tallied { environment, code_version, assigned, failed }
    }

    #[test]
    fn a_rate_is_of_the_last_seconds_and_begins_anew_with_serin() {
        let (subject, start) = (Subject::Routine("shop".to_owned()), Instant::now());
        let mut rates = Rates::default();
        let at = |seconds| start + Duration::from_secs(seconds);
        let rate = |rates: &Rates| rates.of(&subject, "production", "1").map(|it| it.assigned);
        rates.count(at(0), &subject, &tallied(1_000, 0));
        assert_eq!(rate(&rates), None);
        for second in 1..=10 {
            rates.count(at(second), &subject, &tallied(1_000 + 100 * second, 0));
        }
        assert_eq!(rate(&rates), Some(100.0));
        for second in 11..=20 {
            rates.count(at(second), &subject, &tallied(2_000, 0));
        }
        assert_eq!(rate(&rates), Some(0.0), "what was before the window is forgotten");
        rates.count(at(21), &subject, &tallied(3, 0));
        assert_eq!(rate(&rates), None, "it counts from nothing again");
        rates.forget_before(at(22));
        assert!(rates.0.is_empty());
    }
}
