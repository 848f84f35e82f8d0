//! An edge in virtual time: a population asks, operators deploy, tables reach nodes late,
//! versions fail, and all of it is counted, under Serin's rule and under those of others.
//!
//! No socket and no clock. What an operator does goes through [`crate::control::apply`], and
//! who gets which version is read from the table that [`crate::routing`] compiles, so what
//! is simulated is Serin. One seed always gives the same numbers, on any number of cores.

mod census;
mod check;
mod counts;
mod decider;
mod edge;
mod evenness;
#[cfg(test)]
mod examples;
mod json;
mod ledger;
mod nodes;
mod outcome;
mod page;
mod play;
mod print;
mod progress;
mod read;
mod rules;
mod scenario;
mod tables;
mod traffic;
mod verb;
mod version;
mod words;

pub use check::{Check, Checked, Number};
pub use edge::ImpossibleScenario;
pub use outcome::{Acted, Canary, Outcome, Released, RuleOutcome, Window};
pub use play::play;
pub use rules::Rule;
pub use scenario::{NotScalable, Scenario};
pub use verb::{Options, Report, SimulateError, run};
