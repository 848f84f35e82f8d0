//! Connections in use.

use std::rc::Rc;

use super::{Line, Pooled, Sender};
use crate::proxy::connect::Switch;
use crate::proxy::progress::Progress;

/// A connection that is to answer a request, on its way back to the pool. Dropped, it is
/// closed whatever is still under way on it: a request that its upstream does not take
/// would keep it open. Of a shared one, its stream alone.
pub(in crate::proxy) struct Lease {
    line: Rc<Line>,
    /// Until it is given back.
    connection: Option<Pooled>,
    pub(in crate::proxy) upload: Rc<Progress>,
    /// Of a request that asks for another protocol.
    pub(in crate::proxy) switch: Option<Switch>,
}

impl Lease {
    pub(in crate::proxy) fn new(
        line: Rc<Line>,
        mut connection: Pooled,
        upload: Rc<Progress>,
    ) -> Self {
        let switch = connection.switch.take();
        Self { line, connection: Some(connection), upload, switch }
    }

    /// What it is a lease of.
    pub(in crate::proxy) fn connection(&mut self) -> &mut Pooled {
        self.connection.as_mut().expect("who gives it back has no lease any more")
    }

    /// Takes note that it has answered.
    pub(in crate::proxy) fn note_answer(&mut self) {
        self.connection().note_answer();
    }

    /// Whether the whole request has left, or never will.
    pub(in crate::proxy) fn is_through(&self) -> bool {
        self.connection.as_ref().is_none_or(|Pooled { sender, .. }| {
            sender.is_closed() || self.upload.ended() && sender.is_ready()
        })
    }

    /// Gives the connection back after its response was read whole. One whose
    /// request is still being sent is not used again: nobody knows where it ends. A
    /// stream has an end of its own, and is not to be given back.
    pub(in crate::proxy) fn release(mut self) {
        if self.upload.ended()
            && let Some(connection) =
                self.connection.take_if(|it| !it.is_stream() && !it.sender.is_closed())
        {
            self.line.put(connection);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(Pooled { sender: Sender::Http1 { driver, .. }, .. }) = &self.connection {
            driver.abort();
        }
    }
}
