//! Which targets of requests are read, and how they are spelled.
//!
//! Clients put bytes into a path or a query that RFC 3986 has no place for, and most
//! servers take them. So does this proxy, unless somebody reads them as something else:
//! no controls, no blanks, no fragment, nothing from 0x80 on that is not UTF-8. What
//! `http::Uri` takes of them goes on as it came. What it does not take, `<` and `>`, a
//! backtick in a path and a quote in a query, goes on percent-encoded: a byte that is
//! not reserved and its escape say the same (RFC 3986, sections 2.2 to 2.4), and that
//! is what a client that keeps the rules would have sent. Routing sees that spelling, as
//! the upstream does. An escape that the client wrote stays as it is.

use std::borrow::Cow;

use http::Uri;
use memchr::{memchr, memchr2, memmem};

use super::bytes::control_in;
use super::refusal::Refusal;

/// `http::Uri` holds no longer ones.
pub(super) const TARGET_BYTES_MAX: usize = u16::MAX as usize - 1;

/// May stand in a path, may stand in a query.
const IN_PATH: u8 = 1;
const IN_QUERY: u8 = 2;

/// The bytes of RFC 3986, and those beside them that clients send as they are and that
/// nobody reads as anything else. Bytes from 0x80 on must be UTF-8.
const ALLOWED: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0u8;
    loop {
        let in_path = matches!(byte, b'!' | b'"' | b'$'..=b';' | b'=' | b'@'..=b'_')
            || matches!(byte, b'a'..=b'~' | 0x80..);
        let in_query = matches!(byte, b'!' | b'$'..=b';' | b'=' | b'?'..=b'~' | 0x80..);
        table[byte as usize] =
            if in_path { IN_PATH } else { 0 } | if in_query { IN_QUERY } else { 0 };
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};

/// How the target of a request is spelled for those behind: mostly as it came.
/// `http::Uri` reads that, and reads all of it. A fragment it would drop (RFC 9112, section
/// 3.2: there is none in a target).
pub(super) fn spelling_of(target: &[u8]) -> Result<Cow<'_, [u8]>, Refusal> {
    if target.starts_with(b"/") && is_path_and_query(target) {
        return Ok(Cow::Borrowed(target));
    }
    if control_in(target).is_some() {
        return Err(Refusal::Control);
    }
    // The rest is rare, so the reader itself is asked.
    let spelled = escaped(target);
    if spelled.len() > TARGET_BYTES_MAX {
        return Err(Refusal::TargetTooLong);
    }
    if target.contains(&b'#') || Uri::try_from(&*spelled).is_err() {
        return Err(Refusal::Target);
    }
    Ok(spelled)
}

fn is_path_and_query(target: &[u8]) -> bool {
    let holds = |part: &[u8], allowed| part.iter().all(|&b| ALLOWED[usize::from(b)] & allowed != 0);
    let whole = match target.iter().position(|&byte| ALLOWED[usize::from(byte)] & IN_PATH == 0) {
        None => true,
        Some(end) => target[end] == b'?' && holds(&target[end + 1..], IN_QUERY),
    };
    whole && (target.is_ascii() || std::str::from_utf8(target).is_ok())
}

/// Percent-encodes what is harmless and has no place in a path or a query.
fn escaped(target: &[u8]) -> Cow<'_, [u8]> {
    let Some(path) = path_in(target) else { return Cow::Borrowed(target) };
    let query = memchr(b'?', target).unwrap_or(target.len());
    let is_odd = |at: usize, byte: u8| match byte {
        b'<' | b'>' => at >= path,
        b'`' => (path..query).contains(&at),
        b'"' => at > query,
        _ => false,
    };
    let odd = target.iter().enumerate().filter(|&(at, &byte)| is_odd(at, byte)).count();
    if odd == 0 {
        return Cow::Borrowed(target);
    }
    let mut spelled = Vec::with_capacity(target.len() + 2 * odd);
    for (at, &byte) in target.iter().enumerate() {
        if is_odd(at, byte) {
            let digit = |half: u8| b"0123456789ABCDEF"[usize::from(half)];
            spelled.extend([b'%', digit(byte >> 4), digit(byte & 0xf)]);
        } else {
            spelled.push(byte);
        }
    }
    Cow::Owned(spelled)
}

/// Where the path begins, or the query if there is none (RFC 9112, section 3.2).
fn path_in(target: &[u8]) -> Option<usize> {
    if target.starts_with(b"/") {
        return Some(0);
    }
    let authority = memmem::find(target, b"://")? + 3;
    Some(authority + memchr2(b'/', b'?', &target[authority..])?)
}
