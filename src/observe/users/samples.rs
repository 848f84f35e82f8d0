//! Samples of the users of many splits, bounded together.

use crate::stats::{KeySample, Sighting};

/// A sample of users for each split, by number. Each has a bound, and all have one
/// together: when it is reached, those that hold most forget half.
#[derive(Debug)]
pub(super) struct Samples<V> {
    by_split: Vec<Option<Box<KeySample<V>>>>,
    held: usize,
    each_max: usize,
    all_max: usize,
}

impl<V> Samples<V> {
    pub(super) fn new(each_max: usize, all_max: usize) -> Self {
        Self { by_split: Vec::new(), held: 0, each_max, all_max }
    }

    /// Looks at one user. `note` says what is noted at the first sight, `again` changes it
    /// at every other. Whether it was the first.
    #[inline]
    pub(super) fn see(
        &mut self,
        split: u32,
        user: u64,
        note: impl FnOnce() -> V,
        again: impl FnOnce(&mut V),
    ) -> bool {
        let sample = match self.by_split.get_mut(split as usize) {
            Some(Some(sample)) => sample,
            _ => Self::begun(&mut self.by_split, split, self.each_max),
        };
        let before = sample.len();
        match sample.see(user, note) {
            Sighting::Passed => false,
            Sighting::Again(noted) => {
                again(noted);
                false
            }
            Sighting::First => {
                self.held = self.held + sample.len() - before;
                if self.held > self.all_max {
                    self.shrink();
                }
                true
            }
        }
    }

    #[cold]
    fn begun(
        by_split: &mut Vec<Option<Box<KeySample<V>>>>,
        split: u32,
        each_max: usize,
    ) -> &mut KeySample<V> {
        let split = split as usize;
        if by_split.len() <= split {
            by_split.resize_with(split + 1, || None);
        }
        by_split[split].get_or_insert_with(|| Box::new(KeySample::new(each_max)))
    }

    /// Has those that hold as many as the mean, or more, forget half.
    #[cold]
    fn shrink(&mut self) {
        let begun = self.by_split.iter().flatten().filter(|sample| !sample.is_empty()).count();
        let mean = self.held / begun.max(1);
        for sample in self.by_split.iter_mut().flatten().filter(|sample| sample.len() >= mean) {
            let before = sample.len();
            sample.halve();
            self.held -= before - sample.len();
        }
    }

    /// Forgets all users of a split, and samples all of them again.
    pub(super) fn restart(&mut self, split: u32) {
        if let Some(sample) = self.by_split.get_mut(split as usize).and_then(Option::take) {
            self.held -= sample.len();
        }
    }

    pub(super) fn of(&self, split: u32) -> Option<&KeySample<V>> {
        self.by_split.get(split as usize)?.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64_with_seed;

    use super::*;

    fn hash(key: u64) -> u64 {
        xxh3_64_with_seed(&key.to_le_bytes(), 7)
    }

    fn sizes(samples: &Samples<()>) -> Vec<usize> {
        (0..4).map(|split| samples.of(split).map_or(0, KeySample::len)).collect()
    }

    #[test]
    fn the_fullest_forget_when_all_are_too_many() {
        let mut samples = Samples::new(1_000, 1_500);
        for split in 0..3 {
            for key in 0..20 {
                samples.see(split, hash(key), || (), |()| ());
            }
        }
        for key in 0..100_000 {
            samples.see(3, hash(key), || (), |()| ());
        }
        // One split full by itself leaves the others alone.
        assert_eq!(sizes(&samples)[..3], [20, 20, 20]);
        for key in 0..100_000 {
            samples.see(2, hash(key), || (), |()| ());
            assert!(samples.held <= 1_500);
        }
        let sizes = sizes(&samples);
        assert_eq!(sizes[..2], [20, 20]);
        assert!(sizes[2] > 200 && sizes[3] > 200, "{sizes:?}");
        assert_eq!(samples.held, sizes.iter().sum::<usize>());
    }

    #[test]
    fn a_split_that_begins_again_leaves_the_others_alone() {
        let mut samples = Samples::new(1_000, 1_500);
        for split in 0..2 {
            assert!(samples.see(split, hash(1), || (), |()| ()));
        }
        samples.restart(0);
        samples.restart(99);
        assert_eq!((sizes(&samples), samples.held), (vec![0, 1, 0, 0], 1));
        assert!(samples.see(0, hash(1), || (), |()| ()));
        assert!(!samples.see(1, hash(1), || (), |()| ()));
    }
}
