//! What those who serve a connection know of its bytes.

use std::cell::Cell;
use std::rc::Rc;

use super::refusal::Refusal;
use crate::server::Presence;

/// Stands between the bytes of a connection and the requests that hyper makes of them.
///
/// hyper tells the service of one request after the other, in the order of their heads.
/// In place of a head that is refused it is given one of ours, so that what came before
/// is answered first and the refusal is answered like any request.
pub(in crate::proxy) struct Gate {
    presence: Rc<Presence>,
    /// Heads that hyper was given, without ours.
    passed: Cell<u64>,
    /// Requests that hyper made of them.
    met: Cell<u64>,
    refused: Cell<Option<Refusal>>,
    lingers: Cell<bool>,
}

impl Gate {
    pub(in crate::proxy) fn new(presence: Rc<Presence>) -> Rc<Self> {
        Rc::new(Self {
            presence,
            passed: Cell::new(0),
            met: Cell::new(0),
            refused: Cell::new(None),
            lingers: Cell::new(false),
        })
    }

    pub(in crate::proxy) fn presence(&self) -> &Rc<Presence> {
        &self.presence
    }

    /// Takes note of the next request that hyper tells of: whether it is one, or stands
    /// for a head that was refused.
    pub(in crate::proxy) fn admit(&self) -> Result<(), Refusal> {
        self.met.set(self.met.get() + 1);
        match self.refused.get() {
            Some(refusal) if self.met.get() > self.passed.get() => Err(refusal),
            _ => Ok(()),
        }
    }

    /// Has the client heard out before the connection is closed on it: it may not have
    /// read the last answer, nor sent all that it means to (RFC 9112, section 9.6).
    pub(in crate::proxy) fn linger(&self) {
        self.lingers.set(true);
    }

    pub(in crate::proxy) fn lingers(&self) -> bool {
        self.lingers.get()
    }

    pub(super) fn pass(&self, heads: u64) {
        self.passed.set(heads);
    }

    /// Whether every request that has passed is answered, but for what the client has not
    /// taken yet. One that goes on in another protocol never is.
    pub(super) fn is_answered(&self) -> bool {
        self.met.get() >= self.passed.get() && !self.presence.is_busy()
    }

    pub(super) fn refuse(&self, refusal: Refusal) {
        self.refused.set(Some(refusal));
        self.linger();
    }
}
