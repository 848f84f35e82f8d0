//! `completions`: for the shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    source <(serin completions bash)\n  \
    mkdir -p ~/.config/fish/completions && serin completions fish > ~/.config/fish/completions/serin.fish\n  \
    mkdir -p ~/.zfunc && serin completions zsh > ~/.zfunc/_serin")]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

impl Completions {
    /// The script that the shell is to read.
    pub fn script(&self) -> Vec<u8> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::Cli::command(), "serin", &mut script);
        script
    }
}
