//! What one thread counts, and all of them together.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::fault::{Class, Fault};

/// Latencies are told apart from a microsecond to an hour, to a tenth of a percent. What
/// waits longer to be sent is told as an hour.
pub(super) const LATENCY_MIN_NS: u64 = 1_000;
const LATENCY_MAX_NS: u64 = 3_600_000_000_000;
const LATENCY_DIGITS: u8 = 3;

/// Seconds of a run that are told one by one.
const SECONDS_MAX: usize = 24 * 3_600;

/// What was counted of one version.
#[derive(Debug, Clone)]
pub(super) struct OfVersion {
    /// Answers that name it.
    pub(super) requests: u64,
    /// Of them.
    pub(super) statuses: Vec<(u16, u64)>,
    /// By [`Class::index`]: its own, and those of users who were to get it.
    pub(super) errors: [u64; Class::COUNT],
    /// From when the request was due, to its answer or to what took the place of one.
    pub(super) corrected: Latency,
    /// From when it was sent.
    pub(super) uncorrected: Latency,
}

/// Times, in nanoseconds.
#[derive(Debug, Clone)]
pub(super) struct Latency(pub(super) Histogram<u64>);

impl Latency {
    pub(super) fn new() -> Self {
        let histogram = Histogram::new_with_bounds(LATENCY_MIN_NS, LATENCY_MAX_NS, LATENCY_DIGITS);
        Self(histogram.expect("the bounds are some that a histogram takes"))
    }

    #[inline]
    pub(super) fn record(&mut self, time: Duration) {
        self.record_many(time, 1);
    }

    #[inline]
    fn record_many(&mut self, time: Duration, count: u64) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.0.saturating_record_n(ns, count);
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("all histograms have the same bounds");
    }
}

/// How long a request took, or was waited for in vain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waited {
    pub(super) since_due: Duration,
    pub(super) since_sent: Duration,
}

/// All that one thread counts.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    /// By number.
    pub(super) versions: Vec<OfVersion>,
    /// Answers that name no version, and what can be laid at the door of none.
    pub(super) unnamed: OfVersion,
    pub(super) opened: u64,
    /// Requests on a connection that had carried one before.
    pub(super) reused: u64,
    /// Answers whose version was held to the rule.
    pub(super) judged: u64,
    /// Answers of another version than was assigned, as the target itself says.
    pub(super) failed_over: u64,
    /// Of each second of the run, the answers by the number of their version.
    pub(super) seconds: Vec<Vec<u64>>,
}

impl OfVersion {
    pub(super) fn new() -> Self {
        Self {
            requests: 0,
            statuses: Vec::new(),
            errors: [0; Class::COUNT],
            corrected: Latency::new(),
            uncorrected: Latency::new(),
        }
    }

    #[inline]
    fn answered(&mut self, status: u16, waited: Waited) {
        self.requests += 1;
        self.count(status, 1);
        self.ended(Class::of_status(status), waited);
    }

    /// A request of one of its users has ended, well or not.
    #[inline]
    fn ended(&mut self, error: Option<Class>, waited: Waited) {
        if let Some(error) = error {
            self.errors[error.index()] += 1;
        }
        self.corrected.record(waited.since_due);
        self.uncorrected.record(waited.since_sent);
    }

    #[inline]
    fn count(&mut self, status: u16, more: u64) {
        match self.statuses.iter_mut().find(|(known, _)| *known == status) {
            Some((_, count)) => *count += more,
            None => self.statuses.push((status, more)),
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        other.statuses.iter().for_each(|&(status, count)| self.count(status, count));
        self.errors.iter_mut().zip(other.errors).for_each(|(all, one)| *all += one);
        self.corrected.add(&other.corrected);
        self.uncorrected.add(&other.uncorrected);
    }

    /// Whether there is anything to tell of it.
    pub(super) fn is_seen(&self) -> bool {
        self.requests > 0 || self.errors.iter().any(|&count| count > 0)
    }

    fn clear(&mut self) {
        self.requests = 0;
        self.statuses.clear();
        self.errors = [0; Class::COUNT];
        self.corrected.0.reset();
        self.uncorrected.0.reset();
    }
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            versions: Vec::new(),
            unnamed: OfVersion::new(),
            opened: 0,
            reused: 0,
            judged: 0,
            failed_over: 0,
            seconds: Vec::new(),
        }
    }

    /// An answer that names `version` has come, `at` after the start.
    #[inline]
    pub(super) fn answered(&mut self, version: usize, status: u16, at: Duration, waited: Waited) {
        self.of(version).answered(status, waited);
        *self.second(at, version) += 1;
    }

    /// An answer that names no version has come to a user who was to get `expected`. If
    /// the server failed it is that version's error: who stands before it has said so.
    pub(super) fn answered_by_nobody(
        &mut self,
        expected: Option<usize>,
        status: u16,
        waited: Waited,
    ) {
        self.unnamed.requests += 1;
        self.unnamed.count(status, 1);
        let class = Class::of_status(status);
        let expected = expected.filter(|_| class == Some(Class::Status5xx));
        self.of_or_unnamed(expected).ended(class, waited);
    }

    /// None has come to a user who was to get `expected`: who waited in vain waited so
    /// long, and that version is as slow as that. Without a connection no version was
    /// asked, and none is slow for that.
    pub(super) fn failed(&mut self, fault: Fault, expected: Option<usize>, waited: Waited) {
        let of = self.of_or_unnamed(expected);
        match fault {
            Fault::Connect => of.errors[Class::Fault(fault).index()] += 1,
            Fault::Timeout | Fault::Reset | Fault::Closed | Fault::BadResponse => {
                of.ended(Some(Class::Fault(fault)), waited);
            }
        }
    }

    /// A connection whose last answer was of `version` said what nobody had asked for.
    pub(super) fn spoke_unasked(&mut self, version: Option<usize>) {
        self.of_or_unnamed(version).errors[Class::Unasked.index()] += 1;
    }

    /// Requests that were due were not sent for so long, and will not be.
    pub(super) fn left_unsent(&mut self, waited: Duration, count: u64) {
        self.unnamed.errors[Class::Unsent.index()] += count;
        self.unnamed.corrected.record_many(waited, count);
    }

    fn of_or_unnamed(&mut self, version: Option<usize>) -> &mut OfVersion {
        match version {
            Some(version) => self.of(version),
            None => &mut self.unnamed,
        }
    }

    fn of(&mut self, version: usize) -> &mut OfVersion {
        if self.versions.len() <= version {
            self.versions.resize_with(version + 1, OfVersion::new);
        }
        &mut self.versions[version]
    }

    /// What comes after the last that is told is counted there.
    fn second(&mut self, at: Duration, version: usize) -> &mut u64 {
        let second = usize::try_from(at.as_secs()).unwrap_or(usize::MAX).min(SECONDS_MAX - 1);
        if self.seconds.len() <= second {
            self.seconds.resize_with(second + 1, Vec::new);
        }
        let of_second = &mut self.seconds[second];
        if of_second.len() <= version {
            of_second.resize(version + 1, 0);
        }
        &mut of_second[version]
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (version, counted) in other.versions.iter().enumerate() {
            self.of(version).add(counted);
        }
        self.unnamed.add(&other.unnamed);
        self.opened += other.opened;
        self.reused += other.reused;
        self.judged += other.judged;
        self.failed_over += other.failed_over;
        for (second, counted) in other.seconds.iter().enumerate() {
            for (version, count) in counted.iter().enumerate() {
                *self.second(Duration::from_secs(second as u64), version) += count;
            }
        }
    }

    /// Forgets all, and keeps the room for it.
    pub(super) fn clear(&mut self) {
        self.versions.iter_mut().for_each(OfVersion::clear);
        self.unnamed.clear();
        (self.opened, self.reused, self.judged, self.failed_over) = (0, 0, 0, 0);
        self.seconds.clear();
    }

    /// Answers, whatever they said.
    pub(super) fn answers(&self) -> u64 {
        self.versions.iter().map(|version| version.requests).sum::<u64>() + self.unnamed.requests
    }

    /// All errors, by class.
    pub(super) fn errors(&self) -> [u64; Class::COUNT] {
        let all = self.versions.iter().chain([&self.unnamed]);
        all.fold([0; Class::COUNT], |mut sum, version| {
            sum.iter_mut().zip(version.errors).for_each(|(all, one)| *all += one);
            sum
        })
    }

    /// All statuses, by number.
    pub(super) fn statuses(&self) -> Vec<(u16, u64)> {
        let mut all = OfVersion { statuses: self.unnamed.statuses.clone(), ..OfVersion::new() };
        for version in &self.versions {
            version.statuses.iter().for_each(|&(status, count)| all.count(status, count));
        }
        all.statuses.sort_unstable();
        all.statuses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waited(ms: u64) -> Waited {
        let since_sent = Duration::from_millis(ms);
        Waited { since_due: since_sent * 2, since_sent }
    }

    fn max_ms(latency: &Latency) -> u64 {
        latency.0.max() / 1_000_000
    }

    #[test]
    fn what_was_waited_for_in_vain_is_waited_for_the_version_that_was_to_come() {
        let mut tally = Tally::new();
        tally.answered(0, 200, Duration::ZERO, waited(1));
        tally.failed(Fault::Timeout, Some(1), waited(500));
        tally.failed(Fault::Reset, Some(1), waited(700));
        tally.failed(Fault::Connect, Some(1), waited(9_000));
        tally.failed(Fault::Timeout, None, waited(300));
        tally.answered_by_nobody(Some(0), 503, waited(40));
        tally.answered_by_nobody(Some(0), 404, waited(50));
        let [first, second] = &tally.versions[..] else { panic!("{:?}", tally.versions.len()) };
        assert_eq!((max_ms(&first.uncorrected), max_ms(&first.corrected)), (40, 80));
        assert_eq!((max_ms(&second.uncorrected), max_ms(&second.corrected)), (700, 1_400));
        assert_eq!(second.uncorrected.0.len(), 2);
        let of = |version: &OfVersion| {
            [Fault::Connect, Fault::Timeout, Fault::Reset]
                .map(Class::Fault)
                .into_iter()
                .chain([Class::Status4xx, Class::Status5xx])
                .map(|class| version.errors[class.index()])
                .collect::<Vec<_>>()
        };
        assert_eq!(of(first), [0, 0, 0, 0, 1]);
        assert_eq!(of(second), [1, 1, 1, 0, 0]);
        assert_eq!(of(&tally.unnamed), [0, 1, 0, 1, 0]);
        // An answer that names nobody is an answer all the same, and of nobody.
        assert_eq!((tally.answers(), first.requests, tally.unnamed.requests), (3, 1, 2));
    }

    #[test]
    fn parts_make_the_whole_and_a_cleared_one_is_none() {
        let mut part = Tally::new();
        part.answered(1, 500, Duration::from_secs(2), waited(3));
        part.spoke_unasked(Some(1));
        part.left_unsent(Duration::from_secs(1), 7);
        let mut whole = Tally::new();
        whole.add(&part);
        part.clear();
        assert!(!part.versions[1].is_seen() && !part.unnamed.is_seen());
        whole.add(&part);
        part.answered(1, 200, Duration::from_secs(2), waited(3));
        whole.add(&part);
        let version = &whole.versions[1];
        assert_eq!((version.requests, version.corrected.0.len()), (2, 2));
        assert_eq!(version.statuses, [(500, 1), (200, 1)]);
        assert_eq!(whole.seconds[2], [0, 2]);
        assert_eq!(version.errors.iter().sum::<u64>(), 2);
        assert_eq!(whole.unnamed.errors[Class::Unsent.index()], 7);
    }
}
