//! What the process says about itself.

mod tallies;
mod traffic;
mod wellness;

pub use tallies::{Tallied, Tallies, WorkerTallies};
pub use traffic::{Traffic, TrafficCounts, WorkerTraffic};
pub use wellness::{Ailment, Ejections, Sick, Wellness};
