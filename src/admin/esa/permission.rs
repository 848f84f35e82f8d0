//! Leave to upload, as OSS gives it: a policy in base64, signed with HMAC-SHA1.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha1::Sha1;

use crate::admin::time::rfc3339_seconds;
use crate::control::CODE_MAX_BYTES;
use crate::model::{RoutineName, Timestamp};

/// How long an upload may be started, as ESA's credentials have it.
const LIFETIME_NS: i64 = 5 * 60 * 1_000_000_000;

/// Leave to fill one routine's staging slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Permission {
    pub(super) key: String,
    expires: Timestamp,
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
    pub(super) fn new(name: &RoutineName, account: &str, now: Timestamp) -> Self {
        Self {
            key: format!("{KEY_FOLDER}{name}.{account}{KEY_ENDING}"),
            expires: Timestamp(now.0.saturating_add(LIFETIME_NS)),
        }
    }

    pub(super) fn sign(&self, secret: &[u8]) -> Signed {
        let policy = json!({
            "expiration": rfc3339_seconds(self.expires),
            "conditions": [
                ["eq", "$key", self.key],
                ["content-length-range", 0, CODE_MAX_BYTES],
            ],
        });
        let policy = BASE64_STANDARD.encode(policy.to_string());
        let signature = BASE64_STANDARD.encode(mac(secret, &policy).finalize().into_bytes());
        Signed { policy, signature }
    }
}

/// The routine whose slot may be filled under `key` by whoever holds this policy.
///
/// # Errors
///
/// Why nothing may be uploaded.
pub(super) fn verify(
    secret: &[u8],
    policy: &str,
    signature: &str,
    key: &str,
    now: Timestamp,
) -> Result<RoutineName, &'static str> {
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
    routine_of(key).ok_or(unreadable)
}

const KEY_FOLDER: &str = "site_er_js/";
const KEY_ENDING: &str = ".unstable.js";

/// `site_er_js/<routine>.<account>.unstable.js`; a routine's name has no dot.
fn routine_of(key: &str) -> Option<RoutineName> {
    let stem = key.strip_prefix(KEY_FOLDER)?.strip_suffix(KEY_ENDING)?;
    RoutineName::new(stem.split_once('.')?.0).ok()
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
        Permission::new(&RoutineName::new("shop").unwrap(), "154edaf6", NOW)
    }

    fn later(seconds: i64) -> Timestamp {
        Timestamp(NOW.0 + seconds * 1_000_000_000)
    }

    #[test]
    fn a_permission_names_its_routine() {
        let permission = permission();
        assert_eq!(permission.key, "site_er_js/shop.154edaf6.unstable.js");
        let signed = permission.sign(&SECRET);
        let name = verify(&SECRET, &signed.policy, &signed.signature, &permission.key, NOW);
        assert_eq!(name.unwrap().as_str(), "shop");
    }

    #[test]
    fn a_permission_lasts_five_minutes() {
        let permission = permission();
        let signed = permission.sign(&SECRET);
        let at = |now| verify(&SECRET, &signed.policy, &signed.signature, &permission.key, now);
        assert!(at(later(299)).is_ok());
        assert!(at(later(300)).unwrap_err().contains("expired"));
    }

    #[test]
    fn what_was_not_signed_here_opens_nothing() {
        let permission = permission();
        let signed = permission.sign(&SECRET);
        let (policy, signature, key) = (&signed.policy, &signed.signature, &permission.key);
        let other = Permission::new(&RoutineName::new("other").unwrap(), "154edaf6", NOW);
        let other_policy = other.sign(&SECRET).policy;
        for (secret, policy, signature, key) in [
            ([8; 32], policy, signature, key),
            (SECRET, &other_policy, signature, key),
            (SECRET, policy, &String::new(), key),
            (SECRET, policy, &"?".to_owned(), key),
            (SECRET, policy, signature, &other.key),
        ] {
            assert!(verify(&secret, policy, signature, key, NOW).is_err());
        }
    }

    #[test]
    fn signatures_are_those_of_oss() {
        // Made with `printf cG9saWN5 | openssl dgst -sha1 -hmac testsecret -binary | base64`.
        let signature = mac(b"testsecret", "cG9saWN5").finalize().into_bytes();
        assert_eq!(BASE64_STANDARD.encode(signature), "d7t2+Pguh00ULMeHr/gFNr4VsbI=");
    }
}
