//! How endpoints are: what the checks of the process found, and whom a worker has
//! ejected. Neither is part of the table: nothing in it must agree with a decision.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use crate::model::Endpoint;

/// The endpoints that are not healthy. One that was never checked is not here.
pub type Sick = imbl::HashMap<Endpoint, Ailment>;

/// What is wrong with an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ailment {
    pub reason: Arc<str>,
    pub since: Instant,
}

/// What the checks found: one writes, and each worker has a copy of its own that it
/// replaces when there is another.
#[derive(Debug, Clone)]
pub struct Wellness {
    sick: Arc<watch::Sender<Sick>>,
    ejections: Ejections,
}

impl Default for Wellness {
    fn default() -> Self {
        let (sick, _) = watch::channel(Sick::new());
        Self { sick: Arc::new(sick), ejections: Ejections::default() }
    }
}

impl Wellness {
    /// Takes note of what has changed.
    pub fn change(&self, change: impl FnOnce(&mut Sick)) {
        self.sick.send_modify(change);
    }

    pub fn subscribe(&self) -> watch::Receiver<Sick> {
        self.sick.subscribe()
    }

    pub fn sick(&self) -> Sick {
        self.sick.borrow().clone()
    }

    pub fn ejections(&self) -> &Ejections {
        &self.ejections
    }
}

/// Who is ejected by how many workers, and until when at the latest. Workers decide
/// for themselves and write here what they did, for whoever asks.
#[derive(Debug, Clone, Default)]
pub struct Ejections(Arc<Mutex<HashMap<(usize, Endpoint), Instant>>>);

impl Ejections {
    pub fn ejected(&self, worker: usize, endpoint: &Endpoint, until: Instant) {
        let mut ejected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ejected.insert((worker, endpoint.clone()), until);
    }

    pub fn returned(&self, worker: usize, endpoint: &Endpoint) {
        let mut ejected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ejected.remove(&(worker, endpoint.clone()));
    }

    /// By endpoint: how many workers leave it out, and until when the last one does.
    pub fn all(&self) -> HashMap<Endpoint, (usize, Instant)> {
        let ejected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: HashMap<Endpoint, (usize, Instant)> = HashMap::new();
        for ((_, endpoint), &until) in ejected.iter() {
            let (workers, latest) = all.entry(endpoint.clone()).or_insert((0, until));
            *workers += 1;
            *latest = until.max(*latest);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_endpoint_is_out_until_its_last_worker_takes_it_back() {
        let (ejections, now) = (Ejections::default(), Instant::now());
        let endpoint = Endpoint::new("http://a.test").unwrap();
        let later = now + Duration::from_secs(1);
        ejections.ejected(0, &endpoint, later);
        ejections.ejected(1, &endpoint, now);
        assert_eq!(ejections.all()[&endpoint], (2, later));
        ejections.returned(0, &endpoint);
        assert_eq!(ejections.all()[&endpoint], (1, now));
        ejections.returned(1, &endpoint);
        assert!(ejections.all().is_empty());
    }
}
