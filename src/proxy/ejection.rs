//! When an endpoint that fails requests is left out, and when it may try again. Pure:
//! what time it is, is handed in.
//!
//! A failure is what Envoy calls a gateway failure: no connection, no response or one
//! that is no HTTP, and the statuses 502, 503 and 504, by which an endpoint says that
//! those behind it fail. A 500 is an answer.

use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

use crate::model::Ejection;

/// What a worker thinks of one endpoint.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// In a row.
    failures: u32,
    /// Times out in a row.
    ejections: u32,
    /// Out until then, and on trial after that.
    until: Option<Instant>,
}

impl Standing {
    pub(super) fn is_out(&self) -> bool {
        self.until.is_some()
    }

    /// Whether a request may go there. The first one after the time out is a trial, and
    /// the others wait for what becomes of it: for `patience`, in case nobody ever says.
    pub(super) fn admits(&mut self, now: Instant, patience: Duration) -> Admitted {
        match self.until {
            None => Admitted::Yes,
            Some(until) if until > now => Admitted::No,
            Some(_) => {
                self.until = Some(now + patience);
                Admitted::OnTrial
            }
        }
    }

    /// Whether it was out. A success ends that, whenever it comes.
    pub(super) fn succeeded(&mut self) -> bool {
        std::mem::take(self).is_out()
    }

    /// Until when it is out, if this failure puts it out. `can_be_spared` is whether
    /// others can do its work.
    pub(super) fn failed(
        &mut self,
        on_trial: bool,
        can_be_spared: bool,
        now: Instant,
        policy: &Ejection,
    ) -> Option<Instant> {
        if self.is_out() && !on_trial {
            // Sent before it was put out, or for lack of anybody else.
            return None;
        }
        self.failures = self.failures.saturating_add(1);
        let is_due = self.is_out() || self.failures >= policy.failures.get() && can_be_spared;
        if !is_due {
            return None;
        }
        let doubled = 2_u32.saturating_pow(self.ejections);
        self.ejections = self.ejections.saturating_add(1);
        let until = now + policy.base.saturating_mul(doubled).min(policy.max);
        self.until = Some(until);
        Some(until)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admitted {
    Yes,
    OnTrial,
    No,
}

/// Whether a response says that the endpoint cannot do its work.
pub(super) fn is_gateway_failure(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    )
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn policy() -> Ejection {
        let failures = NonZeroU32::new(3).unwrap();
        Ejection { failures, base: SECOND, max: 3 * SECOND }
    }

    fn failing(standing: &mut Standing, times: u32, now: Instant) -> Option<Instant> {
        (0..times).filter_map(|_| standing.failed(false, true, now, &policy())).last()
    }

    #[test]
    fn failures_in_a_row_put_out_and_a_success_between_them_does_not() {
        let (mut standing, now) = (Standing::default(), Instant::now());
        assert_eq!(failing(&mut standing, 2, now), None);
        assert!(!standing.succeeded());
        assert_eq!(failing(&mut standing, 2, now), None);
        assert_eq!(failing(&mut standing, 1, now), Some(now + SECOND));
    }

    #[test]
    fn the_last_one_stays_however_it_fails() {
        let (mut standing, now) = (Standing::default(), Instant::now());
        for _ in 0..9 {
            assert_eq!(standing.failed(false, false, now, &policy()), None);
        }
        // Another one is well again.
        assert!(standing.failed(false, true, now, &policy()).is_some());
    }

    #[test]
    fn one_request_tries_whether_it_is_well_again() {
        let (mut standing, now) = (Standing::default(), Instant::now());
        failing(&mut standing, 3, now);
        assert_eq!(standing.admits(now, SECOND), Admitted::No);
        let later = now + SECOND;
        assert_eq!(standing.admits(later, SECOND), Admitted::OnTrial);
        assert_eq!(standing.admits(later, SECOND), Admitted::No);
        assert!(standing.succeeded());
        assert_eq!(standing.admits(later, SECOND), Admitted::Yes);
    }

    #[test]
    fn a_trial_of_which_nobody_tells_is_repeated() {
        let (mut standing, now) = (Standing::default(), Instant::now());
        failing(&mut standing, 3, now);
        assert_eq!(standing.admits(now + SECOND, SECOND), Admitted::OnTrial);
        assert_eq!(standing.admits(now + 2 * SECOND, SECOND), Admitted::OnTrial);
    }

    #[test]
    fn each_failed_trial_doubles_the_time_up_to_the_most() {
        let (mut standing, mut now) = (Standing::default(), Instant::now());
        failing(&mut standing, 3, now);
        for seconds in [2, 3, 3] {
            now += 3 * SECOND;
            assert_eq!(standing.admits(now, SECOND), Admitted::OnTrial);
            let until = standing.failed(true, true, now, &policy());
            assert_eq!(until, Some(now + seconds * SECOND));
        }
        standing.succeeded();
        assert_eq!(failing(&mut standing, 3, now), Some(now + SECOND));
    }

    #[test]
    fn what_was_sent_before_it_was_put_out_changes_nothing() {
        let (mut standing, now) = (Standing::default(), Instant::now());
        failing(&mut standing, 3, now);
        assert_eq!(failing(&mut standing, 9, now), None);
        assert_eq!(standing.admits(now + SECOND, SECOND), Admitted::OnTrial);
    }
}
