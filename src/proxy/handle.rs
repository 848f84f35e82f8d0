//! One request, start to end.

use std::time::Duration;

use http::header::{ALLOW, CONTENT_TYPE, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, Version};
use http_body_util::BodyExt;
use tokio::time::Instant;

use super::answer::Answer;
use super::body::Body;
use super::error::{METHODS, ProxyError};
use super::exchange::Waits;
use super::expect::is_expected;
use super::failover::fails_over;
use super::guard::{admit, is_last_hop};
use super::headers::{Back, Client, Onward};
use super::passage::{Notes, Passage};
use super::reply::Known;
use super::retry::Failed;
use super::spare::Spare;
use super::stream::Stream;
use super::upgrade::switch;
use super::upload::{Source, Unasked, Upload};
use super::worker::Worker;
use super::{BuiltInRequest, Proxy, responses};
use crate::model::{Environment, Policy, Timeouts, Upstream};
use crate::observe::Unanswered;
use crate::routing::{Answerer, Decision, SubjectName, Target};

/// The host that a request names: in its target, else in `Host` (RFC 9112, section
/// 3.2.2).
pub(super) fn asked_host(parts: &Parts) -> Option<&[u8]> {
    match parts.uri.authority() {
        Some(authority) => Some(authority.as_str().as_bytes()),
        None => parts.headers.get(HOST).map(HeaderValue::as_bytes),
    }
}

impl Worker {
    /// Answers every request, one way or the other.
    pub(super) async fn respond(
        &self,
        parts: &Parts,
        source: Source,
        passage: &mut Passage<'_>,
    ) -> Answer {
        let policy = self.policy();
        let limit = policy.limits.body_bytes;
        // Dropped on whatever way out, so that the client is heard out.
        let mut upload = match source {
            Source::Empty => Upload::empty(),
            source => Upload::new(source, self.linger.clone(), is_expected(parts), limit),
        };
        let admitted = admit(parts).and_then(|()| upload.fits(limit));
        if admitted.is_ok() && is_last_hop(parts) {
            return options();
        }
        let environment = passage.visitor.environment;
        let client = passage.visitor.client.clone();
        let decided = admitted.and_then(|()| self.decide(environment, parts, &client, &policy));
        let Decided { decision, key, trusted, unanswered } = match decided {
            Ok(decided) => decided,
            Err(error) => return self.refuse(passage, &error),
        };
        if let Some(tally) = decision.target().and_then(|target| target.tally) {
            self.tallies.assigned(tally.0);
        }

        let client = client.trusted_as(trusted);
        let secure = client.is_secure(&parts.headers);
        let decision = passage.decision.insert(decision);
        let spare = Spare::of(decision, &mut upload, policy.failover);
        let errand = Errand {
            policy: &policy,
            parts,
            client: &client,
            at: passage.begun,
            notes: &passage.notes,
        };
        let mut answered = self.carry_out(errand, upload, decision, key.as_deref()).await;
        if let Some(spare) = spare
            && let Err(failed) = answered
        {
            // Few requests come here, and all would carry its state.
            let elsewhere = self.elsewhere(errand, failed, spare, decision, key.as_deref());
            answered = Box::pin(elsewhere).await;
        }
        let mut answer = match answered {
            Ok(answer) => {
                if let Some(tally) = decision.target().and_then(|target| target.tally) {
                    self.tallies.served(tally.0);
                    if let Some(unanswered) = unanswered {
                        unanswered.answered_by(tally.0);
                    }
                }
                answer
            }
            Err(failed) => {
                drop(unanswered);
                self.note_failure(&failed, decision);
                self.note_error(&failed.error);
                passage.error = Some(failed.error.kind());
                failed.error.to_answer(environment, None, decision.without_fallback())
            }
        };
        if policy.headers.response {
            answer.head.disclose(decision);
        }
        answer.head.set_minted_key(decision, secure);
        answer
    }

    /// The answer to a request that nobody else is asked to answer.
    pub(super) fn refuse(&self, passage: &mut Passage<'_>, error: &ProxyError) -> Answer {
        tracing::debug!(%error, "request refused");
        self.note_error(error);
        passage.error = Some(error.kind());
        let host = passage.asking.parts().and_then(asked_host);
        error.to_answer(passage.visitor.environment, host, None)
    }

    /// Takes note that Serin answers with an error of its own.
    fn note_error(&self, error: &ProxyError) {
        self.traffic.error(error.kind());
        if let Some(limit) = error.limit() {
            self.traffic.limit(limit);
        }
    }

    fn decide(
        &self,
        environment: Environment,
        parts: &Parts,
        client: &Client,
        policy: &Policy,
    ) -> Result<Decided, ProxyError> {
        let Proxy { table, draws, .. } = &*self.proxy;
        table.read(|table| {
            let decision = table
                .decide(environment, parts, client.address, draws)
                .map_err(ProxyError::Unroutable)?;
            let other = decision.other().filter(|_| fails_over(&decision, policy.failover));
            let answerers = decision.target().into_iter().chain(other);
            let built_in = { answerers }.find(|target| target.upstream.is_none());
            let key = built_in.and_then(|target| match &decision.minted {
                Some(minted) => Some(minted.value.clone().into_bytes()),
                None => table.key_of(target, parts, client.address),
            });
            let unanswered = self.note_user(table, parts, client, &decision);
            Ok(Decided { decision, key, trusted: table.trusts(client.address), unanswered })
        })
    }

    /// Asks who was decided on: a version, for as long as its route says, or an origin.
    pub(super) async fn carry_out(
        &self,
        errand: Errand<'_>,
        upload: Upload,
        decision: &Decision,
        key: Option<&[u8]>,
    ) -> Result<Answer, Failed> {
        let timeouts = &errand.policy.timeouts;
        let Timeouts { connect, response_head, request_body_idle, .. } = *timeouts;
        errand.notes.ask((!upload.is_empty()).then(|| upload.progress()));
        let (upstream, response_head) = match &decision.answerer {
            Answerer::Origin(origin) => (&origin.upstream, response_head),
            Answerer::Version(target) => {
                let of_route = decision.route.as_ref().and_then(|route| route.timeout());
                let patience = of_route.unwrap_or(response_head);
                let Some(upstream) = &target.upstream else {
                    let silence = request_body_idle;
                    let answered = self.answer(errand.parts, upload, target, key, silence).await;
                    return answered.map_err(Failed::from);
                };
                (upstream, patience)
            }
        };
        let waits = Waits { connect, response_head, request_body_idle };
        self.forward(errand, upload, upstream, waits).await
    }

    async fn forward(
        &self,
        errand: Errand<'_>,
        mut upload: Upload,
        upstream: &Upstream,
        waits: Waits,
    ) -> Result<Answer, Failed> {
        let Errand { policy, parts, client, at, notes } = errand;
        let course = self.set_out(upstream, policy, at)?;
        let head = Onward::new(parts, &upload, client, policy);
        let unasked = if upload.is_unasked() { upload.hold_back() } else { None };

        let (reply, content, lease) = self.send(course, &head, upload, waits, notes).await?;

        let asked_in = parts.version;
        if reply.status == StatusCode::SWITCHING_PROTOCOLS {
            return switch(head.into_asked(), reply, lease).map_err(Failed::from);
        }
        let length = responses::check(&reply)?;
        let is_last = unasked.is_some_and(Unasked::let_go);
        let travel = asked_in > Version::HTTP_11
            || head.wants_trailers()
                && asked_in == Version::HTTP_11
                && reply.has(Known::TransferEncoding);
        let mut head = Back::of_upstream(reply, length);
        head.announce(travel);
        if is_last {
            head.close();
        }
        let stream = Stream::new(content, lease, &self.linger, &policy.timeouts);
        Ok(Answer { head, body: Body::upstream(stream) })
    }

    /// Answers for a version without an upstream, after it has heard the whole
    /// request, as an upstream would.
    async fn answer(
        &self,
        parts: &Parts,
        mut upload: Upload,
        target: &Target,
        key: Option<&[u8]>,
        silence: Duration,
    ) -> Result<Answer, ProxyError> {
        while let Some(frame) = tokio::time::timeout(silence, upload.frame())
            .await
            .map_err(|_| ProxyError::UploadTimeout(silence))?
        {
            frame?;
        }
        let name = target.subject.as_str();
        let routine = matches!(target.subject, SubjectName::Routine(_));
        let answer = (self.proxy.built_in)(&BuiltInRequest {
            routine: routine.then_some(name),
            app: (!routine).then_some(name),
            version: target.version.as_str(),
            environment: target.environment,
            method: parts.method.as_str(),
            path: parts.uri.path(),
            key,
        });
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, json)]);
        Ok(Answer::ours(StatusCode::OK, headers, answer))
    }
}

/// What is to be done about a request.
#[derive(Clone, Copy)]
pub(super) struct Errand<'a> {
    pub(super) policy: &'a Policy,
    pub(super) parts: &'a Parts,
    pub(super) client: &'a Client,
    /// When whoever is asked is asked.
    pub(super) at: Instant,
    pub(super) notes: &'a Notes,
}

/// What one table decides about a request.
struct Decided {
    decision: Decision,
    /// Where the built-in backend will want to name it.
    key: Option<Vec<u8>>,
    /// Whether the client is.
    trusted: bool,
    /// The user, if this is their first request since their version was decided.
    unanswered: Option<Unanswered>,
}

/// What Serin says of itself when it is asked in an upstream's stead.
fn options() -> Answer {
    let headers = HeaderMap::from_iter([(ALLOW, HeaderValue::from_static(METHODS))]);
    Answer::ours(StatusCode::OK, headers, "")
}
