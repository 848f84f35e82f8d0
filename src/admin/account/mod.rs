//! The account as callers of the ESA dialect meet it: what it refuses before an action
//! looks at its parameters. What it is at run time is in memory; a restart takes the
//! config's again, and so does a reload in which that has changed. Quotas are no part of it: the control plane's rules hold them, since
//! only the one writer can count.
//!
//! Checks run in this order: throttling, service, arrears, lock, failures. A call that
//! one of them refuses uses up nothing of the later ones.

mod hindrance;
mod throttle;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(super) use self::hindrance::Hindrance;
use self::throttle::Throttle;
use super::signature::Effect;
use crate::model::{AccessKeyId, Account, Quotas, ServiceStatus, Timestamp, is_about_containers};

/// The account as it is now.
pub struct LiveAccount {
    state: Mutex<State>,
    /// Changes that read before they write come one after another.
    pub(super) changing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    configured: Account,
    configured_quotas: Quotas,
    account: Account,
    throttle: Throttle,
}

/// A call that asks to be let in.
pub(super) struct Arrival<'a> {
    pub(super) action: &'a str,
    pub(super) effect: Effect,
    /// Everybody is one caller where there are no keys.
    pub(super) key: Option<&'a AccessKeyId>,
    pub(super) now: Timestamp,
}

/// The service that would be opened is open, or about to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the service is {} already", .0.as_str())]
pub(super) struct HasOpened(ServiceStatus);

/// Actions about the service itself and about sites: they need no service of routines.
/// They are as ever when it is not open, unpaid or locked.
const BESIDE_THE_SERVICE: [&str; 5] =
    ["GetErService", "GetMatchSite", "ListEdgeRoutinePlans", "ListSites", "OpenErService"];

impl LiveAccount {
    /// The account as the config has it.
    pub fn new(configured: Account, configured_quotas: Quotas) -> Self {
        let live = Self { state: Mutex::default(), changing: tokio::sync::Mutex::default() };
        live.configure(configured, configured_quotas);
        live
    }

    /// Makes the account what another config has.
    pub(super) fn configure(&self, configured: Account, configured_quotas: Quotas) {
        let mut state = self.state();
        state.account = configured.clone();
        state.configured = configured;
        state.configured_quotas = configured_quotas;
    }

    /// Lets a call in, or says what hinders it. `draw` is asked where chance decides.
    pub(super) fn admit(
        &self,
        call: &Arrival<'_>,
        draw: impl FnOnce() -> u64,
    ) -> Result<(), Hindrance> {
        self.state().admit(call, draw)
    }

    /// What an answer waits for.
    pub(super) fn latency(&self) -> Duration {
        self.state().account.latency
    }

    pub(super) fn now(&self) -> Account {
        self.state().account.clone()
    }

    pub(super) fn configured(&self) -> (Account, Quotas) {
        let state = self.state();
        (state.configured.clone(), state.configured_quotas)
    }

    /// Makes of the account what `change` makes of a copy, unless that fails.
    pub(super) fn change<E>(
        &self,
        change: impl FnOnce(&mut Account) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut state = self.state();
        let mut account = state.account.clone();
        change(&mut account)?;
        state.account = account;
        Ok(())
    }

    /// Opens the service, once.
    pub(super) fn open_service(&self) -> Result<(), HasOpened> {
        self.change(|account| match account.service {
            ServiceStatus::NotOpened => {
                account.service = ServiceStatus::Running;
                Ok(())
            }
            open @ (ServiceStatus::Running | ServiceStatus::Creating) => Err(HasOpened(open)),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves the state as it was.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn admit(&mut self, call: &Arrival<'_>, draw: impl FnOnce() -> u64) -> Result<(), Hindrance> {
        let account = &mut self.account;
        if let Some(max) = account.calls_per_second {
            self.throttle.take(call.key, max, call.now)?;
        }
        let of_routines =
            !is_about_containers(call.action) && !BESIDE_THE_SERVICE.contains(&call.action);
        if of_routines {
            if account.service != ServiceStatus::Running {
                return Err(Hindrance::NotOpen(account.service));
            }
            if call.effect == Effect::Writes {
                may_write(account)?;
            }
        }
        if account.failures.strike(call.action, draw) {
            return Err(Hindrance::Failed(account.failures.code));
        }
        Ok(())
    }
}

fn may_write(account: &mut Account) -> Result<(), Hindrance> {
    if account.in_arrears {
        return Err(Hindrance::InArrears);
    }
    if account.locked {
        return Err(Hindrance::Locked);
    }
    if account.locked_calls > 0 {
        account.locked_calls -= 1;
        return Err(Hindrance::Locked);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::model::{FailureCode, Failures};

    fn arrival(action: &str, effect: Effect) -> Arrival<'_> {
        Arrival { action, effect, key: None, now: Timestamp(0) }
    }

    fn never() -> u64 {
        panic!("nothing is drawn where nothing depends on it")
    }

    fn met(live: &LiveAccount, action: &str, effect: Effect) -> Result<(), Hindrance> {
        live.admit(&arrival(action, effect), never)
    }

    fn live(account: Account) -> LiveAccount {
        LiveAccount::new(account, Quotas::default())
    }

    const FAILED: Hindrance = Hindrance::Failed(FailureCode::InternalException);

    /// Everything at once is in the way.
    fn hostile() -> Account {
        Account {
            service: ServiceStatus::NotOpened,
            in_arrears: true,
            locked: true,
            locked_calls: 1,
            failures: Failures { calls: 1, ..Failures::default() },
            calls_per_second: NonZeroU32::new(1),
            ..Account::default()
        }
    }

    #[test]
    fn hindrances_are_told_in_their_order() {
        let live = live(hostile());
        let write = || met(&live, "CreateRoutine", Effect::Writes);
        let change = |change: fn(&mut Account)| {
            live.change(|account| {
                change(account);
                Ok::<_, ()>(())
            })
            .unwrap();
        };
        assert_eq!(write(), Err(Hindrance::NotOpen(ServiceStatus::NotOpened)));
        assert!(matches!(write(), Err(Hindrance::TooFast { .. })));
        change(|account| account.calls_per_second = None);
        assert_eq!(write(), Err(Hindrance::NotOpen(ServiceStatus::NotOpened)));
        assert_eq!(live.open_service(), Ok(()));
        assert_eq!(write(), Err(Hindrance::InArrears));
        change(|account| account.in_arrears = false);
        assert_eq!(write(), Err(Hindrance::Locked));
        change(|account| account.locked = false);
        assert_eq!(write(), Err(Hindrance::Locked));
        // What came first used up nothing of what comes later.
        assert_eq!(write(), Err(FAILED));
        assert_eq!(write(), Ok(()));
    }

    #[test]
    fn who_only_looks_meets_the_service_alone() {
        let live = live(Account {
            service: ServiceStatus::Running,
            failures: Failures::default(),
            calls_per_second: None,
            ..hostile()
        });
        assert_eq!(met(&live, "GetRoutine", Effect::Reads), Ok(()));
        assert_eq!(live.now().locked_calls, 1);
    }

    #[test]
    fn containers_and_the_service_itself_need_no_service_of_routines() {
        let live =
            live(Account { failures: Failures::default(), calls_per_second: None, ..hostile() });
        for (action, effect) in [
            ("CreateEdgeContainerApp", Effect::Writes),
            ("GetErService", Effect::Reads),
            ("ListSites", Effect::Reads),
            ("OpenErService", Effect::Writes),
        ] {
            assert_eq!(met(&live, action, effect), Ok(()), "{action}");
        }
        for (action, effect) in [
            ("ListUserRoutines", Effect::Reads),
            ("ListEdgeRoutineRecords", Effect::Reads),
            ("CreateRoutineRoute", Effect::Writes),
        ] {
            let refused = Err(Hindrance::NotOpen(ServiceStatus::NotOpened));
            assert_eq!(met(&live, action, effect), refused, "{action}");
        }
    }

    #[test]
    fn a_service_is_opened_once() {
        for open in [ServiceStatus::Running, ServiceStatus::Creating] {
            let live = live(Account { service: open, ..Account::default() });
            assert_eq!(live.open_service(), Err(HasOpened(open)));
            assert_eq!(live.now().service, open);
        }
    }

    #[test]
    fn a_change_that_fails_changes_nothing() {
        let live = live(hostile());
        let failed = live.change(|account| {
            account.in_arrears = false;
            Err("no")
        });
        assert_eq!((failed, live.now()), (Err("no"), hostile()));
    }
}
