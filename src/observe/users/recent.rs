//! Who came lately, and how often.

use std::collections::HashMap;

use super::samples::Samples;
use crate::stats::KeySample;

/// The most users that are held of one split, by one worker in one window of time.
const OF_SPLIT_MAX: usize = 4_096;

/// The most users that are held of all splits, by one worker in one window of time.
const OF_ALL_MAX: usize = 65_536;

/// Users with longer keys are counted, and their keys are not held.
const KEY_MAX_BYTES: usize = 256;

/// A sample of users, each with the octets of its key. Those are never written anywhere,
/// and are forgotten with their window.
#[derive(Debug)]
pub struct RecentUsers {
    pub users: Vec<RecentUser>,
    /// The share of all users that are sampled, 0 to 1. It is 1 up to some thousands.
    pub share: f64,
}

#[derive(Debug, PartialEq, Eq)]
pub struct RecentUser {
    /// `None` of a key that was too long to be held.
    pub key: Option<Box<[u8]>>,
    pub requests: u64,
}

/// Two windows of time: one that goes on, and the one before.
#[derive(Debug)]
pub(super) struct Recent([Samples<RecentUser>; 2]);

impl Default for Recent {
    fn default() -> Self {
        Self([window(), window()])
    }
}

fn window() -> Samples<RecentUser> {
    Samples::new(OF_SPLIT_MAX, OF_ALL_MAX)
}

impl Default for RecentUsers {
    /// Nobody.
    fn default() -> Self {
        Self { users: Vec::new(), share: 1.0 }
    }
}

impl Recent {
    #[inline]
    pub(super) fn note(&mut self, split: u32, user: u64, key: impl FnOnce() -> Option<Vec<u8>>) {
        let first = || {
            let key = key().filter(|key| key.len() <= KEY_MAX_BYTES);
            RecentUser { key: key.map(Vec::into_boxed_slice), requests: 1 }
        };
        self.0[0].see(split, user, first, |known| known.requests += 1);
    }

    pub(super) fn turn(&mut self) {
        self.0[1] = std::mem::replace(&mut self.0[0], window());
    }

    pub(super) fn samples(&self, split: u32) -> impl Iterator<Item = &KeySample<RecentUser>> {
        self.0.iter().filter_map(move |window| window.of(split))
    }
}

impl RecentUsers {
    /// Those of several samples by the same hash. What is above the lowest limit is not
    /// sampled by all, so it is not in the sum of them.
    pub(super) fn of<'s>(samples: impl Iterator<Item = &'s KeySample<RecentUser>>) -> Self {
        let samples: Vec<_> = samples.collect();
        let lowest = samples.iter().min_by_key(|sample| sample.limit());
        let (limit, share) =
            lowest.map_or((u64::MAX, 1.0), |sample| (sample.limit(), sample.share()));
        let mut users: HashMap<u64, RecentUser> = HashMap::new();
        let noted = samples.iter().flat_map(|sample| sample.iter());
        for (hash, user) in noted.filter(|(hash, _)| *hash <= limit) {
            let sum = users
                .entry(hash)
                .or_insert_with(|| RecentUser { key: user.key.clone(), requests: 0 });
            sum.requests += user.requests;
        }
        Self { users: users.into_values().collect(), share }
    }
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64_with_seed;

    use super::*;

    fn hash(key: u32) -> u64 {
        xxh3_64_with_seed(&key.to_le_bytes(), 7)
    }

    fn note(recent: &mut Recent, key: u32) {
        recent.note(0, hash(key), || Some(key.to_le_bytes().to_vec()));
    }

    /// One worker has many users and samples few; the other has few, and holds all.
    #[test]
    fn samples_of_different_limits_are_added_up_below_the_lowest() {
        let (mut many, mut few) = (Recent::default(), Recent::default());
        for key in 0..100_000 {
            note(&mut many, key);
        }
        for key in 0..1_000 {
            note(&mut few, key);
            note(&mut few, key);
        }
        let users = RecentUsers::of(many.samples(0).chain(few.samples(0)));
        assert!((users.share - 1.0 / 32.0).abs() < 1e-12, "{}", users.share);
        let sampled = |keys: std::ops::Range<u32>| {
            keys.filter(|key| hash(*key) <= u64::MAX / 32).count() as u64
        };
        let requests: u64 = users.users.iter().map(|user| user.requests).sum();
        assert_eq!(users.users.len() as u64, sampled(0..100_000));
        assert_eq!(requests, sampled(0..100_000) + 2 * sampled(0..1_000));
    }

    #[test]
    fn a_long_key_is_counted_and_not_held() {
        let mut recent = Recent::default();
        for length in [KEY_MAX_BYTES, KEY_MAX_BYTES + 1] {
            recent.note(0, length as u64, || Some(vec![b'k'; length]));
        }
        let held = RecentUsers::of(recent.samples(0)).users;
        let mut held: Vec<_> =
            held.iter().map(|user| user.key.as_ref().map(|key| key.len())).collect();
        held.sort();
        assert_eq!(held, [None, Some(KEY_MAX_BYTES)]);
    }
}
