//! `man`: the manual, made from the arguments.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    serin man > serin.1\n  \
    serin man --out man1")]
pub struct Man {
    /// Write a page for each verb into this folder, which is made if there is none [default: print serin(1)]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Why the manual was not written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the manual to `{}`", folder.display())]
pub struct ManError {
    folder: PathBuf,
    source: io::Error,
}

impl Man {
    /// The page of `serin` itself.
    pub fn page() -> Vec<u8> {
        let mut page = Vec::new();
        // As among the pages of all verbs, `help` has none of its own.
        let command = super::Cli::command().disable_help_subcommand(true);
        let rendered = clap_mangen::Man::new(command).render(&mut page);
        rendered.expect("memory takes every page");
        page
    }

    /// Writes every page into `folder`.
    pub fn write(folder: &Path) -> Result<(), ManError> {
        let written = fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(super::Cli::command(), folder));
        written.map_err(|source| ManError { folder: folder.to_owned(), source })
    }
}
