//! Where a request stands in a trace: `traceparent` of W3C's Trace Context.

/// The name of the field, in lower case.
pub const TRACEPARENT: &str = "traceparent";

/// The bytes of a `traceparent` of version 00.
pub const TRACEPARENT_BYTES: usize = 55;

/// The flag of those whose caller may have recorded them.
const SAMPLED: u8 = 1;

/// The trace that a request belongs to, and the span that called. Neither id is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    pub trace: u128,
    pub span: u64,
    pub flags: u8,
}

impl TraceParent {
    /// What a field says; `None` of what says nothing (section 3.2 of the recommendation).
    ///
    /// Of a later version, what is known of version 00 is taken, and what follows behind a
    /// hyphen is left.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (known, more) = text.split_at_checked(TRACEPARENT_BYTES)?;
        let version = hex(&known[..2])?;
        let is_whole = match version {
            0 => more.is_empty(),
            0xff => false,
            _ => more.is_empty() || more[0] == b'-',
        };
        if !is_whole || [2, 35, 52].iter().any(|&at| known[at] != b'-') {
            return None;
        }
        let (trace, span) = (hex(&known[3..35])?, hex(&known[36..52])?);
        let (span, flags) = (u64::try_from(span).ok()?, u8::try_from(hex(&known[53..])?).ok()?);
        (trace != 0 && span != 0).then_some(Self { trace, span, flags })
    }

    /// A trace that begins here, of these random numbers.
    pub fn begun(trace: u128, span: u64, is_sampled: bool) -> Self {
        // Zero is no id.
        Self { trace: trace.max(1), span: span.max(1), flags: u8::from(is_sampled) }
    }

    pub const fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The same trace under another span.
    #[must_use]
    pub fn under(self, span: u64, is_sampled: bool) -> Self {
        let flags = if is_sampled { self.flags | SAMPLED } else { self.flags & !SAMPLED };
        Self { span: span.max(1), flags, ..self }
    }

    /// As a field says it, in version 00.
    pub fn text(self) -> [u8; TRACEPARENT_BYTES] {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        put_hex(&self.trace.to_be_bytes(), &mut text[3..35]);
        put_hex(&self.span.to_be_bytes(), &mut text[36..52]);
        // Of the flags that are not known, none is passed on in version 00.
        put_hex(&[self.flags & 0b11], &mut text[53..]);
        text
    }
}

/// Digits in lower case alone.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(value))
    })
}

/// Writes two digits a byte.
fn put_hex(bytes: &[u8], digits: &mut [u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for (byte, digits) in bytes.iter().zip(digits.chunks_exact_mut(2)) {
        digits[0] = HEX[usize::from(byte >> 4)];
        digits[1] = HEX[usize::from(byte & 0xf)];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_is_well_formed_is_read_and_said_as_it_came() {
        let parsed = TraceParent::parse(EXAMPLE).unwrap();
        assert_eq!(parsed.trace, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!((parsed.span, parsed.is_sampled()), (0x00f0_67aa_0ba9_02b7, true));
        assert_eq!(parsed.text(), EXAMPLE);
    }

    #[test]
    fn what_is_malformed_says_nothing() {
        for text in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 ",
            "00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
        ] {
            assert_eq!(TraceParent::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn of_a_later_version_what_is_known_is_taken() {
        let later = b"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fd-what-comes";
        let parsed = TraceParent::parse(later).unwrap();
        assert_eq!(parsed.text(), EXAMPLE, "the flags that are known stay");
        assert!(TraceParent::parse(&later[..TRACEPARENT_BYTES]).is_some());
    }

    #[test]
    fn a_span_of_ours_takes_the_place_of_the_one_that_called() {
        let came = TraceParent::parse(EXAMPLE).unwrap();
        let ours = came.under(7, false);
        assert_eq!((ours.trace, ours.span, ours.is_sampled()), (came.trace, 7, false));
        assert_eq!(TraceParent::parse(&TraceParent::begun(0, 0, false).text()).unwrap().span, 1);
    }

    proptest! {
        #[test]
        fn nothing_is_too_strange(bytes: Vec<u8>, near in "[0-9a-f-]{50,60}") {
            for text in [&bytes[..], near.as_bytes()] {
                if let Some(parsed) = TraceParent::parse(text) {
                    prop_assert_eq!(TraceParent::parse(&parsed.text()).unwrap().trace, parsed.trace);
                }
            }
        }
    }
}
