//! An edge in virtual time: a population asks, operators deploy, tables reach nodes late,
//! versions fail, and all of it is counted, under Serin's rule and under those of others.
//!
//! No socket and no clock. What an operator does goes through [`crate::control::apply`], and
//! who gets which version is read from the table that [`crate::routing`] compiles, so what
//! is simulated is Serin. One seed always gives the same numbers, on any number of cores.

mod census;
mod check;
mod edge;
mod json;
mod ledger;
mod outcome;
mod play;
mod print;
mod progress;
mod read;
mod rules;
mod scenario;
mod traffic;
mod verb;
mod version;

pub use check::{Check, Checked, Number};
pub use edge::ImpossibleScenario;
pub use outcome::{Canary, Outcome, Released, RuleOutcome, Window};
pub use play::play;
pub use rules::Rule;
pub use scenario::Scenario;
pub use verb::{Options, SimulateError, run};
