//! Arguments, and what they ask for: a file a verb.

mod asked;
mod ca;
mod check;
mod completions;
mod demo;
mod deploy;
mod deployments;
mod explain;
mod load;
mod man;
mod rehearse;
mod routines;
mod serve;
mod simulate;
mod status;
mod steps;
mod top;
mod value;
mod versions;

use clap::{Parser, Subcommand};

pub use asked::{Admin, Asked};
pub use ca::Ca;
pub use check::Check;
pub use completions::Completions;
pub use demo::Demo;
pub use deploy::Deploy;
pub use deployments::{Deployments, DeploymentsAction};
pub use explain::Explain;
pub use load::{Deployment, Load};
pub use man::{Man, ManError};
pub use rehearse::Rehearse;
pub use routines::{Routines, RoutinesAction};
pub use serve::Serve;
pub use simulate::Simulate;
pub use status::Status;
pub use steps::{Forward, Promote, Rollback, Step};
pub use top::Top;
pub use value::Environment;
pub use versions::{Bind, Versions, VersionsAction};

/// An edge request router simulator with percentage canary routing, behind the API
/// of Alibaba Cloud ESA.
#[derive(Debug, Parser)]
#[command(
    name = "serin",
    version,
    after_help = "`serin VERB --help` shows examples.\n\n\
        SERIN_ADMIN says which admin endpoint is asked, SERIN_CA whose certificates are trusted there, SERIN_CONFIG which config is read. \
        NO_COLOR takes the colours away.\n\n\
        Exit status: 0 good, 1 a check or the operation failed, 2 usage, 3 could not reach something."
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
    /// Tell what is deployed, and how it goes
    Status(Status),
    /// Show what happens, as it happens
    Top(Top),
    /// List, show, make and delete routines
    Routines(Routines),
    /// List, add and delete the code versions of a routine
    Versions(Versions),
    /// Say where a version answers
    Bind(Bind),
    /// List and show what was deployed
    Deployments(Deployments),
    /// Deploy one or two code versions of a routine
    Deploy(Deploy),
    /// Give the newer version a larger share of the users
    Forward(Forward),
    /// Give the newer version all users
    Promote(Promote),
    /// Go back to an earlier deployment
    Rollback(Rollback),
    /// Say what a user or a request gets, and why
    Explain(Explain),
    /// Say what a deployment would do to users, before it is made
    Rehearse(Box<Rehearse>),
    /// Send the requests of many users at a target, and judge who gets which version
    Load(Box<Load>),
    /// Play a scenario in virtual time: users, deployments, failures, and other systems' rules
    Simulate(Simulate),
    /// Print what completes the arguments in a shell
    Completions(Completions),
    /// Print the manual page, or write one for each verb
    Man(Man),
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
