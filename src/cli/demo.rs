//! `demo`: nothing to set up.

use clap::Args;

#[derive(Debug, Args)]
pub struct Demo {
    /// Print the config that the demo runs, and end
    #[arg(long)]
    pub print_config: bool,
}
