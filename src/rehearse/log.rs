//! What a line of an access log says: who asked, and when.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use percent_encoding::percent_decode;
use serde_json::{Map, Value};

use crate::routing::address_key;

/// Where a line of JSON has its time, the first of them that it has.
const TIME_FIELDS: [&str; 4] = ["ts", "time", "timestamp", "@timestamp"];

/// How the combined format writes a time.
const COMBINED_TIME: &str = "%d/%b/%Y:%H:%M:%S %z";

/// Where a line says who asked, unless it is told.
const JSON_FIELD: &str = "key";

/// What a line of Serin's own log has in place of a key.
const HASH_FIELD: &str = "key_hash";
const COMBINED_FIELD: &str = "client";

/// What of a line is the user's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    /// Of a line of JSON; a dot leads into an object.
    Json(String),
    /// Of a line of JSON: its key, or else the hash of it.
    JsonKey,
    /// The address, as the key source `client-ip` makes a key of it.
    Client,
    /// Who is logged in.
    User,
    /// Of the request's target, what is before a `?`.
    Path,
    /// A parameter of the request's target, as the key source `query:NAME` reads it.
    Query(String),
    /// The text in quotes of this number, from 1: the request, `Referer`, `User-Agent` and
    /// what else is there.
    Quoted(usize),
}

/// A request, as a line tells it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request<'l> {
    /// `None` where the line has none.
    pub(super) key: Option<Cow<'l, [u8]>>,
    /// Whether that is the hash of a key. It tells users apart, and not where they stand.
    pub(super) is_hashed: bool,
    /// In milliseconds since 1970.
    pub(super) at_ms: Option<i64>,
}

/// Why a field is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no field of the combined format: it has client, user, path, query:NAME, referer, agent and quoted:N"
)]
pub struct LogError(String);

impl Field {
    /// The field called `name`, or the usual one, of a log that begins with `first_line`.
    pub(super) fn of(name: Option<&str>, first_line: &[u8]) -> Result<Self, LogError> {
        if first_line.trim_ascii_start().starts_with(b"{") {
            return Ok(name.map_or(Self::JsonKey, |name| Self::Json(name.to_owned())));
        }
        let name = name.unwrap_or(COMBINED_FIELD);
        let unknown = || LogError(name.to_owned());
        Ok(match (name, name.split_once(':')) {
            ("client", _) => Self::Client,
            ("user", _) => Self::User,
            ("path", _) => Self::Path,
            ("referer", _) => Self::Quoted(2),
            ("agent", _) => Self::Quoted(3),
            (_, Some(("query", name))) if !name.is_empty() => Self::Query(name.to_owned()),
            (_, Some(("quoted", number))) => match number.parse() {
                Ok(number @ 1..) => Self::Quoted(number),
                _ => return Err(unknown()),
            },
            _ => return Err(unknown()),
        })
    }

    /// What `line` tells; `None` of one that is broken.
    pub(super) fn read<'l>(&self, line: &'l [u8]) -> Option<Request<'l>> {
        match self {
            Self::Json(name) => read_json(&[name], line),
            Self::JsonKey => read_json(&[JSON_FIELD, HASH_FIELD], line),
            _ => self.read_combined(line),
        }
    }

    fn read_combined<'l>(&self, line: &'l [u8]) -> Option<Request<'l>> {
        let Combined { client, user, time, quoted } = Combined::of(line)?;
        // What comes behind a request, a log may leave out; the request it may not.
        let target = || quoted.clone().next()?.split(|b| *b == b' ').nth(1);
        let key = match self {
            Self::Client => Some(client_key(client)),
            Self::User => Some(Cow::Borrowed(user)),
            Self::Path => target().map(|target| Cow::Borrowed(before(target, b'?').0)),
            Self::Query(name) => {
                target().and_then(|target| parameter(before(target, b'?').1, name))
            }
            Self::Quoted(number) => quoted.clone().nth(number - 1).map(Cow::Borrowed),
            Self::Json(_) | Self::JsonKey => None,
        };
        quoted.clone().next()?;
        // The format writes `-` for what is not there.
        let is_told = |key: &Cow<'_, [u8]>| **key != *b"-" || matches!(self, Self::Query(_));
        let key = key.filter(|key| !key.is_empty() && is_told(key));
        Some(Request { key, is_hashed: false, at_ms: time_ms(time) })
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(name) => f.write_str(name),
            Self::JsonKey => write!(f, "{JSON_FIELD} or {HASH_FIELD}"),
            Self::Client => f.write_str("client"),
            Self::User => f.write_str("user"),
            Self::Path => f.write_str("path"),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Quoted(number) => write!(f, "quoted:{number}"),
        }
    }
}

/// An address as a key; what is no address stands for itself.
fn client_key(client: &[u8]) -> Cow<'_, [u8]> {
    let address = std::str::from_utf8(client).ok().and_then(|text| text.parse::<IpAddr>().ok());
    address.map_or(Cow::Borrowed(client), |address| Cow::Owned(address_key(address)))
}

/// `127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 2326 "…" "…"`.
struct Combined<'l, Q> {
    client: &'l [u8],
    user: &'l [u8],
    time: &'l [u8],
    quoted: Q,
}

impl<'l> Combined<'l, Quoted<'l>> {
    fn of(line: &'l [u8]) -> Option<Self> {
        let (head, rest) = before(line, b'[');
        let (time, rest) = before(rest?, b']');
        let (client, head) = before(head, b' ');
        let (_, user) = before(head?, b' ');
        Some(Self { client, user: user?.trim_ascii_end(), time, quoted: Quoted(rest?) })
    }
}

/// The texts in quotes, one after the other. A backslash has what follows it stand for
/// itself, and stays.
#[derive(Debug, Clone)]
struct Quoted<'l>(&'l [u8]);

impl<'l> Iterator for Quoted<'l> {
    type Item = &'l [u8];

    fn next(&mut self) -> Option<&'l [u8]> {
        let start = memchr::memchr(b'"', self.0)? + 1;
        let text = &self.0[start..];
        let mut at = 0;
        let end = loop {
            at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
            if text[at] == b'"' {
                break at;
            }
            at += 2;
        };
        self.0 = &text[end + 1..];
        Some(&text[..end])
    }
}

/// What is before the first `separator`, and what is behind it, if it is there.
fn before(text: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(separator, text) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// The first parameter `name` of a query, decoded as a query's key is.
fn parameter<'l>(query: Option<&'l [u8]>, name: &str) -> Option<Cow<'l, [u8]>> {
    let mut pairs = query?.split(|b| *b == b'&').map(|pair| before(pair, b'='));
    let (_, value) = pairs.find(|(found, _)| *decoded(found) == *name.as_bytes())?;
    value.map(decoded)
}

fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if text.contains(&b'+') {
        let spaced: Vec<u8> = text.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
        return Cow::Owned(percent_decode(&spaced).collect());
    }
    percent_decode(text).into()
}

fn time_ms(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let moment = jiff::fmt::strtime::parse(COMBINED_TIME, text).ok()?.to_timestamp().ok()?;
    Some(moment.as_millisecond())
}

/// Of the fields called `names`, the first that is there has the key.
fn read_json<'l>(names: &[&str], line: &[u8]) -> Option<Request<'l>> {
    let object: Map<String, Value> = serde_json::from_slice(line).ok()?;
    let time = TIME_FIELDS.iter().find_map(|name| object.get(*name));
    let mut request = Request { key: None, is_hashed: false, at_ms: time.and_then(json_time_ms) };
    for &name in names {
        if let Some(key) = text_of(found(&object, name)).ok()? {
            (request.key, request.is_hashed) = (Some(Cow::Owned(key)), name == HASH_FIELD);
            break;
        }
    }
    Some(request)
}

/// What is there is no text.
struct NoText;

/// The text of a value, where it is there and not empty.
fn text_of(value: Option<&Value>) -> Result<Option<Vec<u8>>, NoText> {
    let text = match value {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone().into_bytes()),
        Some(Value::Number(number)) => Some(number.to_string().into_bytes()),
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => return Err(NoText),
    };
    Ok(text.filter(|text| !text.is_empty()))
}

/// A field of that whole name, or the one to which its dots lead.
fn found<'o>(object: &'o Map<String, Value>, name: &str) -> Option<&'o Value> {
    object.get(name).or_else(|| {
        let (first, rest) = name.split_once('.')?;
        found(object.get(first)?.as_object()?, rest)
    })
}

/// RFC 3339, or a number of seconds, or, where that would be after the year 5138, of
/// milliseconds, since 1970.
fn json_time_ms(time: &Value) -> Option<i64> {
    match time {
        Value::String(text) => Some(text.parse::<jiff::Timestamp>().ok()?.as_millisecond()),
        Value::Number(number) => {
            let number = number.as_f64()?;
            let ms = if number.abs() < 1e11 { number * 1e3 } else { number };
            #[expect(clippy::cast_possible_truncation, reason = "a cast saturates")]
            let ms = ms as i64;
            Some(ms)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COMBINED: &[u8] = br#"2001:db8:0:1:2:3:4:5 - frank [10/Oct/2000:13:55:36 -0700] "GET /a?x=1&user=an%6e+b&user=c HTTP/1.1" 200 2326 "ftp://a.test/" "Browser \"7\"" "more""#;

    fn key(name: &str, line: &[u8]) -> Option<String> {
        let read = Field::of(Some(name), line).unwrap().read(line).unwrap();
        read.key.map(|key| String::from_utf8(key.into_owned()).unwrap())
    }

    #[test]
    fn each_field_of_the_combined_format_may_be_the_key() {
        for (name, expected) in [
            ("client", "2001:db8:0:1::"),
            ("user", "frank"),
            ("path", "/a"),
            ("query:user", "ann b"),
            ("quoted:1", "GET /a?x=1&user=an%6e+b&user=c HTTP/1.1"),
            ("referer", "ftp://a.test/"),
            ("agent", r#"Browser \"7\""#),
            ("quoted:4", "more"),
        ] {
            assert_eq!(key(name, COMBINED).as_deref(), Some(expected), "{name}");
        }
        for name in ["query:none", "quoted:5"] {
            assert_eq!(key(name, COMBINED), None, "{name}");
        }
        for name in ["address", "query:", "quoted:0", "quoted:x", ""] {
            assert!(Field::of(Some(name), COMBINED).is_err(), "{name}");
        }
    }

    #[test]
    fn a_line_of_the_common_format_is_one_too_and_a_dash_is_nobody() {
        let line = br#"192.0.2.7 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.0" 200 23"#;
        assert_eq!(key("user", line), None);
        let read = Field::of(None, line).unwrap().read(line).unwrap();
        assert_eq!(read.key.as_deref(), Some(&b"192.0.2.7"[..]));
        assert_eq!(read.at_ms, Some(971_186_136_000));
        let [zoned, timeless] = [COMBINED, br#"a - - [] "GET / HTTP/1.0""#]
            .map(|line| Field::Client.read(line).unwrap().at_ms);
        assert_eq!((zoned, timeless), (Some(971_211_336_000), None));
    }

    #[test]
    fn a_line_of_json_is_read_by_the_name_of_a_field() {
        let line = br#"{"ts":"2026-11-27T12:00:00.5Z","key":"ann","a":{"b":{"c":7}},"x.y":"z","no":null,"empty":"","list":[]}"#;
        for (name, expected) in [
            ("key", Some("ann")),
            ("a.b.c", Some("7")),
            ("x.y", Some("z")),
            ("no", None),
            ("empty", None),
            ("other", None),
            ("key.x", None),
        ] {
            assert_eq!(key(name, line).as_deref(), expected, "{name}");
        }
        assert_eq!(
            Field::of(None, line).unwrap().read(line).unwrap().at_ms,
            Some(1_795_780_800_500)
        );
        assert!(Field::Json("list".to_owned()).read(line).is_none());
        for (time, expected) in [
            ("1795780800.5", Some(1_795_780_800_500)),
            ("1795780800500", Some(1_795_780_800_500)),
            ("\"noon\"", None),
            ("[]", None),
        ] {
            let line = format!(r#"{{"key":"ann","time":{time}}}"#);
            let read = Field::of(None, line.as_bytes()).unwrap();
            assert_eq!(read.read(line.as_bytes()).unwrap().at_ms, expected, "{time}");
        }
    }

    #[test]
    fn a_line_of_serins_own_log_has_the_hash_of_a_key() {
        for (name, line, key, is_hashed) in [
            (None, r#"{"ts":"2026-11-27T12:00:00.5Z","key_hash":"00ff"}"#, Some("00ff"), true),
            (None, r#"{"key":"ann","key_hash":"00ff"}"#, Some("ann"), false),
            (None, r#"{"key":"","key_hash":null}"#, None, false),
            (Some("key_hash"), r#"{"key":"ann","key_hash":"00ff"}"#, Some("00ff"), true),
            (Some("key"), r#"{"key_hash":"00ff"}"#, None, false),
        ] {
            let line = line.as_bytes();
            let read = Field::of(name, line).unwrap().read(line).unwrap();
            assert_eq!((read.key.as_deref(), read.is_hashed), (key.map(str::as_bytes), is_hashed));
        }
    }

    #[test]
    fn what_is_no_line_of_a_log_is_broken() {
        for line in ["", "a", "a - - [x", "a - - [x] none", r#"a - - [x] "GET"#, r#"a - - [x] "\"#]
        {
            for field in ["client", "user", "path", "query:a", "agent"] {
                let field = Field::of(Some(field), b"a").unwrap();
                assert!(field.read(line.as_bytes()).is_none(), "{line}");
            }
        }
        for line in ["", "{", "[]", "7", "{}x", "null"] {
            assert!(Field::JsonKey.read(line.as_bytes()).is_none(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_too_strange(line: Vec<u8>, text in r#"[-a-c \[\]"\\?&=%+:/]{0,60}"#) {
            for name in ["client", "user", "path", "query:a", "quoted:2"] {
                let field = Field::of(Some(name), b"a").unwrap();
                drop(field.read(&line));
                drop(field.read(text.as_bytes()));
            }
            drop(Field::Json("a.b".to_owned()).read(&line));
        }
    }
}
