//! How uneven counts are.

use statrs::distribution::{ChiSquared, ContinuousCDF};

/// Pearson's chi-square test of counts against expected ones (NIST/SEMATECH e-Handbook of
/// Statistical Methods, 1.3.5.15). For a look at the end alone: who watches meanwhile
/// needs [`super::SampleRatio`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquare {
    pub statistic: f64,
    pub degrees_of_freedom: usize,
    /// The probability of a statistic at least as great, if what was expected is true.
    pub p_value: f64,
}

impl ChiSquare {
    /// Of counts against shares in proportion to `weights`, one for each. `None` where
    /// nothing can be said: of fewer than two cells, of no counts, or of a cell in which
    /// none is expected.
    pub fn of(counts: &[u64], weights: &[f64]) -> Option<Self> {
        if counts.len() != weights.len() || counts.len() < 2 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of keys are far below 2^52")]
        let counts: Vec<f64> = counts.iter().map(|&count| count as f64).collect();
        let (all, total): (f64, f64) = (counts.iter().sum(), weights.iter().sum());
        if !(all > 0.0 && total.is_finite() && weights.iter().all(|&weight| weight > 0.0)) {
            return None;
        }
        let of_cell = |(count, weight): (&f64, &f64)| {
            let expected = all * weight / total;
            (count - expected).powi(2) / expected
        };
        let statistic = counts.iter().zip(weights).map(of_cell).sum();
        let degrees_of_freedom = counts.len() - 1;
        let p_value = p_value_of(statistic, degrees_of_freedom);
        Some(Self { statistic, degrees_of_freedom, p_value })
    }
}

fn p_value_of(statistic: f64, degrees_of_freedom: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "there are few cells")]
    let distribution = ChiSquared::new(degrees_of_freedom as f64);
    distribution.expect("two cells or more have a degree of freedom").sf(statistic)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The critical values of NIST/SEMATECH e-Handbook, 1.3.6.7.4.
    #[test]
    fn p_values_are_the_published_ones() {
        for (statistic, degrees_of_freedom, p_value) in
            [(3.841, 1, 0.05), (10.828, 1, 0.001), (18.307, 10, 0.05), (149.449, 100, 0.001)]
        {
            let found = p_value_of(statistic, degrees_of_freedom);
            assert!((found / p_value - 1.0).abs() < 1e-3, "{statistic}: {found}");
        }
        assert!((p_value_of(0.0, 3) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_statistic_is_pearsons() {
        // By hand: (10² + 10²)/50.
        let halves = ChiSquare::of(&[60, 40], &[1.0, 1.0]).unwrap();
        assert!((halves.statistic - 4.0).abs() < 1e-12);
        assert_eq!(halves.degrees_of_freedom, 1);
        assert!((halves.p_value - 0.045_500_26).abs() < 1e-8);
        // (2²/8 + 2²/12), of weights that need not sum to anything.
        let uneven = ChiSquare::of(&[10, 10], &[40.0, 60.0]).unwrap();
        assert!((uneven.statistic - 5.0 / 6.0).abs() < 1e-12);
        let exact = ChiSquare::of(&[90, 10], &[9.0, 1.0]).unwrap();
        assert!(exact.statistic.abs() < 1e-12 && exact.p_value > 0.999_999);
    }

    #[test]
    fn nothing_is_said_of_nothing() {
        assert_eq!(ChiSquare::of(&[0, 0], &[1.0, 1.0]), None);
        assert_eq!(ChiSquare::of(&[10], &[1.0]), None);
        assert_eq!(ChiSquare::of(&[10, 10], &[1.0]), None);
        assert_eq!(ChiSquare::of(&[10, 10], &[1.0, 0.0]), None);
        assert_eq!(ChiSquare::of(&[10, 10], &[1.0, f64::NAN]), None);
    }
}
