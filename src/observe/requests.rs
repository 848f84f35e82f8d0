//! What became of requests, by who answered them: how they ended, and how long they took.
//! Each worker counts for itself, a reader adds up.
//!
//! A worker writes to cells that nobody else writes to, so a request pays no lock, and a
//! reader holds up nobody. What a reader sees is of one moment cell by cell, and not as a
//! whole.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::connections::{ConnectionCounts, WorkerConnections};
use super::durations::{DurationCells, Durations, add};
use super::gauge::{Counted, Gauge};
use crate::model::Environment;

/// Why a request was answered by whom it was: kinds, of which the caller knows the names.
pub const REASONS_MAX: usize = 8;

/// Classes of status, 1xx to 5xx by their first digit; at 0, requests that were not answered.
pub const CLASSES: usize = 6;

/// Versions that are counted one by one; what is asked for first is. The requests of all
/// others are counted together, so that what is counted has a bound however many there are:
/// about 2 KiB for each version and worker.
pub const VERSIONS_MAX: usize = 1_000;

/// Who was to answer a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Answering {
    /// No version that is counted by number, or nobody.
    Nobody(Environment),
    /// A site's origin.
    Origin(Environment),
    /// Any version that is not among the [`VERSIONS_MAX`].
    Others(Environment),
    /// The version that is counted at this number.
    Version(u32),
}

/// A request that is over.
#[derive(Debug, Clone, Copy)]
pub struct Finished {
    pub answering: Answering,
    pub environment: Environment,
    /// The newer one of two versions.
    pub is_canary: bool,
    /// Below [`REASONS_MAX`].
    pub reason: usize,
    /// Below [`CLASSES`].
    pub class: usize,
    pub cut: Option<Cut>,
    /// How often it was sent to an endpoint.
    pub attempts: u32,
    pub duration: Duration,
    /// To open a connection to the upstream, if one was.
    pub connect: Option<Duration>,
    /// Until the head of the upstream's response.
    pub first_byte: Option<Duration>,
    /// Content, in bytes.
    pub bytes_in: u64,
    pub bytes_out: u64,
}

/// By whom a request was broken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    ByClient,
    ByUpstream,
}

/// The counts of all workers.
#[derive(Debug, Clone)]
pub struct Requests {
    workers: Arc<[OfWorker]>,
    /// Versions that are counted one by one, and whether they were live when it was last
    /// looked.
    versions: Arc<Mutex<BTreeMap<u32, bool>>>,
    clients: Gauge,
}

/// The counts of one worker, for that worker alone.
#[derive(Debug)]
pub struct WorkerRequests {
    all: Requests,
    worker: usize,
    /// The same cells that readers find.
    cells: RefCell<Vec<Option<Arc<Cells>>>>,
}

#[derive(Debug, Default)]
struct OfWorker {
    begun: AtomicU64,
    ended: AtomicU64,
    /// Locked to add a row or to find all of them, by no request.
    cells: Mutex<Vec<Option<Arc<Cells>>>>,
    connections: WorkerConnections,
}

/// What one worker has counted of one who answers.
#[derive(Debug, Default)]
struct Cells {
    counts: [[[AtomicU64; CLASSES]; REASONS_MAX]; 2],
    cut_by_client: AtomicU64,
    cut_by_upstream: AtomicU64,
    attempts: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    duration: DurationCells,
    connect: DurationCells,
    first_byte: DurationCells,
}

/// What was counted of one who answers, since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answered {
    /// By role (at 1 as the newer of two versions), reason and class.
    pub counts: [[[u64; CLASSES]; REASONS_MAX]; 2],
    /// Those that clients broke off, answered in part or not at all.
    pub cut_by_client: u64,
    /// Those whose response upstreams broke off.
    pub cut_by_upstream: u64,
    /// How often they were sent to endpoints.
    pub attempts: u64,
    /// Content of requests and of responses.
    pub bytes_in: u64,
    pub bytes_out: u64,
    /// From the head of a request to the last byte of its response.
    pub duration: Durations,
    /// To open a connection to an upstream, of requests for which one was opened.
    pub connect: Durations,
    /// From when a request was sent to an upstream to the head of its response.
    pub first_byte: Durations,
}

/// Rows that stand before those of versions.
const ROWS_BEFORE: usize = 6;

impl Answering {
    #[inline]
    fn row(self) -> usize {
        match self {
            Self::Nobody(environment) => environment.index(),
            Self::Origin(environment) => 2 + environment.index(),
            Self::Others(environment) => 4 + environment.index(),
            Self::Version(number) => ROWS_BEFORE + number as usize,
        }
    }

    fn of_row(row: usize) -> Self {
        match row.checked_sub(ROWS_BEFORE) {
            Some(number) => Self::Version(u32::try_from(number).expect("it was one before")),
            None if row < 2 => Self::Nobody(Environment::ALL[row]),
            None if row < 4 => Self::Origin(Environment::ALL[row - 2]),
            None => Self::Others(Environment::ALL[row - 4]),
        }
    }
}

impl Requests {
    pub fn new(workers: usize) -> Self {
        Self {
            workers: (0..workers).map(|_| OfWorker::default()).collect(),
            versions: Arc::default(),
            clients: Gauge::new(workers),
        }
    }

    /// The counts of `worker`, from 0 to less than the number given to `new`.
    pub fn of_worker(&self, worker: usize) -> WorkerRequests {
        assert!(worker < self.workers.len(), "every worker has its counts");
        WorkerRequests { all: self.clone(), worker, cells: RefCell::default() }
    }

    /// Requests that run now.
    pub fn in_flight(&self) -> u64 {
        let in_flight = |worker: &OfWorker| {
            // In this order, since what has ended had begun.
            let ended = worker.ended.load(Ordering::Acquire);
            worker.begun.load(Ordering::Relaxed).saturating_sub(ended)
        };
        self.workers.iter().map(in_flight).sum()
    }

    /// Clients that are connected.
    pub fn clients(&self) -> &Gauge {
        &self.clients
    }

    /// Connections to upstreams.
    pub fn connections(&self) -> ConnectionCounts {
        let mut counts = ConnectionCounts::default();
        for worker in self.workers.iter() {
            worker.connections.add_to(&mut counts);
        }
        counts
    }

    /// Who was asked, in order.
    pub fn asked(&self) -> Vec<Answering> {
        let mut rows = Vec::new();
        for worker in self.workers.iter() {
            let cells = lock(&worker.cells);
            rows.extend(
                cells.iter().enumerate().filter(|(_, row)| row.is_some()).map(|(at, _)| at),
            );
        }
        rows.sort_unstable();
        rows.dedup();
        rows.into_iter().map(Answering::of_row).collect()
    }

    /// What was counted of one who answers, by all workers together.
    pub fn of(&self, answering: Answering) -> Answered {
        let mut answered = Answered::default();
        for worker in self.workers.iter() {
            let cells = lock(&worker.cells).get(answering.row()).cloned().flatten();
            if let Some(cells) = cells {
                cells.add_to(&mut answered);
            }
        }
        answered
    }

    /// Forgets the versions that are not live now and were not the last time either, so that
    /// others have their places. Whoever is deployed again is counted from nothing.
    pub fn turn(&self, is_live: impl Fn(u32) -> bool) {
        let mut gone = Vec::new();
        lock(&self.versions).retain(|number, was_live| {
            let is_live = is_live(*number);
            let stays = std::mem::replace(was_live, is_live) || is_live;
            if !stays {
                gone.push(Answering::Version(*number).row());
            }
            stays
        });
        for worker in self.workers.iter() {
            let mut cells = lock(&worker.cells);
            for row in &gone {
                if let Some(cells) = cells.get_mut(*row) {
                    *cells = None;
                }
            }
        }
    }

    /// Whether a version is counted by itself, from now on if there is room.
    fn admit(&self, number: u32) -> bool {
        let mut versions = lock(&self.versions);
        let has_room = versions.len() < VERSIONS_MAX;
        if has_room {
            versions.entry(number).or_insert(true);
        }
        has_room || versions.contains_key(&number)
    }
}

impl WorkerRequests {
    /// A request begins.
    #[inline]
    pub fn begin(&self) {
        add(&self.all.workers[self.worker].begun, 1);
    }

    /// A client is connected until the returned value is dropped.
    pub fn client(&self) -> Counted {
        self.all.clients.enter(self.worker)
    }

    /// The connections of this worker.
    pub fn connections(&self) -> WorkerConnections {
        self.all.workers[self.worker].connections.clone()
    }

    /// Has the next request of each version look for its cells again: some may have been
    /// forgotten by [`Requests::turn`], and others may have found a place there.
    pub fn sweep(&self) {
        self.cells.borrow_mut().fill(None);
    }

    /// A request that had begun is over.
    #[inline]
    pub fn finish(&self, finished: &Finished) {
        let of_worker = &self.all.workers[self.worker];
        let row = finished.answering.row();
        let mut cells = self.cells.borrow_mut();
        match cells.get(row) {
            Some(Some(cells)) => cells.note(finished),
            _ => self.row(&mut cells, finished.answering, finished.environment).note(finished),
        }
        let ended = of_worker.ended.load(Ordering::Relaxed) + 1;
        of_worker.ended.store(ended, Ordering::Release);
    }

    /// The first request of a row, or the first since it was swept.
    #[cold]
    fn row<'a>(
        &self,
        own: &'a mut Vec<Option<Arc<Cells>>>,
        answering: Answering,
        environment: Environment,
    ) -> &'a Cells {
        let counted = match answering {
            Answering::Version(number) if !self.all.admit(number) => Answering::Others(environment),
            answering => answering,
        };
        let mut shared = lock(&self.all.workers[self.worker].cells);
        if shared.len() <= counted.row() {
            shared.resize(counted.row() + 1, None);
        }
        if own.len() <= answering.row() {
            own.resize(answering.row() + 1, None);
        }
        let cells = shared[counted.row()].get_or_insert_default();
        own[answering.row()].insert(cells.clone())
    }
}

impl Cells {
    #[inline]
    fn note(&self, finished: &Finished) {
        let Finished { is_canary, reason, class, .. } = *finished;
        add(&self.counts[usize::from(is_canary)][reason][class], 1);
        match finished.cut {
            None => {}
            Some(Cut::ByClient) => add(&self.cut_by_client, 1),
            Some(Cut::ByUpstream) => add(&self.cut_by_upstream, 1),
        }
        add(&self.attempts, u64::from(finished.attempts));
        add(&self.bytes_in, finished.bytes_in);
        add(&self.bytes_out, finished.bytes_out);
        self.duration.note(finished.duration);
        if let Some(connect) = finished.connect {
            self.connect.note(connect);
        }
        if let Some(first_byte) = finished.first_byte {
            self.first_byte.note(first_byte);
        }
    }

    fn add_to(&self, sum: &mut Answered) {
        let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        let cells = self.counts.iter().flatten().flatten();
        for (sum, cell) in sum.counts.iter_mut().flatten().flatten().zip(cells) {
            *sum += read(cell);
        }
        sum.cut_by_client += read(&self.cut_by_client);
        sum.cut_by_upstream += read(&self.cut_by_upstream);
        sum.attempts += read(&self.attempts);
        sum.bytes_in += read(&self.bytes_in);
        sum.bytes_out += read(&self.bytes_out);
        sum.duration.add(&self.duration.read());
        sum.connect.add(&self.connect.read());
        sum.first_byte.add(&self.first_byte.read());
    }
}

impl Answered {
    pub fn add(&mut self, other: &Self) {
        let more = other.counts.iter().flatten().flatten();
        for (sum, more) in self.counts.iter_mut().flatten().flatten().zip(more) {
            *sum += more;
        }
        self.cut_by_client += other.cut_by_client;
        self.cut_by_upstream += other.cut_by_upstream;
        self.attempts += other.attempts;
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.duration.add(&other.duration);
        self.connect.add(&other.connect);
        self.first_byte.add(&other.first_byte);
    }

    /// How many there were.
    pub fn requests(&self) -> u64 {
        self.by_class().iter().sum()
    }

    /// By class of status, at 0 those that were not answered.
    pub fn by_class(&self) -> [u64; CLASSES] {
        let mut sums = [0; CLASSES];
        for classes in self.counts.iter().flatten() {
            for (sum, count) in sums.iter_mut().zip(classes) {
                *sum += count;
            }
        }
        sums
    }
}

fn lock<T>(cells: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is inside is whole at every moment.
    cells.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(answering: Answering) -> Finished {
        Finished {
            answering,
            environment: Environment::Production,
            is_canary: false,
            reason: 0,
            class: 2,
            cut: None,
            attempts: 1,
            duration: Duration::from_millis(1),
            connect: None,
            first_byte: None,
            bytes_in: 0,
            bytes_out: 7,
        }
    }

    #[test]
    fn workers_add_up() {
        let requests = Requests::new(2);
        let version = Answering::Version(3);
        for worker in [0, 1, 1] {
            let worker = requests.of_worker(worker);
            worker.begin();
            let cut = Some(Cut::ByUpstream);
            worker.finish(&Finished { is_canary: true, reason: 1, cut, ..finished(version) });
        }
        requests.of_worker(0).begin();
        requests.of_worker(0).finish(&finished(Answering::Origin(Environment::Staging)));
        requests.of_worker(1).begin();
        let answered = requests.of(version);
        assert_eq!((answered.counts[1][1][2], answered.requests()), (3, 3));
        assert_eq!((answered.cut_by_upstream, answered.bytes_out), (3, 21));
        assert_eq!((answered.duration.count(), answered.connect.count()), (3, 0));
        assert_eq!(requests.asked(), [Answering::Origin(Environment::Staging), version]);
        assert_eq!(requests.in_flight(), 1);
    }

    #[test]
    fn rows_have_one_name() {
        for row in 0..20 {
            assert_eq!(Answering::of_row(row).row(), row);
            assert!(Answering::of_row(row) < Answering::of_row(row + 1), "they are in order");
        }
    }

    #[test]
    fn who_is_beyond_the_bound_is_counted_with_others_until_there_is_room() {
        let requests = Requests::new(1);
        let worker = requests.of_worker(0);
        let others = Answering::Others(Environment::Production);
        let ask = |number| worker.finish(&finished(Answering::Version(number)));
        let max = u32::try_from(VERSIONS_MAX).unwrap();
        (0..max + 2).for_each(ask);
        (0..max + 2).for_each(ask);
        assert_eq!(requests.asked().len(), VERSIONS_MAX + 1);
        assert_eq!(requests.of(others).requests(), 4);
        assert_eq!(requests.of(Answering::Version(max)).requests(), 0);

        // One is withdrawn, and forgotten the second time that it is not live.
        requests.turn(|number| number != 0);
        requests.turn(|_| true);
        requests.turn(|number| number != 0);
        worker.sweep();
        ask(max);
        assert_eq!(requests.of(others).requests(), 5);
        requests.turn(|number| number != 0);
        assert_eq!(requests.of(Answering::Version(0)).requests(), 0);
        worker.sweep();
        ask(max);
        ask(1);
        assert_eq!(requests.of(Answering::Version(max)).requests(), 1);
        assert_eq!(requests.of(Answering::Version(1)).requests(), 3);
        assert_eq!(requests.of(others).requests(), 5);
    }
}
