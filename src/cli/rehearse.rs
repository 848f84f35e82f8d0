//! `rehearse`: a deployment's consequences before it is made.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};

use super::asked::Admin;
use super::value::{Environment, duration, share};

#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("planned").required(true).args(["shares", "plan"]),
    after_help = "Of a config, what is deployed is what a Serin has that has just started with it; what a store has of \
        deployments is not read, and of the last canary only --last tells.\n\n\
        A user is who has a key of their own, so the field of an access log must be what the routine's key is. The combined format has \
        client (as client-ip makes a key of it), user, path, query:NAME, referer, agent and quoted:N, the Nth text in quotes; \
        of JSON each field may be the key, and ts, time, timestamp or @timestamp is the time. The JSON that Serin writes has no key but its key_hash, \
        which is taken where there is no key: it tells users apart and not where they stand, so how many move is to be expected, and who they are is not known. Sessions want lines in the order of time. Compressed files are not read: \
        zcat access.log.gz | serin rehearse … --access-log -\n\n\
        Exit status: 0 good, 1 a danger was found, or what is asked for cannot be rehearsed (no such version, broken lines, a config with mistakes), 2 usage, 3 a file or admin cannot be reached, or the report cannot be written.\n\n\
        Examples:\n  \
        serin rehearse checkout 1723599747213377175@90 1723599747213377176@10 --users 20000\n  \
        serin rehearse checkout --plan 25,50,100 --to 1723599747213377176 --access-log access.log --field query:user"
)]
pub struct Rehearse {
    /// The routine's name
    #[arg(value_name = "ROUTINE")]
    pub routine: String,
    /// What is to be deployed: one or two code versions with their percentages, which sum to 100
    #[arg(value_name = "VERSION@PERCENT", num_args = 1..=2, value_parser = share)]
    pub shares: Vec<(String, u64)>,
    /// Several deployments, one after the other: percentages of one version
    #[arg(long, value_name = "PERCENT,…", value_delimiter = ',', value_parser = clap::value_parser!(u64).range(1..=100))]
    pub plan: Vec<u64>,
    /// The version of the plan [default: the newer of the two that are live]
    #[arg(long, value_name = "VERSION", requires = "plan")]
    pub to: Option<String>,
    /// The version that has the rest [default: that which is live beside it]
    #[arg(long, value_name = "VERSION", requires = "plan")]
    pub from: Option<String>,
    /// Where it is to be deployed
    #[arg(long, short, value_enum, default_value_t = Environment::Production)]
    pub env: Environment,
    #[command(flatten)]
    pub admin: Admin,
    /// A config to ask in place of a running Serin; without FILE, that of `SERIN_CONFIG`
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with_all = ["url", "ca"])]
    pub config: Option<Option<PathBuf>>,
    /// The last canary, whose users are compared [default: what the history of a running Serin has]
    #[arg(long, value_name = "VERSION@PERCENT", value_parser = share)]
    pub last: Option<(String, u64)>,

    /// How many users there are
    #[arg(long, value_name = "N", help_heading = "Users", default_value_t = 10_000)]
    pub users: u64,
    /// What draws whose turn it is
    #[arg(long, value_name = "N", help_heading = "Users", default_value_t = 1)]
    pub seed: u64,
    /// How unequal users are: number n asks in proportion to 1/n to this power
    #[arg(long, value_name = "X", help_heading = "Users", default_value_t = 1.0)]
    pub zipf: f64,
    /// How many requests are to be expected of them [default: 10 for each]
    #[arg(long, short = 'n', value_name = "N", help_heading = "Users")]
    pub requests: Option<u64>,
    /// The time in which they ask
    #[arg(long, short, value_name = "TIME", help_heading = "Users", default_value = "24h", value_parser = duration)]
    pub duration: Duration,
    /// Users of a file in their place: a key a line, with a tabulator and a number of requests
    /// behind it where that is not 1; `-` is stdin
    #[arg(long, value_name = "FILE", help_heading = "Users", conflicts_with_all = ["users", "seed", "zipf", "requests", "duration", "access_log"])]
    pub keys: Option<PathBuf>,
    /// Users of an access log, of JSON lines or in the combined format; `-` is stdin
    #[arg(long, value_name = "FILE", help_heading = "Users", conflicts_with_all = ["users", "seed", "zipf", "requests", "duration"])]
    pub access_log: Option<PathBuf>,
    /// What of a line is the user's key [default: key of JSON, or else its hash, client of the combined format]
    #[arg(long, value_name = "NAME", help_heading = "Users", requires = "access_log")]
    pub field: Option<String>,
    /// How far apart two requests of one session may be
    #[arg(long, value_name = "TIME", help_heading = "Users", default_value = "30m", value_parser = duration)]
    pub session: Duration,

    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// Write the report as a page, too
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
}
