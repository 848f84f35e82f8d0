//! A deployment's consequences before it is made: who moves, who sees both versions in one
//! session, which version has to bear what, and what of it is dangerous.
//!
//! What is deployed is handed in. Users come from a seeded population, a file of keys or an
//! access log; each of them is placed by [`crate::model::Split`], which also places those of
//! the table, and counted by [`crate::control::Weighing`].

mod crowd;
mod current;
mod foresee;
mod json;
mod lines;
mod log;
mod page;
mod plan;
mod print;
mod source;
mod tables;
mod verb;

pub use current::Current;
pub use foresee::{Rehearsal, Step};
pub use log::LogError;
pub use plan::Planned;
pub use source::{Gathered, PopulationPlan, Users};
pub use verb::{Options, RehearseError, rehearse, run};
