//! Actions about the service of routines as such: whether the account has it, and what
//! its plan allows.

use serde::Serialize;

use super::action::{Action, Call};
use super::error::{Code, EsaError};
use super::routine::NO_QUOTA;
use super::wire::{Fields, fields};
use crate::model::ServiceStatus;

/// By name, so that it can be searched.
pub(super) const ACTIONS: &[Action] = &[
    Action::reads("GetErService", &[], |call| Box::pin(get(call))),
    Action::reads("ListEdgeRoutinePlans", &[], |call| Box::pin(plans(call))),
    Action::writes("OpenErService", &[], |call| Box::pin(open(call))),
];

/// The largest page that the pages allow.
const PAGE_MAX: usize = 500;
/// The plan that costs nothing.
const FREE_PLAN: &str = "er_freemode";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Service<'a> {
    status: &'static str,
    plan_name: &'a str,
}

#[expect(clippy::unused_async, reason = "every action is a future")]
async fn get(call: &Call<'_>) -> Result<Fields, EsaError> {
    let account = call.admin.live_account.now();
    let status = match account.service {
        ServiceStatus::Running => "Running",
        ServiceStatus::NotOpened => "NotOpened",
        ServiceStatus::Creating => "Creating",
    };
    Ok(fields(&Service { status, plan_name: account.plan.as_str() }))
}

#[expect(clippy::unused_async, reason = "every action is a future")]
async fn open(call: &Call<'_>) -> Result<Fields, EsaError> {
    let opened = call.admin.live_account.open_service();
    opened.map_err(|has_opened| EsaError::new(Code::ServiceHasOpened, has_opened))?;
    Ok(Fields::new())
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Plans<'a> {
    plan_info: Vec<Plan<'a>>,
    page_number: usize,
    page_size: usize,
    total_count: usize,
    total_page: usize,
}

/// Quotas are texts here, as the models have it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Plan<'a> {
    #[serde(rename = "PlanName")]
    name: &'a str,
    er_routine_quota: String,
    er_routine_code_version_quota: String,
    er_routine_route_site_count_quota: String,
    billing_mode: &'static str,
    payment_method: &'static str,
}

/// The account's own plan, which is the only one.
async fn plans(call: &Call<'_>) -> Result<Fields, EsaError> {
    let paging = call.params.paging_up_to(PAGE_MAX)?;
    let account = call.admin.live_account.now();
    let quotas = call.admin.control.catalog().await?.quotas;
    let told = |quota: Option<u32>| quota.unwrap_or(NO_QUOTA).to_string();
    let name = account.plan.as_str();
    let plan = Plan {
        name,
        er_routine_quota: told(quotas.routines),
        er_routine_code_version_quota: told(quotas.versions_per_routine),
        er_routine_route_site_count_quota: told(quotas.routes),
        billing_mode: "POSTPAY",
        payment_method: if name == FREE_PLAN { "er_free" } else { "er_pay" },
    };
    Ok(fields(&Plans {
        plan_info: paging.of(std::iter::once(plan)),
        page_number: paging.number,
        page_size: paging.size,
        total_count: 1,
        total_page: 1,
    }))
}
