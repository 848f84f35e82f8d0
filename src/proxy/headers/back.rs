//! Heads of responses, on their way back to clients.
//!
//! As those of requests, they are not rewritten: what came is told field by field, without
//! what is not for the client, and then what Serin says.

use http::header::{CONNECTION, CONTENT_LENGTH, SET_COOKIE, TRAILER, UPGRADE, VIA};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::disclosed::Disclosed;
use super::hearer::Hearer;
use super::via;
use crate::proxy::reply::{Came, Known, Reply};
use crate::proxy::responses::Length;
use crate::proxy::trailers;
use crate::routing::Decision;

/// The head of a response to a client.
#[derive(Debug)]
pub(in crate::proxy) struct Back {
    reply: Reply,
    /// What is added to `Via`: nothing, if the response is Serin's own.
    via: Option<&'static str>,
    length: Length,
    /// Whether `Connection` names fields that would be told otherwise.
    names_fields: bool,
    disclosed: Option<Disclosed>,
    /// What few responses have beside that.
    said: Vec<(HeaderName, HeaderValue)>,
    closes: bool,
}

impl Back {
    /// Of an upstream's head, in which the length is to become `length`.
    pub(in crate::proxy) fn of_upstream(reply: Reply, length: Length) -> Self {
        let via = Some(via(reply.version));
        let names_fields = reply.names_options() && named(&reply).next().is_some();
        Self { via, length, names_fields, ..Self::new(reply) }
    }

    /// Of one that is Serin's own. It has no length, which is that of its body.
    pub(in crate::proxy) fn of_ours(status: StatusCode, headers: HeaderMap) -> Self {
        let fields = Came::Map(Box::new(headers));
        Self::new(Reply { status, version: http::Version::HTTP_11, fields })
    }

    fn new(reply: Reply) -> Self {
        Self {
            reply,
            via: None,
            length: Length::AsItCame,
            names_fields: false,
            disclosed: None,
            said: Vec::new(),
            closes: false,
        }
    }

    /// Announces the trailer fields that travel: none, unless they do at all.
    pub(in crate::proxy) fn announce(&mut self, travel: bool) {
        if travel
            && self.reply.has(Known::Trailer)
            && self.may_pass(TRAILER.as_str().as_bytes())
            && let Some(names) = trailers::announced_in(self.reply.elements(Known::Trailer))
        {
            self.said.push((TRAILER, names));
        }
    }

    /// The trailer fields that travel, as a list.
    pub(in crate::proxy) fn announced(&self) -> Option<&HeaderValue> {
        self.said.iter().find(|(name, _)| *name == TRAILER).map(|(_, names)| names)
    }

    /// Goes on in `protocol`, in place of a body.
    pub(in crate::proxy) fn switch(&mut self, protocol: HeaderValue) {
        let upgrade = HeaderValue::from_static("upgrade");
        self.said.extend([(CONNECTION, upgrade), (UPGRADE, protocol)]);
    }

    /// Says who answered and why. An upstream's own word on it is replaced.
    pub(in crate::proxy) fn disclose(&mut self, decision: &Decision) {
        self.disclosed = Some(Disclosed::of(decision));
    }

    /// Lets the client keep the key that was minted for it.
    pub(in crate::proxy) fn set_minted_key(&mut self, decision: &Decision, secure: bool) {
        if let Some(minted) = &decision.minted {
            let secure = if secure { "; Secure" } else { "" };
            let cookie = format!(
                "{}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={MINTED_MAX_AGE}{secure}",
                minted.cookie, minted.value
            );
            let cookie = HeaderValue::try_from(cookie).expect("a cookie's name is a token");
            self.said.push((SET_COOKIE, cookie));
        }
    }

    /// Ends the connection with this response.
    pub(in crate::proxy) fn close(&mut self) {
        self.closes = true;
    }

    /// Whether the connection ends with this response. It is not told as a field: how
    /// that is said is a matter of the client's protocol.
    pub(in crate::proxy) fn closes(&self) -> bool {
        self.closes
    }

    pub(in crate::proxy) fn status(&self) -> StatusCode {
        self.reply.status
    }

    /// Whether a field is told that an upstream may have said: `Date`, or how long the
    /// content is or would be.
    pub(in crate::proxy) fn tells(&self, known: Known) -> bool {
        if known == Known::ContentLength && matches!(self.length, Length::Is(_)) {
            return true;
        }
        let name = known.name();
        self.reply.has(known)
            && name.is_some_and(|name| self.passes(known, name.as_str().as_bytes()))
    }

    /// The reason phrase, if the upstream gave another one than the status has.
    pub(in crate::proxy) fn reason(&self) -> Option<&[u8]> {
        let Came::Lines(lines) = &self.reply.fields else { return None };
        let usual = self.reply.status.canonical_reason().unwrap_or_default();
        Some(lines.reason()).filter(|reason| *reason != usual.as_bytes())
    }

    /// How many fields are told, or a few less.
    fn len(&self) -> usize {
        let came = match &self.reply.fields {
            Came::Lines(lines) => lines.len(),
            Came::Map(map) => map.len(),
        };
        came + self.said.len() + FIELDS_ADDED
    }

    /// Its fields in a map.
    pub(in crate::proxy) fn to_map(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(self.len());
        self.tell(&mut headers);
        headers
    }

    /// Tells its fields.
    pub(in crate::proxy) fn tell(&self, to: &mut impl Hearer) {
        match &self.reply.fields {
            Came::Lines(lines) => {
                for (known, name, value) in lines.iter() {
                    if self.passes(known, name) {
                        to.slice(name, value, lines.bytes());
                    }
                }
            }
            Came::Map(map) => {
                for (name, value) in &**map {
                    let text = name.as_str().as_bytes();
                    if self.passes(Known::of(text), text) {
                        to.pass(name, value);
                    }
                }
            }
        }
        if let Length::Is(length) = self.length {
            to.pass(&CONTENT_LENGTH, &HeaderValue::from(length));
        }
        if let Some(via) = self.via {
            self.say_via(via.as_bytes(), to);
        }
        if let Some(disclosed) = &self.disclosed {
            disclosed.tell(to);
        }
        for (name, value) in &self.said {
            to.pass(name, value);
        }
    }

    /// Whether a field goes on as it came.
    fn passes(&self, known: Known, name: &[u8]) -> bool {
        match known {
            Known::Other | Known::Date => self.may_pass(name),
            Known::ContentLength => self.length == Length::AsItCame,
            Known::Serin => self.disclosed.is_none() && self.may_pass(name),
            Known::Connection
            | Known::Hop
            | Known::TransferEncoding
            // These are said anew, if at all.
            | Known::Trailer
            | Known::Upgrade
            | Known::Via => false,
        }
    }

    /// Whether `Connection` leaves a field to the client.
    fn may_pass(&self, name: &[u8]) -> bool {
        !self.names_fields || named(&self.reply).all(|named| !named.eq_ignore_ascii_case(name))
    }

    /// On one line with what the upstream says.
    fn say_via(&self, via: &[u8], to: &mut impl Hearer) {
        let name = VIA.as_str().as_bytes();
        if !self.reply.has(Known::Via) || !self.may_pass(name) {
            return to.say(name, via);
        }
        let lines: Vec<&[u8]> = self.reply.lines(Known::Via).chain([via]).collect();
        to.say(name, &lines.join(&b", "[..]));
    }
}

/// What `Connection` names and would be told otherwise. Each of its lines names more to
/// drop. `Host` and `Content-Length` are no options of a connection, whoever names them.
fn named(reply: &Reply) -> impl Iterator<Item = &[u8]> {
    const OTHERS: [&str; 5] = ["", "keep-alive", "upgrade", "host", "content-length"];
    let is_other =
        |name: &[u8]| OTHERS.iter().any(|other| name.eq_ignore_ascii_case(other.as_bytes()));
    reply.elements(Known::Connection).filter(move |name| !is_other(name))
}

/// A year, in seconds.
const MINTED_MAX_AGE: u32 = 31_536_000;

/// What is said to the client beside what the upstream says.
const FIELDS_ADDED: usize = 8;

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{Response, Version};
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::proxy::reply::{Lines, Places};
    use crate::proxy::responses::check;

    fn in_lines(fields: &[(&str, &str)]) -> Reply {
        let (mut head, mut places) = (String::new(), Places::default());
        for (name, value) in fields {
            let at = head.len();
            head += name;
            let start = head.len();
            head += value;
            places.add(Known::of(name.as_bytes()), at..start, start..head.len()).unwrap();
        }
        let fields = Came::Lines(Lines::new(Bytes::from(head), places));
        Reply { status: StatusCode::OK, version: Version::HTTP_11, fields }
    }

    fn in_map(fields: &[(&str, &str)]) -> Reply {
        let mut response = Response::builder();
        for (name, value) in fields {
            response = response.header(*name, *value);
        }
        Reply::from(response.body(()).unwrap().into_parts().0)
    }

    fn told(reply: Reply, travel: bool) -> HeaderMap {
        let length = check(&reply).unwrap_or(Length::Dropped);
        let mut back = Back::of_upstream(reply, length);
        back.announce(travel);
        back.to_map()
    }

    /// The same fields in either form are told alike: this, in the form of lines.
    fn lines_told(fields: &[(&str, &str)], travel: bool) -> Vec<String> {
        let told = [in_lines(fields), in_map(fields)].map(|reply| told(reply, travel));
        assert_eq!(told[0], told[1]);
        let line = |(name, value): (&HeaderName, &HeaderValue)| {
            format!("{name}: {}", value.to_str().unwrap())
        };
        let mut lines: Vec<String> = told[0].iter().map(line).collect();
        lines.sort_unstable();
        lines
    }

    #[test]
    fn what_is_meant_for_one_hop_or_named_by_it_is_not_told() {
        let fields = [
            ("connection", "close, X-Here,date"),
            ("connection", "content-length, Via"),
            ("x-here", "1"),
            ("x-there", "2"),
            ("x-there", "3"),
            ("close", "4"),
            ("date", "today"),
            ("keep-alive", "timeout=5"),
            ("content-length", "6"),
            ("via", "1.1 a"),
        ];
        let told = lines_told(&fields, true);
        assert_eq!(told, ["content-length: 6", "via: 1.1 serin", "x-there: 2", "x-there: 3"]);
        for reply in [in_lines(&fields), in_map(&fields)] {
            let back = Back::of_upstream(reply, Length::AsItCame);
            assert!(!back.tells(Known::Date) && back.tells(Known::ContentLength));
        }
    }

    #[test]
    fn a_list_that_serin_goes_on_with_is_one_line() {
        let fields = [("via", "1.0 a"), ("x", ""), ("via", "1.1 b, 1.1 c")];
        assert_eq!(lines_told(&fields, false), ["via: 1.0 a, 1.1 b, 1.1 c, 1.1 serin", "x: "]);
    }

    #[test]
    fn trailers_are_announced_where_they_travel_and_connection_does_not_name_them() {
        let fields =
            [("trailer", "x-sum, host"), ("trailer", "etag"), ("transfer-encoding", "chunked")];
        assert_eq!(lines_told(&fields, true), ["trailer: x-sum, etag", "via: 1.1 serin"]);
        assert_eq!(lines_told(&fields, false), ["via: 1.1 serin"]);
        let named = [("connection", "trailer"), ("trailer", "x-sum")];
        assert_eq!(lines_told(&named, true), ["via: 1.1 serin"]);
    }

    #[test]
    fn a_length_is_told_once_or_not_at_all() {
        let fields = [("content-length", "2"), ("content-length", "2, 02")];
        assert_eq!(lines_told(&fields, false), ["content-length: 2", "via: 1.1 serin"]);
        for (length, is_told) in
            [(Length::AsItCame, true), (Length::Is(2), true), (Length::Dropped, false)]
        {
            let back = Back::of_upstream(in_lines(&[("content-length", "2")]), length);
            assert_eq!(back.tells(Known::ContentLength), is_told);
            assert_eq!(back.to_map().contains_key(CONTENT_LENGTH), is_told);
        }
    }

    proptest! {
        #[test]
        fn lines_and_maps_of_the_same_fields_are_told_alike(
            fields in proptest::collection::vec(
                (
                    select(vec![
                        "connection", "content-length", "date", "trailer", "transfer-encoding",
                        "upgrade", "via", "te", "x-serin-version", "x-a", "etag",
                    ]),
                    select(vec!["", "chunked", "2", "via, x-a", "etag,,trailer", "close", "date"]),
                ),
                0..8,
            ),
            travel: bool,
        ) {
            lines_told(&fields, travel);
        }
    }
}
