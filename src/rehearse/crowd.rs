//! Who asked, how often, and how long they stayed, in bounded memory.

use std::time::Duration;

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// So many users are kept, some 200 MB; of more, a sample.
pub(super) const USERS_KEPT_MAX: usize = 1 << 21;

/// A longer key is none that a request would carry.
pub(super) const KEY_MAX_BYTES: usize = 4 * 1024;

/// All keys that are kept, together; of more, a sample of users.
const KEYS_MAX_BYTES: usize = 256 * 1024 * 1024;

/// Whoever makes one of so many requests is kept in any sample, and stands for no more than
/// at that moment: who is heavy must not be there, or be counted, by chance.
const HEAVY_ONE_IN: u64 = 1_000;

/// Of the order in which users leave the sample: another one than that of any split.
const SAMPLE_SEED: u64 = u64::from_le_bytes(*b"rehearse");

/// Users who asked.
///
/// When there are too many, half of them are forgotten, by a hash that has nothing to do
/// with their version, and those who come later with such a hash are passed over; the others
/// stand for them (Wegman's adaptive sampling: Flajolet, "On adaptive sampling", Computing
/// 43, 1990).
#[derive(Debug)]
pub(super) struct Crowd {
    kept: HashTable<Visitor>,
    users_max: usize,
    keys_bytes: usize,
    halvings: u32,
    /// Requests with a key, of those who are not kept, too.
    requests: u64,
    keyless: u64,
    /// The earliest and the latest request, in milliseconds since any moment.
    times_ms: Option<(i64, i64)>,
    session_ms: u64,
}

/// A user who is kept.
#[derive(Debug)]
pub(super) struct Visitor {
    hash: u64,
    pub(super) key: Box<[u8]>,
    pub(super) requests: u64,
    last_ms: Option<i64>,
    /// How long the user was between two requests of one session.
    pub(super) in_session_ms: u64,
    /// The halvings that there had been when the user was found to be heavy.
    heavy_since: Option<u32>,
}

impl Crowd {
    /// Two requests of a user are of one session if no more than `session` is between them.
    pub(super) fn new(session: Duration) -> Self {
        let session_ms = u64::try_from(session.as_millis()).unwrap_or(u64::MAX);
        Self {
            kept: HashTable::new(),
            users_max: USERS_KEPT_MAX,
            keys_bytes: 0,
            halvings: 0,
            requests: 0,
            keyless: 0,
            times_ms: None,
            session_ms,
        }
    }

    /// Takes up requests of the user with `key`.
    pub(super) fn see(&mut self, key: &[u8], requests: u64, at_ms: Option<i64>) {
        self.requests = self.requests.saturating_add(requests);
        self.widen(at_ms);
        let hash = xxh3_64_with_seed(key, SAMPLE_SEED);
        if let Some(known) = self.kept.find_mut(hash, |it| it.hash == hash && *it.key == *key) {
            known.again(requests, at_ms, self.session_ms);
        } else if is_sampled(hash, self.halvings) {
            self.make_room(key.len());
            if is_sampled(hash, self.halvings) {
                self.keys_bytes += key.len();
                let visitor = Visitor {
                    hash,
                    key: key.into(),
                    requests,
                    last_ms: at_ms,
                    in_session_ms: 0,
                    heavy_since: None,
                };
                self.kept.insert_unique(hash, visitor, |it| it.hash);
            }
        }
    }

    /// Takes up a request without a key.
    pub(super) fn see_keyless(&mut self, at_ms: Option<i64>) {
        self.keyless += 1;
        self.widen(at_ms);
    }

    fn widen(&mut self, at_ms: Option<i64>) {
        if let Some(at) = at_ms {
            let (first, last) = self.times_ms.unwrap_or((at, at));
            self.times_ms = Some((first.min(at), last.max(at)));
        }
    }

    fn make_room(&mut self, key_bytes: usize) {
        let is_full = |crowd: &Self| {
            crowd.kept.len() >= crowd.users_max || crowd.keys_bytes + key_bytes > KEYS_MAX_BYTES
        };
        while is_full(self) && self.halvings < u64::BITS - 1 {
            let (before, requests) = (self.halvings, self.requests);
            self.halvings += 1;
            let mut keys_bytes = 0;
            self.kept.retain(|it| {
                if it.heavy_since.is_none() && it.requests >= requests.div_ceil(HEAVY_ONE_IN) {
                    it.heavy_since = Some(before);
                }
                let is_kept = it.heavy_since.is_some() || is_sampled(it.hash, before + 1);
                keys_bytes += if is_kept { it.key.len() } else { 0 };
                is_kept
            });
            self.keys_bytes = keys_bytes;
        }
    }

    /// Those who are kept, each with the number of users for whom they stand.
    pub(super) fn visitors(&self) -> impl Iterator<Item = (&Visitor, u64)> {
        let weight = |it: &Visitor| 1 << it.heavy_since.unwrap_or(self.halvings);
        self.kept.iter().map(move |it| (it, weight(it)))
    }

    pub(super) fn kept(&self) -> u64 {
        self.kept.len() as u64
    }

    pub(super) const fn is_sampled(&self) -> bool {
        self.halvings > 0
    }

    pub(super) const fn keyless(&self) -> u64 {
        self.keyless
    }

    /// From the earliest request to the latest; `None` where there are no two times.
    pub(super) fn span(&self) -> Option<Duration> {
        let (first, last) = self.times_ms?;
        (first < last).then(|| Duration::from_millis(last.abs_diff(first)))
    }
}

impl Visitor {
    fn again(&mut self, requests: u64, at_ms: Option<i64>, session_ms: u64) {
        self.requests = self.requests.saturating_add(requests);
        let Some(at) = at_ms else { return };
        // Lines of a log may come out of order, by a little.
        let apart =
            self.last_ms.map_or(u64::MAX, |last| at.saturating_sub(last).max(0).unsigned_abs());
        if apart <= session_ms {
            self.in_session_ms = self.in_session_ms.saturating_add(apart);
        }
        self.last_ms = Some(self.last_ms.map_or(at, |last| last.max(at)));
    }
}

const fn is_sampled(hash: u64, halvings: u32) -> bool {
    hash <= u64::MAX >> halvings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd(users_max: usize) -> Crowd {
        Crowd { users_max, ..Crowd::new(Duration::from_secs(10)) }
    }

    fn of(crowd: &Crowd) -> (u64, u64) {
        crowd.visitors().fold((0, 0), |(users, requests), (it, weight)| {
            (users + weight, requests + weight * it.requests)
        })
    }

    #[test]
    fn few_users_are_all_kept_with_all_they_asked() {
        let mut crowd = crowd(1_000);
        for request in 0..3_000_u64 {
            crowd.see(&(request % 1_000).to_le_bytes(), 2, None);
        }
        crowd.see_keyless(None);
        assert_eq!((of(&crowd), crowd.kept(), crowd.keyless()), ((1_000, 6_000), 1_000, 1));
        assert!(!crowd.is_sampled() && crowd.span().is_none());
    }

    #[test]
    fn a_sample_stands_for_all_and_the_heavy_are_in_it() {
        let mut crowd = crowd(4_096);
        for request in 0..400_000_u64 {
            let user = if request % 4 == 0 { request % 3 } else { 100 + request % 100_000 };
            crowd.see(&user.to_le_bytes(), 1, None);
        }
        // 75,000 light ones with four requests each, and three with 33,333.
        let (users, requests) = of(&crowd);
        assert!(crowd.kept() <= 4_096 && crowd.is_sampled(), "{}", crowd.kept());
        assert!(users.abs_diff(75_003) < 4_000, "{users}");
        assert!(requests.abs_diff(400_000) < 16_000, "{requests}");
        for heavy in 0..3_u64 {
            let (found, weight) =
                crowd.visitors().find(|(it, _)| *it.key == heavy.to_le_bytes()).unwrap();
            assert!(found.requests.abs_diff(33_333) < 2 && weight == 1, "{found:?} {weight}");
        }
    }

    #[test]
    fn time_between_requests_counts_within_a_session_alone() {
        let mut crowd = crowd(10);
        for at in [0, 4_000, 3_000, 14_000, 24_001, 30_000] {
            crowd.see(b"ann", 1, Some(at));
        }
        crowd.see(b"ben", 1, Some(60_000));
        let ann = crowd.visitors().find(|(it, _)| *it.key == *b"ann").unwrap().0;
        // Not from 14 s to 24.001 s; and what came out of order adds nothing.
        assert_eq!(ann.in_session_ms, 4_000 + 10_000 + 5_999);
        assert_eq!(crowd.span(), Some(Duration::from_secs(60)));
    }

    #[test]
    fn no_time_is_too_far() {
        let mut crowd = crowd(10);
        for at in [i64::MIN, i64::MAX, 0, i64::MIN] {
            crowd.see(b"ann", u64::MAX, Some(at));
        }
        assert_eq!(crowd.span(), Some(Duration::from_millis(u64::MAX)));
    }
}
