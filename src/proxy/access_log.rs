//! A request whose course is complete, as a line of the access log.

use std::fmt::Write as _;
use std::net::IpAddr;

use http::header::{HeaderName, REFERER, USER_AGENT};
use http::request::Parts;
use http::{HeaderValue, Version};

use super::handle::asked_host;
use super::passage::{Ending, Passage};
use super::worker::Worker;
use crate::model::{Endpoint, KeySource, Position};
use crate::observe::{Flags, Line, Subject};
use crate::routing::{Answerer, Decision, Target, User, client_address};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

impl Worker {
    /// Writes a line about a request whose course is complete, and makes a span of it, as far
    /// as either is wanted. Apart from what every request comes by.
    #[inline(never)]
    pub(super) fn write_down(&self, passage: &Passage<'_>) {
        let mut address = String::new();
        let line = self.line_of(passage, &mut address);
        self.access_log.write(&line);
        if let Some(traced) = passage.traced.filter(|traced| traced.is_recorded) {
            let client = &passage.visitor.client;
            let is_secure = passage.asking.parts().is_some_and(|it| client.is_secure(&it.headers));
            self.proxy.spans.record(&line, traced.caller, is_secure);
        }
    }

    fn line_of<'p>(&self, passage: &'p Passage<'_>, address: &'p mut String) -> Line<'p> {
        let Passage { visitor, notes, decision, .. } = passage;
        let duration = passage.duration();
        let parts = passage.asking.parts();
        let said = |name: &HeaderName| said(parts?, name);
        let error = passage.error.or(match passage.ending {
            Ending::OfUpstream(kind) => Some(kind),
            Ending::Whole | Ending::OfClient => None,
        });
        let asked = decision.as_ref().map(Asked::of).unwrap_or_default();
        let is_answered = passage.error.is_none() && passage.status.is_some();
        let attempts = notes.attempts();
        Line {
            began: self.access_log.before_now(duration),
            request_id: said(&X_REQUEST_ID),
            trace: passage.traced.map(|traced| traced.parent),
            client: self.client_of(passage, address),
            method: parts.map_or("", |parts| parts.method.as_str()),
            host: parts.and_then(asked_host),
            target: parts.and_then(|parts| parts.uri.path_and_query()).map_or("", |it| it.as_str()),
            protocol: parts.map(|parts| protocol(parts.version)),
            referer: said(&REFERER),
            agent: said(&USER_AGENT),
            status: passage.status.map_or(0, |status| status.as_u16()),
            is_whole: passage.ending == Ending::Whole,
            bytes_in: notes.bytes_in(),
            bytes_out: passage.bytes_out,
            duration,
            route: passage.routed,
            connect: notes.connect(),
            first_byte: notes.first_byte(),
            subject: asked.subject,
            environment: visitor.environment.as_str(),
            deployment: asked.assigned.and_then(|target| target.deployment).map(|id| id.0),
            generation: passage.generation,
            assigned: asked.assigned.map(|target| target.version.as_str()),
            served: asked.target.filter(|_| is_answered).map(|target| target.version.as_str()),
            role: asked.target.map(role),
            reason: decision.as_ref().map(|decision| decision.reason.as_str()),
            bucket: asked.user.and_then(|user| user.position).map(Position::bucket),
            key_source: asked.key_source(),
            user: asked.user.map(|user| user.hash),
            upstream: passage.endpoint().map(Endpoint::as_str),
            is_reused: notes.connect().is_none() && notes.first_byte().is_some(),
            attempts,
            flags: flags(error, passage),
            error,
        }
    }

    /// The address of the client as `client-ip` sees it, and whole.
    fn client_of<'p>(&self, passage: &'p Passage<'_>, text: &'p mut String) -> &'p str {
        let client = &passage.visitor.client;
        let behind = |parts: &Parts| -> Option<IpAddr> {
            let address = client_address(&parts.headers, client.address, &self.policy().trusted);
            (address != client.address).then_some(address)
        };
        match passage.asking.parts().filter(|_| client.is_trusted()).and_then(behind) {
            Some(address) => {
                write!(text, "{address}").expect("a string takes everything");
                text
            }
            None => client.address_text(),
        }
    }
}

/// What a decision says, as far as there is any.
#[derive(Default)]
struct Asked<'d> {
    subject: Option<Subject<'d>>,
    /// Who was asked last, if it is a version.
    target: Option<&'d Target>,
    assigned: Option<&'d Target>,
    user: Option<User>,
}

impl<'d> Asked<'d> {
    fn of(decision: &'d Decision) -> Self {
        let target = decision.target().map(|target| &**target);
        let assigned = decision.assigned.as_deref().or(target);
        let subject = assigned.map(|target| &target.subject);
        let subject = subject.map(|it| Subject { noun: it.noun(), name: it.as_str() });
        let subject = match &decision.answerer {
            Answerer::Version(_) => subject,
            Answerer::Origin(origin) => {
                let routine = origin.routine.as_ref();
                let routine =
                    routine.map(|(name, _)| Subject { noun: "routine", name: name.as_str() });
                subject.or(routine)
            }
        };
        Self { subject, target, assigned, user: decision.user }
    }

    /// Where the key came from, or where the next request will have it.
    fn key_source(&self) -> Option<&'d KeySource> {
        let sources = &self.assigned?.sources;
        match self.user?.source {
            Some(at) => sources.get(at),
            None => sources.iter().find(|source| matches!(source, KeySource::Mint(_))),
        }
    }
}

/// As the metrics call it.
fn role(target: &Target) -> &'static str {
    if target.is_canary { "canary" } else { "stable" }
}

fn said<'p>(parts: &'p Parts, name: &HeaderName) -> Option<&'p [u8]> {
    parts.headers.get(name).map(HeaderValue::as_bytes)
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        _ => "HTTP/1.1",
    }
}

/// What went wrong, by the kind of the error, and whether the client has all of its response.
fn flags(error: Option<&str>, passage: &Passage<'_>) -> Flags {
    let of_error = match error {
        None => Flags::NONE,
        Some("destination_unavailable") if passage.decision.is_some() => Flags::NO_HEALTHY_UPSTREAM,
        Some("destination_not_found" | "destination_unavailable" | "proxy_configuration_error") => {
            Flags::NO_ROUTE
        }
        Some(
            "connection_refused"
            | "connection_timeout"
            | "destination_ip_unroutable"
            | "dns_error"
            | "tls_certificate_error"
            | "tls_alert_received"
            | "tls_protocol_error",
        ) => Flags::UPSTREAM_CONNECT,
        Some("connection_limit_reached" | "proxy_internal_error") => Flags::UPSTREAM_OVERFLOW,
        Some("connection_terminated" | "http_response_incomplete") => Flags::UPSTREAM_CLOSED,
        Some("http_response_timeout") => Flags::UPSTREAM_TIMEOUT,
        Some("http_request_error" | "http_request_denied" | "proxy_loop_detected") => {
            Flags::CLIENT_PROTOCOL
        }
        Some(_) => Flags::UPSTREAM_PROTOCOL,
    };
    let left = passage.ending == Ending::OfClient;
    of_error | if left { Flags::CLIENT_CLOSED } else { Flags::NONE }
}
