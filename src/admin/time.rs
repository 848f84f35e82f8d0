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
    fn every_moment_can_be_written() {
        for nanoseconds in [i64::MIN, -1, 0, 1, i64::MAX] {
            assert!(rfc3339(Timestamp(nanoseconds)).ends_with('Z'));
        }
    }
}
