//! Places for connections, of which an endpoint has as many as the limit says.

use std::rc::Weak;

use super::line::Line;

/// The place of one open connection, from before it is opened until its socket is
/// closed.
pub(in crate::proxy) struct Seat {
    line: Weak<Line>,
    opening: Option<Opening>,
}

/// A connection that comes about, and that others wait for since it may serve them all.
pub(super) struct Opening(Weak<Line>);

impl Seat {
    pub(super) fn new(line: Weak<Line>, opening: bool) -> Self {
        let opening = opening.then(|| Opening(line.clone()));
        Self { line, opening }
    }

    /// That of a connection which no endpoint counts.
    #[cfg(test)]
    pub(in crate::proxy) fn of_none() -> Self {
        Self { line: Weak::new(), opening: None }
    }

    /// Whose end tells those who wait that this connection can be had, or cannot.
    pub(super) fn take_opening(&mut self) -> Option<Opening> {
        self.opening.take()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(line) = self.line.upgrade() {
            line.stand_up();
        }
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        if let Some(line) = self.0.upgrade() {
            line.opened();
        }
    }
}
