//! The thread that sends spans, in batches.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::{Counts, Message};
use crate::model::{Collector, Policy};

/// Spans are sent so many at a time at most, ...
const BATCH_SPANS_MAX: usize = 512;

/// ... and so long after the first of them at the latest.
const SEND_AFTER: Duration = Duration::from_secs(1);

/// How long a collector may take, from connecting to the last byte of its answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The longest answer that is read.
const ANSWER_MAX_BYTES: usize = 64 * 1024;

/// A collector that is away is news, not a flood.
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);

/// Why a collector has not taken spans.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("there is no collector any more")]
    NoCollector,
    #[error("cannot connect")]
    Connect(#[source] std::io::Error),
    #[error("it broke off")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
    #[error("it did not answer within {ANSWER_WITHIN:?}")]
    Slow,
    #[error("it answered {0}")]
    Refused(StatusCode),
}

/// Sends spans until it is told to end, or nobody is left who could tell it anything.
pub(super) fn run(
    runtime: &Runtime,
    messages: &Receiver<Message>,
    policy: &watch::Receiver<Arc<Policy>>,
    counts: &Counts,
) {
    let mut complained: Option<Instant> = None;
    let mut goes_on = true;
    while goes_on {
        let Ok(Message::Span(first)) = messages.recv() else { return };
        let (spans, is_last) = gather(*first, messages);
        goes_on = !is_last;
        let many = spans.len() as u64;
        let policy = policy.borrow().clone();
        let sent = runtime.block_on(send(&policy, spans));
        let count = if sent.is_ok() { &counts.sent } else { &counts.dropped };
        count.fetch_add(many, Ordering::Relaxed);
        if let Err(error) = sent
            && complained.is_none_or(|last| last.elapsed() >= COMPLAIN_EVERY)
        {
            complained = Some(Instant::now());
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            tracing::warn!(%error, cause, "the collector takes no spans, so they are lost");
        }
    }
}

/// What comes soon after the `first` span, and whether it is the last of all.
fn gather(first: Span, messages: &Receiver<Message>) -> (Vec<Span>, bool) {
    let end = Instant::now() + SEND_AFTER;
    let mut spans = vec![first];
    while spans.len() < BATCH_SPANS_MAX {
        match messages.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(Message::Span(span)) => spans.push(*span),
            Ok(Message::End) => return (spans, true),
            Err(_) => break,
        }
    }
    (spans, false)
}

async fn send(policy: &Policy, spans: Vec<Span>) -> Result<(), ExportError> {
    // It was switched off while they were on their way.
    let tracing = policy.tracing.as_ref().ok_or(ExportError::NoCollector)?;
    let body = message(&tracing.service, spans).encode_to_vec();
    let answer = tokio::time::timeout(ANSWER_WITHIN, post(&tracing.collector, body.into())).await;
    match answer.map_err(|_| ExportError::Slow)?? {
        status if status.is_success() => Ok(()),
        status => Err(ExportError::Refused(status)),
    }
}

fn message(service: &str, spans: Vec<Span>) -> ExportTraceServiceRequest {
    let text = |key: &str, text: &str| {
        let value = any_value::Value::StringValue(text.to_owned());
        let value = Some(AnyValue { value: Some(value) });
        KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
    };
    let version = env!("CARGO_PKG_VERSION");
    let attributes = vec![text("service.name", service), text("service.version", version)];
    let scope = InstrumentationScope {
        name: "serin".to_owned(),
        version: version.to_owned(),
        ..InstrumentationScope::default()
    };
    let scope_spans = ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() };
    let resource = Resource { attributes, ..Resource::default() };
    let resource_spans = ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![scope_spans],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }
}

/// One request, on a connection of its own: there is one a second.
async fn post(collector: &Collector, body: Bytes) -> Result<StatusCode, ExportError> {
    let broken = |error: Box<dyn Error + Send + Sync>| ExportError::Broken(error);
    let authority = collector.authority();
    let stream = TcpStream::connect(&authority).await.map_err(ExportError::Connect)?;
    let request = Request::post(collector.path())
        .header(HOST, &authority)
        .header(USER_AGENT, concat!("serin/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, "application/x-protobuf")
        .body(Full::new(body))
        .map_err(|error| broken(error.into()))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(error.into()))?;
    let talk = async {
        let response = sender.send_request(request).await.map_err(|error| broken(error.into()))?;
        let status = response.status();
        // Read to its end, so that nothing is reset that the collector still says.
        let body = Limited::new(response.into_body(), ANSWER_MAX_BYTES).collect().await;
        body.map_err(broken)?;
        Ok(status)
    };
    tokio::pin!(talk);
    tokio::select! {
        biased;
        answer = &mut talk => answer,
        // What the end of the connection means is told by the exchange that it breaks.
        _ = connection => talk.await,
    }
}
