//! `forward`, `promote` and `rollback`: a release, step by step.

use clap::Args;

use super::asked::Asked;
use super::value::{Environment, percentage};

#[derive(Debug, Args)]
#[command(
    after_help = "Of the two versions that are live, the newer one gets PERCENT of the users, and nobody moves back.\n\n\
    Exit status: 0 good, 1 refused, or with --dry-run a danger was found, 2 usage, 3 admin cannot be reached.\n\n\
    Examples:\n  serin forward checkout 25%\n  serin forward checkout 50 --dry-run"
)]
pub struct Forward {
    /// The routine's name
    #[arg(value_name = "ROUTINE")]
    pub routine: String,
    /// The share that the newer version is to have, 1 to 100
    #[arg(value_name = "PERCENT", value_parser = percentage)]
    pub percent: u64,
    #[command(flatten)]
    pub step: Step,
}

#[derive(Debug, Args)]
#[command(after_help = "Of the two versions that are live, the newer one gets all users.\n\n\
    Exit status: 0 good, 1 refused, or with --dry-run a danger was found, 2 usage, 3 admin cannot be reached.\n\n\
    Example:\n  serin promote checkout --env production")]
pub struct Promote {
    /// The routine's name
    #[arg(value_name = "ROUTINE")]
    pub routine: String,
    #[command(flatten)]
    pub step: Step,
}

#[derive(Debug, Args)]
#[command(after_help = "What an earlier deployment had is deployed again, as a new one.\n\n\
    Exit status: 0 good, 1 refused, or with --dry-run a danger was found, 2 usage, 3 admin cannot be reached.\n\n\
    Examples:\n  serin rollback checkout\n  serin rollback checkout --to 1 --env production")]
pub struct Rollback {
    /// The routine's name
    #[arg(value_name = "ROUTINE")]
    pub routine: String,
    /// The deployment to go back to [default: the one before]
    #[arg(long, value_name = "DEPLOYMENT_ID")]
    pub to: Option<String>,
    #[command(flatten)]
    pub step: Step,
}

/// Where a change is made, or whether it is only told.
#[derive(Debug, Args)]
pub struct Step {
    /// Where it is deployed
    #[arg(long, short, value_enum, default_value_t = Environment::Production)]
    pub env: Environment,
    /// Tell what it would do to the users of the last hour or less, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub asked: Asked,
}
