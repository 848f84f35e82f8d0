//! Seeded users: their keys, how active they are, where they are and when they ask. Pure:
//! no clock, no socket, and no randomness but that of a seed.
//!
//! One seed always gives one population and one sequence of arrivals, on every machine
//! and in every version: the generator is written out here, and what is not exact in
//! floating point (logarithms, powers) is that of `libm`, which is the same code
//! everywhere. Golden values in the tests hold it still.

mod arrivals;
mod draw;
mod key;
mod rhythm;
mod users;
mod zipf;

pub use arrivals::{Arrival, Arrivals, Pace};
pub use draw::Draw;
pub use key::{KEY_PREFIX_MAX_BYTES, KeyText};
pub use rhythm::Rhythm;
pub use users::{Population, PopulationError, USERS_MAX};
pub use zipf::{EXPONENT_MAX, Zipf};
