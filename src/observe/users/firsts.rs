//! Whom a worker has answered for the first time under a deployment.

use super::Answered;
use super::samples::Samples;

/// The most users that are told apart of one split, by one worker.
pub(super) const OF_SPLIT_MAX: usize = 8_192;

/// The most users that are told apart of all splits, by one worker.
pub(super) const OF_ALL_MAX: usize = 262_144;

/// The most that wait for the checks. What comes when as many wait is lost to them; which
/// version answered has no part in that.
const WAITING_MAX: usize = 65_536;

/// A user that was answered for the first time, as far as a worker can tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct First {
    pub(super) split: u32,
    pub(super) user: u64,
    pub(super) answered: Answered,
}

#[derive(Debug)]
pub(super) struct Firsts {
    users: Samples<()>,
    /// Under which deployment of a split its users are told apart; 0 is none.
    deployments: Vec<u64>,
    waiting: Vec<First>,
}

impl Default for Firsts {
    fn default() -> Self {
        let users = Samples::new(OF_SPLIT_MAX, OF_ALL_MAX);
        Self { users, deployments: Vec::new(), waiting: Vec::new() }
    }
}

impl Firsts {
    #[inline]
    pub(super) fn note(&mut self, split: u32, user: u64, answered: Answered) {
        if self.deployments.get(split as usize) != Some(&answered.deployment)
            && !self.begin(split, answered.deployment)
        {
            return;
        }
        let first = self.users.see(split, user, || (), |()| ());
        if first && self.waiting.len() < WAITING_MAX {
            self.waiting.push(First { split, user, answered });
        }
    }

    /// Begins a deployment; false if it is older than the one that goes on.
    #[cold]
    fn begin(&mut self, split: u32, deployment: u64) -> bool {
        let number = split as usize;
        if self.deployments.len() <= number {
            self.deployments.resize(number + 1, 0);
        }
        let newer = self.deployments[number] < deployment;
        if newer {
            self.deployments[number] = deployment;
            self.users.restart(split);
        }
        newer
    }

    /// Those that wait.
    pub(super) fn take(&mut self) -> Vec<First> {
        std::mem::take(&mut self.waiting)
    }
}
