//! Publishing a version, and going back.

use super::failed;
use super::params::missing;
use crate::admin::esa::action::Call;
use crate::admin::esa::error::{Code, EsaError};
use crate::admin::esa::wire::Fields;
use crate::control::{AppCommand, Command};
use crate::model::{Environment, Percent, Reach};

pub(super) async fn publish(call: &Call<'_>) -> Result<Fields, EsaError> {
    let params = call.params;
    let id = params.app_id()?;
    let environment = params.publish_env()?;
    let no_environment = || EsaError::new(Code::InvalidPublishEnv, "PublishEnv is missing");
    let command = AppCommand::Publish {
        id,
        environment: environment.ok_or_else(no_environment)?,
        version_id: params.version_id()?,
        reach: reach(call)?,
        remarks: params.remarks()?,
        start: params.start_time()?,
    };
    call.admin.control.execute(Command::App(command).by(call.by)).await.map_err(failed)?;
    Ok(Fields::new())
}

/// A release by regions gives each of them the whole version, so a percentage beside
/// it is checked and means nothing; so is `FullRelease` beside a percentage.
fn reach(call: &Call<'_>) -> Result<Reach, EsaError> {
    let params = call.params;
    let percent = params.percentage()?;
    let full_release = params.boolean("FullRelease")?.unwrap_or(false);
    match params.one_of("PublishType", &["percentage", "region"])? {
        "region" if full_release => {
            let given = params.json_if_given("Regions")?.is_some();
            Ok(Reach::FullRelease(if given { params.regions()? } else { [].into() }))
        }
        "region" => Ok(Reach::Regions(params.regions()?)),
        _ => Ok(Reach::Percent(percent.unwrap_or(Percent::ALL))),
    }
}

/// The action names no environment: users are in production.
pub(super) async fn roll_back(call: &Call<'_>) -> Result<Fields, EsaError> {
    let params = call.params;
    let (id, version_id) = (params.app_id()?, params.version_id()?);
    let is_used = params.boolean("UsedPercent")?.unwrap_or(false);
    // Its default is 0, which some clients send.
    let is_default = params.text("Percentage")?.is_some_and(|text| text == "0");
    let percent = if is_default && !is_used { None } else { params.percentage()? };
    if is_used && percent.is_none() {
        return Err(EsaError::new(Code::InvalidPercentage, missing("Percentage").reason));
    }
    let command = AppCommand::Rollback {
        id,
        environment: Environment::Production,
        version_id,
        percent: percent.filter(|_| is_used),
        remarks: params.remarks()?,
    };
    call.admin.control.execute(Command::App(command).by(call.by)).await.map_err(failed)?;
    Ok(Fields::new())
}
