//! Heads of responses, on their way back to clients.

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, SET_COOKIE, VIA};
use http::{HeaderMap, HeaderName, HeaderValue, Version};

use super::{is_hop_by_hop, via};
use crate::proxy::fields::elements;
use crate::routing::{Answerer, Decision, SubjectName};

const X_SERIN_APP: HeaderName = HeaderName::from_static("x-serin-app");
const X_SERIN_ASSIGNED: HeaderName = HeaderName::from_static("x-serin-assigned");
const X_SERIN_DEPLOYMENT: HeaderName = HeaderName::from_static("x-serin-deployment");
const X_SERIN_REASON: HeaderName = HeaderName::from_static("x-serin-reason");
const X_SERIN_ROUTINE: HeaderName = HeaderName::from_static("x-serin-routine");
const X_SERIN_VERSION: HeaderName = HeaderName::from_static("x-serin-version");

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

/// Removes what must not travel past this hop.
///
/// `Connection` may appear more than once, and each line names more headers to
/// drop; reading only the first lets a client smuggle a header through. `Host` and
/// `Content-Length` are no options of a connection, whoever names them.
fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if !headers.keys().any(is_hop_by_hop) {
        return;
    }
    let named = elements(headers, CONNECTION).filter_map(|name| HeaderName::from_bytes(name).ok());
    let named = named.filter(|name| *name != HOST && *name != CONTENT_LENGTH);
    let by_nature = headers.keys().filter(|name| is_hop_by_hop(name)).cloned();
    let all: Vec<HeaderName> = named.chain(by_nature).collect();
    for name in all {
        headers.remove(name);
    }
}

/// Says who answered and why. An upstream's own word on it is replaced.
pub(in crate::proxy) fn disclose(headers: &mut HeaderMap, decision: &Decision) {
    match &decision.answerer {
        Answerer::Version(target) => {
            let (says, is_silent) = match target.subject {
                SubjectName::Routine(_) => (X_SERIN_ROUTINE, X_SERIN_APP),
                SubjectName::App(_) => (X_SERIN_APP, X_SERIN_ROUTINE),
            };
            headers.remove(is_silent);
            headers.insert(says, target.subject_value.clone());
            headers.insert(X_SERIN_VERSION, target.version_value.clone());
            match &target.deployment_value {
                Some(deployment) => drop(headers.insert(X_SERIN_DEPLOYMENT, deployment.clone())),
                None => drop(headers.remove(X_SERIN_DEPLOYMENT)),
            }
            match &decision.assigned {
                Some(assigned) => {
                    headers.insert(X_SERIN_ASSIGNED, assigned.version_value.clone());
                }
                None => drop(headers.remove(X_SERIN_ASSIGNED)),
            }
        }
        Answerer::Origin(origin) => {
            for is_silent in [X_SERIN_APP, X_SERIN_ASSIGNED, X_SERIN_VERSION, X_SERIN_DEPLOYMENT] {
                headers.remove(is_silent);
            }
            match &origin.routine {
                Some((_, routine)) => drop(headers.insert(X_SERIN_ROUTINE, routine.clone())),
                None => drop(headers.remove(X_SERIN_ROUTINE)),
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
