//! What is asked of containers and has little to say here, where none is run.

use serde_json::{Value, json};

use super::params::missing;
use crate::admin::esa::action::Call;
use crate::admin::esa::error::EsaError;
use crate::admin::esa::wire::Fields;
use crate::admin::time::rfc3339_seconds;
use crate::model::Environment;

fn answer(shape: Value) -> Fields {
    match shape {
        Value::Object(fields) => fields,
        _ => Fields::new(),
    }
}

/// Of an app that exists, and without an effect.
pub(super) async fn nothing_to_say(call: &Call<'_>) -> Result<Fields, EsaError> {
    call.app().await?;
    Ok(Fields::new())
}

/// The regions that the config knows, once the app is in production.
pub(super) async fn deploy_regions(call: &Call<'_>) -> Result<Fields, EsaError> {
    let app = call.app().await?;
    let known = call.admin.table.read(|table| {
        let names = table.regions().iter().map(|region| region.name.to_string());
        names.collect::<Vec<_>>()
    });
    let live = app.publish(Environment::Production).is_some();
    Ok(answer(json!({ "Regions": if live { known } else { Vec::new() } })))
}

pub(super) async fn staging_status(call: &Call<'_>) -> Result<Fields, EsaError> {
    let app = call.app().await?;
    let live = app.publish(Environment::Staging);
    let (phase, ready) = if live.is_some() { ("Running", "ok") } else { ("Pending", "unready") };
    Ok(answer(json!({
        "Phase": phase,
        "Ready": ready,
        "Scheduled": ready,
        "Initialized": ready,
        "ContainersReady": ready,
        "CreationTimestamp": live.map(|live| rfc3339_seconds(live.created)).unwrap_or_default(),
        "VIPs": if live.is_some() { vec!["127.0.0.1"] } else { Vec::new() },
        "PodRestartState": { "RestartCount": 0, "LastTerminatedReason": "" },
    })))
}

/// No container runs, so none has written a line.
pub(super) async fn logs(call: &Call<'_>) -> Result<Fields, EsaError> {
    call.params.integer("Lines", 1..=5_000)?.ok_or_else(|| missing("Lines"))?;
    call.app().await?;
    Ok(answer(json!({ "Items": [] })))
}

pub(super) async fn log_river(call: &Call<'_>) -> Result<Fields, EsaError> {
    call.app().await?;
    Ok(answer(json!({ "Path": "", "Stdout": false })))
}

/// Says again what was given, and keeps nothing of it.
pub(super) async fn set_log_river(call: &Call<'_>) -> Result<Fields, EsaError> {
    call.app().await?;
    let path = call.params.text("Path")?.unwrap_or_default();
    let stdout = call.params.boolean("Stdout")?.unwrap_or(false);
    Ok(answer(json!({ "Path": path, "Stdout": stdout })))
}

/// Nothing is placed anywhere, so there is no region with room for it.
pub(super) async fn capacity(call: &Call<'_>) -> Result<Fields, EsaError> {
    call.app().await?;
    Ok(answer(json!({ "Regions": [] })))
}

pub(super) async fn resources(call: &Call<'_>) -> Result<Fields, EsaError> {
    call.app().await?;
    Ok(answer(json!({ "Regions": [] })))
}

pub(super) async fn reserve(call: &Call<'_>) -> Result<Fields, EsaError> {
    call.app().await?;
    Ok(answer(json!({ "DurationTime": "", "Enable": false, "Forever": false, "ReserveSet": [] })))
}

/// Says again what was given, and keeps nothing of it.
pub(super) async fn set_reserve(call: &Call<'_>) -> Result<Fields, EsaError> {
    call.app().await?;
    let params = call.params;
    Ok(answer(json!({
        "DurationTime": params.text("DurationTime")?.unwrap_or_default(),
        "Enable": params.boolean("Enable")?.unwrap_or(false),
        "Forever": params.boolean("Forever")?.unwrap_or(false),
        "ReserveSet": params.json_if_given("ReserveSet")?.unwrap_or_else(|| json!([])),
    })))
}

/// Of an app that is asked for as `App`; no container has used anything.
pub(super) async fn stats(call: &Call<'_>) -> Result<Fields, EsaError> {
    if call.params.text("App")?.is_none() {
        call.app().await?;
    }
    Ok(answer(json!({
        "CpuUsageSecondsQuotaRateAvg": 0.0,
        "CpuUsageSecondsTotalAvg": 0.0,
        "FsReadsBytesAvgAvg": 0.0,
        "FsWritesBytesAvgAvg": 0.0,
        "MemoryRssAvg": 0.0,
        "MemoryRssQuotaRateAvg": 0.0,
        "PodReadyRateAvg": 0.0,
        "Points": [],
    })))
}

/// There is no container to open one in.
pub(super) async fn terminal(call: &Call<'_>) -> Result<Fields, EsaError> {
    call.app().await?;
    Ok(answer(json!({
        "Cluster": "",
        "Container": "",
        "Namespace": "",
        "Pod": "",
        "SessionId": "",
        "Token": "",
    })))
}

pub(super) async fn image_secrets(call: &Call<'_>) -> Result<Fields, EsaError> {
    call.app().await?;
    Ok(answer(json!({ "ImageSecretList": [] })))
}

/// The service is open from the start.
#[expect(clippy::unused_async, reason = "every action is a future")]
pub(super) async fn service(_: &Call<'_>) -> Result<Fields, EsaError> {
    Ok(answer(json!({ "Status": "Running" })))
}

#[expect(clippy::unused_async, reason = "every action is a future")]
pub(super) async fn open(_: &Call<'_>) -> Result<Fields, EsaError> {
    Ok(Fields::new())
}
