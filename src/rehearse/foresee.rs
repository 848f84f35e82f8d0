//! Every step of a plan, over all users.

use std::ops::RangeInclusive;

use super::crowd::Crowd;
use super::current::Current;
use super::source::Gathered;
use crate::control::{Consequence, Overlap, User, Weighing, last_canary};
use crate::model::{Shares, Split};
use crate::stats::{BAND_CONFIDENCE, binomial_band};

/// A plan, and what it would do.
#[derive(Debug, Clone)]
pub struct Rehearsal {
    pub current: Current,
    pub gathered: Gathered,
    /// How many users were kept in memory; fewer than there are if they are a sample.
    pub kept: u64,
    pub is_sample: bool,
    /// Whether requests have times, so that there are sessions.
    pub has_times: bool,
    pub steps: Vec<Step>,
    /// What is wrong, each with the steps at which it is, from 1.
    pub findings: Vec<(String, Vec<usize>)>,
}

/// A deployment of a plan, in the place of the one before it.
#[derive(Debug, Clone)]
pub struct Step {
    pub shares: Shares,
    pub consequence: Consequence,
    /// Of those who move, how many are to be expected to see both versions in one session, if
    /// the step is made at any moment of the time that is known. `None` without times.
    pub in_session: Option<f64>,
    /// Where the users of each of the consequence's versions are expected to be after.
    pub expected: Vec<RangeInclusive<u64>>,
    /// Of the newer version of a canary, with the last one.
    pub overlap: Option<Overlap>,
}

impl Rehearsal {
    pub fn is_good(&self) -> bool {
        self.findings.is_empty()
    }
}

impl Step {
    /// What is dangerous about it: how that is named, and in words.
    pub fn dangers(&self) -> impl Iterator<Item = (&'static str, String)> {
        let own = self.consequence.dangers.iter().map(|it| (it.name(), it.to_string()));
        let of_overlap = self.overlap.as_ref().and_then(Overlap::danger);
        own.chain(of_overlap.map(|text| (Overlap::DANGER_NAME, text)))
    }
}

/// What `plan` would do to the users of `crowd`.
pub(super) fn foresee(
    current: Current,
    plan: Vec<Shares>,
    crowd: &Crowd,
    gathered: Gathered,
) -> Rehearsal {
    let mut before = current.live.as_ref().map(|live| current.split(live));
    let mut steps: Vec<Step> = Vec::new();
    for shares in plan {
        let after = current.split(&shares);
        steps.push(step(&current, before.as_ref(), &after, shares, crowd));
        before = Some(after);
    }
    let findings = findings(&steps);
    let (kept, is_sample) = (crowd.kept(), crowd.is_sampled());
    let has_times = crowd.span().is_some();
    Rehearsal { current, gathered, kept, is_sample, has_times, steps, findings }
}

fn step(
    current: &Current,
    before: Option<&Split>,
    after: &Split,
    shares: Shares,
    crowd: &Crowd,
) -> Step {
    let mut weighing = Weighing::new(before, after);
    let before_it = || {
        let history = current.live.iter().chain(&current.history);
        last_canary(after, history.map(|shares| current.split(shares)))
    };
    let last = current.last.clone().or_else(before_it);
    let last = last.map(|last| (current.release().seed(&last.0), last));
    let mut overlap = last.and_then(|(seed, last)| Overlap::new(after, last, seed));
    let mut in_session_ms = 0.0;
    for (visitor, weight) in crowd.visitors() {
        weighing.add(User::Key(&visitor.key), visitor.requests, weight);
        let version = after.version(&visitor.key);
        if before.is_some_and(|before| before.version(&visitor.key) != version) {
            in_session_ms += float(weight) * float(visitor.in_session_ms);
        }
        if let Some(overlap) = &mut overlap {
            overlap.count(&visitor.key, version, weight);
        }
    }
    weighing.add_keyless(crowd.keyless());
    let consequence = weighing.end();
    let expected = bands(&consequence, crowd);
    Step {
        shares,
        in_session: crowd.span().map(|span| in_session_ms / (span.as_secs_f64() * 1e3)),
        expected,
        overlap,
        consequence,
    }
}

/// Of a sample, the band is as wide as that of the sample.
fn bands(consequence: &Consequence, crowd: &Crowd) -> Vec<RangeInclusive<u64>> {
    let (kept, users) = (crowd.kept(), consequence.total.users);
    let scaled = |of_kept: u64| {
        let scaled = u128::from(of_kept) * u128::from(users) / u128::from(kept.max(1));
        u64::try_from(scaled).unwrap_or(u64::MAX)
    };
    let band = |percent: u8| {
        let band = binomial_band(kept, f64::from(percent) / 100.0, BAND_CONFIDENCE);
        scaled(*band.start())..=scaled(*band.end())
    };
    consequence.versions.iter().map(|load| band(load.after.percent)).collect()
}

/// What is wrong, in the order in which it turns up; what is wrong at several steps, once.
fn findings(steps: &[Step]) -> Vec<(String, Vec<usize>)> {
    let mut findings: Vec<(String, Vec<usize>)> = Vec::new();
    for (number, step) in (1..).zip(steps) {
        for (_, text) in step.dangers() {
            match findings.iter_mut().find(|(known, _)| *known == text) {
                Some((_, numbers)) => numbers.push(number),
                None => findings.push((text, vec![number])),
            }
        }
    }
    findings
}

#[expect(clippy::cast_precision_loss, reason = "an expectation needs no more than 52 bits")]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::plan::{Planned, steps};
    use super::*;
    use crate::model::{CodeVersion, Percent};

    const DAY_MS: i64 = 86_400_000;

    fn current(live: &[(&str, u64)], last: Option<(&str, u64)>) -> Current {
        let owned = live.iter().map(|&(version, percent)| (version.to_owned(), percent));
        let owned: Vec<_> = owned.collect();
        let versions = ["1", "2", "3"].map(str::to_owned);
        let current = Current::told("shop", "production", "", versions, &owned, &[]).unwrap();
        let last = last.map(|(version, percent)| {
            (CodeVersion::new(version).unwrap(), Percent::new(percent).unwrap())
        });
        Current { last, ..current }
    }

    /// Users of whom each asks twice, ten minutes apart, in a day.
    fn crowd(users: u32) -> Crowd {
        let mut crowd = Crowd::new(Duration::from_mins(30));
        for user in 0..users {
            let (key, at) = (format!("user-{user}"), DAY_MS / i64::from(users) * i64::from(user));
            for at in [at, at + 600_000] {
                crowd.see(key.as_bytes(), 1, Some(at));
            }
        }
        crowd
    }

    fn rehearsed(current: Current, percents: &[u64], to: &str, crowd: &Crowd) -> Rehearsal {
        let (percents, to) = (percents.to_vec(), Some(to.to_owned()));
        let plan = steps(&Planned::Ramp { percents, to, from: None }, &current).unwrap();
        foresee(current, plan, crowd, Gathered::default())
    }

    #[test]
    fn along_a_plan_users_move_one_way_and_no_more_than_must() {
        let crowd = crowd(20_000);
        let rehearsal =
            rehearsed(current(&[("1", 100)], None), &[1, 5, 10, 25, 50, 100], "2", &crowd);
        assert!(rehearsal.is_good(), "{:?}", rehearsal.findings);
        let mut moved = 0;
        for step in &rehearsal.steps {
            let Consequence { moves, least_percent, total, .. } = &step.consequence;
            let [only] = moves.as_slice() else { panic!("one way: {moves:?}") };
            assert_eq!((only.from.as_str(), only.to.as_str()), ("1", "2"));
            let share = f64::from(*least_percent) / 100.0;
            // Within 4.3 deviations of a draw of so many.
            let deviation = (share * (1.0 - share) * 20_000.0).sqrt();
            let off = float(only.amount.users) - share * 20_000.0;
            assert!(off.abs() < 4.3 * deviation, "{least_percent} %: {off} off, {deviation}");
            assert_eq!(total.users, 20_000);
            moved += only.amount.users;
        }
        assert_eq!(moved, 20_000, "and in the end everybody has moved, once");
    }

    #[test]
    fn who_is_in_a_session_at_a_step_sees_both_versions() {
        let crowd = crowd(10_000);
        let rehearsal = rehearsed(current(&[("1", 100)], None), &[10, 100], "2", &crowd);
        for step in &rehearsal.steps {
            let moved = float(step.consequence.moved().users);
            // Each is in a session for ten minutes of the day and of the last ten minutes.
            let expected = moved * 600_000.0 / float(DAY_MS.unsigned_abs() + 600_000 - 8_640);
            let found = step.in_session.unwrap();
            assert!((found - expected).abs() < 1e-6 * expected, "{found}, not {expected}");
        }
        let mut timeless = Crowd::new(Duration::from_mins(30));
        timeless.see(b"ann", 7, None);
        let rehearsal = rehearsed(current(&[("1", 100)], None), &[100], "2", &timeless);
        assert!(!rehearsal.has_times && rehearsal.steps[0].in_session.is_none());
    }

    #[test]
    fn the_next_release_meets_other_users() {
        let crowd = crowd(20_000);
        let rehearsal = rehearsed(current(&[("2", 100)], Some(("2", 25))), &[10], "3", &crowd);
        let overlap = rehearsal.steps[0].overlap.clone().unwrap();
        assert!(!overlap.same_seed && rehearsal.is_good());
        // A quarter of a tenth, and a deviation of 19.
        assert!(overlap.both.abs_diff(overlap.of / 4) < 90, "{overlap:?}");
        assert!(overlap.in_last.abs_diff(5_000) < 300 && overlap.users == 20_000, "{overlap:?}");

        let again = rehearsed(current(&[("1", 100)], Some(("2", 25))), &[10], "2", &crowd);
        let overlap = again.steps[0].overlap.clone().unwrap();
        assert!(overlap.same_seed && overlap.both == overlap.of, "{overlap:?}");
        assert!(again.findings[0].0.contains("another cohort"), "{:?}", again.findings);
        assert!(again.steps.iter().all(|step| step.consequence.dangers.is_empty()));
    }

    #[test]
    fn what_is_wrong_at_several_steps_is_said_once() {
        let rehearsal = rehearsed(current(&[("1", 100)], None), &[1, 2, 3], "2", &crowd(50));
        let numbers: Vec<_> = rehearsal.findings.iter().map(|(_, steps)| steps.clone()).collect();
        let texts: std::collections::BTreeSet<_> =
            rehearsal.findings.iter().map(|(it, _)| it).collect();
        assert_eq!(texts.len(), rehearsal.findings.len(), "{:?}", rehearsal.findings);
        assert!(numbers.concat().contains(&3), "{:?}", rehearsal.findings);
        let keyless = |percents: &[u64]| {
            let mut crowd = crowd(20_000);
            (0..20_000).for_each(|_| crowd.see_keyless(None));
            rehearsed(current(&[("1", 100)], None), percents, "2", &crowd).findings
        };
        let [(text, steps)] = &keyless(&[10, 20, 100])[..] else { panic!("one finding") };
        assert!(text.starts_with("33 % of requests have no key") && *steps == [1, 2], "{text}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// A band that a draw of so many users leaves once in a thousand times holds them,
        /// with a margin for so many draws.
        #[test]
        fn users_are_where_they_are_expected(percent in 1..=99_u64, users in 2_000..8_000_u32) {
            let rehearsal = rehearsed(current(&[("1", 100)], None), &[percent], "2", &crowd(users));
            let step = &rehearsal.steps[0];
            for (load, band) in step.consequence.versions.iter().zip(&step.expected) {
                let margin = (band.end() - band.start()) / 2;
                let found = load.after.amount.users;
                prop_assert!(band.start().saturating_sub(margin) <= found && found <= band.end() + margin);
            }
        }
    }
}
