//! How far a request's body has come, for those who wait for something else.

use std::cell::Cell;
use std::rc::Rc;

use tokio::time::Instant;

/// How far a request's body has come.
pub(super) struct Progress {
    begun: Cell<bool>,
    ended: Cell<bool>,
    since: Cell<Instant>,
    /// The client was asked for more and has not given it.
    awaited: Cell<bool>,
    failed: Cell<bool>,
    overflowed: Cell<Option<u64>>,
    /// Bytes that were read.
    taken: Cell<u64>,
    /// Until the upstream asks for it, or has had the time to.
    held_back: Cell<bool>,
}

impl Progress {
    pub(super) fn new() -> Rc<Self> {
        Self::of(false)
    }

    /// That of no body, which is nobody's in particular.
    pub(super) fn of_none() -> Rc<Self> {
        thread_local! {
            static NONE: Rc<Progress> = Progress::of(true);
        }
        NONE.with(Rc::clone)
    }

    fn of(ended: bool) -> Rc<Self> {
        Rc::new(Self {
            begun: Cell::new(false),
            ended: Cell::new(ended),
            since: Cell::new(Instant::now()),
            awaited: Cell::new(false),
            failed: Cell::new(false),
            overflowed: Cell::new(None),
            taken: Cell::new(0),
            held_back: Cell::new(false),
        })
    }

    /// Whether anything of the body was handed on.
    pub(super) fn begun(&self) -> bool {
        self.begun.get()
    }

    /// Whether the whole body was handed on.
    pub(super) fn ended(&self) -> bool {
        self.ended.get()
    }

    /// Whether it is the client who keeps the upload waiting. It is the upstream when
    /// what was handed on is not taken.
    pub(super) fn awaited(&self) -> bool {
        self.awaited.get()
    }

    /// Whether the client broke off, or went too far.
    pub(super) fn failed(&self) -> bool {
        self.failed.get()
    }

    /// The limit that the body was too large for.
    pub(super) fn overflowed(&self) -> Option<u64> {
        self.overflowed.get()
    }

    /// How many bytes of it were read.
    pub(super) fn taken(&self) -> u64 {
        self.taken.get()
    }

    pub(super) fn take(&self, bytes: usize) {
        self.taken.set(self.taken.get() + bytes as u64);
    }

    /// Whether the upstream still has time to ask for it.
    pub(super) fn is_held_back(&self) -> bool {
        self.held_back.get()
    }

    pub(super) fn hold_back(&self, held_back: bool) {
        self.held_back.set(held_back);
        self.touch();
    }

    /// Since when those who are waited for have been waited for.
    pub(super) fn since(&self) -> Instant {
        self.since.get()
    }

    /// The upstream has taken what there was, and the client has no more yet.
    pub(super) fn wait(&self) {
        if !self.awaited.replace(true) {
            self.touch();
        }
    }

    /// More was handed on if `more`, all of it if `ended`.
    pub(super) fn advance(&self, more: bool, ended: bool) {
        self.awaited.set(false);
        self.begun.set(self.begun.get() || more);
        self.ended.set(ended);
        self.touch();
    }

    /// What was handed on is here again.
    pub(super) fn begin_again(&self) {
        self.advance(false, false);
        self.begun.set(false);
    }

    pub(super) fn fail(&self) {
        self.advance(true, false);
        self.failed.set(true);
    }

    pub(super) fn overflow(&self, limit: u64) {
        self.fail();
        self.overflowed.set(Some(limit));
    }

    pub(super) fn touch(&self) {
        self.since.set(Instant::now());
    }
}
