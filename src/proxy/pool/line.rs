//! All connections to one endpoint, and who waits for one.

use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::queue::{Grant, Queue};
use super::shared::{Shared, Stream};
use super::{Pool, Pooled, Seat};
use crate::model::{Endpoint, Limits, Transport};
use crate::observe::WorkerConnections;
use crate::proxy::connect::{self, Deadline, Protocol, Socket};
use crate::proxy::error::ProxyError;
use crate::proxy::http1::Connection;

/// Idle connections to one endpoint that a worker keeps.
const IDLE_PER_ENDPOINT_MAX: usize = 1_024;

/// An idle connection is not asked whether its peer is quiet for this long.
const TRUSTED_FOR: Duration = Duration::from_millis(1);

pub(in crate::proxy) struct Line {
    endpoint: Endpoint,
    /// Of HTTP/1.1. The one used last is used next, so that the others grow old and go.
    idle: RefCell<Vec<Idle>>,
    /// Of HTTP/2. The first with room is used, so that the last ones grow old and go.
    shared: RefCell<Vec<Rc<Shared>>>,
    waiting: Queue,
    /// Connections that have a seat, of `open_max`.
    open: Cell<usize>,
    open_max: Cell<usize>,
    /// Of these, who are not settled yet and may speak HTTP/2.
    opening: Cell<usize>,
    /// What the endpoint agreed on last.
    agreed: Cell<Option<Protocol>>,
    unused_since: Cell<Option<Instant>>,
    counts: Rc<WorkerConnections>,
}

struct Idle {
    connection: Box<Connection>,
    since: Instant,
    _resting: Resting,
}

/// A connection that waits for its next request, for as long as it does.
pub(super) struct Resting(Rc<WorkerConnections>);

impl Resting {
    pub(super) fn new(counts: &Rc<WorkerConnections>) -> Self {
        counts.rest();
        Self(counts.clone())
    }
}

impl Drop for Resting {
    fn drop(&mut self) {
        self.0.rise();
    }
}

impl Line {
    pub(super) fn new(
        endpoint: Endpoint,
        open_max: NonZeroUsize,
        counts: Rc<WorkerConnections>,
    ) -> Self {
        Self {
            endpoint,
            idle: RefCell::default(),
            shared: RefCell::default(),
            waiting: Queue::default(),
            open: Cell::new(0),
            open_max: Cell::new(open_max.get()),
            opening: Cell::new(0),
            agreed: Cell::new(None),
            unused_since: Cell::new(None),
            counts,
        }
    }

    pub(super) fn set_open_max(self: &Rc<Self>, max: NonZeroUsize) {
        self.open_max.set(max.get());
        self.serve();
    }

    pub(in crate::proxy) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// A connection that was used before, and that takes a request now.
    ///
    /// Behind a busy worker's back the peer may have closed, which a request that cannot
    /// be repeated would not survive, or said what the next client would take for its
    /// response. So the socket itself is asked, unless the connection was in use a moment
    /// ago: that would be a system call a request where there are many, to learn what
    /// cannot have happened yet.
    pub(in crate::proxy) fn take(
        self: &Rc<Self>,
        repeatable: bool,
        now: Instant,
    ) -> Option<Pooled> {
        if let Some(stream) = self.stream() {
            return Some(Pooled::Http2(stream));
        }
        loop {
            let Idle { connection, since, .. } = self.idle.borrow_mut().pop()?;
            let trusted = repeatable && now.saturating_duration_since(since) < TRUSTED_FOR;
            let socket = connection.socket();
            if trusted && !socket.has_news() || socket.is_quiet() {
                return Some(Pooled::Http1(connection));
            }
        }
    }

    /// A connection that nobody uses: a new one, or the next that comes back where no
    /// more may be opened. Who `switches` to another protocol gets a new one, of HTTP/1.1.
    /// With one that was opened for it comes how long that took.
    pub(in crate::proxy) async fn acquire(
        self: &Rc<Self>,
        pool: &Pool,
        switches: bool,
        within: Duration,
    ) -> Result<(Pooled, Option<Duration>), ProxyError> {
        let limits = pool.limits.get();
        let deadline = Deadline::after(within);
        let has_room = self.is_full() && self.close_oldest();
        let seat = match self.sit_down(switches, true) {
            Some(seat) => seat,
            None => match self.waiting.enter(switches, has_room, limits.waiting_per_endpoint) {
                Some(granted) => {
                    // One that others share may do, or be of no more use and leave its place.
                    self.serve();
                    match self.wait(granted, deadline).await? {
                        Grant::Connection(connection) => return Ok((connection, None)),
                        Grant::Seat(seat) => seat,
                    }
                }
                // Nobody else can wait for what others open.
                None => self.sit_down(switches, false).ok_or(ProxyError::Crowded)?,
            },
        };
        let began = Instant::now();
        let opened = self.open(pool, seat, switches, &limits, deadline).await?;
        Ok((opened, Some(began.elapsed())))
    }

    /// Whether an idle connection makes room for another one.
    fn close_oldest(&self) -> bool {
        let mut idle = self.idle.borrow_mut();
        let oldest = (!idle.is_empty()).then(|| idle.remove(0));
        oldest.is_some()
    }

    async fn wait(
        &self,
        granted: oneshot::Receiver<Grant>,
        deadline: Deadline,
    ) -> Result<Grant, ProxyError> {
        match deadline.bound(granted).await {
            Ok(granted) => granted.map_err(|_| ProxyError::Crowded),
            Err(_) if self.is_full() => Err(ProxyError::QueueTimeout(deadline.time())),
            // For a connection that somebody else opens.
            Err(late) => Err(late),
        }
    }

    async fn open(
        self: &Rc<Self>,
        pool: &Pool,
        mut seat: Seat,
        switches: bool,
        limits: &Limits,
        deadline: Deadline,
    ) -> Result<Pooled, ProxyError> {
        // Dropped on whatever way out, last of all.
        let _opening = seat.take_opening();
        let (stream, protocol) =
            connect::open(&self.endpoint, &pool.tls, switches, deadline).await?;
        let socket = Socket::new(stream, seat);
        let connection = match protocol {
            Protocol::Http1 => Pooled::http1(socket, limits),
            Protocol::Http2 => {
                let connection =
                    Shared::new(connect::http2(socket, limits, deadline).await?, &self.counts);
                self.shared.borrow_mut().push(connection.clone());
                Pooled::Http2(Stream::of(connection, self.clone()))
            }
        };
        if !switches {
            self.agreed.set(Some(protocol));
        }
        Ok(connection)
    }

    /// Takes back a connection that can take another request.
    pub(super) fn put(&self, connection: Box<Connection>) {
        let mut connection = connection;
        if !self.waiting.is_empty() {
            // Nobody looks at it again before the next request.
            if self.waiting.first_needs_room() || !connection.socket().is_quiet() {
                return;
            }
            connection = match self.waiting.hand(Grant::Connection(Pooled::Http1(connection))) {
                Err(Grant::Connection(Pooled::Http1(connection))) => connection,
                Err(_) | Ok(()) => return,
            };
        }
        connection.settle();
        let resting = Resting::new(&self.counts);
        let idle = Idle { connection, since: Instant::now(), _resting: resting };
        let mut others = self.idle.borrow_mut();
        if others.len() < IDLE_PER_ENDPOINT_MAX {
            others.push(idle);
        }
    }

    /// Gives those who wait what can be had.
    pub(super) fn serve(self: &Rc<Self>) {
        if self.waiting.is_empty() {
            return;
        }
        while self.waiting.takes_connections()
            && let Some(stream) = self.stream()
        {
            drop(self.waiting.hand(Grant::Connection(Pooled::Http2(stream))));
        }
        while let Some(switches) = self.waiting.first()
            && let Some(seat) = self.sit_down(switches, true)
        {
            drop(self.waiting.hand(Grant::Seat(seat)));
        }
    }

    fn stream(self: &Rc<Self>) -> Option<Stream> {
        let mut shared = self.shared.borrow_mut();
        if shared.is_empty() {
            return None;
        }
        shared.retain(|connection| connection.is_of_use());
        let free = shared.iter().find(|connection| connection.has_room())?;
        Some(Stream::of(free.clone(), self.clone()))
    }

    /// The place for another connection, unless there is none. Who is `patient` takes none
    /// while one comes about that may do.
    fn sit_down(self: &Rc<Self>, switches: bool, patient: bool) -> Option<Seat> {
        let may_share = !switches && self.may_speak_http2();
        if self.is_full() || (may_share && patient && self.opening.get() > 0) {
            return None;
        }
        self.open.set(self.open.get() + 1);
        self.counts.open();
        if may_share {
            self.opening.set(self.opening.get() + 1);
        }
        Some(Seat::new(Rc::downgrade(self), may_share))
    }

    fn is_full(&self) -> bool {
        self.open.get() >= self.open_max.get()
    }

    /// Who did not say yet what is spoken may.
    fn may_speak_http2(&self) -> bool {
        match self.endpoint.transport() {
            Transport::Http1 => false,
            Transport::H2c => true,
            Transport::Tls { .. } => self.agreed.get() != Some(Protocol::Http1),
        }
    }

    /// A seat is free.
    pub(super) fn stand_up(self: &Rc<Self>) {
        self.open.set(self.open.get() - 1);
        self.counts.close();
        self.serve();
    }

    /// A connection that others wait for has come about, or has not.
    pub(super) fn opened(self: &Rc<Self>) {
        self.opening.set(self.opening.get() - 1);
        self.serve();
    }

    /// Closes what has waited for longer than `idle`.
    pub(super) fn close_idle(&self, now: Instant, idle: Duration) {
        self.idle.borrow_mut().retain(|waiting| {
            let socket = waiting.connection.socket();
            now - waiting.since < idle && (!socket.has_news() || socket.is_quiet())
        });
        self.shared
            .borrow_mut()
            .retain(|connection| connection.is_of_use() && !connection.is_idle_for(now, idle));
    }

    /// How long nothing has led to the endpoint.
    pub(super) fn unused_for(&self, now: Instant) -> Duration {
        if self.open.get() > 0 {
            self.unused_since.set(None);
            return Duration::ZERO;
        }
        let since = self.unused_since.get().unwrap_or(now);
        self.unused_since.set(Some(since));
        now - since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(endpoint: &str, open_max: usize) -> Rc<Line> {
        let endpoint = Endpoint::new(endpoint).unwrap();
        Rc::new(Line::new(endpoint, open_max.try_into().unwrap(), Rc::default()))
    }

    #[test]
    fn there_are_so_many_seats_and_no_more() {
        let line = line("http://a.test", 2);
        let seats = [line.sit_down(false, true), line.sit_down(true, true)];
        assert!(seats.iter().all(Option::is_some));
        assert!(line.sit_down(false, false).is_none());
        drop(seats);
        assert!(line.sit_down(false, true).is_some());
    }

    #[test]
    fn one_connection_at_a_time_is_opened_to_who_may_speak_http2() {
        for endpoint in ["h2c://a.test", "https://a.test"] {
            let line = line(endpoint, 9);
            let mut first = line.sit_down(false, true).unwrap();
            assert!(line.sit_down(false, true).is_none(), "who is patient waits");
            assert!(line.sit_down(false, false).is_some(), "who cannot wait does not");
            assert!(line.sit_down(true, true).is_some(), "nor who could not share it");
            drop(first.take_opening());
            assert!(line.sit_down(false, true).is_some(), "it has come about");
        }
        let line = line("https://a.test", 9);
        line.agreed.set(Some(Protocol::Http1));
        let both = [line.sit_down(false, true), line.sit_down(false, true)];
        assert!(both.iter().all(Option::is_some));
    }

    #[test]
    fn who_waits_is_given_the_seat_of_who_leaves() {
        let line = line("http://a.test", 1);
        let first = line.sit_down(false, true).unwrap();
        let gone = line.waiting.enter(false, false, 2).unwrap();
        let mut waits = line.waiting.enter(false, false, 2).unwrap();
        assert!(line.waiting.enter(false, false, 2).is_none());
        drop(gone);
        let mut last = line.waiting.enter(false, false, 2).unwrap();
        drop(first);
        let Ok(Grant::Seat(second)) = waits.try_recv() else { panic!("its turn has come") };
        assert!(last.try_recv().is_err());
        // Given, and not taken.
        drop(second);
        drop(last);
        assert!(line.sit_down(false, true).is_some());
    }

    #[test]
    fn one_connection_is_closed_for_who_needs_a_new_one() {
        let line = line("http://a.test", 1);
        assert!(!line.waiting.first_needs_room());
        let switching = line.waiting.enter(true, false, 9);
        assert!(line.waiting.first_needs_room());
        assert!(!line.waiting.first_needs_room(), "its place is on the way");
        drop(switching);
        let _has_room = line.waiting.enter(true, true, 9);
        assert!(!line.waiting.first_needs_room());
    }

    #[test]
    fn an_endpoint_is_unused_from_when_that_is_first_seen() {
        let line = line("http://a.test", 1);
        let (now, minute) = (Instant::now(), Duration::from_mins(1));
        assert_eq!(line.unused_for(now), Duration::ZERO);
        assert_eq!(line.unused_for(now + minute), minute);
        let seat = line.sit_down(false, true);
        assert_eq!(line.unused_for(now + minute), Duration::ZERO);
        drop(seat);
        assert_eq!(line.unused_for(now + minute), Duration::ZERO);
    }
}
