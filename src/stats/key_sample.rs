//! A uniform sample of distinct keys in bounded memory.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// A sample of distinct keys, each with what is noted of it.
///
/// A key is sampled if its hash is not above a limit. When the sample is full the limit is
/// halved, and the keys above it are forgotten. What was counted of them stays counted,
/// since a key above the limit is never sampled again: so each key is seen for the first
/// time at most once, and whether it is sampled says nothing about anything else.
/// (Wegman's adaptive sampling: Flajolet, "On adaptive sampling", Computing 43, 1990.)
///
/// Its hash stands for the key: of a million sampled keys two are one with a probability of
/// one in thirty million. It is uniform over all of `u64` and independent of what is asked
/// about the keys; where strangers choose them, it has a seed that they do not know.
#[derive(Debug, Clone)]
pub struct KeySample<V> {
    kept: HashTable<(u64, V)>,
    limit: u64,
    keys_max: usize,
}

/// What a sample makes of a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Sighting<'s, V> {
    /// It is not sampled.
    Passed,
    /// Nothing is noted of it yet, and nothing may be if the sample is small.
    First,
    /// It was sampled before.
    Again(&'s mut V),
}

impl<V> KeySample<V> {
    /// A sample of at most `keys_max` keys; none is refused, so it is at least one.
    pub fn new(keys_max: usize) -> Self {
        Self { kept: HashTable::new(), limit: u64::MAX, keys_max: keys_max.max(1) }
    }

    /// Looks at the key of this `hash`. If it is sampled for the first time, `note` says
    /// what is noted of it.
    #[inline]
    pub fn see(&mut self, hash: u64, note: impl FnOnce() -> V) -> Sighting<'_, V> {
        if hash > self.limit {
            return Sighting::Passed;
        }
        if self.kept.len() >= self.keys_max && self.get(hash).is_none() {
            self.make_room();
            // The key may be above the limit now. It was not when it came, and will not be
            // sampled again, so it counts.
            if hash > self.limit {
                return Sighting::First;
            }
        }
        match self.kept.entry(slot(hash), |(key, _)| *key == hash, |(key, _)| slot(*key)) {
            Entry::Occupied(known) => Sighting::Again(&mut known.into_mut().1),
            Entry::Vacant(room) => {
                room.insert((hash, note()));
                Sighting::First
            }
        }
    }

    /// What is noted of the key of this hash.
    pub fn get(&self, hash: u64) -> Option<&V> {
        self.kept.find(slot(hash), |(key, _)| *key == hash).map(|(_, noted)| noted)
    }

    #[cold]
    fn make_room(&mut self) {
        while self.kept.len() >= self.keys_max {
            self.halve();
        }
    }

    /// Forgets about half of the keys, for good.
    pub fn halve(&mut self) {
        self.limit_to(self.limit / 2);
    }

    /// Forgets the keys whose hash is above `limit`, for good.
    pub fn limit_to(&mut self, limit: u64) {
        if limit < self.limit {
            self.limit = limit;
            self.kept.retain(|(key, _)| *key <= limit);
        } else if self.limit == 0 {
            // Nothing is left to halve but the key of hash 0.
            self.kept.clear();
        }
    }

    /// The greatest hash of a key that is sampled now.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// The share of keys that are sampled now, 0 to 1.
    pub fn share(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
        let share = self.limit as f64 / u64::MAX as f64;
        share
    }

    /// The hashes of the keys that are held now, and what is noted of each, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &V)> {
        self.kept.iter().map(|(hash, noted)| (*hash, noted))
    }

    /// How many keys are held now.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }
}

/// Where a key lies in the table, which tells keys apart by the top bits: under a low
/// limit those of the hash are all zero.
const fn slot(hash: u64) -> u64 {
    hash.rotate_left(32)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use xxhash_rust::xxh3::xxh3_64_with_seed;

    use super::*;

    fn hash(key: u64) -> u64 {
        xxh3_64_with_seed(&key.to_le_bytes(), 7)
    }

    fn is_first<V>(sighting: &Sighting<'_, V>) -> bool {
        matches!(sighting, Sighting::First)
    }

    #[test]
    fn a_key_is_seen_first_once_and_then_again() {
        let mut keys = KeySample::new(100);
        assert_eq!(keys.see(1, || 'a'), Sighting::First);
        assert_eq!(keys.see(1, || 'b'), Sighting::Again(&mut 'a'));
        if let Sighting::Again(noted) = keys.see(1, || 'b') {
            *noted = 'c';
        }
        assert_eq!((keys.get(1), keys.get(2), keys.len()), (Some(&'c'), None, 1));
    }

    /// Whatever is forgotten between: no key counts twice, and the sample stays in its
    /// bound.
    #[test]
    fn no_key_counts_twice_however_full_the_sample_was() {
        let mut keys = KeySample::new(1_000);
        let mut counted = HashSet::new();
        for round in 0..4 {
            for key in 0..50_000 {
                // Half come again at once, all in the next round.
                for again in 0..=(key % 2) {
                    if is_first(&keys.see(hash(key), || ())) {
                        assert!(counted.insert(key), "{key} in round {round}, time {again}");
                    }
                    assert!(keys.len() <= 1_000);
                }
            }
        }
        assert!(counted.len() >= 1_000);
        // 50,000 keys at 1/64 are 781; at 1/32 they would not fit.
        assert!((keys.share() - 1.0 / 64.0).abs() < 1e-12, "{}", keys.share());
        let held: HashSet<u64> = keys.iter().map(|(hash, ())| hash).collect();
        let below = (0..50_000).map(hash).filter(|hash| *hash <= keys.limit());
        assert_eq!(held, below.collect());
    }

    #[test]
    fn what_is_seen_again_never_makes_room() {
        let mut keys = KeySample::new(10);
        let all: Vec<u64> = (0..10).map(hash).collect();
        for _ in 0..3 {
            for &key in &all {
                keys.see(key, || ());
            }
        }
        assert_eq!((keys.len(), keys.limit()), (10, u64::MAX));
    }

    #[test]
    fn a_sample_of_none_still_counts_each_key_once() {
        let mut keys = KeySample::new(0);
        let firsts = (0..1_000).filter(|key| is_first(&keys.see(hash(*key), || ()))).count();
        assert!((1..30).contains(&firsts), "{firsts}");
        assert!(keys.len() <= 1);
    }

    #[test]
    fn the_least_hash_of_all_fills_no_sample_for_ever() {
        let mut keys = KeySample::new(1);
        assert_eq!(keys.see(0, || ()), Sighting::First);
        for key in 1..100 {
            keys.see(key, || ());
            assert!(keys.len() <= 1);
        }
    }
}
