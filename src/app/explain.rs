//! `serin explain` of a config.

use std::path::Path;

use serde_json::Value;

use super::running::{declared, settings};
use super::{Failure, outside};
use crate::admin;
use crate::config::Config;
use crate::control::{ControlPlane, Store};

/// What a Serin that has just started with the config at `path`, and with an empty store,
/// answers to a query of `/api/v1/explain`.
pub fn explain(path: &Path, query: &str) -> Result<Value, Failure> {
    let config = Config::read(path)?;
    let store = Store::in_memory()?;
    let opened = ControlPlane::open(store, settings(&config), declared(&config), outside::now)?;
    Ok(admin::explain(&opened.table, query)?)
}
