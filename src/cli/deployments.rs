//! `deployments`: what was deployed, and when.

use clap::{Args, Subcommand};

use super::asked::Asked;
use super::value::Environment;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  serin deployments checkout\n  \
    serin deployments checkout list --env production --limit 5")]
pub struct Deployments {
    /// The routine's name, or the id or name of an edge container app
    #[arg(value_name = "ROUTINE")]
    pub routine: String,
    #[command(subcommand)]
    pub action: Option<DeploymentsAction>,
    /// Of one environment [default: of both]
    #[arg(long, short, value_enum, global = true)]
    pub env: Option<Environment>,
    /// So many of the newest
    #[arg(long, value_name = "N", default_value_t = 20, global = true, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    #[command(flatten)]
    pub asked: Asked,
}

#[derive(Debug, Subcommand)]
pub enum DeploymentsAction {
    /// The deployments, newest first; what `serin deployments ROUTINE` does, too
    #[command(after_help = "Example:\n  serin deployments checkout list --json")]
    List,
    /// One deployment, of the thousand newest
    #[command(after_help = "Example:\n  serin deployments checkout show 1")]
    Show {
        /// Its id
        #[arg(value_name = "DEPLOYMENT_ID")]
        id: String,
    },
}
