//! One request's head, judged line by line as its lines become whole.

use std::borrow::Cow;
use std::ops::Range;

use http::Version;
use memchr::memchr;

use super::bytes::{control_in, elements, is_blank, is_token, token_len, trim};
use super::refusal::Refusal;
use super::target::{TARGET_BYTES_MAX, spelling_of};
use crate::model::Limits;

/// How large a head may be.
#[derive(Debug, Clone, Copy)]
pub struct HeadLimits {
    /// Bytes of the whole head, line ends included.
    pub head_bytes: usize,
    /// Field lines.
    pub fields: usize,
    /// Bytes of the target, as the client wrote it.
    pub target_bytes: usize,
}

impl HeadLimits {
    /// What `[limits]` says, as far as the types that hold a request can follow.
    pub fn of(limits: &Limits) -> Self {
        Self {
            head_bytes: limits.header_bytes.get(),
            fields: limits.header_count.get().min(FIELDS_MAX),
            target_bytes: limits.uri_bytes.get().min(TARGET_BYTES_MAX),
        }
    }
}

/// `http::HeaderMap` holds no more than 24,576.
const FIELDS_MAX: usize = 16 << 10;
/// What a request line may hold beside its target: a method, a version, two spaces.
const METHOD_AND_VERSION_BYTES: usize = 64;

/// `http::HeaderName` holds up to 64 KiB.
const FIELD_NAME_BYTES_MAX: usize = 8 << 10;

/// RFC 9112, section 6.3: how the end of a request's body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    None,
    Length(u64),
    Chunked,
}

/// A head that is whole and good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole {
    /// Its bytes, the empty line included.
    pub(super) len: usize,
    pub(super) framing: Framing,
}

/// What is known of a head so far.
///
/// A line is judged when it is whole, so that the verdict does not depend on how the
/// bytes were cut. No byte is looked at more than twice.
#[derive(Debug, Default)]
pub(in crate::proxy) struct Head {
    /// Where the first line begins that was not judged.
    line: usize,
    /// Up to where that line has no end.
    searched: usize,
    /// Of the request line, once that was judged.
    version: Option<Version>,
    method_len: usize,
    target_len: usize,
    /// The target, where it is to go on in another spelling.
    respelled: Option<Box<[u8]>>,
    /// Room for them is kept from one head to the next.
    fields: Vec<Field>,
    length: Option<u64>,
    coding: Option<Coding>,
}

/// Where a field is in its head.
#[derive(Debug, Clone, Copy)]
struct Field {
    start: usize,
    name_len: usize,
    /// Of the line, without CRLF.
    end: usize,
}

/// Room for fields that is kept.
const FIELDS_KEPT: usize = 64;

/// The transfer codings so far.
#[derive(Debug, Clone, Copy, Default)]
struct Coding {
    chunked: bool,
    unknown: bool,
    /// Something follows `chunked`, or nothing stands where a coding should.
    misplaced: bool,
}

impl Head {
    /// Forgets the head before.
    pub(super) fn begin(&mut self) {
        let mut fields = std::mem::take(&mut self.fields);
        fields.clear();
        fields.shrink_to(FIELDS_KEPT);
        *self = Self { fields, ..Self::default() };
    }

    /// Once it is whole: the version that it is to be read as.
    pub(in crate::proxy) fn version(&self) -> Version {
        self.version.unwrap_or(Version::HTTP_11)
    }

    /// Where its method is.
    pub(in crate::proxy) fn method(&self) -> Range<usize> {
        0..self.method_len
    }

    /// Where its target is.
    pub(in crate::proxy) fn target(&self) -> Range<usize> {
        let start = self.method_len + 1;
        start..start + self.target_len
    }

    /// The spelling in which its target goes on, if that is not the one it has.
    pub(in crate::proxy) fn spelling(&self) -> Option<&[u8]> {
        self.respelled.as_deref()
    }

    /// Where the names and values of its fields are, of which `head` are the bytes.
    pub(in crate::proxy) fn fields(
        &self,
        head: &[u8],
    ) -> impl ExactSizeIterator<Item = (Range<usize>, Range<usize>)> {
        self.fields.iter().map(|&Field { start, name_len, end }| {
            let name = start..start + name_len;
            let (mut from, mut to) = (name.end + 1, end);
            while from < to && is_blank(head[from]) {
                from += 1;
            }
            while from < to && is_blank(head[to - 1]) {
                to -= 1;
            }
            (name, from..to)
        })
    }

    /// Judges `bytes`, which begin where the head begins, and hold all that was shown
    /// before. `None` while the head is not whole.
    pub(super) fn judge(
        &mut self,
        bytes: &mut [u8],
        limits: &HeadLimits,
    ) -> Result<Option<Whole>, Refusal> {
        // Talk of another protocol may never come to the end of a line.
        if self.version.is_none() && bytes.first().is_some_and(|&first| !is_token(first)) {
            return Err(Refusal::RequestLine);
        }
        while let Some(found) = memchr(b'\n', &bytes[self.searched..]) {
            let end = self.searched + found;
            self.check_size(end - self.line, end + 1, limits)?;
            let line = line_of(&bytes[self.line..end])?;
            if self.version.is_none() {
                if self.request_line(line, limits)? {
                    // Before the line's CR.
                    bytes[end - 2] = b'1';
                }
            } else if line.is_empty() {
                return self.whole(end + 1).map(Some);
            } else {
                let name_len = self.field(line, limits)?;
                self.fields.push(Field { start: self.line, name_len, end: end - 1 });
            }
            self.line = end + 1;
            self.searched = end + 1;
        }
        self.searched = bytes.len();
        self.check_size(bytes.len() - self.line, bytes.len(), limits)?;
        Ok(None)
    }

    /// Of a head of which `head` bytes are here, with `line` in a line that may go on.
    fn check_size(&self, line: usize, head: usize, limits: &HeadLimits) -> Result<(), Refusal> {
        let is_too_long = head > limits.head_bytes;
        if self.version.is_none() {
            // And a CR.
            let longest = limits.target_bytes.saturating_add(METHOD_AND_VERSION_BYTES + 1);
            return if is_too_long || line > longest {
                Err(Refusal::TargetTooLong)
            } else {
                Ok(())
            };
        }
        if is_too_long { Err(Refusal::HeadTooLong) } else { Ok(()) }
    }

    /// RFC 9112, section 3. Whether the version is to be read as 1.1: it is a later one
    /// of the same major version (RFC 9110, section 2.5).
    fn request_line(&mut self, line: &[u8], limits: &HeadLimits) -> Result<bool, Refusal> {
        let (method, rest) = line.split_at(token_len(line));
        let rest = rest.strip_prefix(b" ").ok_or(Refusal::RequestLine)?;
        let space = memchr(b' ', rest).ok_or(Refusal::RequestLine)?;
        let (target, version) = (&rest[..space], &rest[space + 1..]);
        if method.is_empty() || target.is_empty() {
            return Err(Refusal::RequestLine);
        }
        let &[b'H', b'T', b'T', b'P', b'/', major, b'.', minor] = version else {
            return Err(Refusal::RequestLine);
        };
        match (major, minor) {
            (b'1', b'0') => self.version = Some(Version::HTTP_10),
            (b'1', b'1'..=b'9') => self.version = Some(Version::HTTP_11),
            (b'2'..=b'9', b'0'..=b'9') => return Err(Refusal::Version),
            _ => return Err(Refusal::RequestLine),
        }
        if target.len() > limits.target_bytes {
            return Err(Refusal::TargetTooLong);
        }
        (self.method_len, self.target_len) = (method.len(), target.len());
        if let Cow::Owned(spelled) = spelling_of(target)? {
            self.respelled = Some(spelled.into_boxed_slice());
        }
        Ok(minor > b'1')
    }

    /// `head`, which is whole, with its target in the spelling that goes on; `None` if that
    /// is the one it has.
    pub(super) fn respell(&self, head: &[u8]) -> Option<Vec<u8>> {
        let target = self.target();
        Some([&head[..target.start], self.spelling()?, &head[target.end..]].concat())
    }

    /// RFC 9112, section 5.
    /// How long its name is.
    fn field(&mut self, line: &[u8], limits: &HeadLimits) -> Result<usize, Refusal> {
        if self.fields.len() >= limits.fields {
            return Err(Refusal::TooManyFields);
        }
        let name_len = token_len(line);
        let (name, rest) = line.split_at(name_len);
        let Some(value) = rest.strip_prefix(b":").filter(|_| !name.is_empty()) else {
            return Err(misnamed(name, rest));
        };
        if name_len > FIELD_NAME_BYTES_MAX {
            return Err(Refusal::HeadTooLong);
        }
        if let Some(control) = control_in(value) {
            return Err(control_refusal(control));
        }
        match name_len {
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                if self.length.is_some() {
                    return Err(Refusal::TwoLengths);
                }
                self.length = Some(length_of(trim(value)).ok_or(Refusal::Length)?);
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                let coding = self.coding.get_or_insert_default();
                elements(value).for_each(|element| coding.add(element));
            }
            _ => {}
        }
        Ok(name_len)
    }

    fn whole(&self, len: usize) -> Result<Whole, Refusal> {
        let is_old = self.version == Some(Version::HTTP_10);
        let framing = match (self.length, self.coding) {
            (None, None) => Framing::None,
            (Some(length), None) => Framing::Length(length),
            (Some(_), Some(_)) => return Err(Refusal::LengthBesideCoding),
            (None, Some(_)) if is_old => return Err(Refusal::CodingInOldVersion),
            (None, Some(coding)) if coding.misplaced || !coding.chunked => {
                return Err(Refusal::NotChunkedOnce);
            }
            (None, Some(coding)) if coding.unknown => return Err(Refusal::UnknownCoding),
            (None, Some(_)) => Framing::Chunked,
        };
        Ok(Whole { len, framing })
    }
}

impl Coding {
    fn add(&mut self, coding: &[u8]) {
        self.misplaced |= self.chunked || coding.is_empty();
        let chunked = coding.eq_ignore_ascii_case(b"chunked");
        self.chunked |= chunked;
        self.unknown |= !chunked;
    }
}

/// A line without its end, which must be CRLF. A line feed alone is taken for an end by
/// some (RFC 9112, section 2.2), so what follows it would be read in two ways.
fn line_of(line: &[u8]) -> Result<&[u8], Refusal> {
    line.strip_suffix(b"\r").ok_or(Refusal::BareLineFeed)
}

/// What is wrong with a line that does not begin with a name and a colon.
fn misnamed(name: &[u8], rest: &[u8]) -> Refusal {
    match rest.first() {
        None => Refusal::NoColon,
        Some(&blank) if name.is_empty() && is_blank(blank) => Refusal::Folded,
        Some(&control) if control_refusal(control) == Refusal::BareCarriageReturn => {
            Refusal::BareCarriageReturn
        }
        Some(_) if !rest.contains(&b':') => Refusal::NoColon,
        Some(&blank) if is_blank(blank) && trim(rest).first() == Some(&b':') => {
            Refusal::SpaceBeforeColon
        }
        Some(_) => Refusal::FieldName,
    }
}

fn control_refusal(control: u8) -> Refusal {
    if control == b'\r' { Refusal::BareCarriageReturn } else { Refusal::Control }
}

/// RFC 9110, section 8.6: digits and nothing else, and no more than a file may have.
fn length_of(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    let mut length = 0u64;
    for &digit in value {
        if !digit.is_ascii_digit() {
            return None;
        }
        length = length.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    i64::try_from(length).is_ok().then_some(length)
}
