//! How long things took: counted by how long, so that counts of many places add up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const US: u64 = 1_000;

/// What a bucket holds at most, in nanoseconds. Each is at most two thirds more than the one
/// before, so a quantile is off by no more than that.
pub const BOUNDS_NS: [u64; 40] = {
    // Of the first decade only the end.
    const FEWER: [u64; 4] = [25, 35, 50, 70];
    const STEPS: [u64; 6] = [10, 15, 25, 35, 50, 70];
    let mut bounds = [0; 40];
    let mut at = 0;
    while at < FEWER.len() {
        bounds[at] = FEWER[at] * US;
        at += 1;
    }
    let mut decade = 10 * US;
    while at < bounds.len() {
        bounds[at] = STEPS[(at - FEWER.len()) % STEPS.len()] * decade;
        at += 1;
        if (at - FEWER.len()).is_multiple_of(STEPS.len()) {
            decade *= 10;
        }
    }
    bounds
};

/// One more than there are bounds: what took longer than the last one.
const BUCKETS: usize = BOUNDS_NS.len() + 1;

/// By the number of bits that a duration has, the first bucket that may hold it.
const FIRST: [u8; 65] = {
    let mut first = [0; 65];
    let mut bits = 1;
    while bits <= 64 {
        let least = 1u64 << (bits - 1);
        let mut bucket = 0u8;
        while (bucket as usize) < BOUNDS_NS.len() && BOUNDS_NS[bucket as usize] < least {
            bucket += 1;
        }
        first[bits] = bucket;
        bits += 1;
    }
    first
};

#[inline]
fn bucket_of(ns: u64) -> usize {
    let bits = u64::BITS - ns.leading_zeros();
    let mut bucket = usize::from(FIRST[bits as usize]);
    while BOUNDS_NS.get(bucket).is_some_and(|bound| *bound < ns) {
        bucket += 1;
    }
    bucket
}

/// Durations, as they were read at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durations {
    counts: [u64; BUCKETS],
    sum_ns: u64,
}

impl Default for Durations {
    fn default() -> Self {
        Self { counts: [0; BUCKETS], sum_ns: 0 }
    }
}

impl Durations {
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.sum_ns += other.sum_ns;
    }

    /// Those that came since the counts were `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let counts = std::array::from_fn(|at| self.counts[at].saturating_sub(earlier.counts[at]));
        Self { counts, sum_ns: self.sum_ns.saturating_sub(earlier.sum_ns) }
    }

    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.sum_ns)
    }

    /// How many took no longer than each of [`BOUNDS_NS`].
    pub fn cumulative(&self) -> impl Iterator<Item = (Duration, u64)> {
        let mut sum = 0;
        BOUNDS_NS.iter().zip(&self.counts).map(move |(bound, count)| {
            sum += count;
            (Duration::from_nanos(*bound), sum)
        })
    }

    /// What a share of `part`, 0 to 1, took at most, as if what a bucket holds lay evenly in
    /// it; `None` of no durations. What took longer than the last bound is told as that.
    pub fn quantile(&self, part: f64) -> Option<Duration> {
        #[expect(clippy::cast_precision_loss, reason = "a quantile is an estimate")]
        let as_float = |count: u64| count as f64;
        let rank = part.clamp(0.0, 1.0) * as_float(self.count());
        let (mut below, mut lower) = (0, 0);
        for (bound, count) in BOUNDS_NS.iter().zip(&self.counts) {
            if *count > 0 && as_float(below + count) >= rank {
                let within = (rank - as_float(below)).max(0.0) / as_float(*count);
                let ns = as_float(lower) + within * as_float(bound - lower);
                return Some(Duration::from_secs_f64(ns / 1e9));
            }
            (below, lower) = (below + count, *bound);
        }
        (self.count() > 0).then(|| Duration::from_nanos(lower))
    }
}

/// Durations that one thread notes and others read.
#[derive(Debug)]
pub(super) struct DurationCells {
    counts: [AtomicU64; BUCKETS],
    sum_ns: AtomicU64,
}

impl Default for DurationCells {
    fn default() -> Self {
        Self { counts: [const { AtomicU64::new(0) }; BUCKETS], sum_ns: AtomicU64::new(0) }
    }
}

impl DurationCells {
    #[inline]
    pub(super) fn note(&self, duration: Duration) {
        let ns =
            duration.as_secs().saturating_mul(1_000_000_000) + u64::from(duration.subsec_nanos());
        add(&self.counts[bucket_of(ns)], 1);
        add(&self.sum_ns, ns);
    }

    pub(super) fn read(&self) -> Durations {
        let counts = std::array::from_fn(|at| self.counts[at].load(Ordering::Relaxed));
        Durations { counts, sum_ns: self.sum_ns.load(Ordering::Relaxed) }
    }
}

/// Adds to what no other thread writes, which costs no more than to write it.
#[inline]
pub(super) fn add(cell: &AtomicU64, more: u64) {
    cell.store(cell.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(durations: &[u64]) -> Durations {
        let cells = DurationCells::default();
        for us in durations {
            cells.note(Duration::from_micros(*us));
        }
        cells.read()
    }

    #[test]
    fn the_bounds_rise_by_two_thirds_at_most_up_to_more_than_a_minute() {
        for pair in BOUNDS_NS.windows(2) {
            assert!(pair[0] < pair[1] && pair[1] * 3 <= pair[0] * 5, "{pair:?}");
        }
        assert_eq!(BOUNDS_NS[BOUNDS_NS.len() - 1], 70_000_000_000);
    }

    #[test]
    fn a_duration_is_in_the_first_bucket_that_holds_it() {
        let at_bounds = BOUNDS_NS.iter().flat_map(|&bound| [bound - 1, bound, bound + 1]);
        for ns in at_bounds.chain([0, 1, u64::MAX]) {
            let first = BOUNDS_NS.iter().position(|bound| ns <= *bound);
            assert_eq!(bucket_of(ns), first.unwrap_or(BOUNDS_NS.len()), "{ns}");
        }
    }

    #[test]
    fn what_is_counted_in_two_places_adds_up_and_what_came_between_is_the_rest() {
        let (some, more) = (of(&[10, 300, 2_000_000]), of(&[300, 90_000_000]));
        let mut both = some.clone();
        both.add(&more);
        assert_eq!((both.count(), both.sum()), (5, Duration::from_micros(92_000_610)));
        assert_eq!(both.since(&some), more);
        let told: Vec<_> = both.cumulative().filter(|(_, count)| *count == 3).collect();
        assert_eq!(told[0].0, Duration::from_micros(350));
        assert_eq!(both.cumulative().last(), Some((Duration::from_secs(70), 4)));
    }

    #[test]
    fn a_quantile_lies_in_the_bucket_of_the_one_that_is_asked_for() {
        assert_eq!(of(&[]).quantile(0.5), None);
        let one_slow = of(&[[400; 99].as_slice(), &[6_000_000]].concat());
        let ms = |part| one_slow.quantile(part).unwrap().as_secs_f64() * 1e3;
        assert!((0.35..=0.5).contains(&ms(0.5)), "{}", ms(0.5));
        assert!(ms(0.9) > ms(0.5) && ms(0.99) <= 0.5);
        assert!((5_000.0..=7_000.0).contains(&ms(1.0)), "{}", ms(1.0));
        assert_eq!(of(&[100_000_000]).quantile(0.5), Some(Duration::from_secs(70)));
    }
}
