//! Another config for a Serin that serves: whole, or not at all.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::access_keys::{AccessKeyError, access_keys};
use super::outside;
use super::running::{declared, settings};
use crate::admin::{self, Admin};
use crate::config::{Config, Listen, ReadError, Tls};
use crate::control::{CommandError, Warning};
use crate::model::{Account, Policy, Quotas};
use crate::observe::{AccessLog, AccessLogError, OpenLog};

/// Why the config in effect stays.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReloadError {
    #[error(transparent)]
    Config(#[from] ReadError),
    #[error("the config `{}` is no file that can be read again", .0.display())]
    NoFile(PathBuf),
    #[error("{} changed, which needs a restart: restart Serin, or write what was there", .0.join(" and "))]
    NeedsRestart(Vec<&'static str>),
    #[error(
        "admin listens beyond this machine, on a socket that was passed, and needs an [[access_key]]"
    )]
    Open,
    #[error(transparent)]
    AccessKey(#[from] AccessKeyError),
    #[error(transparent)]
    AccessLog(#[from] AccessLogError),
    #[error(transparent)]
    Control(#[from] CommandError),
}

/// What takes another config.
pub(super) struct Reloader {
    pub(super) fixed: Fixed,
    /// Whether admin may be open to everybody.
    pub(super) admin_is_local: bool,
    /// The account that the config in effect has.
    pub(super) account: (Account, Quotas),
    pub(super) admin: Arc<Admin>,
    pub(super) access_log: AccessLog,
    pub(super) set_policy: watch::Sender<Arc<Policy>>,
    pub(super) set_drain: watch::Sender<Duration>,
}

/// What only a restart changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fixed {
    listen: Listen,
    workers: Option<usize>,
    store: Option<PathBuf>,
    tls: Tls,
}

impl Fixed {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            listen: config.listen,
            workers: config.server.workers(),
            store: config.store_path.clone(),
            tls: config.tls.clone(),
        }
    }

    fn differing(&self, other: &Self) -> Vec<&'static str> {
        let differing = [
            (self.listen != other.listen, "[listen]"),
            (self.workers != other.workers, "`workers` in [server]"),
            (self.store != other.store, "[store]"),
            (self.tls != other.tls, "[tls]"),
        ];
        differing.into_iter().filter(|(differs, _)| *differs).map(|(_, what)| what).collect()
    }
}

impl Reloader {
    /// Makes `config` the one in effect, or changes nothing. Where it and the store
    /// disagree.
    ///
    /// A config that needs a restart is refused whole, as one with mistakes is: what
    /// runs is always what one file says. (Else an `[[access_key]]` might go while the
    /// address that needs it stays.)
    pub(super) async fn reload(&mut self, config: &Config) -> Result<Vec<Warning>, ReloadError> {
        let differing = self.fixed.differing(&Fixed::of(config));
        if !differing.is_empty() {
            return Err(ReloadError::NeedsRestart(differing));
        }
        let keys = access_keys(&config.access_keys, outside::variable)?;
        if keys.is_empty() && !self.admin_is_local {
            return Err(ReloadError::Open);
        }
        // Where it is open already, it is opened once more: what is there may have been renamed.
        let open_log = OpenLog::open(config.access_log.as_ref())?;
        // What the API made of the account stays while the config says the same of it.
        let account = (config.account.account.clone(), config.account.quotas);
        let account = (account != self.account).then_some(account);
        let mut declared = declared(config);
        declared.quotas = account.as_ref().map(|(_, quotas)| *quotas);
        let reload = admin::Reload {
            settings: settings(config),
            declared,
            keys,
            domain: config.domain.clone(),
            account: account.clone(),
        };
        let warnings = self.admin.reload(reload).await?;
        // What follows cannot fail.
        self.set_policy.send_replace(Arc::new(config.policy.clone()));
        self.set_drain.send_replace(config.server.drain_timeout);
        self.access_log.switch(open_log);
        if let Some(account) = account {
            self.account = account;
        }
        Ok(warnings)
    }
}
