//! A persistent map from text to values: cheap to clone, and a lookup in it takes
//! the same time whatever its size.

use std::sync::Arc;

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// A change copies one shard, so shards are many enough that one stays small: at a
/// million entries about a thousand.
const SHARDS: usize = 1_024;

/// Texts and their values in hash tables of their own, one a shard. A clone shares
/// all of them and copies those that it changes.
#[derive(Clone)]
pub(super) struct Index<V>(Arc<Vec<Arc<Shard<V>>>>);

type Shard<V> = HashTable<(Arc<str>, V)>;

/// How a text is found. Made once for several indexes.
#[derive(Clone, Copy)]
pub(super) struct Hash(u64);

impl Hash {
    #[inline]
    pub(super) fn of(text: &[u8]) -> Self {
        Self(xxh3_64(text))
    }

    #[inline]
    pub(super) fn value(self) -> u64 {
        self.0
    }

    /// The table inside a shard uses the low and the top bits; these are others.
    #[inline]
    fn shard(self) -> usize {
        (self.0 >> 40) as usize % SHARDS
    }
}

impl<V> Default for Index<V> {
    fn default() -> Self {
        let empty = Arc::new(HashTable::new());
        Self(Arc::new(vec![empty; SHARDS]))
    }
}

impl<V: Clone> Index<V> {
    #[inline]
    pub(super) fn get(&self, hash: Hash, text: &[u8]) -> Option<&V> {
        self.0[hash.shard()]
            .find(hash.0, |(known, _)| known.as_bytes() == text)
            .map(|(_, value)| value)
    }

    /// Changes the value of `text`, starting from `V::default()`; `change` says
    /// whether it is still worth keeping.
    pub(super) fn update(&mut self, text: &str, change: impl FnOnce(&mut V) -> bool)
    where
        V: Default,
    {
        let hash = Hash::of(text.as_bytes());
        let shard = Arc::make_mut(&mut Arc::make_mut(&mut self.0)[hash.shard()]);
        let entry = shard.entry(
            hash.0,
            |(known, _)| &**known == text,
            |(known, _)| Hash::of(known.as_bytes()).0,
        );
        let mut entry = entry.or_insert_with(|| (Arc::from(text), V::default()));
        if !change(&mut entry.get_mut().1) {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(index: &Index<u32>, text: &str) -> Option<u32> {
        index.get(Hash::of(text.as_bytes()), text.as_bytes()).copied()
    }

    fn set(index: &mut Index<u32>, text: &str, value: u32) {
        index.update(text, |slot| {
            *slot = value;
            true
        });
    }

    #[test]
    fn a_clone_does_not_see_later_changes() {
        let mut index = Index::default();
        for number in 0..5_000 {
            set(&mut index, &format!("host-{number}.test"), number);
        }
        let before = index.clone();
        set(&mut index, "host-7.test", 70);
        index.update("host-8.test", |_| false);

        assert_eq!(get(&before, "host-7.test"), Some(7));
        assert_eq!(get(&before, "host-8.test"), Some(8));
        assert_eq!(get(&index, "host-7.test"), Some(70));
        assert_eq!(get(&index, "host-8.test"), None);
        assert_eq!(get(&index, "host-4999.test"), Some(4_999));
    }
}
