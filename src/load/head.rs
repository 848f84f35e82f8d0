//! The head of a response of HTTP/1.1.

use std::cell::RefCell;
use std::mem::MaybeUninit;

use super::fault::Fault;
use super::version::{Known, VersionFrom};

/// The longest head of a response.
pub(super) const HEAD_MAX_BYTES: usize = 64 * 1024;

/// The most fields of a head.
pub(super) const FIELDS_MAX: usize = 100;

/// What a response said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) version: Option<usize>,
    /// Serin says that another version served than the one that was assigned.
    pub(super) failed_over: bool,
    /// Whether the connection takes another request.
    pub(super) keeps: bool,
    /// More came than was asked for.
    pub(super) more: bool,
}

/// What is read of a response, and whither.
pub(super) struct Reading {
    pub(super) from: VersionFrom,
    pub(super) known: RefCell<Known>,
    /// The request was HEAD: no body follows, whatever the head says.
    pub(super) is_head: bool,
}

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Nothing,
    Length(u64),
    Chunked,
    UntilClose,
}

/// A head that is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) bytes: usize,
    pub(super) answer: Answer,
    pub(super) framing: Framing,
}

/// Reads a head, if it is whole.
pub(super) fn head(bytes: &[u8], reading: &Reading) -> Result<Option<Head>, Fault> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        bytes,
        &mut fields,
    );
    let length = match parsed {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < HEAD_MAX_BYTES => return Ok(None),
        Ok(httparse::Status::Partial) | Err(_) => return Err(Fault::BadResponse),
    };
    let (Some(status), Some(minor)) = (response.code, response.version) else {
        return Err(Fault::BadResponse);
    };
    let version_field = reading.from.field();
    let mut said = Said::default();
    let (mut version, mut failed_over) = (None, false);
    for field in response.headers.iter() {
        said.take(field)?;
        let is_version = version_field.is_some_and(|name| field.name.eq_ignore_ascii_case(name));
        if is_version && !field.value.is_empty() {
            // Of several, the first counts that says anything.
            version = version.or_else(|| Some(reading.known.borrow_mut().number(field.value)));
        }
        if field.name.len() == REASON.len() && field.name.eq_ignore_ascii_case(REASON) {
            failed_over = field.value == b"failover";
        }
    }
    let framing = said.framing(status, reading.is_head)?;
    let keeps = framing != Framing::UntilClose && said.keeps(minor);
    let answer = Answer { status, version, failed_over, keeps, more: false };
    Ok(Some(Head { bytes: length, answer, framing }))
}

/// How Serin says why it decided as it did.
pub(super) const REASON: &str = "x-serin-reason";

/// What the fields of a head say about the message and the connection.
#[derive(Default)]
struct Said {
    length: Option<u64>,
    coding: Option<Coding>,
    closes: bool,
    stays: bool,
}

/// The last of the codings of a body for its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Chunked,
    Other,
}

impl Said {
    #[inline]
    fn take(&mut self, field: &httparse::Header<'_>) -> Result<(), Fault> {
        match field.name.len() {
            14 if field.name.eq_ignore_ascii_case("content-length") => {
                for part in field.value.split(|&byte| byte == b',') {
                    let length = length(part.trim_ascii()).ok_or(Fault::BadResponse)?;
                    if self.length.is_some_and(|before| before != length) {
                        return Err(Fault::BadResponse);
                    }
                    self.length = Some(length);
                }
            }
            17 if field.name.eq_ignore_ascii_case("transfer-encoding") => {
                let last = field.value.rsplit(|&byte| byte == b',').next().unwrap_or_default();
                let is_chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
                self.coding = Some(if is_chunked { Coding::Chunked } else { Coding::Other });
            }
            10 if field.name.eq_ignore_ascii_case("connection") => {
                for option in field.value.split(|&byte| byte == b',') {
                    let option = option.trim_ascii();
                    self.closes |= option.eq_ignore_ascii_case(b"close");
                    self.stays |= option.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// RFC 9112, section 6.3. A length beside an encoding is two messages to two readers.
    fn framing(&self, status: u16, is_head: bool) -> Result<Framing, Fault> {
        if self.coding.is_some() && self.length.is_some() {
            return Err(Fault::BadResponse);
        }
        Ok(match (self.coding, self.length) {
            _ if is_head || status < 200 || status == 204 || status == 304 => Framing::Nothing,
            (Some(Coding::Chunked), _) => Framing::Chunked,
            (None, Some(length)) => Framing::Length(length),
            (Some(Coding::Other), _) | (None, None) => Framing::UntilClose,
        })
    }

    /// Whether the connection goes on after this response of HTTP/1.`minor`.
    fn keeps(&self, minor: u8) -> bool {
        !self.closes && (minor == 1 || self.stays)
    }
}

/// Digits alone, and no more than fit.
fn length(octets: &[u8]) -> Option<u64> {
    if octets.is_empty() {
        return None;
    }
    octets.iter().try_fold(0_u64, |length, octet| {
        let digit = octet.is_ascii_digit().then(|| u64::from(octet - b'0'))?;
        length.checked_mul(10)?.checked_add(digit)
    })
}
