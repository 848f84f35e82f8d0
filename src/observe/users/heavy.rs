//! Who asks much, of those that no sample holds.

use hashbrown::HashTable;

use super::recent::Noted;

/// Every so many requests, whoever makes it is held from then on.
const ONE_IN: u64 = 256;

/// So many are held; of more, those who ask most.
const HELD_MAX: usize = 64;

/// Users who were drawn by one of their requests, with all that they asked since: whoever
/// makes a share of all requests is soon among them, and few others are (sample and hold:
/// Estan and Varghese, "New directions in traffic measurement and accounting", SIGCOMM
/// 2002).
#[derive(Debug, Default)]
pub(super) struct Heavy {
    requests: u64,
    held: HashTable<(u64, Noted)>,
}

impl Heavy {
    pub(super) fn note(&mut self, user: u64, now_s: u32, first: impl FnOnce() -> Noted) {
        self.requests += 1;
        if let Some((_, noted)) = self.held.find_mut(user, |(held, _)| *held == user) {
            noted.again(now_s);
        } else if self.requests.is_multiple_of(ONE_IN) {
            if self.held.len() >= HELD_MAX {
                self.let_go();
            }
            self.held.insert_unique(user, (user, first()), |(held, _)| *held);
        }
    }

    /// Of whoever asked least.
    fn let_go(&mut self) {
        let least = self.held.iter().map(|(user, noted)| (noted.requests, *user)).min();
        self.held.retain(|(user, noted)| Some((noted.requests, *user)) != least);
    }

    /// The requests of those who are not held.
    pub(super) fn of_others(&self) -> u64 {
        self.requests - self.iter().map(|(_, noted)| noted.requests).sum::<u64>()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Noted)> {
        self.held.iter().map(|(user, noted)| (*user, noted))
    }
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64_with_seed;

    use super::super::recent::Stay;
    use super::*;

    fn noted() -> Noted {
        Noted { key: None, requests: 1, stay: Stay::at(0) }
    }

    #[test]
    fn whoever_asks_much_is_found_among_very_many() {
        let mut heavy = Heavy::default();
        let hash = |key: u64| xxh3_64_with_seed(&key.to_le_bytes(), 7);
        for request in 0..200_000_u64 {
            // A twentieth are of user 0, wherever the drawing falls.
            let user = if hash(request) % 20 == 0 { 0 } else { 1 + request };
            heavy.note(hash(user), 0, noted);
        }
        assert!(heavy.held.len() <= HELD_MAX);
        let found = heavy.iter().find(|(user, _)| *user == hash(0)).expect("it is heavy");
        assert!((5_000..=10_300).contains(&found.1.requests), "{found:?}");
        assert!(heavy.iter().filter(|(_, noted)| noted.requests > 100).count() == 1);
    }
}
