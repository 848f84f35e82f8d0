//! How a request fails, and what counts as an error.

use std::io;

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// No connection could be opened, or TLS not agreed on, or not in time.
    Connect,
    /// Nothing, or not all, in time.
    Timeout,
    /// The connection was reset.
    Reset,
    /// The connection was ended before the answer was whole.
    Closed,
    /// What came is no response.
    BadResponse,
}

impl Fault {
    /// What it is while there is no connection: whoever waits for one in vain has asked no
    /// version.
    pub(super) const fn while_opening(self) -> Self {
        match self {
            Self::Timeout => Self::Connect,
            fault => fault,
        }
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

/// Errors are told apart by what went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Fault(Fault),
    /// A connection said something that nobody had asked for, or more than that.
    Unasked,
    Status4xx,
    Status5xx,
    /// Due, and never sent.
    Unsent,
}

impl Class {
    pub(super) const COUNT: usize = 9;

    pub(super) const fn index(self) -> usize {
        match self {
            Self::Fault(Fault::Connect) => 0,
            Self::Fault(Fault::Timeout) => 1,
            Self::Fault(Fault::Reset) => 2,
            Self::Fault(Fault::Closed) => 3,
            Self::Fault(Fault::BadResponse) => 4,
            Self::Unasked => 5,
            Self::Status4xx => 6,
            Self::Status5xx => 7,
            Self::Unsent => 8,
        }
    }

    /// `None` where an answer of this status is no error.
    pub(super) const fn of_status(status: u16) -> Option<Self> {
        match status / 100 {
            4 => Some(Self::Status4xx),
            5 => Some(Self::Status5xx),
            _ => None,
        }
    }
}
