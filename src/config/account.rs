//! `[account]`: how the account behaves towards ESA's actions when Serin starts.

use std::num::NonZeroU32;
use std::time::Duration;

use super::value::duration;
use crate::document::{Table, Value};
use crate::model::{
    Account, ActionName, FailureCode, Failures, LATENCY_MAX, Percent, PlanName, QUOTA_MAX, Quotas,
    ServiceStatus,
};

/// The account as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeclaredAccount {
    pub account: Account,
    pub quotas: Quotas,
    /// Where the action that fails is written: whether there is such an action is not
    /// known here.
    pub failing_action_line: Option<usize>,
}

const KEYS: [&str; 9] = [
    "service",
    "in_arrears",
    "locked",
    "locked_calls",
    "failures",
    "calls_per_second",
    "latency",
    "quotas",
    "plan",
];

/// `[account]`.
pub(super) fn account(root: &Table<'_>) -> DeclaredAccount {
    let table = root.section("account", &KEYS);
    let switch = |key| table.get(key).and_then(|value| value.switch()).unwrap_or_default();
    let (failures, failing_action_line) = failures(&table);
    let service = table.get("service").and_then(|value| value.parsed(ServiceStatus::new));
    let locked_calls = table.get("locked_calls").and_then(|value| count(&value, u32::MAX));
    let latency = table.get("latency").and_then(|value| value.parsed(latency));
    let plan = table.get("plan").and_then(|value| value.parsed(PlanName::new));
    let account = Account {
        service: service.unwrap_or(ServiceStatus::Running),
        in_arrears: switch("in_arrears"),
        locked: switch("locked"),
        locked_calls: locked_calls.unwrap_or_default(),
        failures,
        calls_per_second: table.get("calls_per_second").and_then(|value| calls(&value)),
        latency: latency.unwrap_or_default(),
        plan: plan.unwrap_or_default(),
    };
    DeclaredAccount { account, quotas: quotas(&table), failing_action_line }
}

/// `[account.failures]`, and the line of its action.
fn failures(account: &Table<'_>) -> (Failures, Option<usize>) {
    let table = account.section("failures", &["percent", "calls", "code", "action"]);
    let code = table.get("code");
    let action = table.get("action");
    let failures = Failures {
        percent: table.get("percent").and_then(|value| percent(&value)),
        calls: table.get("calls").and_then(|value| count(&value, u32::MAX)).unwrap_or_default(),
        code: code.as_ref().and_then(|value| value.parsed(FailureCode::new)).unwrap_or_default(),
        action: action.as_ref().and_then(|value| value.parsed(ActionName::new)),
    };
    if let (Some(blamed), Err(why)) = (action.as_ref().or(code.as_ref()), failures.check()) {
        blamed.refuse_together(why);
    }
    (failures, action.map(|value| value.line()))
}

/// `[account.quotas]`.
fn quotas(account: &Table<'_>) -> Quotas {
    let table = account.section("quotas", &["routines", "versions_per_routine", "routes"]);
    let read = |key| table.get(key).and_then(|value| count(&value, QUOTA_MAX));
    Quotas {
        routines: read("routines"),
        versions_per_routine: read("versions_per_routine"),
        routes: read("routes"),
    }
}

fn count(value: &Value<'_>, max: u32) -> Option<u32> {
    let number = value.whole()?;
    let count = u32::try_from(number).ok().filter(|count| *count <= max);
    if count.is_none() {
        value.refuse(format!("must be at most {max}, not {number}"));
    }
    count
}

/// A limit of nothing would be an account that nobody can call.
fn calls(value: &Value<'_>) -> Option<NonZeroU32> {
    let number = value.whole()?;
    let calls = u32::try_from(number).ok().and_then(NonZeroU32::new);
    if calls.is_none() {
        value.refuse(format!("must be 1 to {}, not {number}", u32::MAX));
    }
    calls
}

/// 0 is none.
fn percent(value: &Value<'_>) -> Option<Percent> {
    let number = value.whole()?;
    let percent = Percent::new(number);
    if percent.is_none() && number != 0 {
        value.refuse(format!("must be 0 to 100, not {number}"));
    }
    percent
}

fn latency(text: &str) -> Result<Duration, String> {
    let latency = duration(text)?;
    if latency > LATENCY_MAX {
        return Err(format!("`{text}` must be at most `{}s`", LATENCY_MAX.as_secs()));
    }
    Ok(latency)
}

#[cfg(test)]
mod tests {
    use super::super::{Config, mistakes_of};
    use super::*;

    #[test]
    fn an_account_that_is_not_written_refuses_nothing() {
        for text in ["", "[account]", "[account.failures]\n[account.quotas]"] {
            assert_eq!(Config::parse(text).unwrap().account, DeclaredAccount::default(), "{text}");
        }
    }

    #[test]
    fn an_account_is_as_it_is_written() {
        let config = Config::parse(
            r#"
            [account]
            service = "creating"
            in_arrears = true
            locked = true
            locked_calls = 2
            calls_per_second = 100
            latency = "250ms"
            plan = "er_freemode"
            [account.failures]
            percent = 5
            calls = 3
            code = "InternalError"
            action = "GetEdgeContainerApp"
            [account.quotas]
            routines = 0
            versions_per_routine = 10
            routes = 100
            "#,
        );
        let account = Account {
            service: ServiceStatus::Creating,
            in_arrears: true,
            locked: true,
            locked_calls: 2,
            failures: Failures {
                percent: Percent::new(5),
                calls: 3,
                code: FailureCode::InternalError,
                action: ActionName::new("GetEdgeContainerApp").ok(),
            },
            calls_per_second: NonZeroU32::new(100),
            latency: Duration::from_millis(250),
            plan: PlanName::new("er_freemode").unwrap(),
        };
        let quotas =
            Quotas { routines: Some(0), versions_per_routine: Some(10), routes: Some(100) };
        let failing_action_line = Some(14);
        let declared = DeclaredAccount { account, quotas, failing_action_line };
        assert_eq!(config.unwrap().account, declared);
    }

    #[test]
    fn every_mistake_of_an_account_is_told_by_line() {
        let text = r#"
[account]
service = "open"
in_arrears = 1
locked_calls = 4294967296
calls_per_second = 0
latency = "61s"
plan = ""
quota = 1
[account.failures]
percent = 101
calls = "3"
code = "Oops"
action = "Get Routine"
[account.quotas]
routines = 2147483648
version = 1
"#;
        assert_eq!(
            mistakes_of(text),
            [
                "line 3: account.service: the service is `running`, `not_opened` or `creating`, not `open`",
                "line 4: account.in_arrears: must be `true` or `false`, not an integer",
                "line 5: account.locked_calls: must be at most 4294967295, not 4294967296",
                "line 6: account.calls_per_second: must be 1 to 4294967295, not 0",
                "line 7: account.latency: `61s` must be at most `60s`",
                "line 8: account.plan: plan `` must be 1 to 64 characters without control characters",
                "line 9: account.quota: unknown key; did you mean `quotas`?",
                "line 11: account.failures.percent: must be 0 to 100, not 101",
                "line 12: account.failures.calls: must be a whole number, not a string",
                "line 13: account.failures.code: a failure's code is one of `InternalException`, `InternalOperationError`, `DependedByOthers`, `InternalError`, `Throttling.Api`, `InvalidAccessKeyId.Inactive`, not `Oops`",
                "line 14: account.failures.action: action `Get Routine` must be 1 to 64 letters and digits",
                "line 16: account.quotas.routines: must be at most 2147483647, not 2147483648",
                "line 17: account.quotas.version: unknown key; there are `routines`, `versions_per_routine`, `routes`",
            ]
        );
    }

    #[test]
    fn a_code_that_the_action_lacks_is_a_mistake_of_the_action() {
        let text = "[account.failures]\ncode = \"InternalError\"\naction = \"GetRoutine\"";
        assert_eq!(
            mistakes_of(text),
            [
                "line 3: account.failures.action: ESA has no `InternalError` for `GetRoutine`: choose another code or action"
            ]
        );
    }
}
