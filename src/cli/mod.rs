//! Arguments, and what they ask for: a file a verb.

mod ca;
mod check;
mod demo;
mod deploy;
mod explain;
mod load;
mod rehearse;
mod serve;
mod simulate;
mod value;

use clap::{Parser, Subcommand};

pub use ca::Ca;
pub use check::Check;
pub use demo::Demo;
pub use deploy::Deploy;
pub use explain::Explain;
pub use load::{Deployment, Load};
pub use rehearse::Rehearse;
pub use serve::Serve;
pub use simulate::Simulate;
pub use value::Environment;

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
    /// Say what a user or a request gets, and why
    Explain(Explain),
    /// Say what a deployment would do to users, before it is made
    Rehearse(Box<Rehearse>),
    /// Send the requests of many users at a target, and judge who gets which version
    Load(Box<Load>),
    /// Play a scenario in virtual time: users, deployments, failures, and other systems' rules
    Simulate(Simulate),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
