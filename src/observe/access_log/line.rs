//! What a line says of a request, and how.

use std::time::Duration;

use super::escape;
use super::flags::Flags;
use super::key_hash::KeyHashSeed;
use super::moment::Moments;
use crate::model::{KeySource, Timestamp, TraceParent};

/// What is known of a request when it is over. What does not apply is `None`, and left out.
#[derive(Debug, Clone, Default)]
pub struct Line<'a> {
    /// When its head was there.
    pub began: Timestamp,
    /// What the client says in `x-request-id`.
    pub request_id: Option<&'a [u8]>,
    pub trace: Option<TraceParent>,
    pub client: &'a str,
    /// Empty of what was refused before it was understood.
    pub method: &'a str,
    pub host: Option<&'a [u8]>,
    /// With the query. As `method`.
    pub target: &'a str,
    pub protocol: Option<&'static str>,
    pub referer: Option<&'a [u8]>,
    pub agent: Option<&'a [u8]>,
    /// 0 where there was no response.
    pub status: u16,
    /// Whether the client has all of its response.
    pub is_whole: bool,
    /// Of bodies, as they were before and after any coding of the transfer.
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub duration: Duration,
    /// Until it was decided who answers.
    pub route: Option<Duration>,
    /// To get a connection, of the attempt that answered.
    pub connect: Option<Duration>,
    /// Until the head of the response was there.
    pub first_byte: Option<Duration>,
    pub subject: Option<Subject<'a>>,
    pub environment: &'static str,
    pub deployment: Option<u64>,
    pub generation: Option<u64>,
    pub assigned: Option<&'a str>,
    pub served: Option<&'a str>,
    /// What the version that served is to its deployment.
    pub role: Option<&'static str>,
    pub reason: Option<&'static str>,
    /// Where the key stands, 0 to 9999.
    pub bucket: Option<u16>,
    pub key_source: Option<&'a KeySource>,
    /// A hash of the key, which is hashed once more.
    pub user: Option<u64>,
    pub upstream: Option<&'a str>,
    pub is_reused: bool,
    pub attempts: u32,
    pub flags: Flags,
    pub error: Option<&'static str>,
}

/// Whose version was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// `routine` or `app`.
    pub noun: &'static str,
    pub name: &'a str,
}

/// Writes the name of a field, and what stands before its value: all in one piece, since
/// there are many.
macro_rules! name {
    ($out:expr, $name:literal) => {
        $out.extend_from_slice(concat!(",\"", $name, "\":").as_bytes())
    };
    ($out:expr, $name:literal, quoted) => {
        $out.extend_from_slice(concat!(",\"", $name, "\":\"").as_bytes())
    };
}

impl Line<'_> {
    /// Whether it went wrong, so that it is written whatever the sample. A server has failed
    /// where it says so, or did not say all; what it refuses, it does well.
    pub(in crate::observe) fn is_failure(&self) -> bool {
        self.status >= 500 || !self.is_whole
    }

    pub(super) fn write_json(
        &self,
        with_query: bool,
        seed: KeyHashSeed,
        moments: &mut Moments,
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(b"{\"ts\":\"");
        moments.rfc3339(self.began, out);
        out.push(b'"');
        self.write_request(with_query, out);
        self.write_times(out);
        self.write_decision(seed, out);
        if let Some(upstream) = self.upstream {
            name!(out, "upstream", quoted);
            said(upstream.as_bytes(), out);
            name!(out, "upstream_reused");
            out.extend_from_slice(if self.is_reused { b"true" } else { b"false" });
        }
        name!(out, "attempts");
        decimal(self.attempts.into(), out);
        if !self.flags.is_empty() {
            name!(out, "response_flags", quoted);
            self.flags.write(out);
            out.push(b'"');
        }
        if let Some(error) = self.error {
            name!(out, "error", quoted);
            ours(error, out);
        }
        out.extend_from_slice(b"}\n");
    }

    fn write_request(&self, with_query: bool, out: &mut Vec<u8>) {
        if let Some(id) = self.request_id {
            name!(out, "request_id", quoted);
            said(id, out);
        }
        if let Some(trace) = self.trace {
            name!(out, "traceparent", quoted);
            out.extend_from_slice(&trace.text());
            out.push(b'"');
        }
        name!(out, "client", quoted);
        ours(self.client, out);
        if !self.method.is_empty() {
            name!(out, "method", quoted);
            said(self.method.as_bytes(), out);
        }
        if let Some(host) = self.host {
            name!(out, "host", quoted);
            said(host, out);
        }
        if !self.target.is_empty() {
            let target = self.target.as_bytes();
            name!(out, "path", quoted);
            said(if with_query { target } else { without_query(target) }, out);
        }
        if let Some(protocol) = self.protocol {
            name!(out, "proto", quoted);
            ours(protocol, out);
        }
        name!(out, "status");
        decimal(self.status.into(), out);
        name!(out, "bytes_in");
        decimal(self.bytes_in, out);
        name!(out, "bytes_out");
        decimal(self.bytes_out, out);
    }

    fn write_times(&self, out: &mut Vec<u8>) {
        name!(out, "duration_ms");
        thousandths(self.duration.as_micros(), out);
        if let Some(route) = self.route {
            name!(out, "route_us");
            thousandths(route.as_nanos(), out);
        }
        if let Some(connect) = self.connect {
            name!(out, "connect_ms");
            thousandths(connect.as_micros(), out);
        }
        if let Some(first_byte) = self.first_byte {
            name!(out, "ttfb_ms");
            thousandths(first_byte.as_micros(), out);
        }
    }

    fn write_decision(&self, seed: KeyHashSeed, out: &mut Vec<u8>) {
        if let Some(Subject { noun, name }) = self.subject {
            out.extend_from_slice(if noun == "app" { b",\"app\":\"" } else { b",\"routine\":\"" });
            ours(name, out);
        }
        name!(out, "env", quoted);
        ours(self.environment, out);
        if let Some(deployment) = self.deployment {
            // As the APIs say it, which is text: it may be beyond 2^53.
            name!(out, "deployment_id", quoted);
            decimal(deployment, out);
            out.push(b'"');
        }
        if let Some(generation) = self.generation {
            name!(out, "generation");
            decimal(generation, out);
        }
        if let Some(assigned) = self.assigned {
            name!(out, "assigned_version", quoted);
            ours(assigned, out);
        }
        if let Some(served) = self.served {
            name!(out, "served_version", quoted);
            ours(served, out);
        }
        if let Some(role) = self.role {
            name!(out, "role", quoted);
            ours(role, out);
        }
        if let Some(reason) = self.reason {
            name!(out, "reason", quoted);
            ours(reason, out);
        }
        if let Some(bucket) = self.bucket {
            name!(out, "bucket");
            decimal(bucket.into(), out);
        }
        if let Some(source) = self.key_source {
            let (kind, of) = source.parts();
            name!(out, "key_source", quoted);
            out.extend_from_slice(kind.as_bytes());
            if let Some(of) = of {
                out.push(b':');
                escape::json(of.as_bytes(), out);
            }
            out.push(b'"');
        }
        if let Some(user) = self.user {
            name!(out, "key_hash", quoted);
            sixteen_digits(seed.of(user), out);
            out.push(b'"');
        }
    }

    /// `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i"`.
    pub(super) fn write_combined(&self, moments: &mut Moments, out: &mut Vec<u8>) {
        out.extend_from_slice(self.client.as_bytes());
        out.extend_from_slice(b" - - [");
        moments.combined(self.began, out);
        out.extend_from_slice(b"] \"");
        if self.method.is_empty() {
            out.push(b'-');
        } else {
            let protocol = self.protocol.unwrap_or("-");
            for part in [self.method, " ", self.target, " ", protocol] {
                escape::quoted(part.as_bytes(), out);
            }
        }
        out.extend_from_slice(b"\" ");
        decimal(self.status.into(), out);
        out.push(b' ');
        if self.bytes_out == 0 {
            out.push(b'-');
        } else {
            decimal(self.bytes_out, out);
        }
        for said in [self.referer, self.agent] {
            out.extend_from_slice(b" \"");
            escape::quoted(said.filter(|said| !said.is_empty()).unwrap_or(b"-"), out);
            out.push(b'"');
        }
        out.push(b'\n');
    }
}

fn without_query(target: &[u8]) -> &[u8] {
    memchr::memchr(b'?', target).map_or(target, |at| &target[..at])
}

/// The rest of a string of ours, which needs no escape.
fn ours(value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(value.as_bytes());
    out.push(b'"');
}

/// The rest of a string of others.
fn said(value: &[u8], out: &mut Vec<u8>) {
    escape::json(value, out);
    out.push(b'"');
}

/// So many thousandths, as a number with three decimals.
fn thousandths(parts: u128, out: &mut Vec<u8>) {
    let parts = u64::try_from(parts).unwrap_or(u64::MAX);
    decimal(parts / 1_000, out);
    let digit = |number: u64| b'0' + u8::try_from(number % 10).expect("a digit");
    out.extend_from_slice(&[b'.', digit(parts / 100), digit(parts / 10), digit(parts)]);
}

fn decimal(mut number: u64, out: &mut Vec<u8>) {
    // 2^64 has 20 digits.
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(number % 10).expect("a digit");
        number /= 10;
        if number == 0 {
            return out.extend_from_slice(&digits[at..]);
        }
    }
}

fn sixteen_digits(number: u64, out: &mut Vec<u8>) {
    let digit = |at: u32| b"0123456789abcdef"[(number >> (60 - 4 * at) & 0xf) as usize];
    out.extend((0..16).map(digit));
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    impl Line<'_> {
        /// Of a request of which next to nothing is known.
        pub(in crate::observe) fn of_nothing() -> Self {
            Self {
                began: Timestamp(1_795_780_800_123_456_789),
                client: "192.0.2.7",
                protocol: Some("HTTP/1.1"),
                status: 200,
                is_whole: true,
                environment: "production",
                ..Self::default()
            }
        }
    }

    fn full(source: &KeySource) -> Line<'_> {
        Line {
            request_id: Some(b"r-1"),
            trace: TraceParent::parse(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            method: "GET",
            host: Some(b"shop.test"),
            target: "/a?token=x",
            referer: Some(b"http://shop.test/\"quoted\""),
            agent: Some(b"curl/8"),
            status: 503,
            bytes_in: 7,
            bytes_out: u64::MAX,
            duration: Duration::from_nanos(12_345_678),
            route: Some(Duration::from_nanos(1_234)),
            connect: Some(Duration::from_millis(2)),
            first_byte: Some(Duration::from_micros(3_050)),
            subject: Some(Subject { noun: "routine", name: "shop" }),
            deployment: Some(1_723_599_747_213_377_175),
            generation: Some(3),
            assigned: Some("2"),
            served: Some("1"),
            role: Some("older"),
            reason: Some("failover"),
            bucket: Some(9_999),
            key_source: Some(source),
            user: Some(7),
            upstream: Some("unix:/run/\"a\".sock"),
            is_reused: true,
            attempts: 2,
            flags: Flags::UPSTREAM_CONNECT | Flags::CLIENT_CLOSED,
            error: Some("connection_refused"),
            ..Line::of_nothing()
        }
    }

    fn written(line: &Line<'_>, with_query: bool) -> String {
        let mut out = Vec::new();
        line.write_json(with_query, KeyHashSeed::new([7; 16]), &mut Moments::default(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_of_json_has_every_field() {
        let source = KeySource::new("header:x-user").unwrap();
        let text = written(&full(&source), false);
        assert!(text.ends_with("}\n") && text.matches('\n').count() == 1, "{text}");
        let mut object: Value = serde_json::from_str(&text).unwrap();
        let hash = object.as_object_mut().unwrap().remove("key_hash").unwrap();
        assert_eq!(hash.as_str().unwrap().len(), 16);
        let expected = json!({
            "ts": "2026-11-27T12:00:00.123456Z",
            "request_id": "r-1",
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "client": "192.0.2.7",
            "method": "GET",
            "host": "shop.test",
            "path": "/a",
            "proto": "HTTP/1.1",
            "status": 503,
            "bytes_in": 7,
            "bytes_out": u64::MAX,
            "duration_ms": 12.345,
            "route_us": 1.234,
            "connect_ms": 2.0,
            "ttfb_ms": 3.05,
            "routine": "shop",
            "env": "production",
            "deployment_id": "1723599747213377175",
            "generation": 3,
            "assigned_version": "2",
            "served_version": "1",
            "role": "older",
            "reason": "failover",
            "bucket": 9999,
            "key_source": "header:x-user",
            "upstream": "unix:/run/\"a\".sock",
            "upstream_reused": true,
            "attempts": 2,
            "response_flags": "UF,DC",
            "error": "connection_refused",
        });
        assert_eq!(object, expected);
        assert!(written(&full(&source), true).contains(r#""path":"/a?token=x","#));
    }

    #[test]
    fn what_does_not_apply_is_left_out() {
        let object: Value = serde_json::from_str(&written(&Line::of_nothing(), false)).unwrap();
        let expected = json!({
            "ts": "2026-11-27T12:00:00.123456Z",
            "client": "192.0.2.7",
            "proto": "HTTP/1.1",
            "status": 200,
            "bytes_in": 0,
            "bytes_out": 0,
            "duration_ms": 0.0,
            "env": "production",
            "attempts": 0,
        });
        assert_eq!(object, expected);
    }

    #[test]
    fn a_combined_line_is_as_apache_writes_it() {
        let combined = |line: &Line<'_>| {
            let mut out = Vec::new();
            line.write_combined(&mut Moments::default(), &mut out);
            String::from_utf8(out).unwrap()
        };
        let source = KeySource::ClientIp;
        assert_eq!(
            combined(&Line { bytes_out: 23, ..full(&source) }),
            "192.0.2.7 - - [27/Nov/2026:12:00:00 +0000] \"GET /a?token=x HTTP/1.1\" 503 23 \
             \"http://shop.test/\\\"quoted\\\"\" \"curl/8\"\n"
        );
        assert_eq!(
            combined(&Line::of_nothing()),
            "192.0.2.7 - - [27/Nov/2026:12:00:00 +0000] \"-\" 200 - \"-\" \"-\"\n"
        );
    }

    #[test]
    fn what_a_client_says_forges_no_line() {
        let hostile = "/\"} \r\n{\"ts\":\"\u{2028}";
        let said = b"\"\n\xff\\";
        let line = Line {
            method: "G\"ET",
            target: hostile,
            host: Some(said),
            request_id: Some(said),
            referer: Some(said),
            agent: Some(said),
            ..Line::of_nothing()
        };
        let text = written(&line, true);
        assert_eq!(text.matches('\n').count(), 1);
        let object: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&object["path"], &object["host"]), (&json!(hostile), &json!("\"\n\u{fffd}\\")));
        let mut combined = Vec::new();
        line.write_combined(&mut Moments::default(), &mut combined);
        let text = String::from_utf8(combined).unwrap();
        assert_eq!(text.matches('\n').count(), 1);
        assert_eq!(text.replace(r"\\", "").replace(r#"\""#, "").matches('"').count(), 6, "{text}");
    }

    #[test]
    fn users_are_told_apart_by_a_hash_under_a_seed() {
        let hash = |user, seed| {
            let mut out = Vec::new();
            let line = Line { user: Some(user), ..Line::of_nothing() };
            line.write_json(false, KeyHashSeed::new(seed), &mut Moments::default(), &mut out);
            let object: Value = serde_json::from_slice(&out).unwrap();
            object["key_hash"].as_str().unwrap().to_owned()
        };
        assert_eq!(hash(1, [7; 16]), hash(1, [7; 16]));
        assert_ne!(hash(1, [7; 16]), hash(2, [7; 16]));
        assert_ne!(hash(1, [7; 16]), hash(1, [8; 16]));
    }
}
