//! Actions about the environment variables of a routine.
//!
//! No code runs here, so nothing reads them; they are kept so that tools find what they
//! set. The value of a secret is not even kept, and no refusal repeats what was sent.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::action::{Action, Call};
use super::error::EsaError;
use super::wire::{Fields, fields};
use crate::control::{Command, Reply, VariableCommand};
use crate::model::{Variable, VariableKey};

pub(super) const ACTIONS: &[Action] = &[
    Action::writes(
        "DeleteRoutineEnvironmentVariables",
        &["Name", "Env", "EnvironmentVariableKeys"],
        |call| Box::pin(delete(call)),
    ),
    Action::reads("ListRoutineEnvironmentVariables", &["Name", "Env"], |call| Box::pin(list(call))),
    Action::writes(
        "SetRoutineEnvironmentVariables",
        &["Name", "Env", "EnvironmentVariables"],
        |call| Box::pin(set(call)),
    ),
];

const PLAIN: &str = "plain_text";
const SECRET: &str = "secret_text";
/// What stands for the value of a secret, whatever its length.
const MASK: &str = "******";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SetKeys<'a> {
    set_keys: Vec<&'a str>,
}

async fn set(call: &Call<'_>) -> Result<Fields, EsaError> {
    let name = call.params.routine_name("Name")?;
    let environment = call.params.environment("Env")?;
    let variables = variables(&call.params.json("EnvironmentVariables")?)?;
    let command = VariableCommand::Set { name, environment, variables: variables.clone() };
    call.admin.control.execute(Command::Variables(command)).await?;
    let set_keys = variables.iter().map(|(key, _)| key.as_str()).collect();
    Ok(fields(&SetKeys { set_keys }))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct VariableList {
    environment_variables: Map<String, Value>,
    /// On this page.
    count: usize,
    page_number: usize,
    page_size: usize,
    /// On all pages.
    total_count: usize,
}

async fn list(call: &Call<'_>) -> Result<Fields, EsaError> {
    let name = call.params.routine_name("Name")?;
    let environment = call.params.environment("Env")?;
    let paging = call.params.paging()?;
    let sought = call.params.text("KeyWord")?.unwrap_or_default().to_ascii_lowercase();
    let routine = call.routine(&name).await?;
    let found = || {
        let all = routine.variables[environment.index()].iter();
        all.filter(|(key, _)| key.as_str().to_ascii_lowercase().contains(&sought))
    };
    let page = paging.of(found().map(|(key, variable)| (key.to_string(), shown(variable))));
    Ok(fields(&VariableList {
        count: page.len(),
        environment_variables: page.into_iter().collect(),
        page_number: paging.number,
        page_size: paging.size,
        total_count: found().count(),
    }))
}

fn shown(variable: &Variable) -> Value {
    match variable.value() {
        Some(value) => json!({ "Type": PLAIN, "Value": value }),
        None => json!({ "Type": SECRET, "Value": MASK }),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Deleted {
    deleted_keys: Vec<String>,
    failed_keys: Vec<String>,
}

/// What fails is what was not there. What cannot be a key was not there either.
async fn delete(call: &Call<'_>) -> Result<Fields, EsaError> {
    let name = call.params.routine_name("Name")?;
    let environment = call.params.environment("Env")?;
    let asked = keys(&call.params.json("EnvironmentVariableKeys")?)?;
    let known = asked.iter().filter_map(|text| VariableKey::new(text).ok()).collect();
    let command = VariableCommand::Delete { name, environment, keys: known };
    let reply = call.admin.control.execute(Command::Variables(command)).await?;
    let Reply::VariablesDeleted(deleted) = reply else {
        unreachable!("a deletion of variables is answered with their keys")
    };
    let gone: HashSet<&str> = deleted.iter().map(VariableKey::as_str).collect();
    let (deleted_keys, failed_keys) =
        asked.iter().cloned().partition(|text| gone.contains(text.as_str()));
    Ok(fields(&Deleted { deleted_keys, failed_keys }))
}

/// `{ key: { Type, Value } }`, at least one.
fn variables(sent: &Value) -> Result<Vec<(VariableKey, Variable)>, EsaError> {
    let sent = sent.as_object().filter(|sent| !sent.is_empty()).ok_or_else(|| {
        EsaError::invalid("EnvironmentVariables must be an object of one variable or more")
    })?;
    sent.iter()
        .map(|(key, sent)| {
            let key = VariableKey::new(key).map_err(EsaError::invalid)?;
            let variable = variable(&key, sent)?;
            Ok((key, variable))
        })
        .collect()
}

fn variable(key: &VariableKey, sent: &Value) -> Result<Variable, EsaError> {
    let text = |field| sent.get(field).and_then(Value::as_str);
    let value = text("Value")
        .ok_or_else(|| EsaError::invalid(format!("variable `{key}` must have a Value, a text")))?;
    let variable = match text("Type") {
        Some(PLAIN) => Variable::plain(value),
        Some(SECRET) => Variable::secret(value),
        Some(_) | None => {
            let why = format!("variable `{key}` must have a Type, `{PLAIN}` or `{SECRET}`");
            return Err(EsaError::invalid(why));
        }
    };
    variable.map_err(|error| EsaError::invalid(format!("variable `{key}`: {error}")))
}

/// A list of texts, at least one, each told once.
fn keys(sent: &Value) -> Result<Vec<String>, EsaError> {
    let wrong = || EsaError::invalid("EnvironmentVariableKeys must be a list of one text or more");
    let sent = sent.as_array().filter(|sent| !sent.is_empty()).ok_or_else(wrong)?;
    let mut seen = HashSet::new();
    let mut keys = Vec::new();
    for key in sent {
        let key = key.as_str().ok_or_else(wrong)?;
        if seen.insert(key) {
            keys.push(key.to_owned());
        }
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_never_repeats_what_was_sent() {
        for sent in [
            json!("hunter2"),
            json!(["hunter2"]),
            json!({}),
            json!({ "hunter-2": { "Type": "plain_text", "Value": "hunter2" } }),
            json!({ "A": "hunter2" }),
            json!({ "A": { "Value": "hunter2" } }),
            json!({ "A": { "Type": "hunter2", "Value": "hunter2" } }),
            json!({ "A": { "Type": "secret_text", "Value": ["hunter2"] } }),
            json!({ "A": { "Type": "secret_text", "Value": "hunter2".repeat(9_999) } }),
        ] {
            let refused = variables(&sent).unwrap_err();
            assert!(!format!("{refused:?}").contains("hunter"), "{refused:?}");
        }
    }

    #[test]
    fn keys_to_delete_are_texts_and_count_once() {
        assert_eq!(keys(&json!(["B", "A", "B", "?"])).unwrap(), ["B", "A", "?"]);
        for sent in [json!([]), json!({}), json!("A"), json!([1]), json!([["A"]])] {
            assert!(keys(&sent).is_err(), "{sent}");
        }
    }
}
