//! One thread of a run.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, OnceLock};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::task::{LocalSet, spawn_local};

use super::connect::{Opener, Stream};
use super::head::Reading;
use super::judge::Judge;
use super::lane::Lane;
use super::pace::Pace;
use super::plan::{Plan, Protocol};
use super::request::Written;
use super::tally::Tally;
use super::version::Known;
use super::visits::Visits;
use super::{http1, http2};
use crate::population::Population;

/// How often a thread tells what it has counted.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// What all threads of a run have in common.
pub(super) struct Common {
    pub(super) plan: Arc<Plan>,
    pub(super) judge: Arc<Judge>,
    pub(super) population: Population,
    pub(super) opener: Opener,
    pub(super) stopped: Arc<AtomicBool>,
    /// All threads and the one that started them begin together.
    pub(super) start: Barrier,
    pub(super) origin: OnceLock<Instant>,
    /// Connections that were open at the start.
    pub(super) reached: AtomicUsize,
}

impl Common {
    /// Waits for the others: when the run begins.
    pub(super) fn begin(&self) -> Instant {
        self.start.wait();
        *self.origin.get_or_init(Instant::now)
    }

    pub(super) fn is_reached(&self) -> bool {
        self.reached.load(Ordering::SeqCst) > 0
    }
}

/// The end of a thread that counts: it hands on what it has counted since it last did, and
/// goes on with an empty tally. Nothing is copied where requests are sent.
pub(super) struct Teller {
    full: Sender<Tally>,
    empty: Receiver<Tally>,
}

/// The end of who wants to know.
pub(super) struct Listener {
    full: Receiver<Tally>,
    empty: Sender<Tally>,
}

pub(super) fn telling() -> (Teller, Listener) {
    let ((full, told), (emptied, empty)) = (channel(), channel());
    let listener = Listener { full: told, empty: emptied };
    listener.give_back(Tally::new());
    (Teller { full, empty }, listener)
}

impl Teller {
    fn tell(&self, tally: &RefCell<Tally>) {
        // Without an empty one the last is not read yet.
        if let Ok(empty) = self.empty.try_recv() {
            // Who is gone does not want to know.
            drop(self.full.send(tally.replace(empty)));
        }
    }
}

impl Listener {
    /// Adds what was told since to `all`.
    pub(super) fn hear(&self, all: &mut Tally) {
        while let Ok(mut tally) = self.full.try_recv() {
            all.add(&tally);
            tally.clear();
            self.give_back(tally);
        }
    }

    fn give_back(&self, tally: Tally) {
        // A thread that has ended counts nothing more.
        drop(self.empty.send(tally));
    }
}

/// Runs thread `index`: what it counted and did not tell before.
pub(super) fn run(
    index: usize,
    common: &Common,
    runtime: &Runtime,
    teller: Option<&Teller>,
) -> io::Result<Tally> {
    LocalSet::new().block_on(runtime, work(index, common, teller))
}

async fn work(index: usize, common: &Common, teller: Option<&Teller>) -> io::Result<Tally> {
    let plan = &common.plan;
    let connections =
        plan.connections / plan.threads + usize::from(index < plan.connections % plan.threads);
    let (streams, failure) = open(&common.opener, connections, plan.timeout).await;
    let opened = streams.iter().flatten().count();
    common.reached.fetch_add(opened, Ordering::SeqCst);
    let origin = common.begin();
    if !common.is_reached() {
        return Err(failure.unwrap_or_else(|| io::ErrorKind::TimedOut.into()));
    }
    let lane = Rc::new(lane(index, common, origin));
    lane.tally.borrow_mut().opened += opened as u64;
    let connections = streams.into_iter().map(|stream| {
        let lane = lane.clone();
        match plan.protocol {
            Protocol::Http1 => spawn_local(http1::connection(lane, stream)),
            Protocol::Http2 { streams } => spawn_local(http2::connection(lane, stream, streams)),
        }
    });
    let connections: Vec<_> = connections.collect();
    let ended = async {
        for connection in connections {
            connection.await.map_err(io::Error::other)?;
        }
        Ok(())
    };
    // Without its timer nobody would be woken, and nobody would end.
    let all = async { tokio::try_join!(lane.pace.drive(), ended).map(drop) };
    match teller {
        None => all.await?,
        Some(teller) => tokio::select! {
            ended = all => ended?,
            () = tell(&lane, teller) => {}
        },
    }
    let now = Instant::now();
    let mut tally = lane.tally.replace(Tally::new());
    for (due, count) in lane.pace.unsent() {
        tally.left_unsent(now.saturating_duration_since(due), count);
    }
    Ok(tally)
}

fn lane(index: usize, common: &Common, origin: Instant) -> Lane {
    let plan = &common.plan;
    let (number, threads) = (index as u64, plan.threads as u64);
    Lane {
        plan: plan.clone(),
        judge: common.judge.clone(),
        opener: common.opener.clone(),
        pace: Pace::new(
            plan.model,
            (number, threads),
            origin,
            plan.duration,
            plan.requests_max,
            common.stopped.clone(),
        ),
        written: Written::new(plan),
        reading: Reading {
            from: plan.version_from.clone(),
            known: RefCell::new(Known::new(common.judge.versions.clone())),
            is_head: plan.method == "HEAD",
        },
        visits: RefCell::new(Visits::new(common.population.clone(), number)),
        tally: RefCell::new(Tally::new()),
    }
}

/// Opens connections before the first request is due, which would pay for them. One that
/// cannot be opened is tried again by its first request; why is told.
async fn open(
    opener: &Opener,
    count: usize,
    timeout: Duration,
) -> (Vec<Option<Stream>>, Option<io::Error>) {
    let opening = (0..count).map(|_| {
        let opener = opener.clone();
        spawn_local(async move { tokio::time::timeout(timeout, opener.open()).await })
    });
    let (mut streams, mut failure) = (Vec::with_capacity(count), None);
    for attempt in opening.collect::<Vec<_>>() {
        let stream = match attempt.await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(io::ErrorKind::TimedOut.into()),
            Err(panicked) => Err(io::Error::other(panicked)),
        };
        streams.push(stream.map_err(|error| failure = Some(error)).ok());
    }
    (streams, failure)
}

async fn tell(lane: &Lane, teller: &Teller) {
    loop {
        tokio::time::sleep(TELL_EVERY).await;
        teller.tell(&lane.tally);
    }
}
