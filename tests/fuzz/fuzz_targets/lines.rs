//! Inputs that are texts of lines, as people write them and dictionaries help with.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The switches that the first byte stands for, and the lines behind it.
pub fn split(input: &[u8]) -> (u8, impl Iterator<Item = &[u8]>) {
    let (&switches, text) = input.split_first().unwrap_or((&0, &[]));
    (switches, text.split(|&byte| byte == b'\n'))
}

/// The fields of `name: value` lines. Lines that are none are left out.
pub fn fields<'i>(lines: impl Iterator<Item = &'i [u8]>) -> HeaderMap {
    let fields = lines.filter_map(|line| {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        Some((name, value))
    });
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(name, value);
    }
    headers
}
