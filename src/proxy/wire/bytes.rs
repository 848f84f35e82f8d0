//! Which bytes may stand where.

/// RFC 9110, section 5.6.2: what a token is made of.
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0u8;
    loop {
        table[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            );
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};

pub(super) fn is_token(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

/// What a byte of a token is in lower case; zero for what stands in none.
const IN_LOWER_CASE: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0u8;
    loop {
        if TOKEN[byte as usize] {
            table[byte as usize] = byte.to_ascii_lowercase();
        }
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};

/// How long the token is that `bytes` begin with, which is in lower case then.
pub(in crate::proxy) fn lower_token(bytes: &mut [u8]) -> usize {
    let mut len = 0;
    for byte in bytes {
        let lower = IN_LOWER_CASE[usize::from(*byte)];
        if lower == 0 {
            break;
        }
        *byte = lower;
        len += 1;
    }
    len
}

/// How long the token is that `bytes` begin with.
pub(super) fn token_len(bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| !is_token(byte)).unwrap_or(bytes.len())
}

pub(super) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// What no field holds: controls other than the tabulator (RFC 9110, section 5.5).
pub(super) fn is_control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\t') || byte == 0x7f
}

/// The first control character.
///
/// Eight bytes at a time, since every byte of every value goes through here. The last eight
/// may overlap those before, so that none is looked at alone but in short values.
pub(in crate::proxy) fn control_in(value: &[u8]) -> Option<u8> {
    if let Some(last) = value.last_chunk() {
        let (eights, _) = value.as_chunks();
        if !eights.iter().fold(may_hold_control(*last), |may, &eight| may | may_hold_control(eight))
        {
            return None;
        }
    }
    value.iter().copied().find(|&byte| is_control(byte))
}

/// Whether a control character is among these bytes, or a tabulator: a byte below the
/// blank, or equal to DEL, borrows from the highest bit of its place.
fn may_hold_control(eight: [u8; 8]) -> bool {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    let word = u64::from_le_bytes(eight);
    let below_blank = word.wrapping_sub(ONES * 0x20) & !word;
    let no_del = word ^ (ONES * 0x7f);
    let is_del = no_del.wrapping_sub(ONES) & !no_del;
    (below_blank | is_del) & HIGHS != 0
}

/// Without blanks around (RFC 9110, section 5.6.3).
pub(super) fn trim(mut value: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = value
        && is_blank(*first)
    {
        value = rest;
    }
    while let [rest @ .., last] = value
        && is_blank(*last)
    {
        value = rest;
    }
    value
}

/// The elements of a list, empty ones included (RFC 9110, section 5.6.1).
pub(in crate::proxy) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim)
}
