//! `routines`: which there are, and making and deleting them.

use clap::{Args, Subcommand};

use super::asked::Asked;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  serin routines\n  serin routines list --search check --json")]
pub struct Routines {
    #[command(subcommand)]
    pub action: Option<RoutinesAction>,
    #[command(flatten)]
    pub asked: Asked,
}

#[derive(Debug, Subcommand)]
pub enum RoutinesAction {
    /// The routines and what they serve; what `serin routines` does, too
    #[command(after_help = "Example:\n  serin routines list --search check")]
    List {
        /// Those with this in their names
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
    },
    /// One routine: its hosts, keys, versions, and what is deployed
    #[command(after_help = "Example:\n  serin routines show checkout")]
    Show {
        /// The routine's name
        #[arg(value_name = "ROUTINE")]
        name: String,
    },
    /// Make a routine
    #[command(
        after_help = "Example:\n  serin routines create cart --description 'what is to be bought'"
    )]
    Create {
        /// Its name
        #[arg(value_name = "ROUTINE")]
        name: String,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// It has assets beside its code
        #[arg(long)]
        assets: bool,
    },
    /// Delete a routine, which withdraws it where it is deployed
    #[command(after_help = "Example:\n  serin routines delete checkout")]
    Delete {
        /// The routine's name
        #[arg(value_name = "ROUTINE")]
        name: String,
    },
}
