//! Heads of responses, on their way back to clients.

use http::header::{SET_COOKIE, VIA};
use http::{HeaderMap, HeaderName, HeaderValue, Version};

use super::{is_hop_by_hop, named, via};
use crate::routing::{Answerer, Decision, SubjectName};

const X_SERIN_APP: HeaderName = HeaderName::from_static("x-serin-app");
const X_SERIN_ASSIGNED: HeaderName = HeaderName::from_static("x-serin-assigned");
const X_SERIN_DEPLOYMENT: HeaderName = HeaderName::from_static("x-serin-deployment");
const X_SERIN_REASON: HeaderName = HeaderName::from_static("x-serin-reason");
const X_SERIN_ROUTINE: HeaderName = HeaderName::from_static("x-serin-routine");
const X_SERIN_VERSION: HeaderName = HeaderName::from_static("x-serin-version");

/// All of what is said of a decision.
const SAID: [HeaderName; 6] = [
    X_SERIN_APP,
    X_SERIN_ASSIGNED,
    X_SERIN_DEPLOYMENT,
    X_SERIN_REASON,
    X_SERIN_ROUTINE,
    X_SERIN_VERSION,
];

/// Makes an upstream's head one for the client.
pub(in crate::proxy) fn to_client(version: Version, headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
    let via = HeaderValue::from_static(via(version));
    if headers.contains_key(VIA) {
        let mut lines: Vec<&[u8]> =
            headers.get_all(VIA).iter().map(HeaderValue::as_bytes).collect();
        lines.push(via.as_bytes());
        let joined = HeaderValue::from_bytes(&lines.join(&b", "[..]));
        headers.insert(VIA, joined.expect("values joined by commas are a value"));
    } else {
        headers.insert(VIA, via);
    }
}

/// Removes what must not travel past this hop, by its nature or because `Connection` names
/// it.
fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named = named(headers).into_iter().filter_map(|name| HeaderName::from_bytes(name).ok());
    for name in named.collect::<Vec<_>>() {
        headers.remove(name);
    }
    while let Some(name) = headers.keys().find(|name| is_hop_by_hop(name)).cloned() {
        headers.remove(name);
    }
}

/// Says who answered and why. An upstream's own word on it is replaced.
pub(in crate::proxy) fn disclose(headers: &mut HeaderMap, decision: &Decision) {
    if headers.keys().any(|name| name.as_str().starts_with("x-serin-")) {
        for said in SAID {
            headers.remove(said);
        }
    }
    match &decision.answerer {
        Answerer::Version(target) => {
            let subject = match target.subject {
                SubjectName::Routine(_) => X_SERIN_ROUTINE,
                SubjectName::App(_) => X_SERIN_APP,
            };
            headers.insert(subject, target.subject_value.clone());
            headers.insert(X_SERIN_VERSION, target.version_value.clone());
            if let Some(deployment) = &target.deployment_value {
                headers.insert(X_SERIN_DEPLOYMENT, deployment.clone());
            }
            if let Some(assigned) = &decision.assigned {
                headers.insert(X_SERIN_ASSIGNED, assigned.version_value.clone());
            }
        }
        Answerer::Origin(origin) => {
            if let Some((_, routine)) = &origin.routine {
                headers.insert(X_SERIN_ROUTINE, routine.clone());
            }
        }
    }
    headers.insert(X_SERIN_REASON, HeaderValue::from_static(decision.reason.as_str()));
}

/// A year, in seconds.
const MINTED_MAX_AGE: u32 = 31_536_000;

/// Lets the client keep the key that was minted for it.
pub(in crate::proxy) fn set_minted_key(headers: &mut HeaderMap, decision: &Decision, secure: bool) {
    if let Some(minted) = &decision.minted {
        let secure = if secure { "; Secure" } else { "" };
        let cookie = format!(
            "{}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={MINTED_MAX_AGE}{secure}",
            minted.cookie, minted.value
        );
        let cookie = HeaderValue::try_from(cookie).expect("a cookie's name is a token");
        headers.append(SET_COOKIE, cookie);
    }
}
