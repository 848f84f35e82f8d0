//! Targets and hosts of requests: what is admitted asks for one host, the client's, and
//! goes on in origin form, over HTTP/1.1 and HTTP/2 alike. What is not has a reason.

#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Method, Request, Uri, Version, request, uri};
use libfuzzer_sys::{Corpus, fuzz_target};
use serin::model::{Endpoint, Headers, Limits, Policy};
use serin::proxy::fuzzing::{Refused, admit, asked_host, onward, to_http2};
use serin::proxy::wire::{Framer, HeadLimits, Step};

const METHODS: [&str; 8] = ["GET", "OPTIONS", "POST", "CONNECT", "TRACE", "HEAD", "get", "A"];

// Switches and a target, then a `Host` a line; of HTTP/2 the authority comes first.
fuzz_target!(|input: &[u8]| -> Corpus {
    let (&switches, text) = input.split_first().unwrap_or((&0, &[]));
    let mut lines = text.split(|&byte| byte == b'\n');
    let method = METHODS[usize::from(switches & 7)];
    let target = lines.next().unwrap_or_default();
    let head = if switches & 8 == 0 {
        let is_old = switches & 16 != 0;
        over_http1(method, target, &lines.collect::<Vec<_>>(), is_old)
    } else {
        let authority = lines.next().filter(|authority| !authority.is_empty());
        let head = over_http2(method, target, authority, &lines.collect::<Vec<_>>());
        head.map(|head| (head, target.to_vec()))
    };
    let Some((mut head, target)) = head else { return Corpus::Keep };
    let sent = asked_host(&head).map(<[u8]>::to_vec);
    match admit(&mut head, &Limits::default()) {
        Ok(()) if head.version == Version::HTTP_2 => {
            // Without the fragment, which the library drops.
            let target = head.uri.path_and_query().map(|target| target.as_str().to_owned());
            let target = target.expect("what is admitted has a target");
            admitted(&head, target.as_bytes(), sent);
        }
        Ok(()) => admitted(&head, &target, sent),
        Err(refused) => expect_reason(&refused),
    }
    Corpus::Keep
});

/// What hyper makes of a head, if it is given it, and the target that it is given.
fn over_http1(
    method: &str,
    target: &[u8],
    hosts: &[&[u8]],
    is_old: bool,
) -> Option<(request::Parts, Vec<u8>)> {
    let version: &[u8] = if is_old { b"HTTP/1.0" } else { b"HTTP/1.1" };
    let mut head = [method.as_bytes(), b" ", target, b" ", version, b"\r\n"].concat();
    for host in hosts {
        head.extend([b"host: ", *host, b"\r\n"].concat());
    }
    head.extend(b"\r\n");
    let mut framer = Framer::new(HeadLimits::of(&Limits::default()));
    let mut is_respelled = false;
    match framer.step(&mut head.clone()) {
        Step::Refuse(refusal) => {
            assert!(refusal.status().is_client_error() || refusal.status().is_server_error());
            assert!(!refusal.to_string().is_empty());
            return None;
        }
        Step::Head(count) if count == head.len() => {
            if let Some(respelled) = framer.respell(&head) {
                is_respelled = true;
                head = respelled;
            }
        }
        other => panic!("a whole head is refused or passed: {other:?}"),
    }
    let mut fields = vec![httparse::EMPTY_HEADER; hosts.len()];
    let mut request = httparse::Request::new(&mut fields);
    let parsed = request.parse(&head);
    assert_eq!(parsed, Ok(httparse::Status::Complete(head.len())), "what passed is a head");
    let path = request.path.expect("a head has a target");
    if is_respelled {
        expect_escaped(target, path.as_bytes());
    } else {
        assert_eq!(path.as_bytes(), target, "the target is the whole target");
    }
    let mut parts = Request::new(()).into_parts().0;
    parts.method = Method::from_bytes(method.as_bytes()).expect("a method");
    parts.uri = Uri::try_from(path).expect("what passed is a target");
    parts.version = if is_old { Version::HTTP_10 } else { Version::HTTP_11 };
    for field in request.headers {
        let value = field.value.try_into().expect("what passed is a value");
        parts.headers.append(http::header::HOST, value);
    }
    Some((parts, path.as_bytes().to_vec()))
}

/// The same bytes, some of them percent-encoded.
fn expect_escaped(target: &[u8], respelled: &[u8]) {
    let mut left = respelled;
    for byte in target {
        let escaped = format!("%{byte:02X}");
        let rest = left.strip_prefix(&[*byte]);
        let rest = rest.or_else(|| left.strip_prefix(escaped.as_bytes()));
        left = rest.expect("no byte is lost or changed");
    }
    assert!(left.is_empty() && respelled != target, "{}", respelled.escape_ascii());
}

/// What the library makes of pseudo-fields, if they are good enough for it.
fn over_http2(
    method: &str,
    target: &[u8],
    authority: Option<&[u8]>,
    hosts: &[&[u8]],
) -> Option<request::Parts> {
    let mut head = Request::new(()).into_parts().0;
    let mut parts = uri::Parts::default();
    parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
    if let Some(authority) = authority {
        parts.authority = Some(Authority::try_from(authority).ok()?);
        parts.scheme = Some(Scheme::HTTPS);
    }
    head.method = Method::from_bytes(method.as_bytes()).expect("a method");
    head.uri = Uri::from_parts(parts).ok()?;
    head.version = Version::HTTP_2;
    head.headers = HeaderMap::new();
    for host in hosts {
        head.headers.append(http::header::HOST, (*host).try_into().ok()?);
    }
    Some(head)
}

fn expect_reason(Refused { status, kind, message }: &Refused) {
    assert!(matches!(status.as_u16(), 400 | 405 | 414 | 431), "{status} {message}");
    assert!(matches!(*kind, "http_request_error" | "http_request_denied"), "{kind}");
    assert!(!message.is_empty());
}

fn admitted(head: &request::Parts, target: &[u8], sent: Option<Vec<u8>>) {
    let host = asked_host(head).map(<[u8]>::to_vec);
    assert_eq!(host, sent, "the host is the one that was sent");
    if let Some(host) = &host {
        assert!(!host.is_empty() && host.iter().all(u8::is_ascii_graphic));
        assert!(!host.iter().any(|byte| b"/@?#\\,\"'<>".contains(byte)), "{}", host.escape_ascii());
    } else {
        assert_eq!(head.version, Version::HTTP_10, "later versions say a host");
    }
    let target = std::str::from_utf8(target).expect("a target that is admitted is text");
    let origin = match target.split_once("://").filter(|_| !target.starts_with('/')) {
        None => target.to_owned(),
        Some((_, rest)) => {
            let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            assert_eq!(host.as_deref(), Some(authority.as_bytes()), "an absolute target wins");
            if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
        }
    };

    let endpoint = Endpoint::new("h2c://b.test:81").expect("an endpoint");
    let headers = Headers { preserve_host: true, ..Headers::default() };
    let policy = Policy { headers, ..Policy::default() };
    let client = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let (target, fields) = onward(head, (client, false), &endpoint, &policy, true);
    let asked = host.unwrap_or_else(|| b"b.test:81".to_vec());
    assert_eq!(target, origin);
    assert!(origin.starts_with('/') || origin == "*" && head.method == Method::OPTIONS);
    let hosts: Vec<_> = fields.get_all("host").iter().collect();
    assert_eq!(hosts, [&asked[..]], "one host");

    let sent = to_http2(head, client, &endpoint, &policy);
    let sent = sent.unwrap_or_else(|Refused { message, .. }| {
        panic!("{} is a host in HTTP/1.1: {message}", asked.escape_ascii())
    });
    assert_eq!(sent.uri.authority().map(|it| it.as_str().as_bytes()), Some(&asked[..]));
    let path = sent.uri.path_and_query().map(PathAndQuery::as_str);
    assert_eq!(path, Some(&*origin), "what stands in :path");
    assert!(!sent.headers.contains_key("host"), "the authority says it");
}
