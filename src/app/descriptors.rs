//! How many descriptors this process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit on open descriptors to the hard one. Each connection takes
/// one, and one more toward its upstream; the soft limit is low for the sake of programs
/// that use `select(2)`, and Serin is none.
pub fn raise_limit() {
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: before.maximum, ..before };
    if raised.current == before.current {
        return;
    }
    let shown = |limit: Option<u64>| limit.map_or("none".to_owned(), |limit| limit.to_string());
    let (from, to) = (shown(before.current), shown(raised.current));
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => tracing::info!(from, to, "the limit on open descriptors is raised"),
        Err(error) => {
            tracing::warn!(from, to, %error, "the limit on open descriptors cannot be raised");
        }
    }
}
