//! What the process says about itself, and about who comes to it.

mod gauge;
mod history;
mod tallies;
mod traffic;
mod users;
mod wellness;

pub use gauge::{Counted, Gauge};
pub use history::{HISTORY, History, SLICE, Slice, Standing};
pub use tallies::{Tallied, Tallies, WorkerTallies};
pub use traffic::{Traffic, TrafficCounts, WorkerTraffic};
pub use users::{
    Checked, CheckedVersion, Configured, RECENT_WINDOW, RecentUser, RecentUsers, Terms, Unanswered,
    Users, Visit, WorkerUsers,
};
pub use wellness::{Ailment, Ejections, Sick, Wellness};
