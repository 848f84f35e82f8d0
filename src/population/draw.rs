//! Where chance comes from.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A sequence of numbers that a seed gives: splitmix64 (Steele, Lea and Flood, "Fast
/// splittable pseudorandom number generators", OOPSLA 2014).
#[derive(Debug, Clone)]
pub struct Draw(u64);

impl Draw {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The sequence of one purpose under a seed: what another purpose draws, and how
    /// much, changes nothing in it.
    pub fn of(seed: u64, purpose: &str) -> Self {
        Self(xxh3_64_with_seed(purpose.as_bytes(), seed))
    }

    /// Uniform over all of `u64`.
    #[inline]
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Uniform from 0 to `end`, which is not included; 0 if there is nothing below it.
    ///
    /// The upper half of a product, so that no division is needed (Lemire, "Fast random
    /// integer generation in an interval", ACM TOMACS 29, 2019). Without his rejections
    /// the numbers differ in probability by at most `end` in 2^64.
    #[inline]
    pub const fn below(&mut self, end: u64) -> u64 {
        ((self.bits() as u128 * end as u128) >> 64) as u64
    }

    /// Uniform from 0 to 1, which is not included, in steps of 2^-53.
    #[inline]
    pub const fn unit(&mut self) -> f64 {
        const STEP: f64 = 1.0 / 9_007_199_254_740_992.0;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let steps = (self.bits() >> 11) as f64;
        steps * STEP
    }

    /// Whether what happens with this probability does.
    #[inline]
    pub const fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A waiting time of mean 1 between events that know nothing of each other.
    #[inline]
    pub fn exponential(&mut self) -> f64 {
        -libm::log(1.0 - self.unit())
    }

    /// Of mean 0 and deviation 1 (Box and Muller, 1958; the sine is left unused, so that
    /// a draw is always two numbers of the sequence).
    #[inline]
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(2.0 * self.exponential());
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }
}

/// The finalizer of splitmix64: a bijection that leaves nothing of the order of what it
/// is given.
#[inline]
pub(super) const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the authors' `splitmix64.c`, seed 1234567, as many implementations test it.
    #[test]
    fn numbers_are_those_of_splitmix64() {
        let mut draw = Draw::new(1_234_567);
        let drawn: Vec<u64> = (0..5).map(|_| draw.bits()).collect();
        assert_eq!(
            drawn,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821
            ]
        );
    }

    #[test]
    fn purposes_have_sequences_of_their_own() {
        let first = |purpose| Draw::of(42, purpose).bits();
        assert_ne!(first("arrivals"), first("regions"));
        assert_eq!(first("arrivals"), first("arrivals"));
        assert_ne!(first("arrivals"), Draw::of(43, "arrivals").bits());
    }

    #[test]
    fn a_number_is_below_its_end() {
        let mut draw = Draw::new(7);
        let mut counts = [0_u32; 6];
        (0..60_000).for_each(|_| counts[usize::try_from(draw.below(6)).unwrap()] += 1);
        // 10,000 each, and a deviation of 91.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 400), "{counts:?}");
        assert_eq!((draw.below(0), draw.below(1)), (0, 0));
    }

    #[test]
    fn units_waits_and_normals_have_their_moments() {
        let mut draw = Draw::new(7);
        let n = 200_000;
        let mut moments = |sample: fn(&mut Draw) -> f64| {
            let drawn: Vec<f64> = (0..n).map(|_| sample(&mut draw)).collect();
            let mean = drawn.iter().sum::<f64>() / f64::from(n);
            let spread = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
            (mean, spread)
        };
        for (sample, mean, variance) in [
            (Draw::unit as fn(&mut Draw) -> f64, 0.5, 1.0 / 12.0),
            (Draw::exponential, 1.0, 1.0),
            (Draw::normal, 0.0, 1.0),
        ] {
            let found = moments(sample);
            assert!((found.0 - mean).abs() < 0.01, "{found:?}");
            assert!((found.1 - variance).abs() < 0.02, "{found:?}");
        }
    }
}
