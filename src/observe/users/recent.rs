//! Who came lately, and how often.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::heavy::Heavy;
use super::samples::{Samples, Seen};
use crate::stats::KeySample;

/// A window of time in which users are noted. This one and the one before are what came
/// lately.
pub const RECENT_WINDOW: Duration = Duration::from_mins(30);

/// Two requests of a user that are no further apart are of one session.
pub const RECENT_SESSION: Duration = RECENT_WINDOW;

/// The most users that are held of one split, by one worker in one window of time.
const OF_SPLIT_MAX: usize = 4_096;

/// The most users that are held of all splits, by one worker in one window of time.
const OF_ALL_MAX: usize = 65_536;

/// Users with longer keys are counted, and their keys are not held.
const KEY_MAX_BYTES: usize = 256;

/// So many splits have their heavy users told whatever their sample holds.
const HEAVY_SPLITS_MAX: usize = 64;

/// From so many of all requests on, a user is heavy, and stands for nobody else.
const HEAVY_ONE_IN: u64 = 1_000;

/// Users who came lately, with the octets of their keys. Those are never written anywhere,
/// and are forgotten with their window.
pub struct RecentUsers {
    pub users: Vec<RecentUser>,
    /// The share of all users that are sampled, 0 to 1. It is 1 up to some thousands.
    pub share: f64,
    /// Requests without a key.
    pub keyless: u64,
    /// From the first request of a user who is told to the last, in whole seconds.
    pub span: Duration,
}

pub struct RecentUser {
    /// `None` of a key that was too long to be held.
    pub key: Option<Arc<[u8]>>,
    pub requests: u64,
    /// The number of users for whom this one stands: 1 of all, and of the heavy.
    pub weight: u64,
    /// How long the user was between two requests of one [`RECENT_SESSION`], in whole
    /// seconds.
    pub in_session: Duration,
}

impl Default for RecentUsers {
    /// Nobody.
    fn default() -> Self {
        Self { users: Vec::new(), share: 1.0, keyless: 0, span: Duration::ZERO }
    }
}

/// What is noted of a user.
#[derive(Clone)]
pub(super) struct Noted {
    pub(super) key: Option<Arc<[u8]>>,
    pub(super) requests: u64,
    pub(super) stay: Stay,
}

/// From when to when a user was seen, in seconds since any moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stay {
    first_s: u32,
    last_s: u32,
}

impl Stay {
    pub(super) const fn at(now_s: u32) -> Self {
        Self { first_s: now_s, last_s: now_s }
    }

    fn with(self, other: Self) -> Self {
        let (first_s, last_s) = (self.first_s.min(other.first_s), self.last_s.max(other.last_s));
        Self { first_s, last_s }
    }

    const fn length_s(self) -> u32 {
        self.last_s.saturating_sub(self.first_s)
    }
}

/// A key is never shown.
impl fmt::Debug for Noted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Noted").field("requests", &self.requests).finish_non_exhaustive()
    }
}

impl Noted {
    fn first(key: Option<Vec<u8>>, now_s: u32) -> Self {
        let key = key.filter(|key| key.len() <= KEY_MAX_BYTES);
        Self { key: key.map(Arc::from), requests: 1, stay: Stay::at(now_s) }
    }

    #[inline]
    pub(super) fn again(&mut self, now_s: u32) {
        self.requests += 1;
        self.stay.last_s = now_s;
    }
}

/// Two windows of time: one that goes on, and the one before.
#[derive(Debug, Default)]
pub(super) struct Recent {
    windows: [Window; 2],
    /// As of the last tick, so that a request reads no clock.
    now_s: u32,
}

#[derive(Debug)]
pub(super) struct Window {
    samples: Samples<Noted>,
    /// By split.
    counts: Vec<Counts>,
    /// By split, of those with very many users.
    heavy: HashMap<u32, Heavy>,
}

/// What is known of a split beside its users.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    /// Where the keys of its users come from, and how they are placed.
    placing: u64,
    keyless: u64,
}

impl Default for Window {
    fn default() -> Self {
        let samples = Samples::new(OF_SPLIT_MAX, OF_ALL_MAX);
        Self { samples, counts: Vec::new(), heavy: HashMap::new() }
    }
}

/// What one worker knows of one split in one window.
#[derive(Debug)]
pub(super) struct Part {
    /// In [`Recent::windows`].
    window: usize,
    keyless: u64,
    /// Of the sample: the greatest hash, and the share of users.
    limit: u64,
    share: f64,
    /// Of users who are neither sampled nor held.
    requests: u64,
    users: Vec<(u64, Noted)>,
}

impl Recent {
    /// It is `now_s` seconds since any moment that stays the same.
    pub(super) fn tick(&mut self, now_s: u32) {
        self.now_s = now_s;
    }

    #[inline]
    pub(super) fn note(
        &mut self,
        split: u32,
        placing: u64,
        user: u64,
        key: impl Fn() -> Option<Vec<u8>>,
    ) {
        let (window, now_s) = (&mut self.windows[0], self.now_s);
        window.counts(split, placing);
        let first = || Noted::first(key(), now_s);
        let seen = window.samples.see(split, user, first, |known| known.again(now_s));
        if seen == Seen::Passed
            && let Some(heavy) = window.heavy(split)
        {
            heavy.note(user, now_s, || Noted::first(key(), now_s));
        }
    }

    pub(super) fn note_keyless(&mut self, split: u32, placing: u64) {
        self.windows[0].counts(split, placing).keyless += 1;
    }

    /// The window that is over.
    pub(super) fn turn(&mut self) -> Window {
        let before = std::mem::take(&mut self.windows[0]);
        std::mem::replace(&mut self.windows[1], before)
    }

    pub(super) fn parts(&self, split: u32, placing: u64) -> Vec<Part> {
        let windows = self.windows.iter().enumerate();
        windows.filter_map(|(number, window)| window.part(number, split, placing)).collect()
    }
}

impl Window {
    #[inline]
    fn counts(&mut self, split: u32, placing: u64) -> &mut Counts {
        let number = split as usize;
        if self.counts.get(number).is_none_or(|counts| counts.placing != placing) {
            self.begin(split, placing);
        }
        &mut self.counts[number]
    }

    /// Keys come from elsewhere now: who was noted is somebody else.
    #[cold]
    fn begin(&mut self, split: u32, placing: u64) {
        let number = split as usize;
        if self.counts.len() <= number {
            self.counts.resize(number + 1, Counts::default());
        }
        self.samples.restart(split);
        self.heavy.remove(&split);
        self.counts[number] = Counts { placing, keyless: 0 };
    }

    /// Who is heavy among the users of a split that are not sampled; `None` of a split whose
    /// sample is small because there are so many others.
    fn heavy(&mut self, split: u32) -> Option<&mut Heavy> {
        let is_crowded = self.heavy.len() >= HEAVY_SPLITS_MAX
            || self.samples.of(split).is_none_or(|sample| sample.len() < OF_SPLIT_MAX / 8);
        if is_crowded {
            return self.heavy.get_mut(&split);
        }
        Some(self.heavy.entry(split).or_default())
    }

    fn part(&self, number: usize, split: u32, asked: u64) -> Option<Part> {
        let Counts { placing, keyless } = *self.counts.get(split as usize)?;
        if placing != asked {
            return None;
        }
        let (sample, heavy) = (self.samples.of(split), self.heavy.get(&split));
        let sampled = sample.into_iter().flat_map(KeySample::iter);
        let users = sampled.chain(heavy.into_iter().flat_map(Heavy::iter));
        Some(Part {
            window: number,
            keyless,
            limit: sample.map_or(u64::MAX, KeySample::limit),
            share: sample.map_or(1.0, KeySample::share),
            requests: heavy.map_or(0, Heavy::of_others),
            users: users.map(|(hash, noted)| (hash, noted.clone())).collect(),
        })
    }
}

impl RecentUsers {
    /// Those of several parts, by the same hash. A user above the lowest
    /// limit is not sampled by all, so only one who is heavy counts there; who is below
    /// stands for as many as are not sampled.
    pub(super) fn of(parts: Vec<Part>) -> Self {
        let keyless = parts.iter().map(|part| part.keyless).sum();
        let (mut limit, mut share, mut requests) = (u64::MAX, 1.0_f64, 0);
        let mut sums: HashMap<u64, Sum> = HashMap::new();
        for part in parts {
            (limit, share) = (limit.min(part.limit), share.min(part.share));
            requests += part.requests;
            for (hash, noted) in part.users {
                sums.entry(hash).or_default().take_up(part.window, noted);
            }
        }
        requests += sums.values().map(|sum| sum.requests).sum::<u64>();
        // A limit that was halved so many times.
        let weight = 1_u64 << limit.leading_zeros().min(u64::BITS - 1);
        let mut all: Option<Stay> = None;
        let users = sums.into_iter().filter_map(|(hash, sum)| {
            let is_heavy = sum.requests.saturating_mul(HEAVY_ONE_IN) >= requests;
            let weight = if is_heavy { 1 } else { weight };
            if !is_heavy && hash > limit {
                return None;
            }
            for stay in sum.stays.iter().flatten() {
                all = Some(all.map_or(*stay, |all| all.with(*stay)));
            }
            let in_session = Duration::from_secs(sum.in_session_s().into());
            Some(RecentUser { key: sum.key, requests: sum.requests, weight, in_session })
        });
        let users = users.collect();
        let span = Duration::from_secs(all.map_or(0, Stay::length_s).into());
        Self { users, share, keyless, span }
    }
}

/// One user of all workers, with the stay in each window.
#[derive(Default)]
struct Sum {
    key: Option<Arc<[u8]>>,
    requests: u64,
    stays: [Option<Stay>; 2],
}

impl Sum {
    fn take_up(&mut self, window: usize, noted: Noted) {
        self.key = self.key.take().or(noted.key);
        self.requests += noted.requests;
        let stay = &mut self.stays[window];
        *stay = Some(stay.map_or(noted.stay, |stay| stay.with(noted.stay)));
    }

    /// A window is no longer than what may be between two requests of a session, so that a
    /// stay in one is of one session.
    fn in_session_s(&self) -> u32 {
        let [now, before] = self.stays;
        let between = match (before, now) {
            (Some(before), Some(now)) => now.first_s.saturating_sub(before.last_s),
            _ => 0,
        };
        let is_one = u64::from(between) <= RECENT_SESSION.as_secs();
        let within = [now, before].into_iter().flatten().map(Stay::length_s).sum::<u32>();
        within + if is_one { between } else { 0 }
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
        recent.note(0, 1, hash(key), || Some(key.to_le_bytes().to_vec()));
    }

    fn sums(users: &RecentUsers) -> (u64, u64) {
        users.users.iter().fold((0, 0), |(users, requests), user| {
            (users + user.weight, requests + user.weight * user.requests)
        })
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
        let users = RecentUsers::of(many.parts(0, 1).into_iter().chain(few.parts(0, 1)).collect());
        assert!((users.share - 1.0 / 32.0).abs() < 1e-12, "{}", users.share);
        let sampled = |keys: std::ops::Range<u32>| {
            keys.filter(|key| hash(*key) <= u64::MAX / 32).count() as u64
        };
        let all = sampled(0..100_000);
        assert_eq!(sums(&users), (32 * all, 32 * (all + 2 * sampled(0..1_000))));
    }

    /// Wherever its hash is, and in whichever window it was held by a sample.
    #[test]
    fn a_heavy_user_is_told_among_many_and_stands_for_nobody_else() {
        for heavy in 0..8 {
            let mut recent = Recent::default();
            for key in 0..200_000 {
                note(&mut recent, 1_000 + key);
                if key % 4 == 0 {
                    note(&mut recent, heavy);
                }
                if key == 100_000 {
                    recent.turn();
                }
            }
            let users = RecentUsers::of(recent.parts(0, 1));
            let key = heavy.to_le_bytes();
            let found = users.users.iter().find(|user| user.key.as_deref() == Some(&key[..]));
            let found = found.unwrap_or_else(|| panic!("user {heavy} is not told"));
            assert_eq!(found.weight, 1);
            // A twentieth may pass before it is drawn, or be forgotten with a sample.
            assert!((40_000..=50_001).contains(&found.requests), "{}", found.requests);
            let (all, requests) = sums(&users);
            assert!(all.abs_diff(200_001) < 12_000, "{all}");
            assert!(requests.abs_diff(250_001) < 25_000, "{requests}");
        }
    }

    #[test]
    fn a_long_key_is_counted_and_not_held() {
        let mut recent = Recent::default();
        for length in [KEY_MAX_BYTES, KEY_MAX_BYTES + 1] {
            recent.note(0, 1, length as u64, || Some(vec![b'k'; length]));
        }
        let held = RecentUsers::of(recent.parts(0, 1)).users;
        let mut held: Vec<_> =
            held.iter().map(|user| user.key.as_ref().map(|key| key.len())).collect();
        held.sort();
        assert_eq!(held, [None, Some(KEY_MAX_BYTES)]);
    }

    /// Whichever workers served them.
    #[test]
    fn time_between_requests_counts_within_a_session_alone() {
        let session_s = u32::try_from(RECENT_SESSION.as_secs()).unwrap();
        let mut workers = [Recent::default(), Recent::default()];
        let mut at = |number: usize, now_s: u32, key: Option<u32>| {
            let recent: &mut Recent = &mut workers[number];
            recent.tick(now_s);
            match key {
                Some(key) => note(recent, key),
                None => drop(recent.turn()),
            }
        };
        // One is there all the time, one again a session later, one again too late.
        for (now_s, key) in [(10, 1), (300, 2), (299, 3)] {
            at(0, now_s, Some(key));
        }
        for (number, now_s, key) in [(1, 400, Some(1)), (0, 500, None), (1, 500, None)] {
            at(number, now_s, key);
        }
        for (number, now_s, key) in [(0, 600, 1), (1, 900, 1), (0, 300 + session_s, 2)] {
            at(number, now_s, Some(key));
        }
        at(1, 300 + session_s, Some(3));
        let parts = workers.iter().flat_map(|recent| recent.parts(0, 1)).collect();
        let users = RecentUsers::of(parts);
        let of = |key: u32| {
            let is_it = |user: &&RecentUser| user.key.as_deref() == Some(&key.to_le_bytes()[..]);
            users.users.iter().find(is_it).unwrap().in_session.as_secs()
        };
        assert_eq!([of(1), of(2), of(3)], [890, RECENT_SESSION.as_secs(), 0]);
        assert_eq!(users.span.as_secs(), 290 + RECENT_SESSION.as_secs());
    }

    #[test]
    fn users_whose_keys_come_from_elsewhere_now_are_others() {
        let mut recent = Recent::default();
        let note = |recent: &mut Recent, placing, key| recent.note(0, placing, hash(key), || None);
        let users = |recent: &Recent, placing| {
            let users = RecentUsers::of(recent.parts(0, placing));
            (users.users.len(), users.keyless)
        };
        note(&mut recent, 1, 1);
        recent.note_keyless(0, 1);
        recent.turn();
        note(&mut recent, 1, 2);
        assert_eq!(users(&recent, 1), (2, 1));
        assert_eq!(users(&recent, 9), (0, 0));
        recent.note_keyless(0, 9);
        note(&mut recent, 9, 3);
        assert_eq!(users(&recent, 9), (1, 1));
        assert_eq!(users(&recent, 1), (1, 1));
    }
}
