//! What `serin explain` and `serin rehearse` ask of a config.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::running::{declared, settings};
use super::{Failure, outside};
use crate::admin;
use crate::config::Config;
use crate::control::{ControlPlane, Opened, Store};
use crate::document::ReadError;
use crate::model::{Routine, RoutineName};

/// What a Serin that has just started with the config at `path`, and with an empty store,
/// answers to a query of `/api/v1/explain`.
pub fn explain(path: &Path, query: &str) -> Result<Value, Failure> {
    Ok(admin::explain(&opened(path)?.table, query)?)
}

/// The routine `name` as that Serin has it.
pub fn routine_of(path: &Path, name: &str) -> Result<Arc<Routine>, Failure> {
    let opened = opened(path)?;
    let routine =
        RoutineName::new(name).ok().and_then(|name| opened.plane.catalog().routine(&name).cloned());
    routine.ok_or_else(|| Failure::NoRoutine(name.to_owned()))
}

fn opened(path: &Path) -> Result<Opened, Failure> {
    let config = Config::read(path).map_err(|error| match error {
        ReadError::Unreadable { .. } => Failure::Unread(error),
        error => Failure::Config(error),
    })?;
    let store = Store::in_memory()?;
    let opened = ControlPlane::open(store, settings(&config), declared(&config), outside::now)?;
    for warning in &opened.warnings {
        tracing::warn!("{warning}");
    }
    Ok(opened)
}
