//! Heads on their way through: whatever the fields, exactly those go on that a second and
//! naive reading lets go on, and say what it has them say.

#![no_main]

mod lines;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::{HeaderMap, Request, Response, Version, request, response};
use libfuzzer_sys::{Corpus, fuzz_target};
use serin::model::{Endpoint, Headers, Limits, Policy, TrustedProxies};
use serin::proxy::fuzzing::{admit, onward, to_client};

/// By name, the values of its lines in order.
type Fields = BTreeMap<String, Vec<Vec<u8>>>;

// Switches and a method, a target and a version, or a status and a version; then fields.
fuzz_target!(|input: &[u8]| -> Corpus {
    let (switches, mut lines) = lines::split(input);
    let first = lines.next().and_then(|line| std::str::from_utf8(line).ok()).unwrap_or_default();
    let first: Vec<&str> = first.split(' ').collect();
    let headers = lines::fields(lines);
    match first[..] {
        [method, target, version] => {
            let head = Request::builder().method(method).uri(target).version(version_of(version));
            let Ok(head) = head.body(()) else { return Corpus::Reject };
            let mut head = head.into_parts().0;
            head.headers = headers;
            request(head, target, switches);
        }
        [status, version] => {
            let head = Response::builder().status(status).version(version_of(version));
            let Ok(head) = head.body(()) else { return Corpus::Reject };
            let mut head = head.into_parts().0;
            head.headers = headers;
            response(head);
        }
        _ => return Corpus::Reject,
    }
    Corpus::Keep
});

fn version_of(text: &str) -> Version {
    match text {
        "1.0" => Version::HTTP_10,
        "2" => Version::HTTP_2,
        _ => Version::HTTP_11,
    }
}

fn request(mut head: request::Parts, target: &str, switches: u8) {
    let is_set = |bit: u8| switches & 1 << bit != 0;
    let [is_secure, is_trusted, preserve_host, forwarded] = [0, 1, 2, 3].map(is_set);
    let headers = Headers { preserve_host, forwarded, ..Headers::default() };
    let address =
        if is_set(4) { IpAddr::V6(Ipv6Addr::LOCALHOST) } else { IpAddr::V4(Ipv4Addr::LOCALHOST) };
    let trusted = ["127.0.0.0/8", "::1/128"].map(|network| network.parse().expect("a network"));
    let trusted = TrustedProxies::new(if is_trusted { trusted.to_vec() } else { Vec::new() });
    let policy = Policy { headers, trusted, ..Policy::default() };
    let is_http1 = !is_set(5);
    let endpoint = if is_http1 { "http://b.test:81" } else { "h2c://b.test:81" };
    let endpoint = Endpoint::new(endpoint).expect("an endpoint");

    if admit(&mut head, &Limits::default()).is_err() {
        return;
    }
    let before = fields_of(&head.headers);
    let host = match target.split_once("://").filter(|_| !target.starts_with('/')) {
        Some((_, rest)) => {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            Some(rest[..end].as_bytes().to_vec())
        }
        None => before.get("host").map(|lines| lines[0].clone()),
    };

    let mut expected = passed_on(&before);
    // Of a body, which there is none of.
    expected.remove("expect");
    expected.remove("trailer");
    let te = before.get("te").cloned().unwrap_or_default().join(&b',');
    if options(&te).contains("trailers") {
        say(&mut expected, "te", "trailers");
        if is_http1 {
            say(&mut expected, "connection", "te");
        }
    }
    if head.method == "OPTIONS"
        && let Some(left) = expected.get("max-forwards").and_then(|lines| number(&lines[0]))
    {
        say(&mut expected, "max-forwards", &left.saturating_sub(1).to_string());
    }
    if !is_trusted {
        expected.retain(|name, _| name != "forwarded" && !name.starts_with("x-forwarded-"));
    }
    let scheme = if is_secure { "https" } else { "http" };
    if forwarded {
        let by = if is_set(4) { "\"[::1]\"" } else { "127.0.0.1" };
        let mut element = format!("for={by};proto={scheme}").into_bytes();
        if let Some(host) = &host {
            element = [&element, &b";host=\""[..], host, b"\""].concat();
        }
        continue_list(&mut expected, "forwarded", &element);
    }
    continue_list(&mut expected, "x-forwarded-for", address.to_string().as_bytes());
    expected.entry("x-forwarded-proto".into()).or_insert(vec![scheme.into()]);
    if let Some(host) = &host {
        expected.entry("x-forwarded-host".into()).or_insert(vec![host.clone()]);
    }
    continue_list(&mut expected, "via", via(head.version).as_bytes());
    let asked = host.filter(|_| preserve_host).unwrap_or_else(|| b"b.test:81".to_vec());
    expected.insert("host".into(), vec![asked]);

    let (asked, fields) = onward(&head, (address, is_secure), &endpoint, &policy, is_http1);
    // Another protocol may be asked for, as the policy allows.
    if fields.contains_key("upgrade") {
        assert!(is_http1 && fields["connection"] == "upgrade" && fields["upgrade"] == "websocket");
        return;
    }
    expect_fields(&fields, &expected);
    assert!(asked == "*" || asked.starts_with('/'), "{asked}");
}

fn response(mut head: response::Parts) {
    let before = fields_of(&head.headers);
    let version = head.version;
    if let Err(refused) = to_client(&mut head) {
        assert_eq!(refused.status, 502);
        assert!(!refused.message.is_empty() && !refused.kind.is_empty());
        return;
    }
    let mut expected = passed_on(&before);
    // Of a body, which there is none of.
    expected.remove("trailer");
    continue_list(&mut expected, "via", via(version).as_bytes());
    if let Some(lengths) = expected.remove("content-length") {
        assert!(!before.contains_key("transfer-encoding"), "a length beside chunks");
        match head.headers.remove("content-length") {
            None => assert_eq!(head.status, 204),
            Some(length) => {
                let lengths = lengths.join(&b',');
                let mut said = lengths.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
                let length = number(length.as_bytes()).expect("a length is a number");
                assert!(said.all(|said| number(said) == Some(length)), "one length of several");
            }
        }
    }
    expect_fields(&head.headers, &expected);
}

/// These fields and no others, in which nothing is said to this hop that is not ours.
fn expect_fields(headers: &HeaderMap, expected: &Fields) {
    let found = fields_of(headers);
    let readable = |fields: &Fields| {
        let line = |(name, lines): (&String, &Vec<Vec<u8>>)| {
            lines.iter().map(|line| format!("{name}: {}", line.escape_ascii())).collect::<Vec<_>>()
        };
        fields.iter().flat_map(line).collect::<Vec<_>>()
    };
    assert_eq!(readable(&found), readable(expected));
    for name in HOP_BY_HOP {
        let ours = matches!(name, "te" | "connection");
        assert!(ours || !found.contains_key(name), "{name}");
    }
}

const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// What is not meant for one hop, by its nature or because `Connection` says so.
fn passed_on(fields: &Fields) -> Fields {
    let mut named = options(&fields.get("connection").cloned().unwrap_or_default().join(&b','));
    named.remove("host");
    named.remove("content-length");
    let mut left = fields.clone();
    left.retain(|name, _| !named.contains(name) && !HOP_BY_HOP.contains(&name.as_str()));
    left
}

/// The elements of a list, in lower case.
fn options(list: &[u8]) -> BTreeSet<String> {
    let list = list.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    list.map(|option| String::from_utf8_lossy(option).to_ascii_lowercase()).collect()
}

fn number(text: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(text).ok()?;
    digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn say(fields: &mut Fields, name: &str, value: &str) {
    fields.insert(name.to_owned(), vec![value.into()]);
}

fn continue_list(fields: &mut Fields, name: &str, value: &[u8]) {
    let mut lines = fields.remove(name).unwrap_or_default();
    lines.push(value.to_vec());
    fields.insert(name.to_owned(), vec![lines.join(&b", "[..])]);
}

fn via(version: Version) -> &'static str {
    if version == Version::HTTP_10 {
        "1.0 serin"
    } else if version == Version::HTTP_2 {
        "2.0 serin"
    } else {
        "1.1 serin"
    }
}

fn fields_of(headers: &HeaderMap) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in headers {
        fields.entry(name.to_string()).or_default().push(value.as_bytes().to_vec());
    }
    fields
}
