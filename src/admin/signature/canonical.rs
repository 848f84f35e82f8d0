//! The one spelling of parameters that both ends sign.

/// A name and its value, as octets: what is signed need not be UTF-8.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// The parameters of a query or a form, decoded.
pub(super) fn pairs(text: &[u8]) -> Vec<Pair> {
    let parts = text.split(|&b| b == b'&').filter(|part| !part.is_empty());
    let pair = |part: &[u8]| {
        let end = part.iter().position(|&b| b == b'=').unwrap_or(part.len());
        (decode(&part[..end]), decode(part.get(end + 1..).unwrap_or_default()))
    };
    parts.map(pair).collect()
}

/// Sorted by name, encoded, joined.
///
/// Made of what was decoded and never of what was sent: clients put `+`, `*`, `(`,
/// `)` and `'` on the wire as they are, and sign them encoded.
pub(super) fn query(mut pairs: Vec<Pair>) -> String {
    pairs.sort_unstable();
    let pair = |(name, value): &Pair| format!("{}={}", encode(name), encode(value));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// RFC 3986: all but letters, digits and `-_.~` in upper-case hexadecimal.
pub(super) fn encode(octets: &[u8]) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(octets.len());
    for &octet in octets {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(octet));
        } else {
            let [high, low] = [octet >> 4, octet & 0x0F].map(|half| HEX[usize::from(half)]);
            encoded.extend(['%', char::from(high), char::from(low)]);
        }
    }
    encoded
}

/// `+` is a space; a `%` without two digits behind it is itself.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, behind @ ..] = rest {
        rest = behind;
        decoded.push(match first {
            b'+' => b' ',
            b'%' => match behind {
                [high, low, after @ ..] if let Some(octet) = octet(*high, *low) => {
                    rest = after;
                    octet
                }
                _ => b'%',
            },
            other => *other,
        });
    }
    decoded
}

/// The octet that two hexadecimal digits spell.
fn octet(high: u8, low: u8) -> Option<u8> {
    let [high, low] = [high, low].map(|digit| char::from(digit).to_digit(16));
    u8::try_from(high? << 4 | low?).ok()
}

/// What hexadecimal digits spell.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let (digits, odd) = text.as_bytes().as_chunks::<2>();
    let octets = digits.iter().map(|&[high, low]| octet(high, low));
    if odd.is_empty() { octets.collect() } else { None }
}

/// Lower-case, as clients write digests.
pub(super) fn hex(octets: &[u8]) -> String {
    let halves = octets.iter().flat_map(|octet| [octet >> 4, octet & 0x0F]);
    halves.map(|half| char::from(b"0123456789abcdef"[usize::from(half)])).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_spelling_of_a_query_has_one_canonical_one() {
        for sent in [
            "PageNumber=1&PageSize=10&SearchKeyWord=te+st*'(%C3%BC)~",
            "SearchKeyWord=te%20st%2a%27%28%c3%bc%29%7E&PageSize=10&PageNumber=1&",
        ] {
            assert_eq!(
                query(pairs(sent.as_bytes())),
                "PageNumber=1&PageSize=10&SearchKeyWord=te%20st%2A%27%28%C3%BC%29~"
            );
        }
        assert_eq!(query(pairs(b"b&a=&=c&d=1=2")), "=c&a=&b=&d=1%3D2");
        assert_eq!(query(pairs(b"")), "");
    }

    #[test]
    fn a_percent_sign_that_spells_nothing_is_itself() {
        for (sent, canonical) in [
            ("a=%", "a=%25"),
            ("a=%4", "a=%254"),
            ("a=%zz", "a=%25zz"),
            ("a=%+1", "a=%25%201"),
            ("a=%FF", "a=%FF"),
        ] {
            assert_eq!(query(pairs(sent.as_bytes())), canonical, "{sent}");
        }
    }

    #[test]
    fn hexadecimal_comes_back() {
        assert_eq!(unhex("00fFa0"), Some(vec![0, 0xFF, 0xA0]));
        assert_eq!(hex(&[0, 0xFF, 0xA0]), "00ffa0");
        for text in ["0", "0g", "+1", "é"] {
            assert_eq!(unhex(text), None, "{text}");
        }
    }

    proptest! {
        /// What is signed is what the actions read.
        #[test]
        fn decoding_is_that_of_parameters(text in "[a-c%+=&0-9A-F]{0,40}") {
            let read = form_urlencoded::parse(text.as_bytes()).map(|(name, value)| {
                (name.into_owned(), value.into_owned())
            });
            let lossy = |octets: Vec<u8>| String::from_utf8_lossy(&octets).into_owned();
            let ours = pairs(text.as_bytes()).into_iter().map(|(name, value)| {
                (lossy(name), lossy(value))
            });
            prop_assert_eq!(ours.collect::<Vec<_>>(), read.collect::<Vec<_>>());
        }
    }
}
