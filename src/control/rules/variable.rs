//! Environment variables: set and deleted.

use super::{Outcome, existing, put};
use crate::control::change::Change;
use crate::control::command::{Refused, Reply};
use crate::control::variable_command::VariableCommand;
use crate::model::{Catalog, Environment, RoutineName, Variable, VariableKey};

/// Variables of one routine in one environment.
pub const VARIABLES_MAX: usize = 100;

pub(super) fn apply(catalog: &mut Catalog, command: VariableCommand) -> Outcome {
    match command {
        VariableCommand::Set { name, environment, variables } => {
            set(catalog, &name, environment, variables)
        }
        VariableCommand::Delete { name, environment, keys } => {
            delete(catalog, &name, environment, keys)
        }
    }
}

fn set(
    catalog: &mut Catalog,
    name: &RoutineName,
    environment: Environment,
    variables: Vec<(VariableKey, Variable)>,
) -> Outcome {
    let mut routine = existing(catalog, name)?;
    let known = &mut routine.variables[environment.index()];
    known.extend(variables.iter().cloned());
    if known.len() > VARIABLES_MAX {
        let count = known.len();
        return Err(Refused::Invalid(format!(
            "routine `{name}` would have {count} variables in {environment}, and at most {VARIABLES_MAX} are taken"
        )));
    }
    put(catalog, routine);
    let set = |(key, variable)| Change::Variable(name.clone(), environment, key, variable);
    Ok((variables.into_iter().map(set).collect(), Reply::Done))
}

fn delete(
    catalog: &mut Catalog,
    name: &RoutineName,
    environment: Environment,
    keys: Vec<VariableKey>,
) -> Outcome {
    let mut routine = existing(catalog, name)?;
    let known = &mut routine.variables[environment.index()];
    let deleted: Vec<_> = keys.into_iter().filter(|key| known.remove(key).is_some()).collect();
    put(catalog, routine);
    let gone = |key: &VariableKey| Change::VariableGone(name.clone(), environment, key.clone());
    Ok((deleted.iter().map(gone).collect(), Reply::VariablesDeleted(deleted)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::apply;
    use super::*;
    use crate::control::Command;
    use crate::model::{Routine, Timestamp};
    use Environment::{Production, Staging};

    fn shop() -> RoutineName {
        RoutineName::new("shop").unwrap()
    }

    fn key(text: &str) -> VariableKey {
        VariableKey::new(text).unwrap()
    }

    fn with_shop() -> Catalog {
        let mut catalog = Catalog::default();
        catalog.routines.insert(shop(), Arc::new(Routine::new(shop(), Timestamp(0))));
        catalog
    }

    fn tell(catalog: &mut Catalog, command: VariableCommand) -> Result<Reply, Refused> {
        let applied = apply(catalog, Command::Variables(command), None, Timestamp(5));
        applied.map(|applied| applied.reply)
    }

    fn set(catalog: &mut Catalog, from: usize, to: usize) -> Result<Reply, Refused> {
        let variable = |n| (key(&format!("K{n}")), Variable::plain("x").unwrap());
        let variables = (from..to).map(variable).collect();
        tell(catalog, VariableCommand::Set { name: shop(), environment: Staging, variables })
    }

    fn count(catalog: &Catalog, environment: Environment) -> usize {
        catalog.routine(&shop()).unwrap().variables[environment.index()].len()
    }

    #[test]
    fn an_environment_has_so_many_variables_and_no_more() {
        let mut catalog = with_shop();
        set(&mut catalog, 0, VARIABLES_MAX).unwrap();
        set(&mut catalog, 0, VARIABLES_MAX).unwrap();
        let refused = set(&mut catalog, VARIABLES_MAX - 1, VARIABLES_MAX + 1).unwrap_err();
        assert!(refused.to_string().contains("would have 101 variables in staging"));
        assert_eq!(count(&catalog, Staging), VARIABLES_MAX);
        assert_eq!(count(&catalog, Production), 0);
    }

    #[test]
    fn what_is_not_there_is_not_deleted() {
        let mut catalog = with_shop();
        set(&mut catalog, 0, 2).unwrap();
        let keys = vec![key("K9"), key("K1"), key("K1")];
        let delete = VariableCommand::Delete { name: shop(), environment: Staging, keys };
        let reply = tell(&mut catalog, delete).unwrap();
        assert!(matches!(reply, Reply::VariablesDeleted(gone) if gone == [key("K1")]));
        assert_eq!(count(&catalog, Staging), 1);
    }
}
