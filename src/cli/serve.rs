//! `serve`: what a config describes.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(
    after_help = "Ctrl-C or SIGTERM ends it when what runs is done, SIGHUP has it read the config again.\n\n\
        Example:\n  serin serve --config serin.toml"
)]
pub struct Serve {
    /// The config [default: `SERIN_CONFIG`]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}
