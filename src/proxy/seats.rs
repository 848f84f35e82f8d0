//! How many clients are connected: to all workers together, and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::SharedProxy;
use super::share::ByWorker;
use crate::model::Limits;

/// The connections of all workers. Touched when one opens or closes, and never by a
/// request.
#[derive(Debug, Default)]
pub struct Seats {
    taken: AtomicUsize,
    /// Counted while there is a limit, and then without those who are never limited.
    by_address: Mutex<HashMap<IpAddr, usize>>,
    pub(super) by_worker: ByWorker,
}

/// Why there is no seat for a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Full {
    #[error("too many clients are connected")]
    All,
    #[error("too many connections come from this address")]
    Address,
}

impl Full {
    /// The limit of the config that was met.
    pub(super) fn limit(self) -> &'static str {
        match self {
            Self::All => "connections",
            Self::Address => "connections_per_address",
        }
    }
}

/// A connection's place among the others, until it is dropped.
pub(super) struct Seat {
    proxy: SharedProxy,
    /// Under which it is counted.
    address: Option<IpAddr>,
}

impl Seat {
    /// A place for one more client. A `trusted` proxy brings those of many addresses, and
    /// is counted under none.
    pub(super) fn take(
        proxy: &SharedProxy,
        address: IpAddr,
        trusted: bool,
        limits: &Limits,
    ) -> Result<Self, Full> {
        let seats = &proxy.seats;
        if seats.taken.fetch_add(1, Ordering::Relaxed) >= limits.connections.get() {
            seats.taken.fetch_sub(1, Ordering::Relaxed);
            return Err(Full::All);
        }
        let mut seat = Self { proxy: proxy.clone(), address: None };
        if let Some(max) = limits.connections_per_address.filter(|_| !trusted) {
            // What is inside is whole at every moment, so a panic elsewhere spoils nothing.
            let mut counts = seats.by_address.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts.entry(address).or_default();
            if *count >= max.get() {
                return Err(Full::Address);
            }
            *count += 1;
            seat.address = Some(address);
        }
        Ok(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let seats = &self.proxy.seats;
        seats.taken.fetch_sub(1, Ordering::Relaxed);
        if let Some(address) = self.address {
            let mut counts = seats.by_address.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(count) = counts.get_mut(&address) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(&address);
                }
            }
        }
    }
}
