//! Which targets of requests are read.

use http::Uri;

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

/// Whether a request may have this target: hyper reads it, and reads all of it. A
/// fragment it would drop (RFC 9112, section 3.2: there is none in a target).
pub(super) fn is_target(target: &[u8]) -> bool {
    match target {
        [b'/', ..] => is_path_and_query(target),
        // Few ask in another form, and for those the reader itself is asked.
        _ => !target.contains(&b'#') && Uri::try_from(target).is_ok(),
    }
}

fn is_path_and_query(target: &[u8]) -> bool {
    let holds = |part: &[u8], allowed| part.iter().all(|&b| ALLOWED[usize::from(b)] & allowed != 0);
    let whole = match target.iter().position(|&byte| ALLOWED[usize::from(byte)] & IN_PATH == 0) {
        None => true,
        Some(end) => target[end] == b'?' && holds(&target[end + 1..], IN_QUERY),
    };
    whole && (target.is_ascii() || std::str::from_utf8(target).is_ok())
}
