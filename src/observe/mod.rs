//! What the process says about itself.

mod gauge;
mod tallies;
mod traffic;
mod users;
mod wellness;

pub use gauge::{Counted, Gauge};
pub use tallies::{Tallied, Tallies, WorkerTallies};
pub use traffic::{Traffic, TrafficCounts, WorkerTraffic};
pub use users::{
    Answered, Checked, CheckedVersion, Configured, RecentUser, RecentUsers, Users, Visit,
    WorkerUsers,
};
pub use wellness::{Ailment, Ejections, Sick, Wellness};
