//! `top`: what happens, as it happens.

use clap::Args;

use super::asked::Admin;

#[derive(Debug, Args)]
#[command(
    after_help = "Keys: arrows, Page Up, Page Down, Home and End move, / searches (Enter keeps what was typed, Esc drops it), q ends. \
    It draws on a terminal; `serin status` tells the same once, and with --json for programs.\n\n\
    Examples:\n  serin top\n  NO_COLOR=1 serin top --search check"
)]
pub struct Top {
    /// Those with this in their names
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    #[command(flatten)]
    pub admin: Admin,
}
