//! What the process says about itself, and about who comes to it.

mod commits;
mod connections;
mod durations;
mod gauge;
mod history;
mod process;
mod requests;
mod tallies;
mod traffic;
mod users;
mod wellness;

pub use commits::Commits;
pub use connections::{ConnectionCounts, WorkerConnections};
pub use durations::{BOUNDS_NS, Durations};
pub use gauge::{Counted, Gauge};
pub use history::{Courses, HISTORY, History, OfVersion, Outcome, SLICE, Slice, Standing};
pub use process::Process;
pub use requests::{
    Answered, Answering, CLASSES, Cut, Finished, REASONS_MAX, Requests, VERSIONS_MAX,
    WorkerRequests,
};
pub use tallies::{Tallied, Tallies, WorkerTallies};
pub use traffic::{Traffic, TrafficCounts, WorkerTraffic};
pub use users::{
    Checked, CheckedVersion, Configured, RECENT_WINDOW, RecentUser, RecentUsers, Terms, Unanswered,
    Users, Visit, WorkerUsers,
};
pub use wellness::{Ailment, Ejections, Sick, Wellness};
