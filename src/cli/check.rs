//! `check`: every mistake of a config.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  serin check serin.toml\n  serin check serin.toml --json")]
pub struct Check {
    /// The config [default: `SERIN_CONFIG`]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}
