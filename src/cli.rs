//! Arguments, and what they ask for.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// An edge request router simulator with percentage canary routing, behind the API
/// of Alibaba Cloud ESA.
#[derive(Debug, Parser)]
#[command(
    name = "serin",
    version,
    after_help = "Exit status: 0 good, 1 a check or the operation failed, 2 usage, 3 could not reach something."
)]
pub struct Cli {
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run a canary of two built-in backends, with nothing to set up
    Demo(Demo),
    /// Serve what a config describes
    Serve(Serve),
    /// Report every mistake of a config at once
    Check(Check),
    /// Print the certificate that clients must trust to speak HTTPS with Serin
    Ca(Ca),
    /// Deploy one or two code versions of a routine
    Deploy(Deploy),
    /// Play a scenario in virtual time: users, deployments, failures, and other systems' rules
    Simulate(Simulate),
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Print the config that the demo runs, and end
    #[arg(long)]
    pub print_config: bool,
}

#[derive(Debug, Args)]
pub struct Serve {
    /// The config
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

#[derive(Debug, Args)]
pub struct Ca {
    /// The config
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

#[derive(Debug, Args)]
pub struct Check {
    /// The config
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

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

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 good, 1 a check of the scenario failed or it has mistakes, 2 usage, 3 the file cannot be read.\n\n\
        Example: serin simulate configs/scenarios/release.toml"
)]
pub struct Simulate {
    /// The scenario
    #[arg(value_name = "SCENARIO")]
    pub scenario: PathBuf,
    /// Play it with this seed in place of its own
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Play it with so many users in all, each population with its part of them
    #[arg(long, value_name = "N")]
    pub users: Option<u64>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Environment {
    Staging,
    Production,
}

impl Environment {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

/// `VERSION@PERCENT`; a `%` behind the number is taken too.
fn share(text: &str) -> Result<(String, u64), String> {
    let (version, percent) = text
        .rsplit_once('@')
        .ok_or("write VERSION@PERCENT, for instance 1723599747213377176@10")?;
    if version.is_empty() {
        return Err("the code version before the `@` is missing".to_owned());
    }
    let digits = percent.strip_suffix('%').unwrap_or(percent);
    match digits.parse() {
        Ok(percent @ 1..=100) => Ok((version.to_owned(), percent)),
        _ => Err(format!("`{percent}` is no whole percentage from 1 to 100")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn a_share_is_a_version_and_a_percentage() {
        assert_eq!(share("17@10"), Ok(("17".to_owned(), 10)));
        assert_eq!(share("v-1@100%"), Ok(("v-1".to_owned(), 100)));
        for text in ["17", "@10", "17@", "17@0", "17@101", "17@1.5", "17@-1"] {
            assert!(share(text).is_err(), "{text}");
        }
    }
}
