//! `ca`: whom clients must trust.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub struct Ca {
    /// The config
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}
