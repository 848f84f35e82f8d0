//! `check`: every mistake of a config.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub struct Check {
    /// The config
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}
