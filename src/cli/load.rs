//! `load`: the requests of many users, and a judgement.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};

use super::value::{Environment, duration, rates, share};

#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("release").args(["routine", "app"]),
    after_help = "Without --rate a connection sends when it was answered. With it, requests are due at their times, and their latency counts from then.\n\n\
        Each user must keep one version. With --routine or --app, of the Serin at --admin, or with --expect, the shares are checked too; with the former each answer is held to the rule that Serin publishes.\n\n\
        Exit status: 0 good, 1 something was found, 2 usage, 3 the target or the admin endpoint could not be reached, or the report cannot be written.\n\n\
        Examples:\n  \
        serin load http://127.0.0.1:8080/ --routine checkout --rate 2000 --requests 2000\n  \
        serin load http://127.0.0.1:8080/ --requests 500 --header 'Host: checkout.localhost' --version-json version --expect 1723599747213377175@90,1723599747213377176@10"
)]
pub struct Load {
    /// Where requests go
    #[arg(value_name = "URL")]
    pub url: String,
    /// Requests a second, or a rate that changes to another over a time
    #[arg(long, value_name = "N|FROM..TO", value_parser = rates)]
    pub rate: Option<(f64, f64)>,
    /// How long a rate takes to change [default: as long as the run]
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "rate")]
    pub over: Option<Duration>,
    /// Connections
    #[arg(long, short, value_name = "N", default_value_t = 64)]
    pub connections: usize,
    /// Threads
    #[arg(long, short, value_name = "N", default_value_t = 1)]
    pub threads: usize,
    /// How long requests are sent
    #[arg(long, short, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub duration: Duration,
    /// Ends earlier, after so many requests
    #[arg(long, short = 'n', value_name = "N")]
    pub requests: Option<u64>,
    /// How long a request may take, an hour at most
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub timeout: Duration,
    /// Speak HTTP/2, with prior knowledge over `http`
    #[arg(long)]
    pub http2: bool,
    /// Concurrent requests of an HTTP/2 connection
    #[arg(long, value_name = "N", default_value_t = 10, requires = "http2")]
    pub streams: usize,
    /// Take any certificate of the target
    #[arg(long)]
    pub insecure: bool,
    /// Trust the authorities of this file too, for https; in PEM [default: `SERIN_CA`]
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,

    /// The method
    #[arg(
        long,
        short = 'X',
        value_name = "METHOD",
        help_heading = "Requests",
        default_value = "GET"
    )]
    pub method: String,
    /// A header of every request; `host` takes the place of the URL's
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE", help_heading = "Requests", value_parser = header)]
    pub headers: Vec<(String, String)>,
    /// The body of every request
    #[arg(long, value_name = "TEXT", help_heading = "Requests")]
    pub data: Option<String>,

    /// How many users ask
    #[arg(long, value_name = "N", help_heading = "Users", default_value_t = 10_000)]
    pub users: u64,
    /// What draws whose turn it is
    #[arg(long, value_name = "N", help_heading = "Users", default_value_t = 1)]
    pub seed: u64,
    /// How unequal users are: number n asks in proportion to 1/n to this power
    #[arg(long, value_name = "X", help_heading = "Users", default_value_t = 1.0)]
    pub zipf: f64,
    /// The first N users make so much of all requests, alike among each other
    #[arg(long, value_name = "N@PERCENT", help_heading = "Users", value_parser = heavy)]
    pub heavy: Option<(u64, f64)>,
    /// What stands before a user's number in its key
    #[arg(long, value_name = "TEXT", help_heading = "Users", default_value = "user-")]
    pub key_prefix: String,
    /// Where users are, in proportion to the numbers; each request says where its user is
    #[arg(long, value_name = "NAME=WEIGHT", help_heading = "Users", value_delimiter = ',', value_parser = region)]
    pub regions: Vec<(String, f64)>,
    /// The header that says it
    #[arg(
        long,
        value_name = "NAME",
        help_heading = "Users",
        default_value = "x-serin-region",
        requires = "regions"
    )]
    pub region_header: String,
    /// The header that carries a user's key
    #[arg(long, value_name = "NAME", help_heading = "Users", default_value = "x-serin-key")]
    pub key_header: String,
    /// The cookie that carries it instead
    #[arg(long, value_name = "NAME", help_heading = "Users", conflicts_with = "key_header")]
    pub key_cookie: Option<String>,

    /// The header of an answer that names its version [default: x-serin-version]
    #[arg(long, value_name = "NAME", help_heading = "Versions")]
    pub version_header: Option<String>,
    /// The field of a JSON body that names it instead; dots lead into objects
    #[arg(
        long,
        value_name = "FIELD",
        help_heading = "Versions",
        conflicts_with = "version_header"
    )]
    pub version_json: Option<String>,
    /// The pattern whose first group matches it in the body instead
    #[arg(long, value_name = "REGEX", help_heading = "Versions", conflicts_with_all = ["version_header", "version_json"])]
    pub version_regex: Option<String>,
    /// Which versions there should be, and their percentages
    #[arg(long, value_name = "VERSION@PERCENT", help_heading = "Versions", value_delimiter = ',', value_parser = share, conflicts_with = "release")]
    pub expect: Vec<(String, u64)>,

    /// The admin endpoint of the Serin that is loaded, which tells the split [default: `SERIN_ADMIN`, or else `http://127.0.0.1:8090`]
    #[arg(long, value_name = "URL", help_heading = "Serin", requires = "release")]
    pub admin: Option<String>,
    /// The routine that answers
    #[arg(long, value_name = "NAME", help_heading = "Serin")]
    pub routine: Option<String>,
    /// The edge container app that answers, in place of a routine
    #[arg(long, value_name = "ID", help_heading = "Serin")]
    pub app: Option<String>,
    /// Its environment
    #[arg(long, short, value_enum, help_heading = "Serin", default_value_t = Environment::Production)]
    pub env: Environment,
    /// Deploy in the middle of the run: after a time, versions with their percentages
    #[arg(long = "deploy", value_name = "TIME:VERSION@PERCENT,…", help_heading = "Serin", value_parser = deployment, requires = "release")]
    pub deployments: Vec<Deployment>,

    /// How many errors are none to speak of
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub max_errors: u64,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
    /// Write the report as a page, too
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
}

/// A moment of the run, and what is deployed then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    pub at: Duration,
    pub shares: Vec<(String, u64)>,
}

fn deployment(text: &str) -> Result<Deployment, String> {
    let (at, shares) =
        text.split_once(':').ok_or("write TIME:VERSION@PERCENT, for instance 10s:v1@90,v2@10")?;
    let shares = shares.split(',').map(share).collect::<Result<_, _>>()?;
    Ok(Deployment { at: duration(at)?, shares })
}

/// `N@PERCENT`: users and their part of all requests, 0 to 1.
fn heavy(text: &str) -> Result<(u64, f64), String> {
    let (users, percent) = text.split_once('@').ok_or("write N@PERCENT, for instance 10@50")?;
    let users = users.parse().map_err(|_| format!("`{users}` is no number of users"))?;
    match percent.strip_suffix('%').unwrap_or(percent).parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok((users, percent / 100.0)),
        _ => Err(format!("`{percent}` is no percentage")),
    }
}

fn region(text: &str) -> Result<(String, f64), String> {
    let (name, weight) = text.split_once('=').ok_or("write NAME=WEIGHT, for instance eu=3")?;
    let weight = weight.parse().map_err(|_| format!("`{weight}` is no weight"))?;
    Ok((name.to_owned(), weight))
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write NAME: VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_has_a_moment() {
        let shares = vec![("v:1".to_owned(), 90), ("v2".to_owned(), 10)];
        let at = Duration::from_millis(2_500);
        assert_eq!(deployment("2.5s:v:1@90,v2@10"), Ok(Deployment { at, shares }));
        for text in ["10s", "v1@100", "10:v1@100", "10s:", "10s:v1@0"] {
            assert!(deployment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn users_are_heavy_and_somewhere() {
        assert_eq!(heavy("10@50%"), Ok((10, 0.5)));
        assert_eq!(region("eu=1.5"), Ok(("eu".to_owned(), 1.5)));
        for text in ["", "10", "@1", "x@1", "1@", "1@101", "1@-1", "1@NaN"] {
            assert!(heavy(text).is_err(), "{text}");
        }
        assert!(region("eu").is_err() && region("eu=x").is_err());
    }

    #[test]
    fn a_header_has_a_name_and_a_value() {
        assert_eq!(header("a: b:c"), Ok(("a".to_owned(), "b:c".to_owned())));
        assert!(header("a").is_err());
    }
}
