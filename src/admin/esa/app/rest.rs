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
    Ok(answer(json!({ "Stdout": false, "Path": "", "FlushInterval": 0, "Logstore": "" })))
}

pub(super) async fn capacity(call: &Call<'_>) -> Result<Fields, EsaError> {
    call.app().await?;
    Ok(answer(json!({ "RegionCapacityList": [] })))
}

pub(super) async fn reserve(call: &Call<'_>) -> Result<Fields, EsaError> {
    call.app().await?;
    Ok(answer(json!({ "ReserveSet": [], "Enable": false, "Forever": false, "DurationTime": "" })))
}

pub(super) async fn resources(call: &Call<'_>) -> Result<Fields, EsaError> {
    call.app().await?;
    Ok(answer(json!({ "RegionSet": [] })))
}

pub(super) async fn stats(call: &Call<'_>) -> Result<Fields, EsaError> {
    call.app().await?;
    Ok(answer(json!({ "Points": [] })))
}

/// There is no container to open one in.
pub(super) async fn terminal(call: &Call<'_>) -> Result<Fields, EsaError> {
    call.app().await?;
    Ok(answer(json!({ "Name": "" })))
}

pub(super) async fn image_secrets(call: &Call<'_>) -> Result<Fields, EsaError> {
    call.app().await?;
    Ok(answer(json!({ "ImageSecrets": [] })))
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
