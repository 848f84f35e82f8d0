//! `serve`: what a config describes.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub struct Serve {
    /// The config
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}
