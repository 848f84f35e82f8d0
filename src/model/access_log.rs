//! Where requests are written down, and which of them.

use std::num::NonZeroUsize;
use std::path::PathBuf;

/// How requests are written down, a line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLog {
    pub to: LogDestination,
    pub format: LogFormat,
    pub sample: Sample,
    /// Whether a line of JSON has the query, which may hold secrets, behind the path.
    pub query: bool,
    /// How many lines may wait to be written.
    pub lines_waiting: NonZeroUsize,
}

impl AccessLog {
    /// All that is not said otherwise.
    pub fn new(to: LogDestination) -> Self {
        Self {
            to,
            format: LogFormat::Json,
            sample: Sample::ALL,
            query: false,
            lines_waiting: NonZeroUsize::new(16_384).expect("it is more than none"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogDestination {
    Stdout,
    File(PathBuf),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    /// The "combined" format of Apache's httpd.
    Combined,
}

/// A share of all requests, in parts of a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample(u32);

impl Sample {
    pub const ALL: Self = Self(1_000_000);

    /// `None` outside 0 to 100, and of what is finer than a part of a million.
    pub fn percent(percent: f64) -> Option<Self> {
        let parts = percent * 10_000.0;
        let whole = parts.round();
        if !(0.0..=1_000_000.0).contains(&whole) || (parts - whole).abs() > 1e-6 {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number, 0 to a million"
        )]
        let parts = whole as u32;
        Some(Self(parts))
    }

    /// Whether the request that has drawn this number is one of them.
    #[inline]
    pub const fn takes(self, draw: u64) -> bool {
        let part = (draw as u128 * Self::ALL.0 as u128) >> 64;
        part < self.0 as u128
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_of_all_or_none_leaves_nothing_to_chance() {
        let sample = |percent| Sample::percent(percent).unwrap();
        assert_eq!(sample(100.0), Sample::ALL);
        for draw in [0, 1, u64::MAX / 2, u64::MAX] {
            assert!(sample(100.0).takes(draw) && !sample(0.0).takes(draw), "{draw}");
        }
    }

    #[test]
    fn a_sample_takes_the_draws_below_its_share() {
        let quarter = Sample::percent(25.0).unwrap();
        assert!(quarter.takes(0) && quarter.takes(u64::MAX / 4));
        assert!(!quarter.takes(u64::MAX / 4 + (1 << 50)) && !quarter.takes(u64::MAX));
        assert!(Sample::percent(0.0001).unwrap().takes(0));
    }

    #[test]
    fn a_share_is_a_percentage_of_up_to_four_decimals() {
        for percent in [0.0, 0.0001, 33.3333, 99.9999, 100.0] {
            assert!(Sample::percent(percent).is_some(), "{percent}");
        }
        for percent in [-0.0001, 100.0001, 0.00001, 12.345_67, f64::NAN] {
            assert_eq!(Sample::percent(percent), None, "{percent}");
        }
    }
}
