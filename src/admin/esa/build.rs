//! Actions about git builds, answered as to an account that has connected no git
//! account: nothing is listed, and nothing can be configured or built.

use std::future::ready;

use serde::Serialize;
use serde_json::Value;

use super::action::{Action, Call};
use super::error::EsaError;
use super::wire::{Fields, fields};

pub(super) const ACTIONS: &[Action] = &[
    Action::writes("CreateRoutineBuild", &["RoutineName"], |call| Box::pin(build(call)))
        .plausible(),
    Action::writes("CreateRoutineBuildConfiguration", &["RoutineName", "NodeVersion"], |call| {
        Box::pin(configure(call))
    })
    .plausible(),
    Action::writes("DeleteRoutineBuildConfiguration", &["RoutineName"], |call| {
        Box::pin(configuration(call))
    })
    .plausible(),
    Action::reads("GetRoutineBuild", &["RoutineBuildId"], |call| Box::pin(ready(a_build(call))))
        .plausible(),
    Action::reads("GetRoutineBuildConfiguration", &["RoutineName"], |call| {
        Box::pin(configuration(call))
    })
    .plausible(),
    Action::reads("ListRoutineBuildConfigurations", &["RoutineNames"], |call| {
        Box::pin(ready(configurations(call)))
    })
    .plausible(),
    Action::reads("ListRoutineBuilds", &[], |call| Box::pin(builds(call))).plausible(),
    Action::writes("ReDoRoutineBuild", &["RoutineBuildId"], |call| Box::pin(ready(a_build(call))))
        .plausible(),
    Action::writes("StopRoutineBuild", &["RoutineBuildId"], |call| Box::pin(ready(a_build(call))))
        .plausible(),
    Action::writes("UpdateRoutineBuildConfiguration", &["RoutineName"], |call| {
        Box::pin(configuration(call))
    })
    .plausible(),
];

/// The largest page of builds: ESA's limit.
const BUILDS_PAGE_MAX: usize = 500;
const BUILDS_PAGE_DEFAULT: usize = 20;
/// Beyond it a number is not exact in every client.
pub(super) const BUILD_ID_MAX: u64 = (1 << 53) - 1;

async fn build(call: &Call<'_>) -> Result<Fields, EsaError> {
    let name = call.params.routine_name("RoutineName")?;
    call.routine(&name).await?;
    Err(EsaError::invalid(format!(
        "routine `{name}` has no build configuration: upload its code instead"
    )))
}

async fn configure(call: &Call<'_>) -> Result<Fields, EsaError> {
    call.routine(&call.params.routine_name("RoutineName")?).await?;
    Err(EsaError::invalid("no git account is connected: upload the code instead"))
}

/// A configuration that is asked for and cannot be.
async fn configuration(call: &Call<'_>) -> Result<Fields, EsaError> {
    let name = call.params.routine_name("RoutineName")?;
    call.routine(&name).await?;
    Err(EsaError::invalid(format!("routine `{name}` has no build configuration")))
}

/// A build that is asked for and cannot be.
fn a_build(call: &Call<'_>) -> Result<Fields, EsaError> {
    let id = call.params.integer("RoutineBuildId", 0..=BUILD_ID_MAX)?;
    Err(EsaError::invalid(format!("there is no build {}", id.unwrap_or_default())))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Configurations {
    routine_build_configurations: Vec<Value>,
}

fn configurations(call: &Call<'_>) -> Result<Fields, EsaError> {
    // A list of names: those of no routine have no configuration either.
    call.params.required("RoutineNames")?;
    Ok(fields(&Configurations { routine_build_configurations: Vec::new() }))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Builds {
    data: Vec<Value>,
    page_index: usize,
    page_size: usize,
    total_count: usize,
    total_page: usize,
}

async fn builds(call: &Call<'_>) -> Result<Fields, EsaError> {
    let params = call.params;
    let page_index = params.integer("PageIndex", 1..=usize::MAX)?.unwrap_or(1);
    let page_size = params.integer("PageSize", 1..=BUILDS_PAGE_MAX)?.unwrap_or(BUILDS_PAGE_DEFAULT);
    if let Some(name) = params.routine_name_if_given("RoutineName")? {
        call.routine(&name).await?;
    }
    let (data, total_count, total_page) = (Vec::new(), 0, 0);
    Ok(fields(&Builds { data, page_index, page_size, total_count, total_page }))
}
