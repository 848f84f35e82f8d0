//! `ca`: whom clients must trust.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  serin ca --config serin.toml > ca.pem")]
pub struct Ca {
    /// The config [default: `SERIN_CONFIG`]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}
