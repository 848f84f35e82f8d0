//! The account that callers of the ESA dialect meet: `/account`.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};

use super::document::{FailureCodeText, ServiceStatusText};
use super::error::ApiError;
use super::extract::{Sent, given};
use super::tag::{EntityTag, Found, Preconditions, Tagged};
use crate::admin::{Admin, has_action};
use crate::control::{Command, CommandError, Refused};
use crate::model::{
    Account, ActionName, Catalog, FailureCode, Failures, LATENCY_MAX, Percent, PlanName, QUOTA_MAX,
    Quotas, ServiceStatus,
};

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Account")]
pub(super) struct AccountShape {
    #[schemars(with = "ServiceStatusText")]
    service: &'static str,
    in_arrears: bool,
    locked: bool,
    locked_calls: u32,
    failures: FailuresShape,
    calls_per_second: Option<NonZeroU32>,
    latency_ms: u64,
    quotas: QuotasShape,
    plan: String,
    used: Used,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Failures")]
struct FailuresShape {
    #[schemars(range(max = 100))]
    percent: u8,
    calls: u32,
    #[schemars(with = "FailureCodeText")]
    code: &'static str,
    action: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Quotas")]
struct QuotasShape {
    routines: Option<u32>,
    versions_per_routine: Option<u32>,
    routes: Option<u32>,
}

/// What counts against the quotas of the account.
#[derive(Serialize, JsonSchema)]
struct Used {
    routines: usize,
    routes: usize,
}

pub(super) async fn get(State(admin): State<Arc<Admin>>) -> Result<Tagged<AccountShape>, ApiError> {
    told(&admin).await
}

/// A field of a change that may be null.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
enum Patch<T> {
    #[default]
    Kept,
    Cleared,
    Set(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Cleared, Self::Set))
    }
}

impl<T: JsonSchema> JsonSchema for Patch<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Option::<T>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}

#[derive(Deserialize, JsonSchema, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountChange {
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "ServiceStatusText")]
    service: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool")]
    in_arrears: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool")]
    locked: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "u32")]
    locked_calls: Option<u32>,
    #[serde(default)]
    failures: Patch<FailuresChange>,
    #[serde(default)]
    calls_per_second: Patch<NonZeroU32>,
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "u64", range(max = LATENCY_MAX.as_secs() * 1_000))]
    latency_ms: Option<u64>,
    #[serde(default)]
    quotas: Patch<QuotasChange>,
    #[serde(default, deserialize_with = "given")]
    /// Without control characters.
    #[schemars(with = "String", length(min = 1, max = 64))]
    plan: Option<String>,
}

#[derive(Deserialize, JsonSchema, Clone)]
#[serde(deny_unknown_fields)]
struct FailuresChange {
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "u64", range(max = 100))]
    percent: Option<u64>,
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "u32")]
    calls: Option<u32>,
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "FailureCodeText")]
    code: Option<String>,
    #[serde(default)]
    action: Patch<String>,
}

#[derive(Deserialize, JsonSchema, Clone)]
#[serde(deny_unknown_fields)]
struct QuotasChange {
    #[serde(default)]
    #[schemars(range(max = QUOTA_MAX))]
    routines: Patch<u32>,
    #[serde(default)]
    #[schemars(range(max = QUOTA_MAX))]
    versions_per_routine: Patch<u32>,
    #[serde(default)]
    #[schemars(range(max = QUOTA_MAX))]
    routes: Patch<u32>,
}

/// Changes what is given, all of it or nothing.
pub(super) async fn change(
    State(admin): State<Arc<Admin>>,
    wanted: Preconditions,
    Sent(change): Sent<AccountChange>,
) -> Result<Tagged<AccountShape>, ApiError> {
    whole(async move {
        // What others change meanwhile would be lost.
        let changing = admin.live_account.changing.lock().await;
        let catalog = admin.control.catalog().await?;
        let quotas = change.quotas.applied_to(catalog.quotas)?;
        // On a copy, or not at all. The quotas last: they are no part of the copy, and
        // nothing refuses them but the end of the process.
        admin.live_account.change(|account| {
            check(&wanted, account, &catalog)?;
            change.apply_to(account)
        })?;
        admin.control.execute(Command::SetQuotas(quotas)).await?;
        drop(changing);
        told(&admin).await
    })
    .await
}

/// Makes the account what the config says.
pub(super) async fn reset(
    State(admin): State<Arc<Admin>>,
    wanted: Preconditions,
) -> Result<Tagged<AccountShape>, ApiError> {
    whole(async move {
        let changing = admin.live_account.changing.lock().await;
        let catalog = admin.control.catalog().await?;
        let (configured, quotas) = admin.live_account.configured();
        admin.live_account.change(|account| {
            check(&wanted, account, &catalog)?;
            *account = configured;
            Ok::<_, ApiError>(())
        })?;
        admin.control.execute(Command::SetQuotas(quotas)).await?;
        drop(changing);
        told(&admin).await
    })
    .await
}

/// What `wanted` asks of the account as a GET would tell it. Its quotas are changed by
/// nobody else meanwhile.
fn check(wanted: &Preconditions, account: &Account, catalog: &Catalog) -> Result<(), ApiError> {
    let met = wanted.check(|| {
        let tag = EntityTag::of(&AccountShape::new(account.clone(), catalog));
        Found::There("the account is there".to_owned(), tag)
    });
    met.map_err(|why| Refused::Unmet(why).into())
}

/// Goes to its end although the caller hangs up: half of a change is none.
async fn whole<T: Send + 'static>(
    change: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    // A task ends early where the process does.
    tokio::spawn(change).await.unwrap_or_else(|_| Err(CommandError::Stopped.into()))
}

async fn told(admin: &Admin) -> Result<Tagged<AccountShape>, ApiError> {
    let catalog = admin.control.catalog().await?;
    Ok(Tagged(AccountShape::new(admin.live_account.now(), &catalog)))
}

impl AccountShape {
    fn new(account: Account, catalog: &Catalog) -> Self {
        let Quotas { routines, versions_per_routine, routes } = catalog.quotas;
        let Failures { percent, calls, code, action } = account.failures;
        Self {
            service: account.service.as_str(),
            in_arrears: account.in_arrears,
            locked: account.locked,
            locked_calls: account.locked_calls,
            failures: FailuresShape {
                percent: percent.map_or(0, Percent::get),
                calls,
                code: code.as_str(),
                action: action.map(|action| action.to_string()),
            },
            calls_per_second: account.calls_per_second,
            latency_ms: u64::try_from(account.latency.as_millis()).unwrap_or(u64::MAX),
            quotas: QuotasShape { routines, versions_per_routine, routes },
            plan: account.plan.to_string(),
            used: Used { routines: catalog.routines.len(), routes: catalog.site_routes.len() },
        }
    }
}

impl AccountChange {
    fn apply_to(self, account: &mut Account) -> Result<(), ApiError> {
        if let Some(service) = self.service {
            account.service = ServiceStatus::new(&service).map_err(ApiError::invalid)?;
        }
        if let Some(plan) = self.plan {
            account.plan = PlanName::new(&plan).map_err(ApiError::invalid)?;
        }
        if let Some(ms) = self.latency_ms {
            account.latency = latency(ms)?;
        }
        set(self.in_arrears, &mut account.in_arrears);
        set(self.locked, &mut account.locked);
        set(self.locked_calls, &mut account.locked_calls);
        self.calls_per_second.apply_to(&mut account.calls_per_second);
        match self.failures {
            Patch::Kept => Ok(()),
            Patch::Cleared => {
                account.failures = Failures::default();
                Ok(())
            }
            Patch::Set(change) => change.apply_to(&mut account.failures),
        }
    }
}

impl FailuresChange {
    fn apply_to(self, failures: &mut Failures) -> Result<(), ApiError> {
        match self.percent {
            None => {}
            Some(0) => failures.percent = None,
            Some(share) => {
                let percent = Percent::new(share).ok_or_else(|| {
                    ApiError::invalid(format!("failures.percent must be 0 to 100, not {share}"))
                })?;
                failures.percent = Some(percent);
            }
        }
        set(self.calls, &mut failures.calls);
        if let Some(code) = self.code {
            failures.code = FailureCode::new(&code).map_err(ApiError::invalid)?;
        }
        match self.action {
            Patch::Kept => {}
            Patch::Cleared => failures.action = None,
            Patch::Set(name) if !has_action(&name) => {
                return Err(ApiError::invalid(format!("failures.action: there is no `{name}`")));
            }
            Patch::Set(name) => {
                failures.action = Some(ActionName::new(&name).map_err(ApiError::invalid)?);
            }
        }
        failures.check().map_err(ApiError::invalid)
    }
}

impl Patch<QuotasChange> {
    fn applied_to(&self, mut quotas: Quotas) -> Result<Quotas, ApiError> {
        let change = match self {
            Self::Kept => return Ok(quotas),
            Self::Cleared => return Ok(Quotas::default()),
            Self::Set(change) => change,
        };
        for (change, quota) in [
            (&change.routines, &mut quotas.routines),
            (&change.versions_per_routine, &mut quotas.versions_per_routine),
            (&change.routes, &mut quotas.routes),
        ] {
            match change {
                Patch::Set(max) if *max > QUOTA_MAX => {
                    return Err(ApiError::invalid(format!("a quota is at most {QUOTA_MAX}")));
                }
                Patch::Set(max) => *quota = Some(*max),
                Patch::Cleared => *quota = None,
                Patch::Kept => {}
            }
        }
        Ok(quotas)
    }
}

impl<T> Patch<T> {
    fn apply_to(self, field: &mut Option<T>) {
        match self {
            Self::Kept => {}
            Self::Cleared => *field = None,
            Self::Set(value) => *field = Some(value),
        }
    }
}

fn set<T>(given: Option<T>, field: &mut T) {
    if let Some(value) = given {
        *field = value;
    }
}

fn latency(ms: u64) -> Result<Duration, ApiError> {
    let latency = Duration::from_millis(ms);
    if latency > LATENCY_MAX {
        let most = LATENCY_MAX.as_millis();
        return Err(ApiError::invalid(format!("latency_ms must be at most {most}, not {ms}")));
    }
    Ok(latency)
}
