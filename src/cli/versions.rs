//! `versions`: the code versions of a routine, and `bind`: where they answer.

use clap::{Args, Subcommand};

use super::asked::Asked;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  serin versions checkout\n  \
    serin versions checkout add 1723599747213377177 --upstream http://127.0.0.1:9000")]
pub struct Versions {
    /// The routine's name, or the id or name of an edge container app, whose versions can be listed
    #[arg(value_name = "ROUTINE")]
    pub routine: String,
    #[command(subcommand)]
    pub action: Option<VersionsAction>,
    #[command(flatten)]
    pub asked: Asked,
}

#[derive(Debug, Subcommand)]
pub enum VersionsAction {
    /// The versions, newest first; what `serin versions ROUTINE` does, too
    #[command(after_help = "Example:\n  serin versions checkout list --json")]
    List,
    /// Add a version
    #[command(
        after_help = "Example:\n  serin versions checkout add --description 'with the new basket'"
    )]
    Add {
        /// The code version [default: minted, newer than all others]
        #[arg(value_name = "VERSION")]
        version: Option<String>,
        /// Where it answers [default: the built-in backend]
        #[arg(long, value_name = "UPSTREAM")]
        upstream: Option<String>,
        /// What it is
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Delete a version that is not deployed
    #[command(after_help = "Example:\n  serin versions checkout delete 1723599747213377174")]
    Delete {
        /// The code version
        #[arg(value_name = "VERSION")]
        version: String,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    serin bind checkout 1723599747213377176 http://127.0.0.1:9000\n  \
    serin bind checkout 1723599747213377176 'http://127.0.0.1:9000 http://127.0.0.1:9001'\n  \
    serin bind checkout 1723599747213377176 built-in")]
pub struct Bind {
    /// The routine's name, or the id or name of an edge container app
    #[arg(value_name = "ROUTINE")]
    pub routine: String,
    /// The version
    #[arg(value_name = "VERSION")]
    pub version: String,
    /// Where it answers: an endpoint, or several with blanks between, as one word; or `built-in`
    #[arg(value_name = "UPSTREAM")]
    pub upstream: String,
    #[command(flatten)]
    pub asked: Asked,
}
