//! One question to an endpoint, and what a row of answers means. As ESA's containers are
//! probed: a success threshold and a failure threshold, each of answers in a row.

use std::rc::Rc;
use std::sync::Arc;

use http::header::{CONNECTION, HOST, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, StatusCode};
use tokio::time::Instant;

use super::connect::{Deadline, Protocol, UpstreamTls, reach};
use super::error::ProxyError;
use super::exchange::{Attempt, Waits, exchange};
use super::headers::{Fields, Head};
use super::passage::Notes;
use super::pool::Pool;
use super::upload::Upload;
use crate::model::{Endpoint, HealthCheck, Limits, Probe};
use crate::observe::WorkerConnections;

/// Why a question had no good answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unwell {
    #[error("{0}")]
    Unreachable(ProxyError),
    #[error("it answered {0}")]
    Status(StatusCode),
    #[error("it gave no answer in time")]
    Late,
    #[error("the path or the host to ask for is none")]
    BadQuestion,
}

impl Unwell {
    /// Whether it was not asked, for want of something here.
    pub(super) fn is_shortage(&self) -> bool {
        matches!(self, Self::Unreachable(error) if error.is_shortage())
    }
}

/// Asks `endpoint`, and says how it is.
pub(super) async fn ask(
    endpoint: &Endpoint,
    check: &HealthCheck,
    tls: Arc<UpstreamTls>,
    limits: Limits,
) -> Result<(), Unwell> {
    let asking = async {
        let Probe::HttpGet { path, host } = &check.probe else {
            let reached = reach(endpoint.address(), Deadline::after(check.timeout)).await;
            return reached.map(drop).map_err(Unwell::Unreachable);
        };
        let host = host.as_deref().unwrap_or(endpoint.authority());
        if PathAndQuery::try_from(path.as_str()).is_err() || HeaderValue::from_str(host).is_err() {
            return Err(Unwell::BadQuestion);
        }
        let question = Question { path, host };
        // Longer than this is waited for, so that it is said in one way that it took too long.
        let longer = check.timeout * 2;
        let waits = Waits { connect: longer, response_head: longer, request_body_idle: longer };
        // Of its own, so that each question has a new connection.
        let pool = Rc::new(Pool::new(tls, limits, WorkerConnections::default()));
        let notes = &Notes::default();
        let attempt = Attempt { endpoint, waits, fresh: true, at: Instant::now(), notes };
        let answer = exchange(&pool, attempt, &question, Upload::empty()).await;
        let (reply, ..) = answer.map_err(|failure| Unwell::Unreachable(failure.error))?;
        let status = reply.status;
        if (200..400).contains(&status.as_u16()) { Ok(()) } else { Err(Unwell::Status(status)) }
    };
    tokio::time::timeout(check.timeout, asking).await.unwrap_or(Err(Unwell::Late))
}

/// What an endpoint is asked.
struct Question<'a> {
    path: &'a str,
    host: &'a str,
}

impl Head for Question<'_> {
    fn method(&self) -> &Method {
        &Method::GET
    }

    fn target(&self) -> (&'static str, &str) {
        ("", self.path)
    }

    fn tell(&self, _: &Endpoint, protocol: Protocol, to: &mut impl Fields) {
        to.say(&HOST, self.host.as_bytes());
        to.say(&USER_AGENT, b"serin-health");
        if protocol == Protocol::Http1 {
            to.say(&CONNECTION, b"close");
        }
    }
}

/// How an endpoint is, by its answers so far.
#[derive(Debug, Default)]
pub(super) struct Row {
    is_ill: bool,
    /// Answers in a row that speak against that.
    against: u32,
}

impl Row {
    /// Takes one more answer: whether it changed how the endpoint is, and to what.
    pub(super) fn takes(&mut self, is_good: bool, check: &HealthCheck) -> Option<Turn> {
        if is_good != self.is_ill {
            self.against = 0;
            return None;
        }
        self.against += 1;
        let (threshold, turn) = if self.is_ill {
            (check.success_threshold, Turn::Well)
        } else {
            (check.failure_threshold, Turn::Ill)
        };
        if self.against < threshold.get() {
            return None;
        }
        *self = Self { is_ill: !self.is_ill, against: 0 };
        Some(turn)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Well,
    Ill,
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;

    fn turns(success: u32, failure: u32, answers: &str) -> Vec<(usize, Turn)> {
        let second = Duration::from_secs(1);
        let check = HealthCheck {
            probe: Probe::TcpSocket,
            initial_delay: second,
            period: second,
            timeout: second,
            success_threshold: NonZeroU32::new(success).unwrap(),
            failure_threshold: NonZeroU32::new(failure).unwrap(),
        };
        let mut row = Row::default();
        let answers = answers.chars().enumerate();
        answers.filter_map(|(at, answer)| Some((at, row.takes(answer == '+', &check)?))).collect()
    }

    #[test]
    fn what_was_never_asked_is_healthy() {
        assert_eq!(turns(1, 1, "+++"), []);
    }

    #[test]
    fn thresholds_count_answers_in_a_row() {
        assert_eq!(turns(1, 3, "--+--+"), []);
        assert_eq!(turns(1, 3, "-----"), [(2, Turn::Ill)]);
        assert_eq!(turns(2, 1, "-+-+-"), [(0, Turn::Ill)]);
        assert_eq!(turns(2, 1, "-++-"), [(0, Turn::Ill), (2, Turn::Well), (3, Turn::Ill)]);
    }
}
