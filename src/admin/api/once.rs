//! `Idempotency-Key`: who asks again gets the first answer, and nothing is made twice
//! (draft-ietf-httpapi-idempotency-key-header).
//!
//! What made something is remembered, and nothing else: a refusal changed nothing, so to
//! try again is safe, and is what the caller wants. A restart forgets.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::BodyExt;
use sfv::{BareItem, Parser};
use xxhash_rust::xxh3::Xxh3;

use super::code::Code;
use super::error::ApiError;
use super::extract::BODY_MAX_BYTES;
use crate::admin::signature::{Caller, IDEMPOTENCY_KEY};
use crate::admin::{Admin, body};
use crate::model::{AccessKeyId, Timestamp};

/// The longest key, in characters.
pub(super) const KEY_MAX: usize = 255;
/// So many answers are remembered, of all callers together; the oldest is forgotten first.
pub(super) const ANSWERS_MAX: usize = 10_000;
/// Their bodies, in bytes.
pub(super) const OCTETS_MAX: usize = 16 * 1024 * 1024;
/// An answer is forgotten after this long.
pub(super) const AGE_MAX: Duration = Duration::from_hours(24);

/// On an answer that was given before.
static REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What was answered to requests that had a key.
#[derive(Clone, Default)]
pub struct Answers(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    entries: HashMap<Place, Entry>,
    /// Those that are answered, the oldest first.
    answered: VecDeque<(Timestamp, Place)>,
    octets: usize,
}

/// Where a key holds: one caller's means nothing of another's, nor elsewhere.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Place {
    caller: Option<AccessKeyId>,
    path: Arc<str>,
    key: Arc<str>,
}

struct Entry {
    /// What was asked.
    asked: u128,
    /// `None` while the first is still running.
    answer: Option<Answer>,
}

#[derive(Clone)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// What is known of a request.
enum Known {
    Nothing(Ticket),
    Answer(Answer),
    Running,
    /// The key was another request's.
    Other,
}

/// A request that is being answered for the first time.
struct Ticket {
    answers: Answers,
    place: Place,
}

/// Lets a request through unless its key says that it came before.
pub(super) async fn once(
    State(admin): State<Arc<Admin>>,
    request: Request,
    next: Next,
) -> Response {
    answer(admin, request, next).await.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(admin: Arc<Admin>, request: Request, next: Next) -> Result<Response, ApiError> {
    let Some(key) = key(request.headers())? else {
        return Ok(next.run(request).await);
    };
    let (parts, body) = request.into_parts();
    let octets = body::read(body, BODY_MAX_BYTES).await?;
    let caller = parts.extensions.get::<Caller>().and_then(|caller| caller.key().cloned());
    let place = Place { caller, path: parts.uri.path().into(), key: key.into() };
    let asked = fingerprint(&parts.headers, parts.uri.query(), &octets);
    let ticket = match admin.answers.look(place, asked, (admin.clock)()) {
        Known::Nothing(ticket) => ticket,
        Known::Answer(answer) => return Ok(answer.again()),
        Known::Running => {
            return Err(ApiError::new(
                Code::KeyInUse,
                "a request with this Idempotency-Key is being answered: ask again in a moment",
            ));
        }
        Known::Other => {
            return Err(ApiError::new(
                Code::KeyReused,
                "this Idempotency-Key was another request's: take a new one for a new request",
            ));
        }
    };
    let request = Request::from_parts(parts, Body::from(octets));
    // To its end although the caller hangs up: that is whom the key is for.
    let task = tokio::spawn(async move {
        let response = next.run(request).await;
        ticket.keep(response, (admin.clock)()).await
    });
    task.await.map_err(|_| ApiError::new(Code::Stopping, "serin is stopping"))
}

/// The key of a request: a string of RFC 8941, or its text without the quotes.
fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let bad = || {
        ApiError::bad_request(format!(
            "Idempotency-Key must come once, as 1 to {KEY_MAX} printable characters, in quotes or without a blank, quote or comma"
        ))
    };
    let mut lines = headers.get_all(&IDEMPOTENCY_KEY).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(bad());
    }
    let key = match Parser::new(line.as_bytes()).parse::<sfv::Item>() {
        Ok(item) => match item.bare_item {
            BareItem::String(text) => Some(String::from(text)),
            _ => bare(line),
        },
        Err(_) => bare(line),
    };
    let key = key.filter(|key| (1..=KEY_MAX).contains(&key.len()));
    key.map(Some).ok_or_else(bad)
}

fn bare(line: &HeaderValue) -> Option<String> {
    let text = line.to_str().ok()?;
    let plain = |octet: u8| octet.is_ascii_graphic() && !matches!(octet, b'"' | b',');
    text.bytes().all(plain).then(|| text.to_owned())
}

/// Of all that an answer depends on, each part told from the next.
fn fingerprint(headers: &HeaderMap, query: Option<&str>, body: &[u8]) -> u128 {
    let mut hash = Xxh3::new();
    let mut add = |octets: &[u8]| {
        hash.update(&u64::try_from(octets.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(octets);
    };
    add(query.unwrap_or_default().as_bytes());
    for name in [&CONTENT_TYPE, &IF_MATCH, &IF_NONE_MATCH] {
        add(name.as_str().as_bytes());
        for value in headers.get_all(name) {
            add(value.as_bytes());
        }
    }
    add(body);
    hash.digest128()
}

impl Answer {
    fn again(self) -> Response {
        let mut response = (self.status, self.headers, self.body).into_response();
        response.headers_mut().insert(REPLAYED.clone(), HeaderValue::from_static("true"));
        response
    }
}

impl Answers {
    fn look(&self, place: Place, asked: u128, now: Timestamp) -> Known {
        let mut book = self.book();
        book.forget_older_than(now);
        match book.entries.get(&place) {
            Some(entry) if entry.asked != asked => Known::Other,
            Some(entry) => entry.answer.clone().map_or(Known::Running, Known::Answer),
            None => {
                book.entries.insert(place.clone(), Entry { asked, answer: None });
                drop(book);
                Known::Nothing(Ticket { answers: self.clone(), place })
            }
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // A panic elsewhere leaves at most an entry that its ticket takes away.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn forget_older_than(&mut self, now: Timestamp) {
        let age_max = i64::try_from(AGE_MAX.as_nanos()).unwrap_or(i64::MAX);
        while let Some((at, _)) = self.answered.front()
            && now.0.saturating_sub(at.0) > age_max
        {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((_, place)) = self.answered.pop_front() else { return };
        let gone = self.entries.remove(&place).and_then(|entry| entry.answer);
        self.octets -= gone.map_or(0, |answer| answer.body.len());
    }

    fn remember(&mut self, place: &Place, answer: Answer, now: Timestamp) {
        let Some(entry) = self.entries.get_mut(place) else { return };
        self.octets += answer.body.len();
        entry.answer = Some(answer);
        self.answered.push_back((now, place.clone()));
        while self.answered.len() > ANSWERS_MAX || self.octets > OCTETS_MAX {
            self.forget_oldest();
        }
    }
}

impl Ticket {
    /// Remembers what made something, and passes it on.
    async fn keep(self, response: Response, now: Timestamp) -> Response {
        if response.status() != StatusCode::CREATED {
            return response;
        }
        let (parts, body) = response.into_parts();
        // It is whole already, as every answer here is.
        let Ok(body) = body.collect().await else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let body = body.to_bytes();
        let answer =
            Answer { status: parts.status, headers: parts.headers.clone(), body: body.clone() };
        self.answers.book().remember(&self.place, answer, now);
        Response::from_parts(parts, Body::from(body))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut book = self.answers.book();
        if book.entries.get(&self.place).is_some_and(|entry| entry.answer.is_none()) {
            book.entries.remove(&self.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<String> {
        let line = HeaderValue::from_str(line).unwrap();
        key(&[(IDEMPOTENCY_KEY.clone(), line)].into_iter().collect()).ok().flatten()
    }

    fn place(number: usize) -> Place {
        Place { caller: None, path: "/".into(), key: number.to_string().into() }
    }

    fn remember(book: &mut Book, number: usize, length: usize, now: i64) {
        book.entries.insert(place(number), Entry { asked: 0, answer: None });
        let body = vec![0; length].into();
        let answer = Answer { status: StatusCode::CREATED, headers: HeaderMap::new(), body };
        book.remember(&place(number), answer, Timestamp(now));
    }

    #[test]
    fn a_key_is_the_same_in_quotes_and_without() {
        for line in ["\"8e03978e-40d5\"", "8e03978e-40d5", "\"8e03978e-40d5\";a=1"] {
            assert_eq!(read(line).as_deref(), Some("8e03978e-40d5"), "{line}");
        }
        assert_eq!(read("\"a \\\" b\"").as_deref(), Some("a \" b"));
        assert_eq!(read("12").as_deref(), Some("12"));
        let longest = "a".repeat(KEY_MAX);
        assert_eq!(read(&longest), Some(longest.clone()));
        for line in ["", "\"\"", "a b", "\"a", "a, b", &format!("{longest}a")] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    #[test]
    fn each_part_of_a_request_is_told_from_the_next() {
        let none = HeaderMap::new();
        let all = [
            fingerprint(&none, None, b"ab"),
            fingerprint(&none, Some("a"), b"b"),
            fingerprint(&none, Some("ab"), b""),
            fingerprint(
                &[(IF_MATCH, HeaderValue::from_static("*"))].into_iter().collect(),
                None,
                b"ab",
            ),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[..index].contains(one), "{index}");
        }
    }

    #[test]
    fn a_request_that_is_being_answered_is_known_until_it_is() {
        let answers = Answers::default();
        let look = |asked| answers.look(place(1), asked, Timestamp(0));
        let Known::Nothing(ticket) = look(1) else { panic!("nobody has asked before") };
        assert!(matches!(look(1), Known::Running));
        assert!(matches!(look(2), Known::Other));
        // Whoever does not get to its end has made nothing.
        drop(ticket);
        assert!(matches!(look(2), Known::Nothing(_)));
        assert_eq!(answers.book().entries.len(), 0);
    }

    #[tokio::test]
    async fn what_made_something_is_remembered_and_a_refusal_is_not() {
        let answers = Answers::default();
        let look = || answers.look(place(1), 1, Timestamp(0));
        let Known::Nothing(ticket) = look() else { panic!("nobody has asked before") };
        ticket.keep(StatusCode::CONFLICT.into_response(), Timestamp(0)).await;
        let Known::Nothing(ticket) = look() else { panic!("nothing was made") };
        let made = (StatusCode::CREATED, [(CONTENT_TYPE, "a/b")], "made").into_response();
        ticket.keep(made, Timestamp(0)).await;
        let Known::Answer(answer) = look() else { panic!("something was made") };
        let again = answer.again();
        assert_eq!(again.status(), StatusCode::CREATED);
        assert_eq!(again.headers()[CONTENT_TYPE], "a/b");
        assert_eq!(again.headers()[&REPLAYED], "true");
        assert_eq!(again.into_body().collect().await.unwrap().to_bytes(), "made");
    }

    #[test]
    fn the_oldest_answers_are_forgotten_first() {
        let mut book = Book::default();
        for number in 0..=ANSWERS_MAX {
            remember(&mut book, number, 1, 0);
        }
        assert_eq!((book.entries.len(), book.octets), (ANSWERS_MAX, ANSWERS_MAX));
        assert!(!book.entries.contains_key(&place(0)));
        assert!(book.entries.contains_key(&place(1)));
        remember(&mut book, 0, OCTETS_MAX, 1);
        assert_eq!((book.entries.len(), book.octets), (1, OCTETS_MAX));
    }

    #[test]
    fn an_answer_is_forgotten_after_a_day() {
        let day = i64::try_from(AGE_MAX.as_nanos()).unwrap();
        let mut book = Book::default();
        remember(&mut book, 1, 1, 5);
        book.forget_older_than(Timestamp(5 + day));
        assert_eq!(book.entries.len(), 1);
        book.forget_older_than(Timestamp(6 + day));
        assert_eq!((book.entries.len(), book.octets), (0, 0));
    }
}
