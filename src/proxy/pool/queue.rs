//! Requests that wait for a connection to one endpoint, in order of arrival.

use std::cell::RefCell;
use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::{Pooled, Seat};

/// What a request waits for.
pub(super) enum Grant {
    /// A connection that is open.
    Connection(Pooled),
    /// The place for one, to be opened.
    Seat(Seat),
}

#[derive(Default)]
pub(super) struct Queue(RefCell<VecDeque<Waiter>>);

struct Waiter {
    /// Whether it will switch to another protocol, for which it opens a connection of its
    /// own.
    switches: bool,
    /// Whether a connection was closed for it, whose place is on the way.
    has_room: bool,
    turn: oneshot::Sender<Grant>,
}

impl Queue {
    /// Takes a place at the end; `None` when `max` wait already.
    pub(super) fn enter(
        &self,
        switches: bool,
        has_room: bool,
        max: usize,
    ) -> Option<oneshot::Receiver<Grant>> {
        let mut waiting = self.0.borrow_mut();
        if waiting.len() >= max {
            waiting.retain(Waiter::waits);
        }
        if waiting.len() >= max {
            return None;
        }
        let (turn, granted) = oneshot::channel();
        waiting.push_back(Waiter { switches, has_room, turn });
        Some(granted)
    }

    /// Whether the first one who still waits, if anybody does, will switch.
    pub(super) fn first(&self) -> Option<bool> {
        let mut waiting = self.0.borrow_mut();
        while waiting.pop_front_if(|first| !first.waits()).is_some() {}
        waiting.front().map(|first| first.switches)
    }

    /// Whether a connection is to be closed for the first one who still waits. It is asked
    /// once: no second one is closed before the place of the first is free.
    pub(super) fn first_needs_room(&self) -> bool {
        if self.first() != Some(true) {
            return false;
        }
        let mut waiting = self.0.borrow_mut();
        waiting.front_mut().is_some_and(|first| !std::mem::replace(&mut first.has_room, true))
    }

    /// Whether anybody waits who takes a connection that is open.
    pub(super) fn takes_connections(&self) -> bool {
        self.0.borrow().iter().any(|waiter| !waiter.switches && waiter.waits())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Gives `grant` to the first one who still waits and can use it; back, if nobody
    /// does.
    pub(super) fn hand(&self, mut grant: Grant) -> Result<(), Grant> {
        loop {
            let is_open = matches!(grant, Grant::Connection(_));
            let suits = |waiter: &Waiter| !(is_open && waiter.switches);
            let waiter = {
                let mut waiting = self.0.borrow_mut();
                waiting.iter().position(suits).and_then(|place| waiting.remove(place))
            };
            let Some(waiter) = waiter else { return Err(grant) };
            match waiter.turn.send(grant) {
                Ok(()) => return Ok(()),
                Err(back) => grant = back,
            }
        }
    }
}

impl Waiter {
    fn waits(&self) -> bool {
        !self.turn.is_closed()
    }
}
