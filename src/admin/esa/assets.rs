//! Versions that come as one zip of code and assets: making one, and taking its upload.
//!
//! The version is there at once, in status `init`, and tools wait until it is
//! `available`. It is so, durably, before the upload is answered. A zip that came whole
//! and is none makes it `failed`, so that nobody waits; what is wrong is in the answer
//! and in the log. Another zip may then follow for as long as the permission lasts; an
//! available version takes no other.
//!
//! The version answers at the upstream that its description or the first line of its
//! code names, as one of the staging slot does. Its assets are counted and not kept,
//! see [`super::bundle`].

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::action::{Action, Call};
use super::build::BUILD_ID_MAX;
use super::bundle::{self, Bundle, ZIP_MAX_BYTES};
use super::error::EsaError;
use super::params::Params;
use super::permission::{Permission, Target, verify};
use super::request_id;
use super::staging::ACCESS_KEY_ID;
use super::upload::{Form, Refusal, TURN_PATIENCE, receive_form, refused, stored, take_turn};
use super::wire::{Fields, fields};
use crate::admin::Admin;
use crate::control::{Command, CommandError, Refused, Reply, UploadCommand};
use crate::model::{CodeVersion, Making, RoutineName};

pub(super) const ACTIONS: &[Action] =
    &[Action::writes("CreateRoutineWithAssetsCodeVersion", &["Name"], |call| {
        Box::pin(create(call))
    })];

/// Where zips are posted to.
pub(in crate::admin) const ASSETS_UPLOAD_PATH: &str = "/oss/assets";
/// What a client may have kept with its version, in bytes.
const EXTRA_INFO_MAX_BYTES: usize = 4 * 1024;
/// ESA's words are shorter, in bytes.
const NOT_FOUND_STRATEGY_MAX_BYTES: usize = 64;
/// Tools want a text here. The signature alone is believed.
const SECURITY_TOKEN: &str = "serin";

/// A zip must be there this long after its form's head: the largest at 5 Mbit/s.
const ZIP_PATIENCE: Duration = Duration::from_mins(2);
/// Zips that are held in memory at once; more wait their turn.
const UPLOADS_AT_ONCE_MAX: usize = 2;
static UPLOADS: Semaphore = Semaphore::const_new(UPLOADS_AT_ONCE_MAX);

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Begun<'a> {
    code_version: &'a str,
    status: &'static str,
    oss_post_config: OssPostConfig,
}

/// Spelled otherwise than that of the staging slot, and so are the form's fields.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct OssPostConfig {
    url: String,
    key: String,
    #[serde(rename = "OSSAccessKeyId")]
    access_key_id: &'static str,
    policy: String,
    signature: String,
    #[serde(rename = "XOssSecurityToken")]
    security_token: &'static str,
}

async fn create(call: &Call<'_>) -> Result<Fields, EsaError> {
    let name = call.params.routine_name("Name")?;
    let command = UploadCommand::Begin {
        name: name.clone(),
        description: call.params.text("CodeDescription")?.unwrap_or_default(),
        making: making(call.params)?,
    };
    let reply = call.admin.control.execute(Command::Upload(command)).await?;
    let Reply::Version(version) = reply else {
        unreachable!("a version that is begun is answered with it")
    };
    let admin = call.admin;
    let code_version = &version.code_version;
    let permission = Permission::for_assets(&name, code_version, &admin.account, (admin.clock)());
    let signed = permission.sign(&admin.upload_secret);
    Ok(fields(&Begun {
        code_version: code_version.as_str(),
        status: version.status.as_str(),
        oss_post_config: OssPostConfig {
            url: format!("{}://{}{ASSETS_UPLOAD_PATH}", call.scheme, call.authority),
            key: permission.key,
            access_key_id: ACCESS_KEY_ID,
            policy: signed.policy,
            signature: signed.signature,
            security_token: SECURITY_TOKEN,
        },
    }))
}

fn making(params: &Params) -> Result<Making, EsaError> {
    Ok(Making {
        extra_info: extra_info(params)?,
        build_id: params.integer("BuildId", 0..=BUILD_ID_MAX)?.unwrap_or_default(),
        deploy_env: params.environment_if_given("DeployEnv")?,
        not_found_strategy: not_found_strategy(params)?,
        ..Making::default()
    })
}

/// JSON text as it was sent, since clients parse what they get back.
fn extra_info(params: &Params) -> Result<String, EsaError> {
    let Some(parsed) = params.json_if_given("ExtraInfo")? else {
        return Ok(String::new());
    };
    // JSON as it is has no text of its own.
    let text = params.text("ExtraInfo").ok().flatten().unwrap_or_else(|| parsed.to_string());
    if text.len() > EXTRA_INFO_MAX_BYTES {
        let why = format!("ExtraInfo has at most {EXTRA_INFO_MAX_BYTES} bytes");
        return Err(EsaError::invalid(why));
    }
    Ok(text)
}

/// From `ConfOptions`, whose other fields are ignored as unknown parameters are.
fn not_found_strategy(params: &Params) -> Result<String, EsaError> {
    let wrong = || {
        EsaError::invalid(format!(
            "ConfOptions must be an object whose NotFoundStrategy is a text of at most {NOT_FOUND_STRATEGY_MAX_BYTES} bytes"
        ))
    };
    match params.json_if_given("ConfOptions")? {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::Object(options)) => match options.get("NotFoundStrategy") {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) if text.len() <= NOT_FOUND_STRATEGY_MAX_BYTES => {
                Ok(text.clone())
            }
            Some(_) => Err(wrong()),
        },
        Some(_) => Err(wrong()),
    }
}

/// Takes the zip of one version.
pub(in crate::admin) async fn upload_assets(
    State(admin): State<Arc<Admin>>,
    request: Request,
) -> Response {
    let id = request_id(&admin);
    // A zip that comes whole is settled, and keeps its turn for as long as that takes, whether
    // or not its sender stays for the answer.
    let received = tokio::spawn(receive(admin, request)).await;
    let received = received.unwrap_or_else(|broken| {
        Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", broken))
    });
    match received {
        Ok(form) => stored(&id, &form),
        Err(refusal) => refused(&id, &refusal),
    }
}

async fn receive(admin: Arc<Admin>, request: Request) -> Result<Form, Refusal> {
    let (_turn, request) = take_turn(&UPLOADS, TURN_PATIENCE, request).await?;
    let mut form = receive_form(request, ZIP_MAX_BYTES, ZIP_PATIENCE).await?;
    let (name, code_version) = match verify(&admin.upload_secret, &form, (admin.clock)()) {
        Ok(Target::Assets(name, code_version)) => (name, code_version),
        Ok(Target::Slot(_)) => return Err(Refusal::denied("the policy is for another upload")),
        Err(why) => return Err(Refusal::denied(why)),
    };
    form.check_length(ZIP_MAX_BYTES)?;
    let zip = std::mem::take(&mut form.file);
    settle(&admin, &name, &code_version, zip).await?;
    Ok(form)
}

/// Makes the version available, or failed.
async fn settle(
    admin: &Admin,
    name: &RoutineName,
    code_version: &CodeVersion,
    zip: Bytes,
) -> Result<(), Refusal> {
    match complete(admin, name, code_version, zip).await {
        Ok(()) => Ok(()),
        Err(Unfinished::Zip(why)) => {
            // Refused where the version is available: it stays so, whatever comes later.
            let fail =
                UploadCommand::Fail { name: name.clone(), code_version: code_version.clone() };
            admin.control.execute(Command::Upload(fail)).await?;
            tracing::warn!("the zip of code version `{code_version}` of routine `{name}`: {why}");
            Err(Refusal::new(StatusCode::BAD_REQUEST, "InvalidArgument", why))
        }
        Err(Unfinished::Command(error)) => Err(error.into()),
    }
}

/// Why a version is not available although an upload came.
enum Unfinished {
    /// The zip is none of ours.
    Zip(String),
    Command(CommandError),
}

async fn complete(
    admin: &Admin,
    name: &RoutineName,
    code_version: &CodeVersion,
    zip: Bytes,
) -> Result<(), Unfinished> {
    // Inflating takes its time, and others call meanwhile.
    let read = tokio::task::spawn_blocking(move || bundle::read(&zip)).await;
    let read = read.map_err(|_| Unfinished::Zip("the zip cannot be read".to_owned()))?;
    let Bundle { code, assets } = read.map_err(|error| Unfinished::Zip(error.to_string()))?;
    let command = UploadCommand::Complete {
        name: name.clone(),
        code_version: code_version.clone(),
        code: code.map(Into::into),
        assets,
    };
    match admin.control.execute(Command::Upload(command)).await {
        Ok(_) => Ok(()),
        // What the code says of its upstream is part of the zip.
        Err(CommandError::Refused(Refused::Invalid(why))) => Err(Unfinished::Zip(why)),
        Err(error) => Err(Unfinished::Command(error)),
    }
}
