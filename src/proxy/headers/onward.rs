//! Heads of requests, on their way on to upstreams: a rule a field.
//!
//! A head is not rewritten. It stays as it came and is told field by field, in the words
//! that whoever hears it wants, as often as there are attempts to send it.

use http::header::{
    CONNECTION, FORWARDED, HOST, MAX_FORWARDS, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};

use super::{
    Client, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO, is_hop_by_hop, named, via,
};
use crate::model::{Endpoint, Headers, Policy, TRACEPARENT};
use crate::proxy::connect::Protocol;
use crate::proxy::guard::max_forwards;
use crate::proxy::trace::Traced;
use crate::proxy::trailers;
use crate::proxy::upgrade::Asked;
use crate::proxy::upload::Upload;

const TRACEPARENT_FIELD: HeaderName = HeaderName::from_static(TRACEPARENT);

/// The head of a request to an endpoint.
pub(in crate::proxy) trait Head {
    fn method(&self) -> &Method;

    /// The target in origin form, or `*`: what it begins with, and the rest.
    fn target(&self) -> (&'static str, &str);

    /// Whether it asks for another protocol.
    fn switches(&self) -> bool {
        false
    }

    /// Whether HTTP/1.1 is told that content comes in chunks.
    fn is_chunked(&self) -> bool {
        false
    }

    /// The trailer fields that are announced, as a list.
    fn announces(&self) -> Option<&HeaderValue> {
        None
    }

    /// Tells the fields that `endpoint` is sent in this version.
    fn tell(&self, endpoint: &Endpoint, protocol: Protocol, to: &mut impl Fields);
}

/// Who is told a head, field by field.
pub(in crate::proxy) trait Fields {
    /// A field as it came.
    fn pass(&mut self, name: &HeaderName, value: &HeaderValue);

    /// A field of ours, which is one.
    fn say(&mut self, name: &HeaderName, value: &[u8]);
}

impl Fields for HeaderMap {
    fn pass(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.append(name.clone(), value.clone());
    }

    fn say(&mut self, name: &HeaderName, value: &[u8]) {
        let value = HeaderValue::from_bytes(value).expect("what is said is a value");
        self.append(name.clone(), value);
    }
}

/// A client's request, as it goes on.
pub(in crate::proxy) struct Onward<'a> {
    parts: &'a Parts,
    client: &'a Client,
    policy: Headers,
    /// The host that the client asks for.
    host: Option<&'a [u8]>,
    /// The protocol that it may go on in.
    asked: Option<Asked>,
    /// What `Connection` names, beside what is never passed on.
    named: Vec<&'a [u8]>,
    wants_trailers: bool,
    has_body: bool,
    is_chunked: bool,
    trailer: Option<HeaderValue>,
    max_forwards: Option<u64>,
    /// Where it stands in a trace, if that is not what the client says.
    traced: Option<Traced>,
}

impl<'a> Onward<'a> {
    pub(in crate::proxy) fn new(
        parts: &'a Parts,
        upload: &Upload,
        client: &'a Client,
        policy: &Policy,
        traced: Option<Traced>,
    ) -> Self {
        let headers = &parts.headers;
        let is_chunked = upload.is_chunked();
        // One walk over what there is costs less than to ask for what there may be.
        let (mut host, mut connects, mut takes) = (None, false, false);
        for (name, value) in headers {
            match *name {
                HOST => host = Some(value.as_bytes()),
                CONNECTION => connects = true,
                TE => takes = true,
                _ => {}
            }
        }
        let host = parts.uri.authority().map(|authority| authority.as_str().as_bytes()).or(host);
        let mut onward = Self {
            parts,
            client,
            policy: policy.headers,
            host,
            asked: if connects { Asked::of(parts, &policy.upgrades) } else { None },
            named: if connects { named(headers) } else { Vec::new() },
            wants_trailers: takes && trailers::are_wanted(headers),
            has_body: !upload.is_empty(),
            is_chunked,
            trailer: None,
            max_forwards: None,
            traced: traced.filter(Traced::is_said_anew),
        };
        if is_chunked && !onward.is_named(&TRAILER) {
            onward.trailer = trailers::announced(headers);
        }
        if parts.method == Method::OPTIONS && !onward.is_named(&MAX_FORWARDS) {
            onward.max_forwards = max_forwards(headers);
        }
        onward
    }

    /// What it asks to go on in.
    pub(in crate::proxy) fn into_asked(self) -> Option<Asked> {
        self.asked
    }

    pub(in crate::proxy) fn wants_trailers(&self) -> bool {
        self.wants_trailers
    }

    fn is_named(&self, name: &HeaderName) -> bool {
        self.named.iter().any(|named| named.eq_ignore_ascii_case(name.as_str().as_bytes()))
    }

    /// Whether a field goes on as it came.
    fn passes(&self, name: &HeaderName) -> bool {
        let passes = match name.as_str() {
            // Said anew.
            "host" | "trailer" | "via" | "x-forwarded-for" => false,
            // RFC 9110, section 10.1.1: it cannot mean it, or there is nothing to be asked
            // for.
            "expect" => self.has_body && self.parts.version >= Version::HTTP_11,
            "forwarded" => self.client.is_trusted() && !self.policy.forwarded,
            "max-forwards" => self.max_forwards.is_none(),
            TRACEPARENT => self.traced.is_none(),
            "tracestate" => !self.traced.is_some_and(|traced| traced.begins()),
            // Whatever comes after the hyphen: `-Port` and `-Prefix` are believed as well.
            text if text.starts_with("x-forwarded-") => self.client.is_trusted(),
            _ => !is_hop_by_hop(name),
        };
        passes && (self.named.is_empty() || !self.is_named(name))
    }

    /// What the client says itself in a list that is continued: nothing, if its word is
    /// not for us to pass on.
    fn believed(&self, name: &HeaderName) -> impl Iterator<Item = &HeaderValue> {
        let is_believed = (*name == VIA || self.client.is_trusted()) && !self.is_named(name);
        let lines = is_believed.then(|| self.parts.headers.get_all(name));
        lines.into_iter().flatten()
    }

    /// Says a list that goes on with `value`, on one line with what is there.
    fn continue_list(&self, name: &HeaderName, value: &[u8], to: &mut impl Fields) {
        let mut lines = self.believed(name).map(HeaderValue::as_bytes).peekable();
        if lines.peek().is_none() {
            return to.say(name, value);
        }
        let lines: Vec<&[u8]> = lines.chain([value]).collect();
        to.say(name, &lines.join(&b", "[..]));
    }

    /// Says who the client is. A trusted proxy's word is kept and continued; what others
    /// claim is replaced.
    fn say_client(&self, to: &mut impl Fields) {
        if self.policy.forwarded {
            self.continue_list(&FORWARDED, &self.forwarded(), to);
        }
        self.continue_list(&X_FORWARDED_FOR, self.client.text.as_bytes(), to);
        if self.believed(&X_FORWARDED_PROTO).next().is_none() {
            to.say(&X_FORWARDED_PROTO, self.client.scheme().as_bytes());
        }
        if let Some(host) = self.host
            && self.believed(&X_FORWARDED_HOST).next().is_none()
        {
            to.say(&X_FORWARDED_HOST, host);
        }
    }

    /// One element of RFC 7239's `Forwarded`.
    fn forwarded(&self) -> Vec<u8> {
        let Self { client, host, .. } = self;
        let mut element = format!("for={};proto={}", client.forwarded_for, client.scheme());
        // Quoted, for the colon of a port; a host holds neither quotes nor backslashes.
        if let Some(host) = host.and_then(|host| std::str::from_utf8(host).ok()) {
            element.extend([";host=\"", host, "\""]);
        }
        element.into_bytes()
    }

    /// Says what is meant for this hop alone.
    fn say_hop(&self, protocol: Protocol, to: &mut impl Fields) {
        let is_http1 = protocol == Protocol::Http1;
        if let Some(asked) = &self.asked {
            // `Connection` says one thing, and another protocol has no trailers.
            if is_http1 {
                to.say(&CONNECTION, b"upgrade");
                to.pass(&UPGRADE, asked.value());
            }
        } else if self.wants_trailers {
            // RFC 9110, section 10.1.4: said on behalf of the client, and for one hop again.
            to.say(&TE, b"trailers");
            if is_http1 {
                to.say(&CONNECTION, b"te");
            }
        }
        if self.is_chunked && is_http1 {
            to.say(&TRANSFER_ENCODING, b"chunked");
        }
    }
}

impl Head for Onward<'_> {
    fn method(&self) -> &Method {
        &self.parts.method
    }

    fn target(&self) -> (&'static str, &str) {
        target(&self.parts.uri)
    }

    fn switches(&self) -> bool {
        self.asked.is_some()
    }

    fn is_chunked(&self) -> bool {
        self.is_chunked
    }

    fn announces(&self) -> Option<&HeaderValue> {
        self.trailer.as_ref()
    }

    fn tell(&self, endpoint: &Endpoint, protocol: Protocol, to: &mut impl Fields) {
        match self.host {
            Some(host) if self.policy.preserve_host => to.say(&HOST, host),
            _ => to.say(&HOST, endpoint.authority().as_bytes()),
        }
        for (name, value) in &self.parts.headers {
            if self.passes(name) {
                to.pass(name, value);
            }
        }
        if let Some(left) = self.max_forwards {
            to.pass(&MAX_FORWARDS, &HeaderValue::from(left.saturating_sub(1)));
        }
        if let Some(traced) = &self.traced {
            to.say(&TRACEPARENT_FIELD, &traced.parent.text());
        }
        self.say_client(to);
        self.continue_list(&VIA, via(self.parts.version).as_bytes(), to);
        if let Some(trailer) = &self.trailer {
            to.pass(&TRAILER, trailer);
        }
        self.say_hop(protocol, to);
    }
}

/// A target in origin form: what precedes what the client wrote, and that. An absolute one
/// may go without a path.
fn target(uri: &Uri) -> (&'static str, &str) {
    match uri.path_and_query().map_or("", |target| target.as_str()) {
        "" => ("/", ""),
        query if query.starts_with('?') => ("/", query),
        target => ("", target),
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
            ("/b?c", "/b?c"),
            ("*", "*"),
        ] {
            let uri = Uri::from_static(absolute);
            let (before, target) = target(&uri);
            assert_eq!([before, target].concat(), origin, "{absolute}");
        }
    }
}
