//! What of a planned request cannot be sent, or would not be the request that is judged.

use http::{HeaderName, HeaderValue, Method};

use super::http2::Head;
use super::plan::{KeyIn, Plan, Protocol};

/// Fields that say where a message ends or where it goes (RFC 9110, sections 7.2 and 7.6.1;
/// RFC 9112, section 6), or that the load generator writes itself.
const OF_THE_MESSAGE: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Of them, those that no request may say otherwise.
const FRAMING: [&str; 3] = ["connection", "content-length", "transfer-encoding"];

pub(super) fn mistake_of_request(plan: &Plan) -> Option<String> {
    if plan.method.parse::<Method>().is_err() || plan.method == "CONNECT" {
        return Some(format!("`{}` is no method of a request with an answer", plan.method));
    }
    if let Some(field) = plan.version_from.field()
        && field.parse::<HeaderName>().is_err()
    {
        return Some(format!("`{field}` is no name of a header"));
    }
    mistake_of_headers(plan)
        .or_else(|| mistake_of_key(plan))
        .or_else(|| mistake_of_regions(plan))
        .or_else(|| {
            // What HTTP/1.1 can say and HTTP/2 cannot.
            let is_unsayable =
                matches!(plan.protocol, Protocol::Http2 { .. }) && Head::new(plan).is_none();
            is_unsayable.then(|| {
                "HTTP/2 takes no such headers: a host is host:port, and none is of the connection"
                    .to_owned()
            })
        })
}

fn mistake_of_headers(plan: &Plan) -> Option<String> {
    for (name, value) in &plan.headers {
        if name.parse::<HeaderName>().is_err() || HeaderValue::from_str(value).is_err() {
            return Some(format!("`{name}: {value}` is no header"));
        }
        if is_one_of(name, &FRAMING) {
            return Some(format!("`{name}` is for the load generator to say"));
        }
    }
    (named(plan, "host").count() > 1).then(|| "a request has one host".to_owned())
}

fn mistake_of_key(plan: &Plan) -> Option<String> {
    let (KeyIn::Header(key) | KeyIn::Cookie(key)) = &plan.key;
    if key.parse::<HeaderName>().is_err() {
        return Some(format!("`{key}` is no name of a header or a cookie"));
    }
    match &plan.key {
        KeyIn::Header(name) if is_one_of(name, &OF_THE_MESSAGE) => {
            Some(format!("`{name}` says what a message is or where it goes, and no key"))
        }
        KeyIn::Header(name) if name.eq_ignore_ascii_case("cookie") => {
            Some("a key in a cookie is asked for by the cookie's name".to_owned())
        }
        KeyIn::Header(name) if named(plan, name).next().is_some() => {
            Some(format!("`{name}` carries the key of each user, and cannot be given beside it"))
        }
        KeyIn::Cookie(name) if has_cookie(plan, name) => {
            Some(format!("cookie `{name}` carries the key of each user, and cannot be given"))
        }
        KeyIn::Header(_) | KeyIn::Cookie(_) => None,
    }
}

fn mistake_of_regions(plan: &Plan) -> Option<String> {
    let users = &plan.users;
    if users.regions.is_empty() {
        return None;
    }
    let header = &users.region_header;
    let is_key = matches!(&plan.key, KeyIn::Header(key) if key.eq_ignore_ascii_case(header));
    let is_taken = is_key || is_one_of(header, &OF_THE_MESSAGE) || named(plan, header).count() > 0;
    if is_taken || header.parse::<HeaderName>().is_err() {
        return Some(format!("`{header}` cannot say where a user is"));
    }
    let unfit = |(region, _): &&(String, f64)| HeaderValue::from_str(region).is_err();
    let (region, _) = users.regions.iter().find(unfit)?;
    Some(format!("`{region}` is no region that a header can name"))
}

fn is_one_of(name: &str, known: &[&str]) -> bool {
    known.iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn named<'a>(plan: &'a Plan, name: &str) -> impl Iterator<Item = &'a str> {
    let headers = plan.headers.iter();
    let named = headers.filter(move |(known, _)| known.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.as_str())
}

fn has_cookie(plan: &Plan, name: &str) -> bool {
    let mut cookies = named(plan, "cookie").flat_map(|line| line.split(';'));
    cookies.any(|cookie| cookie.trim().split('=').next() == Some(name))
}
