//! What happens to headers on their way through: a rule a function.

use std::net::IpAddr;
use std::rc::Rc;

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, FORWARDED, HOST, MAX_FORWARDS, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, SET_COOKIE, TE, TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};

use super::fields::elements;
use super::guard::max_forwards;
use super::trailers;
use crate::model::{Endpoint, Headers, Transport, TrustedProxies};
use crate::routing::{Answerer, Decision, SubjectName};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

const X_SERIN_APP: HeaderName = HeaderName::from_static("x-serin-app");
const X_SERIN_ASSIGNED: HeaderName = HeaderName::from_static("x-serin-assigned");
const X_SERIN_DEPLOYMENT: HeaderName = HeaderName::from_static("x-serin-deployment");
const X_SERIN_REASON: HeaderName = HeaderName::from_static("x-serin-reason");
const X_SERIN_ROUTINE: HeaderName = HeaderName::from_static("x-serin-routine");
const X_SERIN_VERSION: HeaderName = HeaderName::from_static("x-serin-version");

/// Meant for the next hop alone (RFC 9110, section 7.6.1), named or not.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// What Serin calls itself in `Via`.
pub(super) const PSEUDONYM: &str = "serin";

/// The client of a connection, rendered once.
pub(super) struct Client {
    pub(super) address: IpAddr,
    text: HeaderValue,
    /// RFC 7239, section 6: an IPv6 address in brackets and quotes.
    forwarded_for: String,
    /// Whether it speaks TLS to us.
    secure: bool,
    trusted: bool,
}

impl Client {
    pub(super) fn new(address: IpAddr, secure: bool, trusted: &TrustedProxies) -> Self {
        let address = address.to_canonical();
        let text = HeaderValue::try_from(address.to_string()).expect("an address is ASCII");
        let forwarded_for = match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("\"[{address}]\""),
        };
        Self { address, text, forwarded_for, secure, trusted: trusted.contains(address) }
    }
}

impl Client {
    /// Whether a request came over HTTPS: to us, or to the trusted proxy that says so.
    pub(super) fn is_secure(&self, headers: &HeaderMap) -> bool {
        match headers.get(X_FORWARDED_PROTO).filter(|_| self.trusted) {
            Some(scheme) => scheme.as_bytes().eq_ignore_ascii_case(b"https"),
            None => self.secure,
        }
    }

    pub(super) fn is_trusted(&self) -> bool {
        self.trusted
    }

    /// The same client for a request, by a table that may be younger than the connection.
    pub(super) fn trusted_as(self: Rc<Self>, trusted: bool) -> Rc<Self> {
        if self.trusted == trusted {
            return self;
        }
        let Self { address, secure, .. } = *self;
        let (text, forwarded_for) = (self.text.clone(), self.forwarded_for.clone());
        Rc::new(Self { address, text, forwarded_for, secure, trusted })
    }

    /// How it speaks to us.
    fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }
}

/// Makes a client's head one for `endpoint`.
pub(super) fn to_upstream(
    Parts { method, uri, headers, version, .. }: &mut Parts,
    client: &Client,
    endpoint: &Endpoint,
    policy: Headers,
) {
    let host = take_target(uri, headers);
    let wants_trailers = trailers::are_wanted(headers);
    strip_hop_by_hop(headers);
    if *version < Version::HTTP_11 {
        // RFC 9110, section 10.1.1: it cannot mean it.
        headers.remove(EXPECT);
    }
    if wants_trailers {
        // RFC 9110, section 10.1.4: said on behalf of the client, and for one hop again.
        headers.insert(TE, HeaderValue::from_static("trailers"));
        if endpoint.transport() == Transport::Http1 {
            headers.insert(CONNECTION, HeaderValue::from_static("te"));
        }
    }
    if let (&Method::OPTIONS, Some(left)) = (&*method, max_forwards(headers)) {
        headers.insert(MAX_FORWARDS, HeaderValue::from(left.saturating_sub(1)));
    }
    forward(headers, client, host.as_ref(), policy.forwarded);
    append(headers, VIA, via(*version));
    match host {
        Some(host) if policy.preserve_host => drop(headers.insert(HOST, host)),
        _ => {
            let authority = HeaderValue::from_str(endpoint.authority());
            headers.insert(HOST, authority.expect("an authority is visible ASCII"));
        }
    }
}

/// The host that the client asked for, and a target in origin form.
///
/// RFC 9112, section 3.2.2: the authority of an absolute target replaces what
/// `Host` says.
fn take_target(uri: &mut Uri, headers: &HeaderMap) -> Option<HeaderValue> {
    let Some(authority) = uri.authority() else {
        return headers.get(HOST).cloned();
    };
    let host = HeaderValue::from_str(authority.as_str()).ok();
    let target = match uri.path_and_query() {
        // As it prints, the path that it goes without is there.
        Some(target) if target.as_str().starts_with('?') => target.to_string().try_into().ok(),
        target => target.cloned(),
    };
    *uri = Uri::from(target.unwrap_or(PathAndQuery::from_static("/")));
    host
}

/// Removes what must not travel past this hop.
///
/// `Connection` may appear more than once, and each line names more headers to
/// drop; reading only the first lets a client smuggle a header through. `Host` and
/// `Content-Length` are no options of a connection, whoever names them.
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = elements(headers, CONNECTION)
            .filter_map(|name| HeaderName::from_bytes(name).ok())
            .filter(|name| *name != HOST && *name != CONTENT_LENGTH)
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Says who the client is. A trusted proxy's word is kept and continued; what
/// others claim is replaced.
fn forward(headers: &mut HeaderMap, client: &Client, host: Option<&HeaderValue>, rfc7239: bool) {
    if !client.trusted {
        headers.remove(FORWARDED);
        // Whatever comes after the hyphen: `-Port` and `-Prefix` are believed as well.
        let is_claim = |name: &&HeaderName| name.as_str().starts_with("x-forwarded-");
        let claims: Vec<HeaderName> = headers.keys().filter(is_claim).cloned().collect();
        for name in claims {
            headers.remove(name);
        }
    }
    if rfc7239 {
        append(headers, FORWARDED, forwarded(client, host));
    }
    append(headers, X_FORWARDED_FOR, client.text.clone());
    headers.entry(X_FORWARDED_PROTO).or_insert(HeaderValue::from_static(client.scheme()));
    if let Some(host) = host {
        headers.entry(X_FORWARDED_HOST).or_insert_with(|| host.clone());
    }
}

/// One element of RFC 7239's `Forwarded`.
fn forwarded(client: &Client, host: Option<&HeaderValue>) -> HeaderValue {
    // Quoted, for the colon of a port; a host holds neither quotes nor backslashes.
    let host = host.and_then(|host| host.to_str().ok());
    let host = host.map(|host| format!(";host=\"{host}\"")).unwrap_or_default();
    let element = format!("for={};proto={}{host}", client.forwarded_for, client.scheme());
    HeaderValue::try_from(element).expect("addresses and hosts are visible ASCII")
}

/// Adds `value` to the list that a field holds, on one line with what is there.
fn append(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    let Some(_) = headers.get(&name) else {
        headers.insert(name, value);
        return;
    };
    let mut lines: Vec<&[u8]> = headers.get_all(&name).iter().map(HeaderValue::as_bytes).collect();
    lines.push(value.as_bytes());
    let joined = HeaderValue::from_bytes(&lines.join(&b", "[..]));
    headers.insert(name, joined.expect("values joined by commas are a value"));
}

/// Makes an upstream's head one for the client.
pub(super) fn to_client(version: Version, headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
    append(headers, VIA, via(version));
}

/// The version is that in which the message came (RFC 9110, section 7.6.3).
fn via(received: Version) -> HeaderValue {
    HeaderValue::from_static(match received {
        Version::HTTP_10 => "1.0 serin",
        Version::HTTP_2 => "2.0 serin",
        _ => "1.1 serin",
    })
}

/// Says who answered and why. An upstream's own word on it is replaced.
pub(super) fn disclose(headers: &mut HeaderMap, decision: &Decision) {
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
pub(super) fn set_minted_key(headers: &mut HeaderMap, decision: &Decision, secure: bool) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absolute_target_becomes_one_that_begins_with_its_path() {
        for (absolute, origin) in [
            ("http://a.test/b?c", "/b?c"),
            ("http://a.test", "/"),
            ("http://a.test?c", "/?c"),
            ("http://a.test/?c", "/?c"),
        ] {
            let mut uri = Uri::from_static(absolute);
            let host = take_target(&mut uri, &HeaderMap::new());
            assert_eq!(host.unwrap(), "a.test");
            // HTTP/2 says it as it stands.
            assert_eq!(uri.path_and_query().unwrap().as_str(), origin, "{absolute}");
        }
    }
}
