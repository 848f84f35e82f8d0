//! Formulas and where they come from: is a split what was asked for, which share is to
//! be expected, how uneven are counts. Pure: what is observed is handed in.

mod band;
mod chi_square;
mod key_sample;
mod ratio;
mod sample_ratio;

pub use band::{BAND_CONFIDENCE, binomial_band};
pub use chi_square::ChiSquare;
pub use key_sample::{KeySample, Sighting};
pub use ratio::ratio;
pub use sample_ratio::{ALARM_ODDS, PRIOR_TOTAL, SampleRatio};
