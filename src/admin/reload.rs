//! Another config, while operators are answered.

use std::sync::PoisonError;

use super::Admin;
use crate::control::{CommandError, Warning};
use crate::model::{AccessKey, Account, Declared, Domain, Quotas};
use crate::routing::Settings;

/// What a config says to the control plane and to admin.
pub struct Reload {
    pub settings: Settings,
    pub declared: Declared,
    pub keys: Vec<AccessKey>,
    pub domain: Option<Domain>,
    /// `None` leaves the account as the API made it.
    pub account: Option<(Account, Quotas)>,
}

impl Admin {
    /// Makes `reload` the config in effect, or changes nothing. Where it and the store
    /// disagree.
    pub async fn reload(&self, reload: Reload) -> Result<Vec<Warning>, CommandError> {
        let Reload { settings, declared, keys, domain, account } = reload;
        // Quotas and the rest of the account change together.
        let changing = self.live_account.changing.lock().await;
        let warnings = self.control.reload(settings, declared).await?;
        // What follows cannot fail.
        if let Some((account, quotas)) = account {
            self.live_account.configure(account, quotas);
        }
        drop(changing);
        self.keyring.replace(keys);
        self.streams.rekey();
        *self.domain.write().unwrap_or_else(PoisonError::into_inner) = domain;
        Ok(warnings)
    }
}
