//! The threads that tell others of requests: the access log, and spans.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::duty::Roster;
use super::outside;
use super::running::StartError;
use crate::config::Config;
use crate::model::Policy;
use crate::observe::{
    AccessLog, AccessLogThread, KeyHashSeed, OpenLog, Outside, Spans, SpansThread,
};

/// How long what waits for the access log is written at the end: a pipe may stand still.
const ACCESS_LOG_END_MAX: Duration = Duration::from_secs(2);

/// How long spans that wait are sent at the end.
const SPANS_END_MAX: Duration = Duration::from_secs(2);

/// Both are there whatever the config says: a reload may give them something to do.
pub(super) struct Tellers {
    access_log: AccessLogThread,
    spans: SpansThread,
    end: watch::Sender<bool>,
}

impl Tellers {
    /// Starts both, and opens what `config` has lines written to.
    pub(super) fn start(
        roster: &Roster,
        config: &Config,
        policy: &watch::Receiver<Arc<Policy>>,
    ) -> Result<(AccessLog, Spans, Self), StartError> {
        let open = OpenLog::open(config.access_log.as_ref())?;
        let (end, ends) = watch::channel(false);
        let key_hash = KeyHashSeed::new(outside::random());
        let outside = Outside { clock: outside::now, key_hash };
        let duty = roster.duty("access-log", ends.clone());
        let (log, access_log) = AccessLog::start(open, outside, duty)?;
        let duty = roster.duty("spans", ends);
        let (spans, sending) = Spans::start(policy.clone(), duty)?;
        Ok((log, spans, Self { access_log, spans: sending, end }))
    }

    /// Lets both say what waits, and ends them. Nobody is left who makes lines or spans.
    pub(super) fn end(self) {
        self.end.send_replace(true);
        let waiting = self.access_log.waiting();
        if !self.access_log.end(ACCESS_LOG_END_MAX) {
            tracing::warn!(waiting, "the access log takes no more, so lines are lost");
        }
        if !self.spans.end(SPANS_END_MAX) {
            tracing::warn!("the collector takes no more spans, so some are lost");
        }
    }
}
