//! The content of a request, from the connection that reads it to whoever takes it.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::proxy::error::Cause;

/// What comes at a time.
pub(super) type Part = Result<Frame<Bytes>, Cause>;

/// The content of a request. It is read from the connection as it is asked for.
pub(in crate::proxy) struct Content(Rc<Inlet>);

/// Where the connection puts what it has read, one part at a time.
pub(super) struct Inlet {
    part: RefCell<Option<Part>>,
    /// Bytes that were not taken yet; `None` in chunks.
    left: Cell<Option<u64>>,
    /// Nothing comes behind what is there.
    has_ended: Cell<bool>,
    is_wanted: Cell<bool>,
    is_abandoned: Cell<bool>,
    /// Who waits for a part.
    taker: RefCell<Option<Waker>>,
    /// Who reads, when it waits to be asked.
    reader: RefCell<Option<Waker>>,
}

impl Content {
    /// Content of so many bytes, or in chunks.
    pub(super) fn new(left: Option<u64>) -> (Self, Rc<Inlet>) {
        let inlet = Rc::new(Inlet {
            part: RefCell::default(),
            left: Cell::new(left),
            has_ended: Cell::new(false),
            is_wanted: Cell::new(false),
            is_abandoned: Cell::new(false),
            taker: RefCell::default(),
            reader: RefCell::default(),
        });
        (Self(inlet.clone()), inlet)
    }

    pub(in crate::proxy) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Part>> {
        let inlet = &*self.0;
        if let Some(part) = inlet.part.take() {
            inlet.note_taken(&part);
            return Poll::Ready(Some(part));
        }
        if inlet.has_ended.get() {
            return Poll::Ready(None);
        }
        inlet.is_wanted.set(true);
        remember(&inlet.taker, cx.waker());
        inlet.wake_reader(Some(cx.waker()));
        Poll::Pending
    }

    pub(in crate::proxy) fn is_end_stream(&self) -> bool {
        let Self(inlet) = self;
        inlet.left.get() == Some(0) || inlet.has_ended.get() && inlet.part.borrow().is_none()
    }

    pub(in crate::proxy) fn size_hint(&self) -> SizeHint {
        if self.is_end_stream() {
            return SizeHint::with_exact(0);
        }
        self.0.left.get().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        let Self(inlet) = self;
        inlet.part.take();
        if !inlet.has_ended.get() {
            inlet.is_abandoned.set(true);
            inlet.wake_reader(None);
        }
    }
}

impl Inlet {
    /// Whether a part is to be read.
    pub(super) fn is_wanted(&self) -> bool {
        self.is_wanted.get()
    }

    /// Whether nobody will take any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.is_abandoned.get()
    }

    /// Names whom to wake when a part is asked for, or none ever will be.
    pub(super) fn wait(&self, reader: &Waker) {
        remember(&self.reader, reader);
    }

    /// Hands a part over before anybody asks.
    pub(super) fn fill(&self, part: Option<Part>, has_ended: bool) {
        *self.part.borrow_mut() = part;
        self.has_ended.set(has_ended);
    }

    /// Hands a part over, which was wanted, or the end alone. Behind the last part, or an
    /// error, there is nothing more.
    pub(super) fn put(&self, part: Option<Part>, has_ended: bool, reader: &Waker) {
        self.is_wanted.set(false);
        self.fill(part, has_ended);
        // Who reads and takes in one task goes on by itself.
        if let Some(taker) = self.taker.borrow_mut().take_if(|taker| !taker.will_wake(reader)) {
            taker.wake();
        }
    }

    /// Tells whoever takes that nothing more will come.
    pub(super) fn cut(&self, error: io::Error) {
        *self.part.borrow_mut() = Some(Err(error.into()));
        self.has_ended.set(true);
        if let Some(taker) = self.taker.take() {
            taker.wake();
        }
    }

    fn note_taken(&self, part: &Part) {
        if let (Some(left), Ok(frame)) = (self.left.get(), part)
            && let Some(data) = frame.data_ref()
        {
            self.left.set(Some(left.saturating_sub(data.len() as u64)));
        }
    }

    /// `taker` is who asks, if anybody does.
    fn wake_reader(&self, taker: Option<&Waker>) {
        let is_other = |reader: &mut Waker| taker.is_none_or(|taker| !taker.will_wake(reader));
        if let Some(reader) = self.reader.borrow_mut().take_if(is_other) {
            reader.wake();
        }
    }
}

fn remember(place: &RefCell<Option<Waker>>, waker: &Waker) {
    match &mut *place.borrow_mut() {
        Some(known) => known.clone_from(waker),
        none => *none = Some(waker.clone()),
    }
}
