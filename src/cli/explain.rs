//! `explain`: what a user or a request gets, and why.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::value::{Environment, address, field, method, path};

#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("about").required(true).args(["routine", "app", "host"]),
    after_help = "Of a config, what is explained is what a Serin says that has just started with it; what a store has of \
        deployments is not read.\n\n\
        Exit status: 0 good, 1 refused or the config has mistakes, 2 usage, 3 the config or admin cannot be reached.\n\n\
        Example: serin explain --routine checkout --env production --key user-42"
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
    /// The admin endpoint of a running Serin
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8090")]
    pub admin: String,
    /// A config to ask in place of a running Serin
    #[arg(long, value_name = "FILE", conflicts_with = "admin")]
    pub config: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}
