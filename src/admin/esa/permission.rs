//! Leave to upload, as OSS gives it: a policy in base64, signed with HMAC-SHA1.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha1::Sha1;

use super::bundle::ZIP_MAX_BYTES;
use super::upload::Form;
use crate::admin::time::rfc3339_seconds;
use crate::control::CODE_MAX_BYTES;
use crate::model::{CodeVersion, RoutineName, Timestamp};

/// How long an upload may be started, as ESA's credentials have it.
const LIFETIME_NS: i64 = 5 * 60 * 1_000_000_000;

/// Leave to upload one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Permission {
    pub(super) key: String,
    size_max_bytes: usize,
    expires: Timestamp,
}

/// What may be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// The code in a routine's staging slot.
    Slot(RoutineName),
    /// The zip of one version.
    Assets(RoutineName, CodeVersion),
}

/// A permission as the client carries it.
pub(super) struct Signed {
    pub(super) policy: String,
    pub(super) signature: String,
}

#[derive(Serialize, Deserialize)]
struct Policy {
    expiration: String,
    conditions: Vec<Value>,
}

impl Permission {
    pub(super) fn for_slot(name: &RoutineName, account: &str, now: Timestamp) -> Self {
        let key = format!("{SLOT_FOLDER}{name}.{account}{SLOT_ENDING}");
        Self::new(key, CODE_MAX_BYTES, now)
    }

    pub(super) fn for_assets(
        name: &RoutineName,
        code_version: &CodeVersion,
        account: &str,
        now: Timestamp,
    ) -> Self {
        let key = format!("{ASSETS_FOLDER}{name}.{account}.{code_version}{ASSETS_ENDING}");
        Self::new(key, ZIP_MAX_BYTES, now)
    }

    fn new(key: String, size_max_bytes: usize, now: Timestamp) -> Self {
        Self { key, size_max_bytes, expires: Timestamp(now.0.saturating_add(LIFETIME_NS)) }
    }

    pub(super) fn sign(&self, secret: &[u8]) -> Signed {
        let policy = json!({
            "expiration": rfc3339_seconds(self.expires),
            "conditions": [
                ["eq", "$key", self.key],
                ["content-length-range", 0, self.size_max_bytes],
            ],
        });
        let policy = BASE64_STANDARD.encode(policy.to_string());
        let signature = BASE64_STANDARD.encode(mac(secret, &policy).finalize().into_bytes());
        Signed { policy, signature }
    }
}

/// What may be uploaded under its key by whoever filled in this form.
///
/// # Errors
///
/// Why nothing may be uploaded.
pub(super) fn verify(secret: &[u8], form: &Form, now: Timestamp) -> Result<Target, &'static str> {
    let Form { policy, signature, key, .. } = form;
    let forged = "the signature does not match the policy";
    let signature = BASE64_STANDARD.decode(signature).map_err(|_| forged)?;
    // In constant time, or the signature could be guessed octet by octet.
    mac(secret, policy).verify_slice(&signature).map_err(|_| forged)?;
    // What we signed, we wrote; a secret that somebody knows is no reason to panic.
    let unreadable = "the policy is not one that was given here";
    let text = BASE64_STANDARD.decode(policy).map_err(|_| unreadable)?;
    let policy: Policy = serde_json::from_slice(&text).map_err(|_| unreadable)?;
    let expires: jiff::Timestamp = policy.expiration.parse().map_err(|_| unreadable)?;
    if expires.as_nanosecond() <= i128::from(now.0) {
        return Err("the policy has expired: ask for a new one");
    }
    if !policy.conditions.contains(&json!(["eq", "$key", key])) {
        return Err("the policy is for another key");
    }
    target_of(key).ok_or(unreadable)
}

const SLOT_FOLDER: &str = "site_er_js/";
const SLOT_ENDING: &str = ".unstable.js";
const ASSETS_FOLDER: &str = "site_er_assets/";
const ASSETS_ENDING: &str = ".zip";

/// `site_er_js/<routine>.<account>.unstable.js` or
/// `site_er_assets/<routine>.<account>.<version>.zip`; neither a routine's name nor the
/// account has a dot.
fn target_of(key: &str) -> Option<Target> {
    if let Some(key) = key.strip_prefix(SLOT_FOLDER) {
        let (name, _account) = key.strip_suffix(SLOT_ENDING)?.split_once('.')?;
        return RoutineName::new(name).ok().map(Target::Slot);
    }
    let key = key.strip_prefix(ASSETS_FOLDER)?.strip_suffix(ASSETS_ENDING)?;
    let (name, rest) = key.split_once('.')?;
    let (_account, code_version) = rest.split_once('.')?;
    let name = RoutineName::new(name).ok()?;
    CodeVersion::new(code_version).ok().map(|version| Target::Assets(name, version))
}

fn mac(secret: &[u8], policy: &str) -> Hmac<Sha1> {
    let mac = Hmac::<Sha1>::new_from_slice(secret).expect("HMAC takes a key of any length");
    mac.chain_update(policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 32] = [7; 32];
    const NOW: Timestamp = Timestamp(1_710_120_201_067_203_242);

    fn permission() -> Permission {
        Permission::for_slot(&RoutineName::new("shop").unwrap(), "154edaf6", NOW)
    }

    fn form(policy: &str, signature: &str, key: &str) -> Form {
        let texts = [policy, signature, key].map(str::to_owned);
        let [policy, signature, key] = texts;
        Form { key, policy, signature, ..Form::default() }
    }

    fn later(seconds: i64) -> Timestamp {
        Timestamp(NOW.0 + seconds * 1_000_000_000)
    }

    #[test]
    fn a_permission_names_its_routine() {
        let permission = permission();
        assert_eq!(permission.key, "site_er_js/shop.154edaf6.unstable.js");
        let signed = permission.sign(&SECRET);
        let form = form(&signed.policy, &signed.signature, &permission.key);
        let name = RoutineName::new("shop").unwrap();
        assert_eq!(verify(&SECRET, &form, NOW), Ok(Target::Slot(name)));
    }

    #[test]
    fn a_permission_for_assets_names_its_version() {
        let name = RoutineName::new("shop").unwrap();
        let version = CodeVersion::new("1710120201067203242").unwrap();
        let permission = Permission::for_assets(&name, &version, "154edaf6", NOW);
        assert_eq!(permission.key, "site_er_assets/shop.154edaf6.1710120201067203242.zip");
        let signed = permission.sign(&SECRET);
        let form = form(&signed.policy, &signed.signature, &permission.key);
        assert_eq!(verify(&SECRET, &form, NOW), Ok(Target::Assets(name, version)));
    }

    #[test]
    fn a_permission_lasts_five_minutes() {
        let permission = permission();
        let signed = permission.sign(&SECRET);
        let form = form(&signed.policy, &signed.signature, &permission.key);
        let at = |now| verify(&SECRET, &form, now);
        assert!(at(later(299)).is_ok());
        assert!(at(later(300)).unwrap_err().contains("expired"));
    }

    #[test]
    fn what_was_not_signed_here_opens_nothing() {
        let permission = permission();
        let signed = permission.sign(&SECRET);
        let (policy, signature, key) = (&signed.policy, &signed.signature, &permission.key);
        let other = Permission::for_slot(&RoutineName::new("other").unwrap(), "154edaf6", NOW);
        let other_policy = other.sign(&SECRET).policy;
        for (secret, policy, signature, key) in [
            ([8; 32], policy, signature, key),
            (SECRET, &other_policy, signature, key),
            (SECRET, policy, &String::new(), key),
            (SECRET, policy, &"?".to_owned(), key),
            (SECRET, policy, signature, &other.key),
        ] {
            assert!(verify(&secret, &form(policy, signature, key), NOW).is_err());
        }
    }

    #[test]
    fn signatures_are_those_of_oss() {
        // Made with `printf cG9saWN5 | openssl dgst -sha1 -hmac testsecret -binary | base64`.
        let signature = mac(b"testsecret", "cG9saWN5").finalize().into_bytes();
        assert_eq!(BASE64_STANDARD.encode(signature), "d7t2+Pguh00ULMeHr/gFNr4VsbI=");
    }
}
