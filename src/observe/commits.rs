//! What the one writer has done: commits of the store, and deployments.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::durations::{DurationCells, Durations, add};
use crate::model::Environment;

/// Written by the control plane's thread alone.
#[derive(Debug, Clone, Default)]
pub struct Commits(Arc<Cells>);

#[derive(Debug, Default)]
struct Cells {
    took: DurationCells,
    failed: AtomicU64,
    deployed: [AtomicU64; 2],
}

impl Commits {
    /// A commit that took so long has succeeded or failed.
    pub fn commit(&self, took: Duration, succeeded: bool) {
        self.0.took.note(took);
        if !succeeded {
            add(&self.0.failed, 1);
        }
    }

    /// A routine was deployed, or an app published.
    pub fn deploy(&self, environment: Environment) {
        add(&self.0.deployed[environment.index()], 1);
    }

    /// How long commits took, those that failed included.
    pub fn took(&self) -> Durations {
        self.0.took.read()
    }

    pub fn failed(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// Deployments and publishes since the start, those included that the config declares.
    pub fn deployed(&self, environment: Environment) -> u64 {
        self.0.deployed[environment.index()].load(Ordering::Relaxed)
    }
}
