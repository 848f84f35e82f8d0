//! `serin simulate`.

use std::io::{self, Write};
use std::path::Path;

use super::edge::ImpossibleScenario;
use super::json::write_json;
use super::play::play;
use super::print::print;
use super::progress::bar;
use super::scenario::Scenario;
use crate::document::ReadError;

/// What the arguments say beside the scenario.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// In place of the scenario's own.
    pub seed: Option<u64>,
    /// In place of the scenario's, each population with its part of them.
    pub users: Option<u64>,
    pub json: bool,
}

/// Why a scenario was not played, or what it claims is not so.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("--users {0} leaves a population without users, or is more than 100 million")]
    Users(u64),
    #[error(transparent)]
    Impossible(#[from] ImpossibleScenario),
    #[error("cannot write the result: {0}")]
    Output(io::Error),
    /// A check does not hold; it was told.
    #[error("")]
    Failed,
}

impl SimulateError {
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Read(ReadError::Unreadable { .. }) => 3,
            Self::Users(_) => 2,
            Self::Read(_) | Self::Impossible(_) | Self::Output(_) | Self::Failed => 1,
        }
    }
}

/// Plays the scenario at `path`, tells what came of it, and whether its checks hold.
pub fn run(path: &Path, options: Options, out: &mut impl Write) -> Result<(), SimulateError> {
    let mut scenario = Scenario::read(path)?;
    scenario.seed = options.seed.unwrap_or(scenario.seed);
    if let Some(users) = options.users {
        scenario = scenario.with_users(users).ok_or(SimulateError::Users(users))?;
    }
    let bar = bar(&scenario);
    let outcome = play(&scenario, &mut |requests| bar.inc(requests));
    bar.finish_and_clear();
    let outcome = outcome?;
    let written = if options.json { write_json(&outcome, out) } else { print(&outcome, out) };
    match written {
        // Whoever reads has seen enough; the verdict is the same.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return Err(SimulateError::Output(error));
        }
        _ => {}
    }
    if outcome.holds() { Ok(()) } else { Err(SimulateError::Failed) }
}
