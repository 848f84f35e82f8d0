//! What one thread counts, and all of them together.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::fault::Fault;

/// Latencies are told apart from a microsecond to an hour, to a tenth of a percent.
const LATENCY_MIN_NS: u64 = 1_000;
const LATENCY_MAX_NS: u64 = 3_600_000_000_000;
const LATENCY_DIGITS: u8 = 3;

/// Seconds of a run that are told one by one.
const SECONDS_MAX: usize = 24 * 3_600;

/// What was counted of one version.
#[derive(Debug, Clone)]
pub(super) struct OfVersion {
    pub(super) requests: u64,
    pub(super) statuses: Vec<(u16, u64)>,
    /// From when the request was due.
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

/// All that one thread counts.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    /// By number.
    pub(super) versions: Vec<OfVersion>,
    /// Answers that name no version, and what was never answered.
    pub(super) unnamed: OfVersion,
    pub(super) faults: [u64; Fault::ALL.len()],
    /// Due, and never sent.
    pub(super) unsent: u64,
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
            corrected: Latency::new(),
            uncorrected: Latency::new(),
        }
    }

    #[inline]
    fn answered(&mut self, status: u16, corrected: Duration, uncorrected: Duration) {
        self.requests += 1;
        self.count(status, 1);
        self.corrected.record(corrected);
        self.uncorrected.record(uncorrected);
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
        self.corrected.add(&other.corrected);
        self.uncorrected.add(&other.uncorrected);
    }
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            versions: Vec::new(),
            unnamed: OfVersion::new(),
            faults: [0; Fault::ALL.len()],
            unsent: 0,
            opened: 0,
            reused: 0,
            judged: 0,
            failed_over: 0,
            seconds: Vec::new(),
        }
    }

    /// An answer has come: `at` after the start, and so long after it was due and sent.
    #[inline]
    pub(super) fn answered(
        &mut self,
        version: Option<usize>,
        status: u16,
        at: Duration,
        (corrected, uncorrected): (Duration, Duration),
    ) {
        if let Some(version) = version {
            self.of(version).answered(status, corrected, uncorrected);
            *self.second(at, version) += 1;
        } else {
            self.unnamed.answered(status, corrected, uncorrected);
        }
    }

    /// None has come. Who waited in vain waited so long at least; who was told at once
    /// that nothing comes did not wait, and says nothing about how long one does.
    pub(super) fn failed(&mut self, fault: Fault, (corrected, uncorrected): (Duration, Duration)) {
        self.faults[fault.index()] += 1;
        if fault == Fault::Timeout {
            self.unnamed.corrected.record(corrected);
            self.unnamed.uncorrected.record(uncorrected);
        }
    }

    /// Requests that were due were not sent for so long, and will not be.
    pub(super) fn left_unsent(&mut self, waited: Duration, count: u64) {
        self.unsent += count;
        self.unnamed.corrected.record_many(waited, count);
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
        self.faults.iter_mut().zip(other.faults).for_each(|(all, one)| *all += one);
        self.unsent += other.unsent;
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

    /// Answers, whatever they said.
    pub(super) fn answers(&self) -> u64 {
        self.versions.iter().map(|version| version.requests).sum::<u64>() + self.unnamed.requests
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
