//! The last hour of those splits that have requests, in slices of ten seconds: what came to
//! each version, and how the users stood. Counts of now are elsewhere; here is what a reader
//! who comes later could not see any more.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::tallies::Tallied;
use crate::model::Timestamp;

/// How much time one slice covers.
pub const SLICE: Duration = Duration::from_secs(10);

/// How far back slices reach.
pub const HISTORY: Duration = Duration::from_hours(1);

/// The slices of one split. Those without a request take no room.
const SLICES_MAX: usize = 360;

/// The splits that have a history: of more, those that had a request last. One with two
/// versions takes up to 70 KiB.
const SPLITS_MAX: usize = 128;

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
}

/// What happened to one split in ten seconds, in which it had a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// Its end.
    pub at: Timestamp,
    /// By the number at which the version is counted.
    pub versions: Vec<(u32, Tallied)>,
    pub standing: Option<Standing>,
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
        standing: impl Fn(u32) -> Option<Standing>,
    ) {
        let mut kept = self.lock();
        let mut slices: BTreeMap<u32, Vec<(u32, Tallied)>> = BTreeMap::new();
        for (split, number) in versions {
            let total = total(number);
            let before = kept.before.insert(number, total).unwrap_or_default();
            if let Some(since) = total.since(before) {
                slices.entry(split).or_default().push((number, since));
            }
        }
        for (split, mut versions) in slices {
            versions.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.assigned));
            versions.truncate(VERSIONS_MAX);
            let slices = kept.splits.entry(split).or_default();
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

impl Kept {
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
        history.turn(at(seconds), splits.iter().map(|(it, _)| (*it, *it)), total, |_| None);
    }

    fn counts(history: &History, split: u32) -> Vec<u64> {
        let slices = history.of(split, Timestamp(0));
        slices.iter().map(|slice| slice.versions[0].1.assigned).collect()
    }

    #[test]
    fn a_slice_holds_what_came_since_the_last_one_and_a_quiet_one_is_none() {
        let history = History::default();
        for (seconds, total) in [(10, 5), (20, 5), (30, 12)] {
            turn(&history, seconds, &[(1, total), (2, 0)]);
        }
        assert_eq!(counts(&history, 1), [5, 7]);
        assert_eq!(history.of(1, at(10)).len(), 1);
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
        let splits: Vec<_> = (0..200).map(|split| (split, 1)).collect();
        turn(&history, 10, &splits[..100]);
        turn(&history, 20, &splits);
        assert_eq!(history.lock().splits.len(), SPLITS_MAX);
        assert!((100..200).all(|split| history.last(split) == Some(at(20))));
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
    fn of_many_versions_those_with_most_requests_are_kept() {
        let history = History::default();
        let versions = (0..9).map(|number| (7, number));
        history.turn(at(10), versions, |number| assigned(u64::from(number) + 1), |_| None);
        let slices = history.of(7, Timestamp(0));
        let kept: Vec<_> = slices[0].versions.iter().map(|(number, _)| *number).collect();
        assert_eq!(kept, [8, 7, 6, 5]);
    }
}
