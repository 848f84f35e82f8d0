//! `deploy`: code versions of a routine.

use clap::Args;

use super::value::{Environment, share};

#[derive(Debug, Args)]
#[command(
    after_help = "Where admin has access keys, the call is signed with SERIN_ACCESS_KEY_ID and SERIN_ACCESS_KEY_SECRET \
        (or ESA_ACCESS_KEY_ID and ESA_ACCESS_KEY_SECRET) of the environment.\n\n\
        Example: serin deploy checkout 1723599747213377175@90 1723599747213377176@10 --env production"
)]
pub struct Deploy {
    /// The routine's name
    #[arg(value_name = "ROUTINE")]
    pub routine: String,
    /// One or two code versions with their percentages, which sum to 100
    #[arg(value_name = "VERSION@PERCENT", required = true, num_args = 1..=2, value_parser = share)]
    pub shares: Vec<(String, u64)>,
    /// Where to deploy
    #[arg(long, short, value_enum)]
    pub env: Environment,
    /// The admin endpoint
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8090")]
    pub admin: String,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}
