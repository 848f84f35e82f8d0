//! A request as a span, named as OpenTelemetry's conventions for HTTP have it.

use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

use crate::model::TraceParent;
use crate::observe::access_log::Line;

/// The methods that have a name there; others are `_OTHER`.
const METHODS: [&str; 9] =
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

/// What is longer is cut: the beginning of it tells enough.
const TEXT_MAX_BYTES: usize = 1_024;

/// That it is known whether the caller is elsewhere, and that it is.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// The span of `line`, which is that of `trace`.
pub(super) fn of(
    line: &Line<'_>,
    trace: TraceParent,
    caller: Option<u64>,
    is_secure: bool,
) -> Span {
    let method = METHODS.into_iter().find(|method| *method == line.method);
    let began = u64::try_from(line.began.0).unwrap_or(0);
    let took = u64::try_from(line.duration.as_nanos()).unwrap_or(u64::MAX);
    let is_remote = if caller.is_some() { IS_REMOTE } else { 0 };
    Span {
        trace_id: trace.trace.to_be_bytes().to_vec(),
        span_id: trace.span.to_be_bytes().to_vec(),
        parent_span_id: caller.map(|span| span.to_be_bytes().to_vec()).unwrap_or_default(),
        flags: u32::from(trace.flags) | HAS_IS_REMOTE | is_remote,
        // Without the path, of which there are too many.
        name: method.unwrap_or("HTTP").to_owned(),
        kind: SpanKind::Server.into(),
        start_time_unix_nano: began,
        end_time_unix_nano: began.saturating_add(took),
        attributes: attributes(line, method, is_secure),
        status: line
            .is_failure()
            .then(|| Status { code: StatusCode::Error.into(), ..Status::default() }),
        ..Span::default()
    }
}

fn attributes(line: &Line<'_>, method: Option<&str>, is_secure: bool) -> Vec<KeyValue> {
    let path = line.target.split('?').next().filter(|path| !path.is_empty());
    let version = line.protocol.and_then(|protocol| protocol.strip_prefix("HTTP/"));
    let deployment = line.deployment.map(|id| id.to_string());
    let status = line.status.to_string();
    let failed_with = line.error.or(line.is_failure().then_some(if line.is_whole {
        status.as_str()
    } else {
        "cancelled"
    }));
    let subject = line.subject.map(|subject| match subject.noun {
        "app" => ("serin.app", subject.name),
        _ => ("serin.routine", subject.name),
    });
    let texts = [
        ("http.request.method", (!line.method.is_empty()).then(|| method.unwrap_or("_OTHER"))),
        ("http.request.method_original", method.is_none().then_some(line.method)),
        ("url.scheme", Some(if is_secure { "https" } else { "http" })),
        ("url.path", path),
        ("client.address", Some(line.client)),
        (
            "network.protocol.version",
            version.map(|version| if version == "2.0" { "2" } else { version }),
        ),
        ("error.type", failed_with),
        ("serin.env", Some(line.environment)),
        ("serin.deployment_id", deployment.as_deref()),
        ("serin.assigned_version", line.assigned),
        ("serin.version", line.served),
        ("serin.role", line.role),
        ("serin.reason", line.reason),
        ("serin.upstream", line.upstream),
    ];
    let texts = texts.into_iter().chain(subject.map(|(name, of)| (name, Some(of))));
    let texts = texts.filter_map(|(name, text)| Some((name, text.filter(|it| !it.is_empty())?)));
    let mut attributes: Vec<_> =
        texts.map(|(name, text)| attribute(name, Value::StringValue(cut(text)))).collect();
    if let Some((host, port)) = line.host.map(host_and_port) {
        attributes.push(attribute("server.address", Value::StringValue(cut(&host))));
        attributes.extend(port.map(|port| number("server.port", port.into())));
    }
    if let Some(agent) = line.agent {
        let agent = cut(&String::from_utf8_lossy(agent));
        attributes.push(attribute("user_agent.original", Value::StringValue(agent)));
    }
    let numbers = [
        ("http.response.status_code", (line.status > 0).then(|| line.status.into())),
        ("http.request.body.size", Some(line.bytes_in)),
        ("http.response.body.size", Some(line.bytes_out)),
        ("serin.attempts", Some(line.attempts.into())),
        ("serin.bucket", line.bucket.map(u64::from)),
        ("serin.connect_us", line.connect.map(micros)),
        ("serin.first_byte_us", line.first_byte.map(micros)),
    ];
    attributes.extend(numbers.into_iter().filter_map(|(name, value)| Some(number(name, value?))));
    attributes
}

fn attribute(name: &str, value: Value) -> KeyValue {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: name.to_owned(), value, ..KeyValue::default() }
}

fn number(name: &str, value: u64) -> KeyValue {
    attribute(name, Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)))
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(TEXT_MAX_BYTES)].to_owned()
}

/// A host may be an IPv6 address in brackets.
fn host_and_port(host: &[u8]) -> (String, Option<u16>) {
    let text = String::from_utf8_lossy(host).into_owned();
    match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host.to_owned(), port.parse().ok()),
        _ => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<'s>(span: &'s Span, name: &str) -> Option<&'s str> {
        let found = span.attributes.iter().find(|attribute| attribute.key == name)?;
        match found.value.as_ref()?.value.as_ref()? {
            Value::StringValue(text) => Some(text),
            _ => None,
        }
    }

    fn made(line: &Line<'_>, caller: Option<u64>) -> Span {
        of(line, TraceParent::begun(0xabc, 0xdef, true), caller, false)
    }

    #[test]
    fn a_span_says_what_a_line_says() {
        let line = Line {
            method: "GET",
            target: "/a?secret=1",
            host: Some(b"[::1]:80"),
            served: Some("2"),
            reason: Some("key"),
            duration: Duration::from_millis(3),
            ..Line::of_nothing()
        };
        let span = made(&line, Some(7));
        assert_eq!((span.name.as_str(), span.kind), ("GET", SpanKind::Server as i32));
        assert_eq!(span.trace_id, 0xabc_u128.to_be_bytes());
        assert_eq!(span.parent_span_id, 7_u64.to_be_bytes());
        assert_eq!(span.end_time_unix_nano - span.start_time_unix_nano, 3_000_000);
        for (name, value) in [
            ("http.request.method", Some("GET")),
            ("url.path", Some("/a")),
            ("url.scheme", Some("http")),
            ("server.address", Some("[::1]")),
            ("network.protocol.version", Some("1.1")),
            ("serin.version", Some("2")),
            ("serin.reason", Some("key")),
            ("error.type", None),
        ] {
            assert_eq!(text(&span, name), value, "{name}");
        }
        assert!(!format!("{span:?}").contains("secret"), "a query is nobody's business");
        assert!(span.status.is_none() && made(&line, None).parent_span_id.is_empty());
    }

    #[test]
    fn what_failed_says_so_and_what_is_strange_has_one_name() {
        let failed = made(&Line { status: 503, ..Line::of_nothing() }, None);
        assert_eq!(text(&failed, "error.type"), Some("503"));
        assert_eq!(failed.status.unwrap().code, StatusCode::Error as i32);
        let cut = made(&Line { is_whole: false, ..Line::of_nothing() }, None);
        assert_eq!(text(&cut, "error.type"), Some("cancelled"));
        let strange = made(&Line { method: "BREW", ..Line::of_nothing() }, None);
        assert_eq!(text(&strange, "http.request.method"), Some("_OTHER"));
        assert_eq!(text(&strange, "http.request.method_original"), Some("BREW"));
        assert_eq!(strange.name, "HTTP");
        let long = "/é".repeat(TEXT_MAX_BYTES);
        let long = made(&Line { target: &long, ..Line::of_nothing() }, None);
        assert!(text(&long, "url.path").unwrap().len() <= TEXT_MAX_BYTES);
    }
}
