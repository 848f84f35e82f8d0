//! `explain`: what a user or a request gets, and why.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::asked::Admin;
use super::value::{Environment, address, field, method, path};

#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("about").required(true).args(["routine", "app", "host"]),
    after_help = "Of a config, what is explained is what a Serin says that has just started with it; what a store has of \
        deployments is not read.\n\n\
        Exit status: 0 good, 1 refused or the config has mistakes, 2 usage, 3 the config or admin cannot be reached.\n\n\
        Examples:\n  \
        serin explain --routine checkout --env production --key user-42\n  \
        serin explain --host checkout.localhost --path /cart -H 'x-serin-key: user-42'\n  \
        serin explain --routine checkout --key user-42 --config demo.toml"
)]
pub struct Explain {
    /// The routine whose user is explained
    #[arg(long, value_name = "NAME")]
    pub routine: Option<String>,
    /// The edge container app whose user is explained
    #[arg(long, value_name = "NAME")]
    pub app: Option<String>,
    /// The user's key; without one, who has none
    #[arg(long, value_name = "KEY", conflicts_with = "host")]
    pub key: Option<String>,
    /// The host of a request, which is explained whole
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// The request's path and query; `/` by default
    #[arg(long, value_name = "PATH", value_parser = path, requires = "host", conflicts_with_all = ["routine", "app"])]
    pub path: Option<String>,
    /// The request's method; GET by default
    #[arg(long, value_name = "METHOD", value_parser = method, requires = "host", conflicts_with_all = ["routine", "app"])]
    pub method: Option<String>,
    /// A header field of the request; may be given several times
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE", value_parser = field, requires = "host", conflicts_with_all = ["routine", "app"])]
    pub headers: Vec<String>,
    /// The address that the request comes from; 127.0.0.1 by default
    #[arg(long, value_name = "ADDRESS", value_parser = address, requires = "host", conflicts_with_all = ["routine", "app"])]
    pub client: Option<String>,
    /// Where it is asked
    #[arg(long, short, value_enum, default_value = "production")]
    pub env: Environment,
    #[command(flatten)]
    pub admin: Admin,
    /// A config to ask in place of a running Serin; without FILE, that of `SERIN_CONFIG`
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with_all = ["url", "ca"])]
    pub config: Option<Option<PathBuf>>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}
