//! The staging slot, ESA's `unstable`: where to upload code, and freezing it into
//! a version.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::action::Call;
use super::error::EsaError;
use super::permission::Permission;
use super::upload::UPLOAD_PATH;
use super::wire::{CodeVersionOnly, Fields, OssPostConfig, UploadInfo, fields};
use crate::control::{Command, Reply};

/// What the slot is called where a code version is asked for.
const SLOT: &str = "unstable";
/// Named in the form, as OSS has it. The signature alone is believed.
pub(super) const ACCESS_KEY_ID: &str = "serin";
/// Base64 of a JSON object: nobody is called back.
const NO_CALLBACK: &str = "{}";

pub(super) async fn upload_info(call: &Call<'_>) -> Result<Fields, EsaError> {
    let name = call.params.routine_name("Name")?;
    let description = call.params.text("CodeDescription")?.unwrap_or_default();
    call.routine(&name).await?;
    let admin = call.admin;
    let permission = Permission::for_slot(&name, &admin.account, (admin.clock)());
    let signed = permission.sign(&admin.upload_secret);
    Ok(fields(&UploadInfo {
        code_version: SLOT,
        oss_post_config: OssPostConfig {
            url: format!("{}://{}{UPLOAD_PATH}", call.scheme, call.authority),
            access_key_id: ACCESS_KEY_ID,
            signature: signed.signature,
            policy: signed.policy,
            key: permission.key,
            callback: BASE64_STANDARD.encode(NO_CALLBACK),
            code_description: BASE64_STANDARD.encode(description),
        },
    }))
}

pub(super) async fn commit(call: &Call<'_>) -> Result<Fields, EsaError> {
    let command = Command::CommitStagedCode {
        name: call.params.routine_name("Name")?,
        description: call.params.text("CodeDescription")?,
        deploy_env: call.params.environment_if_given("DeployEnv")?,
    };
    match call.admin.control.execute(command).await? {
        Reply::Version(version) => {
            Ok(fields(&CodeVersionOnly { code_version: version.code_version.as_str() }))
        }
        _ => unreachable!("a commit is answered with its version"),
    }
}
