//! What the process says about itself.

mod tallies;

pub use tallies::{Tallies, WorkerTallies};
