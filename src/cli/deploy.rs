//! `deploy`: code versions of a routine.

use clap::Args;

use super::steps::Step;
use super::value::share;

#[derive(Debug, Args)]
#[command(
    after_help = "Where admin has access keys, the call is signed with SERIN_ACCESS_KEY_ID and SERIN_ACCESS_KEY_SECRET \
        (or ESA_ACCESS_KEY_ID and ESA_ACCESS_KEY_SECRET) of the environment, and so are those of the other verbs.\n\n\
        Exit status: 0 good, 1 refused, or with --dry-run a danger was found, 2 usage, 3 admin cannot be reached.\n\n\
        Examples:\n  \
        serin deploy checkout 1723599747213377175@90 1723599747213377176@10 --env production\n  \
        serin deploy checkout 1723599747213377175@75% 1723599747213377176@25% --dry-run"
)]
pub struct Deploy {
    /// The routine's name
    #[arg(value_name = "ROUTINE")]
    pub routine: String,
    /// One or two code versions with their percentages, which sum to 100
    #[arg(value_name = "VERSION@PERCENT", required = true, num_args = 1..=2, value_parser = share)]
    pub shares: Vec<(String, u64)>,
    #[command(flatten)]
    pub step: Step,
}
