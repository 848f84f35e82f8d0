//! How a request fails.

use std::io;

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// No connection could be opened, or TLS not agreed on.
    Connect,
    /// Nothing, or not all, in time.
    Timeout,
    /// The connection was reset.
    Reset,
    /// The connection was ended before the answer was whole.
    Closed,
    /// What came is no response, or more than one.
    BadResponse,
}

impl Fault {
    pub(super) const ALL: [Self; 5] =
        [Self::Connect, Self::Timeout, Self::Reset, Self::Closed, Self::BadResponse];

    pub(super) const fn index(self) -> usize {
        self as usize
    }

    /// What an error in the middle of an exchange is.
    pub(super) fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Closed,
            io::ErrorKind::TimedOut => Self::Timeout,
            // TLS: what came is none.
            io::ErrorKind::InvalidData => Self::BadResponse,
            _ => Self::Reset,
        }
    }
}
