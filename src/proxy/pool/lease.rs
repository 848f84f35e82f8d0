//! Connections in use.

use std::rc::Rc;

use super::{Line, Pooled};
use crate::proxy::connect::Switch;
use crate::proxy::upload::Progress;

/// A connection that answers a request, on its way back to the pool.
pub(in crate::proxy) struct Lease {
    pub(in crate::proxy) line: Rc<Line>,
    pub(in crate::proxy) connection: Pooled,
    pub(in crate::proxy) upload: Rc<Progress>,
    /// Of a request that asks for another protocol.
    pub(in crate::proxy) switch: Option<Switch>,
}

impl Lease {
    /// Gives the connection back after its response was read whole. One whose
    /// request is still being sent is not used again: nobody knows where it ends. A
    /// stream has an end of its own, and is not to be given back.
    pub(in crate::proxy) fn release(self) {
        if self.upload.ended()
            && !self.connection.is_stream()
            && !self.connection.sender.is_closed()
        {
            self.line.put(self.connection);
        }
    }
}
