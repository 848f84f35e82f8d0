//! `demo`: nothing to set up.

use clap::Args;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  serin demo --any-port\n  serin demo --print-config > demo.toml"
)]
pub struct Demo {
    /// Listen on ports that are free, in place of 8080, 8081 and 8090
    #[arg(long)]
    pub any_port: bool,
    /// Print the config that the demo runs, and end
    #[arg(long, conflicts_with = "any_port")]
    pub print_config: bool,
}
