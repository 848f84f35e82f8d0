//! Environment variables in the store. Where a value should stand, a secret has NULL.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::read::routine_of;
use super::rows::environment;
use super::write::execute;
use super::{Store, StoreError};
use crate::model::{Environment, Routine, RoutineName, Variable, VariableKey};

impl Store {
    pub(super) fn variables(
        &self,
        routines: &mut BTreeMap<RoutineName, Routine>,
    ) -> Result<(), StoreError> {
        let sql = "SELECT routine, environment, key, value FROM variable";
        self.each("variable", 3, sql, [], |cells| {
            let environment = cells.parse(1, environment)?;
            let key = cells.parse(2, VariableKey::new)?;
            let variable = cells.parse_optional(3, Variable::plain)?.unwrap_or(Variable::SECRET);
            routine_of(routines, cells)?.variables[environment.index()].insert(key, variable);
            Ok(())
        })
    }
}

pub(super) fn write_variable(
    to: &Connection,
    name: &RoutineName,
    environment: Environment,
    key: &VariableKey,
    variable: &Variable,
) -> rusqlite::Result<()> {
    execute(
        to,
        "INSERT INTO variable (routine, environment, key, value) VALUES (?, ?, ?, ?) \
         ON CONFLICT DO UPDATE SET value = excluded.value",
        (name.as_str(), environment.as_str(), key.as_str(), variable.value()),
    )
}

pub(super) fn delete_variable(
    to: &Connection,
    name: &RoutineName,
    environment: Environment,
    key: &VariableKey,
) -> rusqlite::Result<()> {
    execute(
        to,
        "DELETE FROM variable WHERE routine = ? AND environment = ? AND key = ?",
        (name.as_str(), environment.as_str(), key.as_str()),
    )
}
