//! `serin simulate`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::edge::ImpossibleScenario;
use super::json::write_json;
use super::page::page;
use super::play::play;
use super::print::print;
use super::progress::bar;
use super::scenario::{NotScalable, Scenario};
use crate::document::ReadError;
use crate::report::{NoPlot, PageFile, Unwritable};

/// What the arguments say beside the scenario.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// In place of the scenario's own.
    pub seed: Option<u64>,
    /// In place of the scenario's, each population with its part of them.
    pub users: Option<u64>,
    pub json: bool,
    pub report: Option<Report>,
}

/// A page that is to be written.
#[derive(Debug, Clone)]
pub struct Report {
    pub path: PathBuf,
    /// What was typed, to have it again.
    pub command: String,
}

/// Why a scenario was not played, or what it claims is not so.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("--users {users} {source}")]
    Users { users: u64, source: NotScalable },
    #[error(transparent)]
    Impossible(#[from] ImpossibleScenario),
    #[error(transparent)]
    Report(#[from] Unwritable),
    #[error(transparent)]
    Plot(#[from] NoPlot),
    #[error("cannot write the result")]
    Output(#[source] io::Error),
    /// A check does not hold; it was told.
    #[error("")]
    Failed,
}

impl SimulateError {
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Read(ReadError::Unreadable { .. }) | Self::Report(_) => 3,
            Self::Users { .. } => 2,
            Self::Read(_)
            | Self::Impossible(_)
            | Self::Plot(_)
            | Self::Output(_)
            | Self::Failed => 1,
        }
    }
}

/// Plays the scenario at `path`, tells what came of it, and whether its checks hold.
pub fn run(path: &Path, options: &Options, out: &mut impl Write) -> Result<(), SimulateError> {
    let (mut scenario, text) = Scenario::read_with_text(path)?;
    scenario.seed = options.seed.unwrap_or(scenario.seed);
    if let Some(users) = options.users {
        let scaled = scenario.with_users(users);
        scenario = scaled.map_err(|source| SimulateError::Users { users, source })?;
    }
    // Whoever waits for a long play is to know before it that the page can be written.
    let file = options.report.as_ref().map(|report| PageFile::open(report.path.clone()));
    let file = file.transpose()?;
    let bar = bar(&scenario);
    let outcome = play(&scenario, &mut |decisions| bar.inc(decisions));
    bar.finish_and_clear();
    let outcome = outcome?;
    if let Some((file, report)) = file.zip(options.report.as_ref()) {
        file.write(&page(&scenario, &text, &outcome, &report.command)?)?;
    }
    let written = if options.json { write_json(&outcome, out) } else { print(&outcome, out) };
    match written {
        // Whoever reads has seen enough; the verdict is the same.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return Err(SimulateError::Output(error));
        }
        Ok(()) | Err(_) => {}
    }
    if outcome.holds() { Ok(()) } else { Err(SimulateError::Failed) }
}
