//! The account that callers of the ESA dialect meet: what it refuses them, how late
//! it answers, and what it says of its service. An account that nobody touched refuses
//! nothing.

use std::num::NonZeroU32;
use std::time::Duration;

use super::name::{ActionName, PlanName};
use super::split::Percent;

/// The longest latency that can be added to an answer. Every client has given up long
/// before.
pub const LATENCY_MAX: Duration = Duration::from_mins(1);

/// How the account behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub service: ServiceStatus,
    /// Whether payments are overdue, so that no routine can be changed.
    pub in_arrears: bool,
    /// Whether no routine can be changed until this is switched off.
    pub locked: bool,
    /// How many more calls that change a routine are refused as if another one were
    /// in progress.
    pub locked_calls: u32,
    pub failures: Failures,
    /// How many calls of one access key are taken within a second; `None` takes all.
    pub calls_per_second: Option<NonZeroU32>,
    /// What every answer waits for; at most [`LATENCY_MAX`].
    pub latency: Duration,
    pub plan: PlanName,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            service: ServiceStatus::Running,
            in_arrears: false,
            locked: false,
            locked_calls: 0,
            failures: Failures::default(),
            calls_per_second: None,
            latency: Duration::ZERO,
            plan: PlanName::default(),
        }
    }
}

/// Whether the account has the service of routines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceStatus {
    Running,
    NotOpened,
    /// It has been opened, and is not there yet.
    Creating,
}

impl ServiceStatus {
    pub const ALL: [Self; 3] = [Self::Running, Self::NotOpened, Self::Creating];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::NotOpened => "not_opened",
            Self::Creating => "creating",
        }
    }

    /// Reads one of the words above.
    pub fn new(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
            format!("the service is `running`, `not_opened` or `creating`, not `{text}`")
        })
    }
}

/// Failures of ESA's own making, which strike calls that are in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failures {
    /// The share of calls that fail, each by a draw of its own; `None` is none.
    pub percent: Option<Percent>,
    /// How many more calls fail, whatever is drawn.
    pub calls: u32,
    pub code: FailureCode,
    /// The one action that fails; `None` is every one that has the code.
    pub action: Option<ActionName>,
}

/// What a failure is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailureCode {
    #[default]
    InternalException,
    InternalOperationError,
    DependedByOthers,
    InternalError,
    ThrottlingApi,
    AccessKeyInactive,
}

impl FailureCode {
    pub const ALL: [Self; 6] = [
        Self::InternalException,
        Self::InternalOperationError,
        Self::DependedByOthers,
        Self::InternalError,
        Self::ThrottlingApi,
        Self::AccessKeyInactive,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InternalException => "InternalException",
            Self::InternalOperationError => "InternalOperationError",
            Self::DependedByOthers => "DependedByOthers",
            Self::InternalError => "InternalError",
            Self::ThrottlingApi => "Throttling.Api",
            Self::AccessKeyInactive => "InvalidAccessKeyId.Inactive",
        }
    }

    /// Reads one of the words above.
    pub fn new(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|code| code.as_str() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join("`, `");
            format!("a failure's code is one of `{known}`, not `{text}`")
        })
    }

    /// Whether ESA's pages have this code for `action`.
    fn is_of(self, action: &str) -> bool {
        match self {
            // The gateway says these of any action.
            Self::InternalException | Self::ThrottlingApi | Self::AccessKeyInactive => true,
            Self::InternalOperationError | Self::DependedByOthers => !is_about_containers(action),
            Self::InternalError => is_about_containers(action),
        }
    }
}

/// Whether `action` is about edge container apps; they have a service and codes of
/// their own.
pub fn is_about_containers(action: &str) -> bool {
    action.contains("EdgeContainer")
}

impl Failures {
    /// Refuses a code that the one action does not have: nothing would ever fail.
    pub fn check(&self) -> Result<(), String> {
        match &self.action {
            Some(action) if !self.code.is_of(action.as_str()) => Err(format!(
                "ESA has no `{}` for `{action}`: choose another code or action",
                self.code.as_str()
            )),
            _ => Ok(()),
        }
    }

    /// Whether a call of `action` fails, and one less of those that are to fail if it
    /// is one of them. `draw` is asked where the share decides.
    pub fn strike(&mut self, action: &str, draw: impl FnOnce() -> u64) -> bool {
        let meant = self.action.as_ref().is_none_or(|only| only.as_str() == action);
        if !meant || !self.code.is_of(action) {
            return false;
        }
        if self.calls > 0 {
            self.calls -= 1;
            return true;
        }
        self.percent.is_some_and(|percent| {
            u128::from(draw()) < (u128::from(percent.get()) << u64::BITS) / 100
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never() -> u64 {
        panic!("nothing is drawn where nothing depends on it")
    }

    fn failing(percent: u64, calls: u32, code: FailureCode, action: Option<&str>) -> Failures {
        let action = action.map(|action| ActionName::new(action).unwrap());
        Failures { percent: Percent::new(percent), calls, code, action }
    }

    #[test]
    fn an_account_that_nobody_touched_fails_nothing() {
        assert!(!Account::default().failures.strike("CreateRoutine", never));
    }

    #[test]
    fn the_next_calls_fail_and_then_no_more() {
        let mut failures = failing(0, 2, FailureCode::InternalException, None);
        assert!(failures.strike("CreateRoutine", never));
        assert!(failures.strike("GetEdgeContainerApp", never));
        assert!(!failures.strike("CreateRoutine", never));
    }

    #[test]
    fn a_share_of_calls_fails_by_what_is_drawn() {
        let mut failures = failing(25, 0, FailureCode::InternalException, None);
        let quarter = 1 << 62;
        assert!(failures.strike("GetRoutine", || 0));
        assert!(failures.strike("GetRoutine", || quarter - 1));
        assert!(!failures.strike("GetRoutine", || quarter));
        let mut all = failing(100, 0, FailureCode::InternalException, None);
        assert!(all.strike("GetRoutine", || u64::MAX));
    }

    #[test]
    fn other_actions_neither_fail_nor_use_failures_up() {
        let code = FailureCode::InternalException;
        let mut failures = failing(100, 1, code, Some("GetRoutine"));
        assert!(!failures.strike("CreateRoutine", never));
        assert!(failures.strike("GetRoutine", never));
        assert_eq!(failures.calls, 0);
    }

    #[test]
    fn a_code_strikes_only_the_actions_that_have_it() {
        let of_routines = [FailureCode::InternalOperationError, FailureCode::DependedByOthers];
        for code in of_routines {
            let mut failures = failing(0, 1, code, None);
            assert!(!failures.strike("ListEdgeContainerApps", never));
            assert!(failures.strike("GetRoutine", never));
        }
        let mut failures = failing(0, 1, FailureCode::InternalError, None);
        assert!(!failures.strike("GetRoutine", never));
        assert!(failures.strike("ListEdgeContainerApps", never));
    }

    #[test]
    fn a_code_that_the_action_lacks_is_a_mistake() {
        let check = |code, action| failing(0, 0, code, action).check();
        assert!(check(FailureCode::InternalError, None).is_ok());
        assert!(check(FailureCode::InternalError, Some("GetEdgeContainerApp")).is_ok());
        let wrong = check(FailureCode::InternalError, Some("GetRoutine")).unwrap_err();
        assert!(wrong.contains("no `InternalError` for `GetRoutine`"), "{wrong}");
        assert!(check(FailureCode::DependedByOthers, Some("GetEdgeContainerApp")).is_err());
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for word in ["running", "not_opened", "creating"] {
            assert_eq!(ServiceStatus::new(word).map(ServiceStatus::as_str), Ok(word));
        }
        assert!(ServiceStatus::new("Running").unwrap_err().contains("`not_opened`"));
        assert_eq!(FailureCode::new("InternalError"), Ok(FailureCode::InternalError));
        assert!(FailureCode::new("Oops").unwrap_err().contains("`DependedByOthers`"));
    }
}
