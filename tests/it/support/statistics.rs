//! How far a count lies from what it should be, in standard deviations.

#![expect(clippy::cast_precision_loss, reason = "counts of keys are far below 2^52")]

/// How uneven `counts` are. Strongly negative is as suspicious as strongly
/// positive: chance is never too even.
///
/// Pearson's chi-square against equal shares, of `df` = buckets − 1 degrees of
/// freedom; it has mean `df` and variance 2·`df` (NIST/SEMATECH e-Handbook of
/// Statistical Methods, 1.3.6.6.6) and is near normal for many buckets.
pub(crate) fn chi_square_z(counts: &[u32]) -> f64 {
    let total: u64 = counts.iter().copied().map(u64::from).sum();
    let expected = total as f64 / counts.len() as f64;
    let chi_square: f64 =
        counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
    let df = (counts.len() - 1) as f64;
    (chi_square - df) / (2.0 * df).sqrt()
}

/// How far `observed` of `total` is from a share of `share`, 0 to 1.
///
/// The binomial distribution has mean n·p and variance n·p·(1 − p)
/// (NIST/SEMATECH e-Handbook, 1.3.6.6.18).
pub(crate) fn share_z(observed: usize, total: usize, share: f64) -> f64 {
    let expected = total as f64 * share;
    (observed as f64 - expected) / (expected * (1.0 - share)).sqrt()
}

/// How far the overlap `both` of two groups, of `one` and `other` of `total`, is
/// from that of independent groups.
///
/// Given the sizes it is hypergeometric (Feller, An Introduction to Probability
/// Theory and Its Applications, volume 1, II.6): mean e = |A|·|B|/n, variance
/// e·(1 − |A|/n)·(1 − |B|/n) but for a factor of n/(n − 1); that is e·(1 − p)²
/// for two groups of share p.
pub(crate) fn overlap_z(both: usize, one: usize, other: usize, total: usize) -> f64 {
    let (both, one, other, total) = (both as f64, one as f64, other as f64, total as f64);
    let expected = one * other / total;
    (both - expected) / (expected * (1.0 - one / total) * (1.0 - other / total)).sqrt()
}

/// How far the spread of many standard scores is from that of chance.
///
/// The sum of n squared scores is a chi-square of n degrees of freedom, as above.
pub(crate) fn spread_z(scores: &[f64]) -> f64 {
    let squares: f64 = scores.iter().map(|z| z * z).sum();
    let df = scores.len() as f64;
    (squares - df) / (2.0 * df).sqrt()
}

#[test]
fn chi_square_tells_too_even_from_too_uneven() {
    assert!(chi_square_z(&[1_000; 100]) < -5.0);
    let mut counts = [1_000; 100];
    counts[0] = 1_600;
    assert!(chi_square_z(&counts) > 5.0);
    // Two buckets by hand: (10² + 10²)/50 = 4, less df, over √2.
    assert!((chi_square_z(&[60, 40]) - 3.0 / 2.0_f64.sqrt()).abs() < 1e-12);
}

#[test]
fn a_share_is_measured_in_deviations() {
    // 10,000 draws at one tenth: mean 1,000, deviation 30.
    assert!((share_z(1_060, 10_000, 0.1) - 2.0).abs() < 1e-12);
    assert!((share_z(970, 10_000, 0.1) + 1.0).abs() < 1e-12);
}

#[test]
fn an_overlap_is_measured_in_deviations() {
    // Two tenths of 10,000: mean 100, deviation √(100·0.9²) = 9.
    assert!((overlap_z(118, 1_000, 1_000, 10_000) - 2.0).abs() < 1e-12);
    assert!(overlap_z(1_000, 1_000, 1_000, 10_000) > 5.0);
    assert!(overlap_z(0, 1_000, 1_000, 10_000) < -5.0);
}

#[test]
fn a_spread_is_one_too_narrow_or_too_wide() {
    assert!(spread_z(&[1.0, -1.0].repeat(500)).abs() < 1e-12);
    assert!(spread_z(&[1.3, -1.3].repeat(500)) > 5.0);
    assert!(spread_z(&[0.7, -0.7].repeat(500)) < -5.0);
}
