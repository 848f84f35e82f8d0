//! Moments as both dialects write them: RFC 3339 in UTC.

use crate::model::Timestamp;

/// With as many fractional digits as it takes.
pub(super) fn rfc3339(moment: Timestamp) -> String {
    to_jiff(moment).to_string()
}

/// Whole seconds, as ESA's own samples have it.
pub(super) fn rfc3339_seconds(moment: Timestamp) -> String {
    format!("{:.0}", to_jiff(moment))
}

/// The moment of a text such as `2026-11-22T08:26:48Z`, which is the one spelling that
/// ESA's signatures have.
pub(super) fn from_seconds_text(text: &str) -> Option<Timestamp> {
    const SHAPE: &[u8; 20] = b"0000-00-00T00:00:00Z";
    let fits = |(octet, shape): (u8, &u8)| match shape {
        b'0' => octet.is_ascii_digit(),
        shape => octet == *shape,
    };
    if text.len() != SHAPE.len() || !text.bytes().zip(SHAPE).all(fits) {
        return None;
    }
    let moment: jiff::Timestamp = text.parse().ok()?;
    // What 64 bits do not hold is no time of a request.
    i64::try_from(moment.as_nanosecond()).ok().map(Timestamp)
}

/// An `i64` of nanoseconds ends in 2262, and jiff goes on until 9999.
fn to_jiff(moment: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_nanosecond(i128::from(moment.0))
        .expect("every 64-bit count of nanoseconds is a moment")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The documents' own pair of a code version and its time of creation.
    const DOCUMENTED: Timestamp = Timestamp(1_710_120_201_067_203_242);

    #[test]
    fn a_moment_reads_as_the_documents_have_it() {
        assert_eq!(rfc3339_seconds(DOCUMENTED), "2024-03-11T01:23:21Z");
        assert_eq!(rfc3339(DOCUMENTED), "2024-03-11T01:23:21.067203242Z");
    }

    #[test]
    fn a_signatures_time_has_one_spelling() {
        let seconds = Timestamp(1_710_120_201_000_000_000);
        assert_eq!(from_seconds_text("2024-03-11T01:23:21Z"), Some(seconds));
        for text in [
            "",
            "2024-03-11T01:23:21",
            "2024-03-11t01:23:21z",
            "2024-03-11 01:23:21Z",
            "2024-03-11T01:23:21.0Z",
            "2024-03-11T01:23+00:00",
            "2024-02-30T01:23:21Z",
            "2024-03-11T25:23:21Z",
            "-024-03-11T01:23:21Z",
            "9999-03-11T01:23:21Z",
            "1710120201",
        ] {
            assert_eq!(from_seconds_text(text), None, "{text}");
        }
    }

    #[test]
    fn every_moment_can_be_written() {
        for nanoseconds in [i64::MIN, -1, 0, 1, i64::MAX] {
            assert!(rfc3339(Timestamp(nanoseconds)).ends_with('Z'));
        }
    }
}
