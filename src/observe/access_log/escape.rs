//! What others say, so that it can neither end a line nor stand for what Serin says.
//!
//! Nothing but visible ASCII is written: a terminal obeys more than line ends.

/// A text takes so many bytes of what was said at most; that there was more, is marked.
const TEXT_MAX_BYTES: usize = 4 * 1024;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Writes `text` as the inside of a string in JSON. What is not UTF-8 becomes U+FFFD.
pub(super) fn json(text: &[u8], out: &mut Vec<u8>) {
    let (text, is_cut) = cut(text);
    let mut rest = text;
    loop {
        let plain = rest.iter().position(|&byte| !is_plain(byte)).unwrap_or(rest.len());
        out.extend_from_slice(&rest[..plain]);
        rest = &rest[plain..];
        let Some(&byte) = rest.first() else { break };
        if byte.is_ascii() {
            json_ascii(byte, out);
            rest = &rest[1..];
        } else {
            let (first, taken) = first_char(rest);
            let mut units = [0; 2];
            first.encode_utf16(&mut units).iter().for_each(|unit| json_unit(*unit, out));
            rest = &rest[taken..];
        }
    }
    if is_cut {
        json_unit(0x2026, out);
    }
}

fn json_ascii(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        _ => json_unit(byte.into(), out),
    }
}

fn json_unit(unit: u16, out: &mut Vec<u8>) {
    let digit = |shift: u16| HEX[usize::from(unit >> shift & 0xf)];
    out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}

/// The first character of what does not begin in ASCII, and how many bytes it takes.
fn first_char(text: &[u8]) -> (char, usize) {
    // No more than a character: to look at all that follows, each time, would take a peer's
    // long text a thousand times as long.
    let chunk = text[..text.len().min(4)].utf8_chunks().next();
    if let Some(first) = chunk.as_ref().and_then(|chunk| chunk.valid().chars().next()) {
        return (first, first.len_utf8());
    }
    let taken = chunk.map_or(1, |chunk| chunk.invalid().len());
    (char::REPLACEMENT_CHARACTER, taken.max(1))
}

/// Writes `text` as the inside of quotes, as Apache's httpd does.
pub(super) fn quoted(text: &[u8], out: &mut Vec<u8>) {
    let (text, is_cut) = cut(text);
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b' '..=b'~' => out.push(byte),
            _ => {
                let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]];
                out.extend_from_slice(&[b'\\', b'x', digits[0], digits[1]]);
            }
        }
    }
    if is_cut {
        out.extend_from_slice(b"...");
    }
}

/// Whether it stands for itself in JSON.
#[inline]
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

fn cut(text: &[u8]) -> (&[u8], bool) {
    match text.get(..TEXT_MAX_BYTES) {
        Some(begin) if begin.len() < text.len() => (begin, true),
        _ => (text, false),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(write: fn(&[u8], &mut Vec<u8>), text: &[u8]) -> String {
        let mut out = Vec::new();
        write(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_would_end_a_line_or_a_string_is_escaped() {
        for (text, in_json, in_quotes) in [
            (&b"/a b~"[..], "/a b~", "/a b~"),
            (b"\"\\", r#"\"\\"#, r#"\"\\"#),
            (b"a\r\nb\0\x1b\x7f", r"a\u000d\u000ab\u0000\u001b\u007f", r"a\x0d\x0ab\x00\x1b\x7f"),
            ("é\u{1F600}".as_bytes(), r"\u00e9\ud83d\ude00", r"\xc3\xa9\xf0\x9f\x98\x80"),
            (b"\xffa\xe2\x82", r"\ufffda\ufffd", r"\xffa\xe2\x82"),
        ] {
            assert_eq!(escaped(json, text), in_json);
            assert_eq!(escaped(quoted, text), in_quotes);
        }
    }

    /// Character by character: each is as far from the end as the first.
    #[test]
    fn a_long_text_of_other_alphabets_is_escaped_whole() {
        let long = "\u{1F600}é\u{20AC}".repeat(400);
        let expected = r"\ud83d\ude00\u00e9\u20ac".repeat(400);
        assert_eq!(escaped(json, long.as_bytes()), expected);
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        let long = vec![b'a'; TEXT_MAX_BYTES + 1];
        assert_eq!(escaped(json, &long).len(), TEXT_MAX_BYTES + r"\u2026".len());
        assert!(escaped(quoted, &long).ends_with("a..."));
        assert_eq!(escaped(json, &long[1..]).len(), TEXT_MAX_BYTES);
    }

    proptest! {
        #[test]
        fn whatever_is_said_is_one_string_of_visible_ascii(text: Vec<u8>) {
            let in_json = escaped(json, &text);
            prop_assert!(in_json.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            let read: String = serde_json::from_str(&format!("\"{in_json}\"")).unwrap();
            prop_assert_eq!(read, String::from_utf8_lossy(&text).into_owned());
            let in_quotes = escaped(quoted, &text);
            prop_assert!(in_quotes.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        }
    }
}
