//! A request takes part in the trace that its caller began, and a collector is told of it.

use std::fs;
use std::io::{BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serin::model::TraceParent;

use crate::support::WAIT_MAX;
use crate::support::http::Connection;
use crate::support::process::{ANY_PORT, Process};
use crate::support::raw::{head_of, headers};
use crate::support::upstream::Upstream;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

/// A Serin before an upstream, with these tables in its config.
struct Traced {
    serin: Process,
    upstream: Upstream,
    _folder: tempfile::TempDir,
}

impl Traced {
    fn new(tables: &str) -> Self {
        let (folder, upstream) = (tempfile::tempdir().unwrap(), Upstream::saying(OK));
        let path = folder.path().join("serin.toml");
        let tables = tables.replace("LOG", folder.path().join("access.log").to_str().unwrap());
        let shop = format!(
            "[[routine]]\nname = \"shop\"\n[[routine.version]]\ncode_version = \"1\"\nupstream = \"{}\"\n\
             [[routine.deployment]]\nenv = \"production\"\n\
             code_versions = [{{ code_version = \"1\", percentage = 100 }}]\n",
            upstream.url()
        );
        fs::write(&path, format!("{ANY_PORT}\n{tables}\n{shop}")).unwrap();
        Self { serin: Process::start(&path), upstream, _folder: folder }
    }

    /// Sends a request with these fields: what the upstream is told in `traceparent` and
    /// `tracestate`.
    fn told(&self, fields: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let mut client = Connection::open(self.serin.production).unwrap();
        assert_eq!(client.get("shop.localhost", fields).unwrap().status, 200);
        let request = self.upstream.requests().pop().unwrap();
        let lines = |name| headers(&request, name).into_iter().map(str::to_owned).collect();
        (lines("traceparent"), lines("tracestate"))
    }
}

fn parent(lines: &[String]) -> TraceParent {
    let [line] = lines else { panic!("one line: {lines:?}") };
    TraceParent::parse(line.as_bytes()).unwrap()
}

/// Takes spans, and hands over each batch.
fn collector() -> (String, Receiver<(String, ExportTraceServiceRequest)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (batches, received) = channel();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            stream.set_read_timeout(Some(WAIT_MAX)).unwrap();
            let mut stream = BufReader::new(stream);
            let Ok(Some(head)) = head_of(&mut stream) else { continue };
            let mut body = vec![0; headers(&head, "content-length")[0].parse().unwrap()];
            stream.read_exact(&mut body).unwrap();
            let batch = ExportTraceServiceRequest::decode(&*body).unwrap();
            stream.get_mut().write_all(OK.as_bytes()).unwrap();
            if batches.send((head, batch)).is_err() {
                return;
            }
        }
    });
    (url, received)
}

fn attribute<'s>(span: &'s Span, name: &str) -> Option<&'s Value> {
    let found = span.attributes.iter().find(|attribute| attribute.key == name)?;
    found.value.as_ref()?.value.as_ref()
}

#[test]
fn a_trace_is_nobodys_business_unless_it_is_written_down_or_collected() {
    let traced = Traced::new("");
    for said in [SAMPLED, "nonsense"] {
        let fields = [("traceparent", said), ("tracestate", "a=b")];
        assert_eq!(traced.told(&fields), (vec![said.to_owned()], vec!["a=b".to_owned()]));
    }
    assert_eq!(traced.told(&[]), (vec![], vec![]));
}

#[test]
fn where_it_is_written_down_a_trace_goes_on_as_it_came_or_begins() {
    let traced = Traced::new("[access_log]\nto = \"LOG\"");
    let state = ("tracestate", "a=b");
    for said in [SAMPLED, UNSAMPLED] {
        let told = traced.told(&[("traceparent", said), state]);
        assert_eq!(told, (vec![said.to_owned()], vec!["a=b".to_owned()]));
    }
    let mut begun = Vec::new();
    for fields in [
        &[state][..],
        &[("traceparent", "nonsense"), state],
        &[("traceparent", SAMPLED), ("traceparent", SAMPLED), state],
    ] {
        let (lines, states) = traced.told(fields);
        assert!(states.is_empty(), "what belongs to no trace ends here");
        assert!(!parent(&lines).is_sampled());
        begun.push(parent(&lines).trace);
    }
    begun.dedup();
    assert_eq!(begun.len(), 3);
}

#[test]
fn a_collector_is_told_of_what_is_sampled() {
    let (url, batches) = collector();
    let traced = Traced::new(&format!("[tracing]\notlp = \"{url}\"\nservice = \"edge\""));
    let (goes_on, passed_on) = traced.told(&[("traceparent", SAMPLED), ("tracestate", "a=b")]);
    let goes_on = parent(&goes_on);
    assert_eq!(
        (goes_on.trace, passed_on),
        (TraceParent::parse(SAMPLED.as_bytes()).unwrap().trace, vec!["a=b".to_owned()])
    );
    let begun = parent(&traced.told(&[]).0);
    assert!(begun.is_sampled());
    assert_eq!(traced.told(&[("traceparent", UNSAMPLED)]).0, [UNSAMPLED]);
    // What waits is sent before the end.
    let (status, log) = traced.serin.terminate();
    assert!(status.success(), "{log}");

    let mut spans = Vec::new();
    while spans.len() < 2 {
        let (head, batch) = batches.recv_timeout(WAIT_MAX).unwrap();
        assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
        let resource = &batch.resource_spans[0].resource.as_ref().unwrap().attributes[0];
        let service = resource.value.as_ref().unwrap().value.clone().unwrap();
        assert_eq!(
            (resource.key.as_str(), service),
            ("service.name", Value::StringValue("edge".to_owned()))
        );
        spans.extend(batch.resource_spans[0].scope_spans[0].spans.clone());
    }
    assert!(batches.try_recv().is_err() && spans.len() == 2, "who does not sample is not told of");
    for (told, caller) in [(goes_on, &hex("00f067aa0ba902b7")[..]), (begun, &[])] {
        let span = spans.iter().find(|span| span.trace_id == told.trace.to_be_bytes());
        let span = span.expect("there is a span of each trace");
        assert_eq!(span.span_id, told.span.to_be_bytes(), "the upstream's parent is this span");
        assert_eq!((&span.parent_span_id[..], span.name.as_str()), (caller, "GET"));
        let text = |text: &str| Some(Value::StringValue(text.to_owned()));
        for (name, value) in [
            ("url.path", text("/")),
            ("server.address", text("shop.localhost")),
            ("serin.routine", text("shop")),
            ("serin.version", text("1")),
            ("serin.reason", text("only")),
            ("http.response.status_code", Some(Value::IntValue(200))),
        ] {
            assert_eq!(attribute(span, name), value.as_ref(), "{name}");
        }
        assert!(span.end_time_unix_nano > span.start_time_unix_nano);
    }
}

#[test]
fn a_collector_that_is_away_costs_spans_and_no_request() {
    let traced = Traced::new("[tracing]\notlp = \"http://127.0.0.1:1\"");
    for _ in 0..20 {
        traced.told(&[("traceparent", SAMPLED)]);
    }
    let (status, log) = traced.serin.terminate();
    assert!(status.success() && log.contains("the collector takes no spans"), "{log}");
}

fn hex(digits: &str) -> Vec<u8> {
    u64::from_str_radix(digits, 16).unwrap().to_be_bytes().to_vec()
}
