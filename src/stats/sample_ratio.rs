//! Is this split what was asked for? A test that may be watched at every step.

/// What the prior weighs, in observations: the more, the closer to the configured split
/// are the others that it is held against.
pub const PRIOR_TOTAL: f64 = 100.0;

/// Odds against the configured split that raise the alarm: an honest split meets them
/// with a probability of at most one in so many, however long and often it is watched.
pub const ALARM_ODDS: f64 = 1_000.0;

/// The running product is put away before it leaves this range, far from where a double
/// loses digits.
const PRODUCT_MAX: f64 = 1e200;
const PRODUCT_MIN: f64 = 1e-200;

/// The sample-ratio check of one split, observation by observation.
///
/// The Bayes factor of Lindon and Malek, "Anytime-Valid Inference for Multinomial Count
/// Data" (arXiv 2011.03567, section 2): of all splits, with a Dirichlet prior centred on
/// the configured one, against the configured one. Under the latter it is a martingale
/// that starts at 1, so by Ville's inequality it ever reaches `x` with a probability of
/// at most 1/`x`, and may be looked at after each observation. One of cell `i`, of share
/// `s`, as number `n + 1` multiplies it by
///
/// ```text
/// (100·s + seen in i) / ((100 + n) · s)  =  (100 + (seen in i)/s) / (100 + n)
/// ```
///
/// Observe distinct keys and not requests: those of one user do not fall independently.
#[derive(Debug, Clone)]
pub struct SampleRatio {
    cells: Vec<Cell>,
    observed: u64,
    /// The evidence is `product` times e to the power of `ln_put_away`.
    product: f64,
    ln_put_away: f64,
    /// The greatest product since some was put away, and the greatest evidence before.
    peak: f64,
    ln_peak_before: f64,
    alarm: Option<u64>,
}

#[derive(Debug, Clone)]
struct Cell {
    share: f64,
    /// A division less in each observation.
    inverse_share: f64,
    observed: u64,
}

impl SampleRatio {
    /// A check of the split into cells of these weights. `None` if there are fewer than
    /// two, or one is not a positive number: what no key may come to needs no statistics.
    pub fn new(weights: &[f64]) -> Option<Self> {
        let total: f64 = weights.iter().sum();
        let whole = weights.iter().all(|&weight| weight > 0.0) && total.is_finite();
        if weights.len() < 2 || !whole {
            return None;
        }
        let cell = |weight: &f64| Cell {
            share: weight / total,
            inverse_share: total / weight,
            observed: 0,
        };
        let cells: Vec<_> = weights.iter().map(cell).collect();
        // A weight that is nothing beside the others has no share to divide by.
        cells.iter().all(|cell| cell.share > 0.0 && cell.inverse_share.is_finite()).then_some(
            Self {
                cells,
                observed: 0,
                product: 1.0,
                ln_put_away: 0.0,
                peak: 1.0,
                ln_peak_before: 0.0,
                alarm: None,
            },
        )
    }

    /// Forgets what was observed; the split stays. A deployment that changes it asks for
    /// a new check.
    pub fn restart(&mut self) {
        let weights: Vec<_> = self.cells.iter().map(|cell| cell.share).collect();
        *self = Self::new(&weights).expect("they made a check before");
    }

    /// Takes up that a key came to `cell`, its number in the order of the weights.
    #[inline]
    pub fn observe(&mut self, cell: usize) {
        let cell = &mut self.cells[cell];
        #[expect(clippy::cast_precision_loss, reason = "counts of keys are far below 2^52")]
        let (of_cell, of_all) = (cell.observed as f64, self.observed as f64);
        self.product *= (PRIOR_TOTAL + of_cell * cell.inverse_share) / (PRIOR_TOTAL + of_all);
        cell.observed += 1;
        self.observed += 1;
        if self.product > self.peak {
            self.peak = self.product;
            if self.alarm.is_none() && self.evidence_ln() >= libm::log(ALARM_ODDS) {
                self.alarm = Some(self.observed);
            }
        }
        if !(PRODUCT_MIN..=PRODUCT_MAX).contains(&self.product) {
            self.put_away();
        }
    }

    #[cold]
    fn put_away(&mut self) {
        self.ln_peak_before = self.peak_ln();
        self.ln_put_away += libm::log(self.product);
        (self.product, self.peak) = (1.0, 1.0);
    }

    /// The natural logarithm of the odds against the configured split: above
    /// `ALARM_ODDS.ln()` it is not what keys get, and far below 0 it is.
    pub fn evidence_ln(&self) -> f64 {
        self.ln_put_away + libm::log(self.product)
    }

    fn peak_ln(&self) -> f64 {
        self.ln_peak_before.max(self.ln_put_away + libm::log(self.peak))
    }

    /// How likely an honest split is to ever look as bad as this one has at its worst: it
    /// never rises, and is below 0.001 once the alarm was raised.
    pub fn p_value(&self) -> f64 {
        libm::exp(-self.peak_ln()).min(1.0)
    }

    /// The observation, counted from 1, that raised the alarm. It stays raised until the
    /// check is restarted.
    pub fn alarm(&self) -> Option<u64> {
        self.alarm
    }

    pub fn observed(&self) -> u64 {
        self.observed
    }

    /// Each cell's configured share, 0 to 1, and its observations, in the order of the
    /// weights.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = (f64, u64)> {
        self.cells.iter().map(|cell| (cell.share, cell.observed))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use statrs::function::gamma::ln_gamma;

    use super::*;

    fn canary() -> SampleRatio {
        SampleRatio::new(&[90.0, 10.0]).unwrap()
    }

    /// The evidence of the same counts in closed form: a ratio of Dirichlet's integrals
    /// (Lindon and Malek, section 2).
    fn closed_form(check: &SampleRatio) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts of a test are small")]
        let of_cells: f64 = check
            .cells()
            .map(|(share, observed)| {
                let (prior, observed) = (PRIOR_TOTAL * share, observed as f64);
                ln_gamma(prior + observed) - ln_gamma(prior) - observed * share.ln()
            })
            .sum();
        #[expect(clippy::cast_precision_loss, reason = "counts of a test are small")]
        let all = check.observed() as f64;
        of_cells + ln_gamma(PRIOR_TOTAL) - ln_gamma(PRIOR_TOTAL + all)
    }

    #[test]
    fn the_first_factors_are_those_of_the_formula() {
        let mut check = SampleRatio::new(&[1.0, 1.0]).unwrap();
        check.observe(0);
        assert!(check.evidence_ln().abs() < 1e-12, "one key says nothing about halves");
        check.observe(0);
        assert!((check.evidence_ln() - (51.0_f64 / 50.5).ln()).abs() < 1e-12);
        check.observe(1);
        let product = 51.0_f64 / 50.5 * 50.0 / 51.0;
        assert!((check.evidence_ln() - product.ln()).abs() < 1e-12);
        assert!((check.p_value() - 50.5 / 51.0).abs() < 1e-12, "the worst so far counts");
    }

    proptest! {
        #[test]
        fn the_evidence_is_that_of_the_counts_in_closed_form(
            weights in prop::collection::vec(0.5..50.0, 2..6),
            keys in prop::collection::vec(0..6_usize, 0..3_000),
        ) {
            let mut check = SampleRatio::new(&weights).unwrap();
            for key in keys {
                check.observe(key % weights.len());
            }
            let closed = closed_form(&check);
            prop_assert!((check.evidence_ln() - closed).abs() < 1e-7 * (1.0 + closed.abs()));
        }
    }

    #[test]
    fn evidence_beyond_a_double_is_kept() {
        let mut check = canary();
        (0..20_000).for_each(|_| check.observe(1));
        assert!(check.evidence_ln() > 40_000.0, "{}", check.evidence_ln());
        assert!((check.evidence_ln() - closed_form(&check)).abs() < 1e-3);
        assert!(check.p_value() < 1e-300);
        let alarm = check.alarm();
        // What is as far below 1 is kept, too, and the worst is remembered.
        (0..180_000).for_each(|_| check.observe(0));
        assert!(check.evidence_ln() < 0.0, "{}", check.evidence_ln());
        assert!(check.p_value() < 1e-300);
        assert_eq!(check.alarm(), alarm);
    }

    #[test]
    fn an_alarm_names_the_observation_that_raised_it() {
        let mut check = canary();
        let first = (1..1_000).find(|_| {
            check.observe(1);
            check.evidence_ln() >= ALARM_ODDS.ln()
        });
        assert!(first.is_some());
        assert_eq!(check.alarm(), first);
        assert!(check.p_value() <= 1.0 / ALARM_ODDS);
        check.observe(0);
        assert_eq!(check.alarm(), first, "and stays");
        check.restart();
        assert_eq!((check.alarm(), check.observed()), (None, 0));
        assert!(check.p_value() >= 1.0 && check.cells().all(|(_, observed)| observed == 0));
    }

    #[test]
    fn an_exact_split_raises_none() {
        let mut check = SampleRatio::new(&[1.0, 2.0, 7.0]).unwrap();
        for turn in 0..1_000_000_usize {
            check.observe([2, 1, 2, 2, 0, 2, 2, 1, 2, 2][turn % 10]);
        }
        assert_eq!(check.alarm(), None);
        assert!(check.evidence_ln() < 0.0);
    }

    #[test]
    fn a_split_has_two_cells_or_more_and_each_a_share() {
        for weights in [
            &[] as &[f64],
            &[1.0],
            &[1.0, 0.0],
            &[1.0, -1.0],
            &[1.0, f64::NAN],
            &[1.0, f64::INFINITY],
            &[1e300, 1e-300],
        ] {
            assert!(SampleRatio::new(weights).is_none(), "{weights:?}");
        }
    }
}
