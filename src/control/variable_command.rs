//! Environment variables: what may be asked, already well-formed.

use crate::model::{Environment, RoutineName, Variable, VariableKey};

/// A change of a routine's variables in one environment.
#[derive(Debug, Clone)]
pub enum VariableCommand {
    /// Sets all of them or none; what is there already is replaced.
    Set { name: RoutineName, environment: Environment, variables: Vec<(VariableKey, Variable)> },
    /// Deletes those that are there.
    Delete { name: RoutineName, environment: Environment, keys: Vec<VariableKey> },
}
