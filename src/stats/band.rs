//! Which share is to be expected.

use std::ops::RangeInclusive;

/// The confidence of bands that people are shown: a share of an honest split lies beyond its
/// band once in a thousand times, at most.
pub const BAND_CONFIDENCE: f64 = 0.999;

/// A weight beside that of the likeliest count that no longer counts: what lies beyond
/// sums to less than a double can tell.
const NEGLIGIBLE: f64 = 1e-20;

/// How many of `trials` keys an honest split brings to a version of this `share`, 0 to 1:
/// fewer with a probability of at most half of `1 - confidence`, and more likewise.
///
/// Exact: the quantiles of the binomial distribution, whose weights follow from each other
/// by w(k+1)/w(k) = (n−k)/(k+1) · p/(1−p) (Johnson, Kemp and Kotz, Univariate Discrete
/// Distributions, 3.4), summed over all that count, about 20·√(n·p·(1−p)). The incomplete
/// beta function of the crates at hand stops its continued fraction before that.
pub fn binomial_band(trials: u64, share: f64, confidence: f64) -> RangeInclusive<u64> {
    if !(share > 0.0 && trials > 0) {
        return 0..=0;
    }
    if share >= 1.0 {
        return trials..=trials;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "about the likeliest; where the sum begins decides nothing"
    )]
    let likeliest = ((trials as f64 * share) as u64).min(trials);
    let odds = share / (1.0 - share);
    let above = weights((likeliest..trials).map(|k| ratio(trials - k, k + 1) * odds));
    let below = weights((1..=likeliest).rev().map(|k| ratio(k, trials - k + 1) / odds));

    let all = || below.iter().rev().chain([&1.0]).chain(&above);
    let tail = ((1.0 - confidence) / 2.0).clamp(0.0, 0.5) * all().sum::<f64>();
    let (least, most) = (counts_within(all(), tail), counts_within(all().rev(), tail));
    let lowest = likeliest - below.len() as u64;
    let highest = likeliest + above.len() as u64;
    (lowest + least)..=(highest - most)
}

/// The weights that follow from one of 1, while they count.
fn weights(ratios: impl Iterator<Item = f64>) -> Vec<f64> {
    let weights = ratios.scan(1.0, |weight, ratio| {
        *weight *= ratio;
        Some(*weight)
    });
    weights.take_while(|weight| *weight > NEGLIGIBLE).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of keys are far below 2^52")]
fn ratio(numerator: u64, denominator: u64) -> f64 {
    numerator as f64 / denominator as f64
}

/// How many of the first weights have no more than `tail` together.
fn counts_within<'a>(weights: impl Iterator<Item = &'a f64>, tail: f64) -> u64 {
    let sums = weights.scan(0.0, |sum, weight| {
        *sum += weight;
        Some(*sum)
    });
    sums.take_while(|sum| *sum <= tail).count() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use statrs::distribution::{Binomial, DiscreteCDF};

    use super::*;

    /// The two-sided critical values of the sign test (Conover, Practical Nonparametric
    /// Statistics, table A3): what lies beyond them is rejected.
    #[test]
    fn the_bands_of_halves_are_those_of_the_sign_test() {
        assert_eq!(binomial_band(20, 0.5, 0.95), 6..=14);
        assert_eq!(binomial_band(20, 0.5, 0.99), 4..=16);
        assert_eq!(binomial_band(100, 0.5, 0.95), 40..=60);
        assert_eq!(binomial_band(10, 0.1, 0.99), 0..=4);
    }

    /// At many keys the band is the normal one: 10 % of a million, at 3.29 deviations of
    /// 300.
    #[test]
    fn the_band_of_many_keys_is_the_normal_one() {
        assert_eq!(binomial_band(1_000_000, 0.1, 0.999), 99_014..=100_988);
        let wide = binomial_band(1_000_000_000, 0.5, 0.999);
        assert!((wide.end() - 500_000_000).abs_diff(52_027) < 5, "{wide:?}");
    }

    #[test]
    fn what_is_certain_has_no_band() {
        assert_eq!(binomial_band(0, 0.5, 0.99), 0..=0);
        assert_eq!(binomial_band(7, 0.0, 0.99), 0..=0);
        assert_eq!(binomial_band(7, 1.0, 0.99), 7..=7);
        assert_eq!(binomial_band(7, f64::NAN, 0.99), 0..=0);
    }

    proptest! {
        #[test]
        fn a_band_leaves_at_most_its_tails_out(
            trials in 1..2_000_u64, share in 0.001..0.999, confidence in 0.5..0.9999,
        ) {
            let band = binomial_band(trials, share, confidence);
            let (least, most) = (*band.start(), *band.end());
            let tail = (1.0 - confidence) / 2.0;
            let known = Binomial::new(share, trials).unwrap();
            let at_most = |k: u64| known.cdf(k);
            let at_least = |k: u64| if k == 0 { 1.0 } else { known.sf(k - 1) };
            let rounding = 1e-9;
            prop_assert!(least == 0 || at_most(least - 1) <= tail + rounding);
            prop_assert!(at_most(least) >= tail - rounding);
            prop_assert!(most == trials || at_least(most + 1) <= tail + rounding);
            prop_assert!(at_least(most) >= tail - rounding);
        }
    }
}
