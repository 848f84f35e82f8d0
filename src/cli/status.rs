//! `status`: what is deployed, and how it goes.

use clap::Args;

use super::asked::Asked;
use super::value::Environment;

#[derive(Debug, Args)]
#[command(
    after_help = "Of each version it tells the share of the users that was asked for; how many users it has \
    answered since the deployment, their share, and between what an honest split has it; the requests that were \
    assigned to it since Serin started, and how many it failed to answer.\n\n\
    Exit status: 0 good, 1 a split is not what was asked for, an endpoint is unhealthy, or there is no such routine, 2 usage, 3 admin cannot be reached.\n\n\
    Examples:\n  serin status\n  serin status checkout --env production\n  serin status --json"
)]
pub struct Status {
    /// A routine's name, or the id or name of an edge container app [default: all of them]
    #[arg(value_name = "ROUTINE")]
    pub routine: Option<String>,
    /// In one environment [default: in both]
    #[arg(long, short, value_enum)]
    pub env: Option<Environment>,
    #[command(flatten)]
    pub asked: Asked,
}
