//! `[[routine.deployment]]`: what each environment of a routine starts with.

use std::collections::{HashMap, HashSet};

use crate::document::{self, Table, Value};
use crate::model::{CodeVersion, DeclaredDeployment, Environment, Percent, Shares};

/// What the environments of `routine` serve, of the versions `declared`; `None` where
/// those are not all known.
pub(super) fn deployments(
    routine: &Table<'_>,
    declared: Option<&HashSet<CodeVersion>>,
) -> Vec<DeclaredDeployment> {
    let mut deployments = Vec::new();
    let mut lines = HashMap::new();
    for table in routine.tables("deployment", &["env", "code_versions"]) {
        let environment = table.required("env").and_then(|value| {
            let environment = value.parsed(|text| {
                Environment::new(text)
                    .ok_or_else(|| format!("`{text}` must be `production` or `staging`"))
            })?;
            if let Some(line) = lines.get(&environment) {
                value.refuse(format!("{environment} already has a deployment on line {line}"));
                return None;
            }
            lines.insert(environment, value.line());
            Some(environment)
        });
        let shares = table.required("code_versions").and_then(|value| {
            let version = |value: &Value<'_>| version(value, declared);
            document::shares(&value, version, Percent::new, Shares::new)
        });
        if let (Some(environment), Some(shares)) = (environment, shares) {
            deployments.push(DeclaredDeployment { environment, shares });
        }
    }
    deployments
}

/// A version that the routine declares.
fn version(value: &Value<'_>, declared: Option<&HashSet<CodeVersion>>) -> Option<CodeVersion> {
    let code_version = value.parsed(CodeVersion::new)?;
    if declared.is_some_and(|declared| !declared.contains(&code_version)) {
        value.refuse_together(format!(
            "the routine declares no version `{code_version}`: add it as a `[[routine.version]]`"
        ));
    }
    Some(code_version)
}

#[cfg(test)]
mod tests {
    use super::super::mistakes_of;

    /// Asserts that `text` has this one mistake.
    fn refused(text: &str, mistake: &str) {
        assert_eq!(mistakes_of(text), [mistake], "{text}");
    }

    /// Two versions, and a deployment of `code_versions` on line 9.
    fn deployed(code_versions: &str) -> String {
        format!(
            "[[routine]]\nname = \"shop\"\n\
             [[routine.version]]\ncode_version = \"1\"\n[[routine.version]]\ncode_version = \"2\"\n\
             [[routine.deployment]]\nenv = \"staging\"\ncode_versions = {code_versions}\n"
        )
    }

    #[test]
    fn shares_sum_to_a_hundred() {
        let share = |version: u8, percent| {
            format!("{{ code_version = \"{version}\", percentage = {percent} }}")
        };
        let list = |shares: &[String]| deployed(&format!("[{}]", shares.join(", ")));
        let wrong = |why: &str| format!("line 9: routine.deployment.code_versions: {why}");
        let wrong_percentage =
            |why: &str| format!("line 9: routine.deployment.code_versions.percentage: {why}");

        assert_eq!(mistakes_of(&list(&[share(1, 60), share(2, 40)])), [""; 0]);
        let sum = wrong("percentages must sum to 100, not 95");
        refused(&list(&[share(1, 60), share(2, 35)]), &sum);
        let count = wrong("takes one or two code versions, not 0");
        refused(&list(&[]), &count);
        let twice = wrong("names code version `1` twice");
        refused(&list(&[share(1, 60), share(1, 40)]), &twice);
        let range = wrong_percentage("must be 1 to 100, not 0");
        refused(&list(&[share(1, 0), share(2, 100)]), &range);
        refused(
            &deployed("[{ code_version = \"1\", percentage = -1 }]"),
            &wrong_percentage("-1 is out of range"),
        );
        let float = wrong_percentage("must be a whole number, not a float");
        refused(&deployed("[{ code_version = \"1\", percentage = 99.5 }]"), &float);
        let missing = wrong_percentage("is missing");
        refused(&deployed("[{ code_version = \"1\" }]"), &missing);
    }

    #[test]
    fn a_deployment_names_what_the_routine_declares() {
        refused(
            &deployed("[{ code_version = \"3\", percentage = 100 }]"),
            "line 9: routine.deployment.code_versions.code_version: the routine declares no version `3`: add it as a `[[routine.version]]`",
        );
    }

    #[test]
    fn a_version_that_cannot_be_read_is_not_also_undeclared() {
        let text = deployed("[{ code_version = \"2\", percentage = 100 }]");
        let text = text.replacen("code_version = \"2\"", "code_version = 2", 1);
        refused(
            &text,
            "line 6: routine.version.code_version: must be a string in quotes, not an integer",
        );
    }

    #[test]
    fn an_environment_has_one_deployment() {
        let text = deployed("[{ code_version = \"1\", percentage = 100 }]");
        let again = "[[routine.deployment]]\nenv = \"staging\"\ncode_versions = [{ code_version = \"2\", percentage = 100 }]";
        refused(
            &format!("{text}{again}"),
            "line 11: routine.deployment.env: staging already has a deployment on line 8",
        );
        refused(
            &text.replace("staging", "canary"),
            "line 8: routine.deployment.env: `canary` must be `production` or `staging`",
        );
    }
}
