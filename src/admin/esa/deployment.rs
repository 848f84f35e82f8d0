//! Actions that say which versions an environment serves.

use serde::Deserialize;

use super::action::Call;
use super::error::EsaError;
use super::params::Params;
use super::wire::{CodeVersionOnly, DeploymentInfo, Fields, PERCENTAGE, fields, respelled};
use crate::admin::dry_run::dry_run;
use crate::control::{Command, Reply};
use crate::model::{CodeVersion, Percent, Shares, VersionStatus};

pub(super) async fn create(call: &Call<'_>) -> Result<Fields, EsaError> {
    let name = call.params.routine_name("Name")?;
    let environment = call.params.environment("Env")?;
    let strategy = call.params.required("Strategy")?;
    if strategy != PERCENTAGE {
        return Err(EsaError::invalid(format!(
            "Strategy must be `{PERCENTAGE}`, not `{strategy}`"
        )));
    }
    let shares = shares(call.params)?;
    if call.params.boolean("DryRun")?.unwrap_or_default() {
        return Ok(respelled(&dry_run(call.admin, &name, environment, shares).await?));
    }
    let command = Command::Deploy { name, environment, shares };
    match call.admin.control.execute(command.by(call.by)).await? {
        Reply::Deployed(deployed) => Ok(fields(&DeploymentInfo::new(&deployed.deployment))),
        _ => unreachable!("a deployment is answered with what became live"),
    }
}

/// The older full release of one version: the newest that is available, when none is
/// named.
pub(super) async fn publish(call: &Call<'_>) -> Result<Fields, EsaError> {
    let name = call.params.routine_name("Name")?;
    let environment = call.params.environment("Env")?;
    let code_version = if let Some(text) = call.params.text("CodeVersion")? {
        CodeVersion::new(&text).map_err(EsaError::invalid)?
    } else {
        let routine = call.routine(&name).await?;
        let mut newest_first = routine.versions_newest_first().into_iter();
        let newest = newest_first.find(|version| version.status == VersionStatus::Available);
        let none = || EsaError::invalid(format!("routine `{name}` has no available code version"));
        newest.ok_or_else(none)?.code_version.clone()
    };
    let command =
        Command::Deploy { name, environment, shares: Shares::whole(code_version.clone()) };
    call.admin.control.execute(command.by(call.by)).await?;
    Ok(fields(&CodeVersionOnly { code_version: code_version.as_str() }))
}

/// One entry of `CodeVersions`. A percentage is a JSON integer: `"90"` and `90.0`
/// are none.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Share {
    code_version: String,
    percentage: u64,
}

fn shares(params: &Params) -> Result<Shares, EsaError> {
    let list: Vec<Share> = serde_json::from_value(params.json("CodeVersions")?)
        .map_err(|error| EsaError::invalid(format!("CodeVersions: {error}")))?;
    let share = |share: Share| {
        let version = CodeVersion::new(&share.code_version).map_err(EsaError::invalid)?;
        let percent = Percent::new(share.percentage).ok_or_else(|| {
            EsaError::invalid(format!("a percentage is 1 to 100, not {}", share.percentage))
        })?;
        Ok((version, percent))
    };
    let list: Vec<_> = list.into_iter().map(share).collect::<Result<_, EsaError>>()?;
    Shares::new(list).map_err(|error| EsaError::invalid(format!("CodeVersions: {error}")))
}

#[cfg(test)]
mod tests {
    use super::super::error::Code;
    use super::*;

    fn read(list: &str) -> Result<Shares, EsaError> {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("CodeVersions", list)
            .finish();
        shares(&Params::read(Some(&query), &http::HeaderMap::new(), b"").unwrap())
    }

    #[test]
    fn one_or_two_versions_that_sum_to_100_are_a_deployment() {
        assert!(read(r#"[{"CodeVersion": "1", "Percentage": 100, "More": 1}]"#).is_ok());
        let shares = read(
            r#"[{"Percentage": 10, "CodeVersion": "2"}, {"CodeVersion": "1", "Percentage": 90}]"#,
        )
        .unwrap();
        let order: Vec<_> = shares.iter().map(|(version, _)| version.as_str()).collect();
        assert_eq!(order, ["2", "1"]);
    }

    #[test]
    fn anything_else_is_an_invalid_parameter() {
        for list in [
            "x",
            "{}",
            "[]",
            "[1]",
            r#"[{"CodeVersion": "1"}]"#,
            r#"[{"Percentage": 100}]"#,
            r#"[{"CodeVersion": 1, "Percentage": 100}]"#,
            r#"[{"CodeVersion": "a b", "Percentage": 100}]"#,
            r#"[{"CodeVersion": "1", "Percentage": "100"}]"#,
            r#"[{"CodeVersion": "1", "Percentage": 100.0}]"#,
            r#"[{"CodeVersion": "1", "Percentage": 99}]"#,
            r#"[{"CodeVersion": "1", "Percentage": 0}, {"CodeVersion": "2", "Percentage": 100}]"#,
            r#"[{"CodeVersion": "1", "Percentage": -1}, {"CodeVersion": "2", "Percentage": 101}]"#,
            r#"[{"CodeVersion": "1", "Percentage": 50}, {"CodeVersion": "1", "Percentage": 50}]"#,
            r#"[{"CodeVersion": "1", "Percentage": 50}, {"CodeVersion": "2", "Percentage": 49}]"#,
            r#"[{"CodeVersion": "1", "Percentage": 50}, {"CodeVersion": "2", "Percentage": 30}, {"CodeVersion": "3", "Percentage": 20}]"#,
        ] {
            let refused = read(list).unwrap_err();
            assert_eq!(refused.code, Code::InvalidParameter, "{list}");
        }
    }
}
