//! How unequal users are.

use super::draw::Draw;

/// A steeper one has one user make all but one in a thousand of the requests.
pub const EXPONENT_MAX: f64 = 10.0;

/// Ranks from 1 on, of which rank `k` comes as often as 1/k^exponent says: exponent 0 is
/// all alike, 1 is what the use of web pages is near.
///
/// Rejection-inversion (Hörmann and Derflinger, "Rejection-inversion to generate variates
/// from monotone discrete distributions", ACM TOMACS 6, 1996): a draw takes about one
/// trial, whatever the number of ranks, and no table.
#[derive(Debug, Clone)]
pub struct Zipf {
    ranks: u64,
    exponent: f64,
    /// The integral of the hat from where rank 1 begins, less its weight, and to where the
    /// last rank ends.
    from: f64,
    to: f64,
    /// As near as that to its rank, a point needs no second look.
    squeeze: f64,
}

impl Zipf {
    /// `None` without ranks, and for an exponent that is not from 0 to [`EXPONENT_MAX`].
    pub fn new(ranks: u64, exponent: f64) -> Option<Self> {
        if ranks == 0 || !(0.0..=EXPONENT_MAX).contains(&exponent) {
            return None;
        }
        let mut zipf = Self { ranks, exponent, from: 0.0, to: 0.0, squeeze: 0.0 };
        #[expect(clippy::cast_precision_loss, reason = "ranks are far below 2^52")]
        let last = ranks as f64;
        zipf.from = zipf.integral(1.5) - 1.0;
        zipf.to = zipf.integral(last + 0.5);
        zipf.squeeze = 2.0 - zipf.inverse(zipf.integral(2.5) - zipf.weight(2.0));
        Some(zipf)
    }

    pub const fn ranks(&self) -> u64 {
        self.ranks
    }

    pub const fn exponent(&self) -> f64 {
        self.exponent
    }

    /// How likely two draws are of one rank: the sum of the squares of all probabilities.
    pub fn same_rank(&self) -> f64 {
        let sum = self.sum(self.exponent);
        self.sum(2.0 * self.exponent) / (sum * sum)
    }

    /// The sum of 1/k^exponent over all ranks: of the first ones as it is, of the others as
    /// an integral, which differs by less than 10^-8 of it.
    fn sum(&self, exponent: f64) -> f64 {
        const FIRST_RANKS: u64 = 10_000;
        let of = Self { exponent, ..self.clone() };
        let first = self.ranks.min(FIRST_RANKS);
        #[expect(clippy::cast_precision_loss, reason = "ranks are far below 2^52")]
        let weights = (1..=first).rev().map(|rank| of.weight(rank as f64)).sum::<f64>();
        #[expect(clippy::cast_precision_loss, reason = "ranks are far below 2^52")]
        let [end_of_first, end] = [first, self.ranks].map(|rank| rank as f64 + 0.5);
        weights + of.integral(end) - of.integral(end_of_first)
    }

    /// A rank, from 1.
    #[inline]
    pub fn draw(&self, draw: &mut Draw) -> u64 {
        if self.exponent > 0.0 { self.uneven(draw) } else { 1 + draw.below(self.ranks) }
    }

    fn uneven(&self, draw: &mut Draw) -> u64 {
        loop {
            let area = self.to + draw.unit() * (self.from - self.to);
            let point = self.inverse(area);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "points are from 1 to the last rank; a cast saturates, and rounding is clamped"
            )]
            let rank = ((point + 0.5) as u64).clamp(1, self.ranks);
            #[expect(clippy::cast_precision_loss, reason = "ranks are far below 2^52")]
            let of_rank = rank as f64;
            if of_rank - point <= self.squeeze
                || area >= self.integral(of_rank + 0.5) - self.weight(of_rank)
            {
                return rank;
            }
        }
    }

    /// x^-exponent.
    fn weight(&self, x: f64) -> f64 {
        libm::exp(-self.exponent * libm::log(x))
    }

    /// The integral of the weight from 1 to x: (x^(1−e) − 1)/(1−e), which becomes ln x
    /// where e nears 1.
    fn integral(&self, x: f64) -> f64 {
        let ln = libm::log(x);
        let t = (1.0 - self.exponent) * ln;
        // (e^t − 1)/t, by its series where the quotient is 0/0.
        let slope = if t.abs() > 1e-8 { libm::expm1(t) / t } else { 1.0 + t / 2.0 };
        slope * ln
    }

    /// Where the integral is `area`.
    fn inverse(&self, area: f64) -> f64 {
        // Rounding may lead below the pole.
        let t = (area * (1.0 - self.exponent)).max(-1.0);
        let slope = if t.abs() > 1e-8 { libm::log1p(t) / t } else { 1.0 - t / 2.0 };
        libm::exp(slope * area)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pearson's chi-square of many draws, in deviations from its mean.
    #[expect(clippy::cast_precision_loss, reason = "counts of a test are small")]
    fn unevenness(ranks: u64, exponent: f64) -> f64 {
        let zipf = Zipf::new(ranks, exponent).unwrap();
        let (draws, mut draw) = (400_000_u32, Draw::new(42));
        let mut counts = vec![0_u32; usize::try_from(ranks).unwrap()];
        (0..draws).for_each(|_| counts[usize::try_from(zipf.draw(&mut draw)).unwrap() - 1] += 1);
        let weights: Vec<f64> = (1..=ranks).map(|k| (k as f64).powf(-exponent)).collect();
        let total: f64 = weights.iter().sum();
        // Ranks that are too rare for the test count together.
        let (mut observed, mut expected) = (vec![0.0], vec![0.0]);
        for (count, weight) in counts.iter().zip(&weights) {
            *observed.last_mut().unwrap() += f64::from(*count);
            *expected.last_mut().unwrap() += f64::from(draws) * weight / total;
            if *expected.last().unwrap() > 20.0 {
                observed.push(0.0);
                expected.push(0.0);
            }
        }
        let cells = observed.iter().zip(&expected).filter(|(_, expected)| **expected > 5.0);
        let terms: Vec<f64> = cells.map(|(o, e)| (o - e).powi(2) / e).collect();
        let freedom = (terms.len() - 1) as f64;
        (terms.iter().sum::<f64>() - freedom) / (2.0 * freedom).sqrt()
    }

    #[test]
    fn ranks_come_as_often_as_their_weights_say() {
        for exponent in [0.0, 0.3, 0.8, 1.0, 1.000_000_001, 1.2, 2.0, 4.0] {
            for ranks in [2, 10, 1_000] {
                let z = unevenness(ranks, exponent);
                assert!(z.abs() < 4.0, "{ranks} ranks, exponent {exponent}: {z}");
            }
        }
    }

    #[test]
    fn two_draws_are_of_one_rank_as_often_as_the_weights_say() {
        let same = |ranks, exponent| Zipf::new(ranks, exponent).unwrap().same_rank();
        assert!((same(10, 0.0) - 0.1).abs() < 1e-12);
        assert!((same(100_000_000, 0.0) / 1e-8 - 1.0).abs() < 1e-9);
        // (1 + 1/4)/(1 + 1/2)².
        assert!((same(2, 1.0) - 5.0 / 9.0).abs() < 1e-12);
        // ζ(2)/(ln n + γ)² of a million.
        let harmonic = 1e6_f64.ln() + 0.577_215_664_9 + 5e-7;
        let zeta = std::f64::consts::PI.powi(2) / 6.0 - 1e-6;
        assert!((same(1_000_000, 1.0) * harmonic.powi(2) / zeta - 1.0).abs() < 1e-8);
    }

    #[test]
    fn ranks_end_where_they_are_said_to() {
        for exponent in [0.0, 0.5, 1.0, EXPONENT_MAX] {
            let mut draw = Draw::new(1);
            let one = Zipf::new(1, exponent).unwrap();
            assert!((0..1_000).all(|_| one.draw(&mut draw) == 1));
            let many = Zipf::new(1 << 40, exponent).unwrap();
            assert!((0..1_000).all(|_| (1..=1 << 40).contains(&many.draw(&mut draw))));
        }
        for exponent in [-0.1, 10.1, f64::NAN, f64::INFINITY] {
            assert!(Zipf::new(10, exponent).is_none(), "{exponent}");
        }
        assert!(Zipf::new(0, 1.0).is_none());
    }
}
