//! The last hour of those splits that have requests, in slices of ten seconds: what came to
//! each version, and how the users stood. Counts of now are elsewhere; here is what a reader
//! who comes later could not see any more.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::durations::Durations;
use super::requests::{Answered, CLASSES};
use super::tallies::Tallied;
use crate::model::Timestamp;

/// How much time one slice covers.
pub const SLICE: Duration = Duration::from_secs(10);

/// How far back slices reach.
pub const HISTORY: Duration = Duration::from_hours(1);

/// The slices of one split. Those without a request take no room.
const SLICES_MAX: usize = 360;

/// The splits that have a history: of more, those that had a request last. One with two
/// versions takes up to 150 KiB.
const SPLITS_MAX: usize = 64;

/// The versions of one slice: of more, those with most requests.
const VERSIONS_MAX: usize = 4;

/// Where the history of all splits is kept. Written once every [`SLICE`] and read by people,
/// so that one lock is enough.
#[derive(Debug, Clone, Default)]
pub struct History(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    splits: BTreeMap<u32, VecDeque<Slice>>,
    /// What was counted of each version when it was last looked at. As many as ever went live,
    /// which are counted, too.
    before: BTreeMap<u32, Tallied>,
    /// How requests had gone by then, of the versions that have a history.
    courses_before: BTreeMap<u32, Courses>,
}

/// What happened to one split in ten seconds, in which it had a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// Its end.
    pub at: Timestamp,
    pub versions: Box<[OfVersion]>,
    pub standing: Option<Standing>,
}

/// What a slice holds of one version.
#[derive(Debug, Clone, PartialEq)]
pub struct OfVersion {
    /// At which the version is counted.
    pub number: u32,
    pub counts: Tallied,
    /// `None` where nobody looked when the slice began.
    pub outcome: Option<Outcome>,
}

/// How the requests of a version ended, and how long they took.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Courses {
    /// By class of status, at 0 those that were not answered.
    by_class: [u64; CLASSES],
    durations: Durations,
}

/// The same in a few numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    pub by_class: [u64; CLASSES],
    /// What half of the requests took at most, 90 and 99 of 100; `None` of no request.
    pub p50: Option<Duration>,
    pub p90: Option<Duration>,
    pub p99: Option<Duration>,
}

/// How the users of a split with two versions stood when a slice ended, as the split's check
/// counts them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    pub deployment: u64,
    /// Of the newer version, 0 to 1.
    pub share: f64,
    pub users: u64,
    /// Those of the newer version.
    pub newer: u64,
    /// How many an honest split brings the newer version, but for one time in a thousand.
    pub least: u64,
    pub most: u64,
}

impl History {
    /// Ends a slice at `now`. `versions` are the splits that are live and the numbers at which
    /// their versions are counted, each once; `total` says what was counted there.
    pub fn turn(
        &self,
        now: Timestamp,
        versions: impl Iterator<Item = (u32, u32)>,
        total: impl Fn(u32) -> Tallied,
        courses: impl Fn(u32) -> Courses,
        standing: impl Fn(u32) -> Option<Standing>,
    ) {
        let mut kept = self.lock();
        let mut slices: BTreeMap<u32, Vec<OfVersion>> = BTreeMap::new();
        for (split, number) in versions {
            let total = total(number);
            let before = kept.before.insert(number, total).unwrap_or_default();
            if let Some(counts) = total.since(before) {
                let outcome = kept.outcome_since(number, before, courses(number));
                slices.entry(split).or_default().push(OfVersion { number, counts, outcome });
            }
        }
        for (split, mut versions) in slices {
            versions.sort_by_key(|version| std::cmp::Reverse(version.counts.assigned));
            versions.truncate(VERSIONS_MAX);
            let slices = kept.splits.entry(split).or_default();
            let versions = versions.into_boxed_slice();
            slices.push_back(Slice { at: now, versions, standing: standing(split) });
        }
        kept.forget(now);
    }

    /// The slices of `split` that ended after `after`, oldest first.
    pub fn of(&self, split: u32, after: Timestamp) -> Vec<Slice> {
        let kept = self.lock();
        let slices = kept.splits.get(&split).into_iter().flatten();
        slices.filter(|slice| slice.at > after).cloned().collect()
    }

    /// When the last slice of `split` ended, of those that are kept.
    pub fn last(&self, split: u32) -> Option<Timestamp> {
        self.lock().splits.get(&split)?.back().map(|slice| slice.at)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Courses {
    pub fn of(answered: &Answered) -> Self {
        Self { by_class: answered.by_class(), durations: answered.duration.clone() }
    }

    pub fn outcome(&self) -> Outcome {
        let quantile = |part| self.durations.quantile(part);
        let [p50, p90, p99] = [0.5, 0.9, 0.99].map(quantile);
        Outcome { by_class: self.by_class, p50, p90, p99 }
    }

    fn since(&self, before: &Self) -> Self {
        let of_class = |at: usize| self.by_class[at].saturating_sub(before.by_class[at]);
        Self {
            by_class: std::array::from_fn(of_class),
            durations: self.durations.since(&before.durations),
        }
    }
}

impl Kept {
    /// How requests went since the version had been counted as `counted`.
    fn outcome_since(&mut self, number: u32, counted: Tallied, now: Courses) -> Option<Outcome> {
        let since = match self.courses_before.get(&number) {
            Some(before) => Some(now.since(before)),
            None => (counted == Tallied::default()).then(|| now.clone()),
        };
        self.courses_before.insert(number, now);
        since.map(|since| since.outcome())
    }

    /// Lets go of what is too old or too much.
    fn forget(&mut self, now: Timestamp) {
        let hour = i64::try_from(HISTORY.as_nanos()).unwrap_or(i64::MAX);
        let begin = Timestamp(now.0.saturating_sub(hour));
        self.splits.retain(|_, slices| {
            while slices.len() > SLICES_MAX || slices.front().is_some_and(|it| it.at <= begin) {
                slices.pop_front();
            }
            !slices.is_empty()
        });
        while self.splits.len() > SPLITS_MAX {
            let last = |slices: &VecDeque<Slice>| slices.back().map(|slice| slice.at);
            let quietest = self.splits.iter().min_by_key(|(_, slices)| last(slices));
            let Some(split) = quietest.map(|(split, _)| *split) else { return };
            self.splits.remove(&split);
        }
        let versions = self.splits.values().flatten().flat_map(|slice| &slice.versions);
        let known: BTreeSet<u32> = versions.map(|version| version.number).collect();
        self.courses_before.retain(|number, _| known.contains(number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * SECOND)
    }

    fn assigned(assigned: u64) -> Tallied {
        Tallied { assigned, ..Tallied::default() }
    }

    fn turn(history: &History, seconds: i64, splits: &[(u32, u64)]) {
        let total = |number| {
            let of = splits.iter().find(|(split, _)| *split == number);
            assigned(of.expect("it is asked for what is live").1)
        };
        let live = splits.iter().map(|(it, _)| (*it, *it));
        history.turn(at(seconds), live, total, |number| ended(total(number).assigned), |_| None);
    }

    /// So many requests, all well.
    fn ended(requests: u64) -> Courses {
        let mut by_class = [0; CLASSES];
        by_class[2] = requests;
        Courses { by_class, durations: Durations::default() }
    }

    fn counts(history: &History, split: u32) -> Vec<u64> {
        let slices = history.of(split, Timestamp(0));
        slices.iter().map(|slice| slice.versions[0].counts.assigned).collect()
    }

    #[test]
    fn a_slice_holds_what_came_since_the_last_one_and_a_quiet_one_is_none() {
        let history = History::default();
        for (seconds, total) in [(10, 5), (20, 5), (30, 12)] {
            turn(&history, seconds, &[(1, total), (2, 0)]);
        }
        assert_eq!(counts(&history, 1), [5, 7]);
        let later = history.of(1, at(10));
        assert_eq!(later.len(), 1);
        assert_eq!(later[0].versions[0].outcome.as_ref().expect("it is known").by_class[2], 7);
        assert_eq!((history.last(1), history.last(2)), (Some(at(30)), None));
    }

    #[test]
    fn an_hour_is_kept_and_no_more() {
        let history = History::default();
        for slice in 1..=400 {
            turn(&history, slice * 10, &[(1, slice.unsigned_abs())]);
        }
        assert_eq!(counts(&history, 1).len(), SLICES_MAX);
        assert_eq!(history.of(1, Timestamp(0))[0].at, at(410));
        // Once nothing comes any more, what is left goes.
        turn(&history, 4_000 + 3_600, &[(1, 400)]);
        assert_eq!(counts(&history, 1).len(), 0);
    }

    #[test]
    fn of_many_splits_those_with_the_newest_requests_are_kept() {
        let history = History::default();
        let splits: Vec<_> = (0..96).map(|split| (split, 1)).collect();
        turn(&history, 10, &splits[..SPLITS_MAX]);
        turn(&history, 20, &splits);
        assert_eq!(history.lock().splits.len(), SPLITS_MAX);
        assert!((64..96).all(|split| history.last(split) == Some(at(20))));
        assert!((0..32).all(|split| history.last(split).is_none()));
    }

    #[test]
    fn a_version_that_is_live_again_brings_nothing_of_its_first_time() {
        let history = History::default();
        turn(&history, 10, &[(1, 5)]);
        turn(&history, 20, &[]);
        turn(&history, 30, &[(1, 6)]);
        assert_eq!(counts(&history, 1), [5, 1]);
    }

    #[test]
    fn how_requests_went_is_told_only_where_it_is_known() {
        let history = History::default();
        turn(&history, 10, &[(1, 5)]);
        // An hour later nothing is kept of it.
        turn(&history, 5_000, &[(1, 5)]);
        assert!(history.lock().courses_before.is_empty());
        for (seconds, known) in [(5_010, false), (5_020, true)] {
            turn(&history, seconds, &[(1, u64::try_from(seconds).expect("it is positive"))]);
            let slices = history.of(1, at(seconds - 1));
            assert_eq!(slices[0].versions[0].outcome.is_some(), known, "{seconds}");
        }
    }

    #[test]
    fn of_many_versions_those_with_most_requests_are_kept() {
        let history = History::default();
        let versions = (0..9).map(|number| (7, number));
        let total = |number: u32| u64::from(number) + 1;
        history.turn(at(10), versions, |it| assigned(total(it)), |it| ended(total(it)), |_| None);
        let slices = history.of(7, Timestamp(0));
        let kept: Vec<_> = slices[0].versions.iter().map(|version| version.number).collect();
        assert_eq!(kept, [8, 7, 6, 5]);
    }
}
