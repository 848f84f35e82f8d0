//! Response shapes, spelled as ESA spells them. The order of the fields is that of
//! the pages, and so are the types: typed clients refuse a number for a text.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::admin::time::rfc3339_seconds;
use crate::model::{
    Deployment, ESA_RECORDS, Environment, Making, Routine, RoutineName, Shares, Version,
};

/// The fields of an answer, beside its `RequestId`.
pub(super) type Fields = Map<String, Value>;

pub(super) fn fields(shape: &impl Serialize) -> Fields {
    match serde_json::to_value(shape) {
        Ok(Value::Object(fields)) => fields,
        _ => unreachable!("shapes are structs with text keys"),
    }
}

/// The fields of a shape of the native API, spelled as ESA spells them.
pub(super) fn respelled(shape: &impl Serialize) -> Fields {
    let respelled = fields(shape).into_iter().map(|(name, value)| (pascal(&name), inside(value)));
    respelled.collect()
}

fn inside(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields.into_iter().map(|(name, it)| (pascal(&name), inside(it))).collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(inside).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// `snake_case` as `PascalCase`.
fn pascal(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    };
    name.split('_').map(word).collect()
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Status {
    status: &'static str,
}

impl Status {
    pub(super) const OK: Self = Self { status: "OK" };
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CodeVersionOnly<'a> {
    pub(super) code_version: &'a str,
}

/// `<account>.er.aliyun-esa.net`, below which every routine has its default record.
pub(super) fn account_domain(account: &str) -> String {
    format!("{account}.{ESA_RECORDS}")
}

/// `<routine>.<account>.er.aliyun-esa.net`
pub(super) fn default_record(name: &RoutineName, account: &str) -> String {
    format!("{name}.{}", account_domain(account))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RoutineInfo<'a> {
    description: &'a str,
    create_time: String,
    default_related_record: String,
    has_assets: bool,
    envs: Vec<Env<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Env<'a> {
    env: &'static str,
    code_deploy: CodeDeploy<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CodeDeploy<'a> {
    deploy_id: String,
    strategy: &'static str,
    creation_time: String,
    code_versions: Vec<DeployedVersion<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DeployedVersion<'a> {
    code_version: &'a str,
    percentage: u8,
    description: &'a str,
    create_time: String,
}

impl<'a> RoutineInfo<'a> {
    pub(super) fn new(routine: &'a Routine, account: &str) -> Self {
        let env = |environment: Environment| {
            let live = routine.deployment(environment)?;
            Some(Env { env: environment.as_str(), code_deploy: CodeDeploy::new(routine, live) })
        };
        Self {
            description: &routine.description,
            create_time: rfc3339_seconds(routine.created),
            default_related_record: default_record(&routine.name, account),
            has_assets: routine.has_assets,
            envs: Environment::ALL.into_iter().filter_map(env).collect(),
        }
    }
}

impl<'a> CodeDeploy<'a> {
    fn new(routine: &'a Routine, live: &'a Deployment) -> Self {
        // A deployed version cannot be deleted, so each is found.
        let versions = live.shares.iter().filter_map(|(code_version, percent)| {
            let version = routine.versions.get(code_version)?;
            Some(DeployedVersion {
                code_version: code_version.as_str(),
                percentage: percent.get(),
                description: &version.description,
                create_time: rfc3339_seconds(version.created),
            })
        });
        Self {
            deploy_id: live.id.to_string(),
            strategy: PERCENTAGE,
            creation_time: rfc3339_seconds(live.created),
            code_versions: versions.collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RoutineList<'a> {
    pub(super) routines: Vec<RoutineLine<'a>>,
    pub(super) page_number: usize,
    pub(super) page_size: usize,
    pub(super) total_count: usize,
    pub(super) quota_routine_number: u32,
    pub(super) used_routine_number: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RoutineLine<'a> {
    routine_name: &'a str,
    description: &'a str,
    create_time: String,
    default_related_record: String,
    has_assets: bool,
}

impl<'a> RoutineLine<'a> {
    pub(super) fn new(routine: &'a Routine, account: &str) -> Self {
        Self {
            routine_name: routine.name.as_str(),
            description: &routine.description,
            create_time: rfc3339_seconds(routine.created),
            default_related_record: default_record(&routine.name, account),
            has_assets: routine.has_assets,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct VersionList<'a> {
    pub(super) code_versions: Vec<VersionLine<'a>>,
    pub(super) page_number: usize,
    pub(super) page_size: usize,
    pub(super) total_count: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct VersionLine<'a> {
    code_version: &'a str,
    code_description: &'a str,
    create_time: String,
    status: &'static str,
    extra_info: &'a str,
    deploy_env: &'static str,
    build_id: u64,
    has_env_vars: bool,
    conf_options: ConfOptions<'a>,
}

/// JSON text, which clients parse.
const NO_EXTRA_INFO: &str = "{}";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ConfOptions<'a> {
    not_found_strategy: &'a str,
}

impl<'a> ConfOptions<'a> {
    fn new(making: &'a Making) -> Self {
        Self { not_found_strategy: &making.not_found_strategy }
    }
}

fn extra_info(making: &Making) -> &str {
    if making.extra_info.is_empty() { NO_EXTRA_INFO } else { &making.extra_info }
}

impl<'a> VersionLine<'a> {
    pub(super) fn new(version: &'a Version) -> Self {
        let making = &version.making;
        Self {
            code_version: version.code_version.as_str(),
            code_description: &version.description,
            create_time: rfc3339_seconds(version.created),
            status: version.status.as_str(),
            extra_info: extra_info(making),
            deploy_env: making.deploy_env.map_or("", Environment::as_str),
            build_id: making.build_id,
            has_env_vars: making.has_variables,
            conf_options: ConfOptions::new(making),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct VersionInfo<'a> {
    code_version: &'a str,
    status: &'static str,
    code_description: &'a str,
    create_time: String,
    extra_info: &'a str,
    has_assets: bool,
    build_id: u64,
    conf_options: ConfOptions<'a>,
}

impl<'a> VersionInfo<'a> {
    pub(super) fn new(version: &'a Version) -> Self {
        let making = &version.making;
        Self {
            code_version: version.code_version.as_str(),
            status: version.status.as_str(),
            code_description: &version.description,
            create_time: rfc3339_seconds(version.created),
            extra_info: extra_info(making),
            has_assets: making.assets.files > 0,
            build_id: making.build_id,
            conf_options: ConfOptions::new(making),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct VersionCode<'a> {
    pub(super) code_description: &'a str,
    pub(super) create_time: String,
    /// Base64.
    pub(super) routine_code: String,
}

/// The one strategy.
pub(super) const PERCENTAGE: &str = "percentage";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeploymentInfo<'a> {
    strategy: &'static str,
    deployment_id: String,
    code_versions: Vec<Share<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Share<'a> {
    percentage: u8,
    code_version: &'a str,
}

impl<'a> DeploymentInfo<'a> {
    pub(super) fn new(deployment: &'a Deployment) -> Self {
        Self {
            strategy: PERCENTAGE,
            deployment_id: deployment.id.to_string(),
            code_versions: shares(&deployment.shares),
        }
    }
}

/// In the order in which they were sent.
fn shares(shares: &Shares) -> Vec<Share<'_>> {
    shares
        .iter()
        .map(|(code_version, percent)| Share {
            percentage: percent.get(),
            code_version: code_version.as_str(),
        })
        .collect()
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UploadInfo {
    pub(super) code_version: &'static str,
    pub(super) oss_post_config: OssPostConfig,
}

/// Tools append each of these to the form, so none is null.
#[derive(Serialize)]
pub(super) struct OssPostConfig {
    #[serde(rename = "Url")]
    pub(super) url: String,
    #[serde(rename = "OSSAccessKeyId")]
    pub(super) access_key_id: &'static str,
    #[serde(rename = "Signature")]
    pub(super) signature: String,
    pub(super) policy: String,
    pub(super) key: String,
    pub(super) callback: String,
    #[serde(rename = "x:codeDescription")]
    pub(super) code_description: String,
}
