//! Which Serin is asked, and how its answer is told: the same for every verb.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub struct Admin {
    /// The admin endpoint [default: `SERIN_ADMIN`, or else `http://127.0.0.1:8090`]
    #[arg(long = "admin", value_name = "URL", global = true)]
    pub url: Option<String>,
    /// Trust the authorities of this file too, for https; in PEM [default: `SERIN_CA`]
    #[arg(long, value_name = "FILE", global = true)]
    pub ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Asked {
    #[command(flatten)]
    pub admin: Admin,
    /// Print the result as JSON, in the shapes of the native API
    #[arg(long, global = true)]
    pub json: bool,
}
