//! What is meant by a name, and what helps where it means nothing.

use serde_json::Value;

use super::error::OperateError;
use crate::client::{self, ClientError, Endpoint, Subject};

/// So many names are looked through for one that is near.
const NAMES_MAX: usize = 10_000;

/// So many near names are told.
const NEAR_MAX: usize = 3;

/// More differences than this are another name.
const SLIPS_MAX: usize = 3;

/// A routine by its name, or an app by its id or name, and what there is of it.
pub(super) fn find(admin: &Endpoint, name: &str) -> Result<(Subject, Value), OperateError> {
    let routine = Subject::Routine(name.to_owned());
    match client::look(admin, &routine) {
        Ok(value) => return Ok((routine, value)),
        Err(error) if is_refused_as(&error, "routine_not_found") => {}
        Err(error) => return Err(error.into()),
    }
    let apps = client::apps(admin, "", NAMES_MAX)?;
    let apps = apps["apps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_meant = |app: &&Value| app["app_id"] == name || app["name"] == name;
    if let Some(app) = apps.iter().find(is_meant) {
        let id = app["app_id"].as_str().unwrap_or_default();
        return Ok((Subject::App(id.to_owned()), app.clone()));
    }
    let routines = client::routines(admin, "", NAMES_MAX)?;
    let routines = routines["routines"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names = routines.iter().map(|it| &it["name"]).chain(apps.iter().map(|it| &it["name"]));
    let advice = near_text(name, names.filter_map(Value::as_str)).unwrap_or_else(|| {
        if routines.is_empty() {
            format!("there is none: `serin routines create {name}` makes it")
        } else {
            "`serin status` lists those that there are".to_owned()
        }
    });
    Err(OperateError::NoSubject { name: name.to_owned(), advice })
}

/// A routine, where an app will not do.
pub(super) fn find_routine(admin: &Endpoint, name: &str) -> Result<client::Routine, OperateError> {
    match find(admin, name)? {
        (Subject::Routine(name), _) => Ok(client::routine(admin, &name)?),
        (Subject::App(_), _) => Err(OperateError::IsApp(name.to_owned())),
    }
}

/// The names that `written` may be a slip of, as a question; `None` where none is near.
pub(super) fn near_text<'n>(written: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    let mut near: Vec<(usize, &str)> = names
        .filter_map(|name| {
            let distance = strsim::osa_distance(written, name);
            let is_part = written.len() > 1 && (name.contains(written) || written.contains(name));
            let most = (name.chars().count() / 3).clamp(1, SLIPS_MAX);
            // Where every character differs it is another word, however short.
            let is_slip = distance <= most && distance < name.chars().count();
            (is_slip || is_part).then_some((distance, name))
        })
        .collect();
    near.sort_unstable();
    let names: Vec<_> = near.iter().take(NEAR_MAX).map(|(_, name)| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => None,
        [only] => Some(format!("did you mean {only}?")),
        [first @ .., last] => Some(format!("did you mean {} or {last}?", first.join(", "))),
    }
}

/// What the API refused about the routine `name`, with what helps.
pub(super) fn advise(admin: &Endpoint, name: &str, error: ClientError) -> OperateError {
    let ClientError::Refused { code, message } = error else {
        return error.into();
    };
    let advice = match code.as_str() {
        "routine_not_found" => match find(admin, name) {
            Ok((Subject::App(_), _)) => return OperateError::IsApp(name.to_owned()),
            // Somebody may have made it meanwhile.
            Ok((Subject::Routine(_), _)) => "it is there now: try again".to_owned(),
            Err(error) => return error,
        },
        "version_deployed" => format!("`serin status {name}` tells where"),
        "version_exists" => format!("`serin versions {name}` lists them"),
        "routine_exists" => format!("`serin routines show {name}` shows it"),
        "no_earlier_deployment" | "deployment_not_found" | "no_deployment" => {
            format!("`serin deployments {name}` lists what was deployed, and where")
        }
        "precondition_failed" => return OperateError::Overtaken(name.to_owned()),
        "Forbidden.RAM" => "use a key that is not read-only".to_owned(),
        _ => return ClientError::Refused { code, message }.into(),
    };
    OperateError::Refused { code, message, advice }
}

/// The same, of what names versions of it.
pub(super) fn advise_of_versions<'v>(
    admin: &Endpoint,
    name: &str,
    versions: impl IntoIterator<Item = &'v str>,
    error: ClientError,
) -> OperateError {
    if !is_refused_as(&error, "version_not_found") {
        return advise(admin, name, error);
    }
    let Ok(routine) = client::routine(admin, name) else {
        return error.into();
    };
    let known: Vec<&str> = routine.versions.iter().map(|it| it.code_version.as_str()).collect();
    let Some(missing) = versions.into_iter().find(|version| !known.contains(version)) else {
        return error.into();
    };
    let advice = near_text(missing, known.iter().copied()).unwrap_or_else(|| {
        if known.is_empty() {
            format!("it has none: `serin versions {name} add {missing}` adds it")
        } else {
            format!("`serin versions {name}` lists those that there are")
        }
    });
    let (routine, version) = (name.to_owned(), missing.to_owned());
    OperateError::NoVersion { routine, version, advice }
}

pub(super) fn is_refused_as(error: &ClientError, expected: &str) -> bool {
    matches!(error, ClientError::Refused { code, .. } if code == expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(written: &str) -> Option<String> {
        near_text(written, ["checkout", "cart", "card", "search-page"].into_iter())
    }

    #[test]
    fn a_slip_or_a_part_finds_the_name_and_another_word_none() {
        assert_eq!(near("chekcout").as_deref(), Some("did you mean `checkout`?"));
        assert_eq!(near("carf").as_deref(), Some("did you mean `card` or `cart`?"));
        assert_eq!(near("search").as_deref(), Some("did you mean `search-page`?"));
        for other in ["", "x", "basket"] {
            assert_eq!(near(other), None, "{other}");
        }
        assert_eq!(near_text("9", ["1"].into_iter()), None);
        assert!(near_text("11", ["10"].into_iter()).is_some());
    }
}
