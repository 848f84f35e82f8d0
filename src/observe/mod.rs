//! What the process says about itself.

mod gauge;
mod tallies;

pub use gauge::{Counted, Gauge};
pub use tallies::{Tallies, WorkerTallies};
