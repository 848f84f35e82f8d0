//! `simulate`: an edge in virtual time.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 good, 1 a check of the scenario failed or it has mistakes, 2 usage, 3 it cannot be read, or the result or the report cannot be written.\n\n\
        Example:\n  serin simulate configs/scenarios/rehearsal.toml"
)]
pub struct Simulate {
    /// The scenario
    #[arg(value_name = "SCENARIO")]
    pub scenario: PathBuf,
    /// Play it with this seed in place of its own
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Play it with so many users in all, each population with its part of them
    #[arg(long, value_name = "N")]
    pub users: Option<u64>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// Write the result as a page, too
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
}
