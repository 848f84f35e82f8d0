//! Moments as text, made once a second.

use crate::model::Timestamp;

/// The text of the second that was written last.
#[derive(Debug, Default)]
pub(super) struct Moments {
    second: i64,
    rfc3339: String,
    combined: String,
}

const SECOND_NS: i64 = 1_000_000_000;

impl Moments {
    /// As RFC 3339 has it, in UTC, with microseconds.
    pub(super) fn rfc3339(&mut self, moment: Timestamp, out: &mut Vec<u8>) {
        self.come_to(moment);
        out.extend_from_slice(self.rfc3339.as_bytes());
        let mut micros = *b".000000Z";
        let mut left = moment.0.rem_euclid(SECOND_NS) / 1_000;
        for digit in micros[1..7].iter_mut().rev() {
            *digit = b'0' + u8::try_from(left % 10).expect("a digit");
            left /= 10;
        }
        out.extend_from_slice(&micros);
    }

    /// As the combined format has it, in UTC.
    pub(super) fn combined(&mut self, moment: Timestamp, out: &mut Vec<u8>) {
        self.come_to(moment);
        out.extend_from_slice(self.combined.as_bytes());
    }

    fn come_to(&mut self, moment: Timestamp) {
        let second = moment.0.div_euclid(SECOND_NS);
        if second == self.second && !self.rfc3339.is_empty() {
            return;
        }
        self.second = second;
        let at = jiff::Timestamp::from_second(second).unwrap_or_default();
        at.strftime("%Y-%m-%dT%H:%M:%S").to_string().clone_into(&mut self.rfc3339);
        at.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string().clone_into(&mut self.combined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_both_ways() {
        let mut moments = Moments::default();
        let mut written = |ns| {
            let mut out = Vec::new();
            moments.rfc3339(Timestamp(ns), &mut out);
            out.push(b' ');
            moments.combined(Timestamp(ns), &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(0), "1970-01-01T00:00:00.000000Z 01/Jan/1970:00:00:00 +0000");
        for (ns, text) in [
            (1_795_780_800_123_456_789, "2026-11-27T12:00:00.123456Z"),
            (1_795_780_800_999_999_999, "2026-11-27T12:00:00.999999Z"),
            (1_795_780_801_000_000_000, "2026-11-27T12:00:01.000000Z"),
        ] {
            assert!(written(ns).starts_with(text), "{}", written(ns));
        }
        assert!(written(1_795_780_800_123_456_789).ends_with(" 27/Nov/2026:12:00:00 +0000"));
    }
}
