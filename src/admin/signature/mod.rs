//! Who is asking: both dialects' one way to tell, and what the caller may do.
//!
//! | who | proves it by |
//! | --- | --- |
//! | today's SDKs, `esa-cli`, `serin` | a V3 signature in `Authorization` |
//! | older SDKs, generic tools | a V1 signature in the parameters |
//! | people with curl | `Authorization: Bearer` and the secret |
//!
//! Of a request that is signed everything is that is read: of a V3 one method, path,
//! query, host, `x-acs-*`, body, and the fields that a change depends on. A V1 signature covers neither path nor JSON, so the
//! native API takes it of who reads, or made over the very path and without a body. A
//! temporary key's token is signed as any parameter is, and means nothing here.
//!
//! Checks run in this order: form of the signature, key, time, signature, nonce. A
//! nonce is remembered only once its request has proved right, and for as long as the
//! request would be taken, but not over a restart.

mod canonical;
mod denied;
mod nonces;
mod v1;
mod v3;

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use hmac::{Hmac, KeyInit, Mac};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Method, Uri};
use sha1::Sha1;
use sha2::Sha256;

pub(super) use self::denied::Denied;
use self::nonces::{NonceError, Nonces};
pub(super) use self::v3::IDEMPOTENCY_KEY;
use super::time::{from_seconds_text, rfc3339_seconds};
use crate::model::{AccessKey, AccessKeyId, Secret, Timestamp};

/// How far a request's time may be from ours, either way.
const SKEW_MAX_NS: i64 = 15 * 60 * 1_000_000_000;

/// The access keys, and which of their nonces were used. Without any, everybody may do
/// everything and signatures mean nothing.
#[derive(Default)]
pub struct Keyring(RwLock<Keys>);

type Keys = Arc<[Arc<Key>]>;

struct Key {
    access: AccessKey,
    /// Those of the same key under another config, too.
    nonces: Arc<Mutex<Nonces>>,
}

/// Whether a call changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Reads,
    Writes,
}

/// Who sent a request: the key, unless there is none. By default everybody.
#[derive(Clone, Default)]
pub(super) struct Caller(Option<Arc<Key>>);

impl Caller {
    /// `None` is everybody.
    pub(super) fn key(&self) -> Option<&AccessKeyId> {
        self.0.as_ref().map(|key| &key.access.id)
    }

    pub(super) fn may(&self, effect: Effect) -> Result<(), Denied> {
        match &self.0 {
            Some(key) if key.access.read_only && effect == Effect::Writes => {
                Err(Denied::ReadOnly(key.access.id.clone()))
            }
            _ => Ok(()),
        }
    }
}

impl Keyring {
    /// Keys of which no two share an id or a secret.
    pub fn new(keys: Vec<AccessKey>) -> Self {
        let keyring = Self::default();
        keyring.replace(keys);
        keyring
    }

    /// Lets these call from now on, and nobody else. A key that stays keeps its nonces,
    /// or a reload would let every recent request in once more.
    pub(super) fn replace(&self, keys: Vec<AccessKey>) {
        let before = self.keys();
        let key = |access: AccessKey| {
            let same =
                |key: &&Arc<Key>| key.access.id == access.id && key.access.secret == access.secret;
            let nonces = before.iter().find(same).map(|key| key.nonces.clone());
            Arc::new(Key { access, nonces: nonces.unwrap_or_default() })
        };
        let keys = keys.into_iter().map(key).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    fn keys(&self) -> Keys {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys().is_empty()
    }

    /// Who calls an action.
    pub(super) fn caller_of_action(
        &self,
        request: &Parts,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Caller, Denied> {
        match self.caller(request, body, now) {
            Err(Denied::Unsigned) if v1::is_claimed(request, body) => {
                self.owner(&v1::claim(request, body, "/")?, now)
            }
            told => told,
        }
    }

    /// Who calls the native API. A signature in the parameters covers no JSON, so a body
    /// needs another one; and of who only reads it may be made over `/`, the one path
    /// that its clients know.
    pub(super) fn caller_of_path(
        &self,
        request: &Parts,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Caller, Denied> {
        match self.caller(request, body, now) {
            Err(Denied::Unsigned) if v1::is_claimed(request, body) => {
                let over = |path| self.owner(&v1::claim(request, body, path)?, now);
                let only_reads = matches!(request.method, Method::GET | Method::HEAD);
                match over(request.uri.path()) {
                    Err(Denied::Mismatch { .. }) if only_reads => over("/"),
                    told => told,
                }
            }
            told => told,
        }
    }

    /// Who sent a request, where only `Authorization` can tell.
    fn caller(&self, request: &Parts, body: &[u8], now: Timestamp) -> Result<Caller, Denied> {
        if self.is_empty() {
            return Ok(Caller(None));
        }
        let mut lines = request.headers.get_all(AUTHORIZATION).iter();
        let line = lines.next();
        if lines.next().is_some() {
            return Err(Denied::Incomplete("`Authorization` came twice".to_owned()));
        }
        let Some(text) = line.and_then(|line| line.to_str().ok()) else {
            return Err(Denied::Unsigned);
        };
        match text.split_once(' ') {
            _ if text.starts_with("ACS3-") => self.owner(&v3::claim(text, request, body)?, now),
            Some((scheme, secret)) if scheme.eq_ignore_ascii_case("Bearer") => {
                self.bearer(secret.trim())
            }
            _ => Err(Denied::Unsigned),
        }
    }

    /// Whose secret this is.
    fn bearer(&self, secret: &str) -> Result<Caller, Denied> {
        // Codes of one text under either secret compare in constant time whatever the
        // secrets' lengths, and all are compared, so time tells nothing.
        let code = |secret: &str| hmac_sha256(secret, "").finalize();
        let shown = code(secret);
        let mut owner = Err(Denied::UnknownSecret);
        for key in self.keys().iter() {
            if code(key.access.secret.expose()) == shown {
                owner = Ok(Caller(Some(key.clone())));
            }
        }
        owner
    }

    /// The key that `claim` names, when the claim is true and new.
    fn owner(&self, claim: &Claim, now: Timestamp) -> Result<Caller, Denied> {
        let named = |key: &&Arc<Key>| key.access.id.as_str() == claim.key_id;
        let key = self.keys().iter().find(named).cloned();
        let key = key.ok_or_else(|| Denied::UnknownKey(claim.key_id.clone()))?;
        let signed = from_seconds_text(&claim.moment)
            .ok_or_else(|| Denied::TimeFormat(claim.moment.clone()))?;
        if now.0.abs_diff(signed.0) > SKEW_MAX_NS.unsigned_abs() {
            let (signed, now) = (claim.moment.clone(), rfc3339_seconds(now));
            return Err(Denied::Expired { signed, now });
        }
        if !claim.is_by(&key.access.secret) {
            let string_to_sign = claim.string_to_sign.clone();
            return Err(Denied::Mismatch { string_to_sign, canonical: claim.canonical.clone() });
        }
        let end = signed.0.saturating_add(SKEW_MAX_NS);
        // A panic elsewhere leaves the nonces as they were.
        let mut nonces = key.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        nonces.take(&claim.nonce, end, now.0).map_err(|error| match error {
            NonceError::Used => Denied::NonceUsed(claim.nonce.clone()),
            NonceError::Full => Denied::TooManyNonces,
        })?;
        drop(nonces);
        Ok(Caller(Some(key)))
    }
}

/// The target of a request without what only signs it, for who reads every parameter.
pub(super) fn unsigned(target: &Uri) -> Uri {
    let unsigned = target.path_and_query().and_then(|target| {
        let query = v1::unsigned(target.query()?);
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{mark}{query}", target.path()).parse().ok()
    });
    unsigned.unwrap_or_else(|| target.clone())
}

/// What a signature says, yet to be proved.
struct Claim {
    key_id: String,
    moment: String,
    nonce: String,
    string_to_sign: String,
    /// What the string to sign is a digest of, if it is one.
    canonical: Option<String>,
    proof: Proof,
}

enum Proof {
    Sha256(Vec<u8>),
    Sha1(Vec<u8>),
    /// The request contradicts itself, so nothing proves it.
    Void,
}

impl Claim {
    /// Whether `secret` made the proof. In constant time, or a signature could be
    /// guessed octet by octet.
    fn is_by(&self, secret: &Secret) -> bool {
        let (secret, text) = (secret.expose(), &self.string_to_sign);
        match &self.proof {
            Proof::Sha256(signature) => hmac_sha256(secret, text).verify_slice(signature).is_ok(),
            Proof::Sha1(signature) => {
                let mac = Hmac::<Sha1>::new_from_slice(format!("{secret}&").as_bytes());
                let mac = mac.expect("HMAC takes a key of any length").chain_update(text);
                mac.verify_slice(signature).is_ok()
            }
            Proof::Void => false,
        }
    }
}

fn hmac_sha256(secret: &str, text: &str) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    mac.expect("HMAC takes a key of any length").chain_update(text)
}

#[cfg(test)]
fn mac_sha256(secret: &str, text: &str) -> Vec<u8> {
    hmac_sha256(secret, text).finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_config_lets_no_request_in_twice_while_its_key_stays() {
        let key = |secret: &str, read_only| AccessKey {
            id: AccessKeyId::new("a").expect("an id"),
            secret: Secret::new(secret).expect("a secret"),
            read_only,
        };
        let now = Timestamp(1_700_000_000_000_000_000);
        let claim = |secret| Claim {
            key_id: "a".to_owned(),
            moment: rfc3339_seconds(now),
            nonce: "once".to_owned(),
            string_to_sign: "text".to_owned(),
            canonical: None,
            proof: Proof::Sha256(mac_sha256(secret, "text")),
        };
        let keyring = Keyring::new(vec![key("first", false)]);
        assert!(keyring.owner(&claim("first"), now).is_ok());
        keyring.replace(vec![key("first", true)]);
        assert!(matches!(keyring.owner(&claim("first"), now), Err(Denied::NonceUsed(_))));
        // Of another secret nothing was let in.
        keyring.replace(vec![key("second", true)]);
        assert!(keyring.owner(&claim("second"), now).is_ok());
    }
}
