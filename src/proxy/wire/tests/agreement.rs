//! hyper takes what passes for what it passed as.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::io::AsyncWriteExt;

use super::super::framer::{Framer, Step};
use super::limits;
use super::streams::stream;

/// The targets of the requests that hyper makes of `stream`, and their bodies if they
/// came whole.
fn read_by_hyper(stream: &[u8]) -> Vec<(String, Option<Vec<u8>>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let (mut client, server) = tokio::io::duplex(stream.len().max(1) + (64 << 10));
        client.write_all(stream).await.expect("there is room for all of it");
        client.shutdown().await.expect("nobody has closed it");
        let requests = Rc::new(RefCell::new(Vec::new()));
        let service = service_fn(|request: Request<Incoming>| {
            let requests = requests.clone();
            async move {
                let target = request.uri().to_string();
                let body = request.into_body().collect().await.ok();
                requests.borrow_mut().push((target, body.map(|body| body.to_bytes().to_vec())));
                Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
            }
        });
        let mut builder = Builder::new();
        builder.header_read_timeout(None);
        // Half-closed is what the client is from the start.
        let connection = builder.half_close(true).serve_connection(TokioIo::new(server), service);
        drop(connection.await);
        requests.take()
    })
}

/// The targets of the requests of `stream` and their content; and all bytes that pass. None
/// is read behind one of HTTP/1.0, after which a connection need not go on.
fn read_by_framer(mut stream: Vec<u8>) -> (Vec<(String, Vec<u8>)>, Vec<u8>) {
    let mut framer = Framer::new(limits());
    let (mut requests, mut passed) = (Vec::<(String, Vec<u8>)>::new(), Vec::new());
    let mut is_last = false;
    while !stream.is_empty() {
        let step = framer.step(&mut stream);
        let (Step::Skip(count)
        | Step::Head(count)
        | Step::Data(count)
        | Step::Frame(count)
        | Step::Trailers(count)) = step
        else {
            break;
        };
        if is_last && matches!(step, Step::Head(_)) {
            break;
        }
        let mut bytes: Vec<u8> = stream.drain(..count).collect();
        match step {
            Step::Head(_) => {
                bytes = framer.respell(&bytes).unwrap_or(bytes);
                let head = String::from_utf8_lossy(&bytes);
                let target = head.split(' ').nth(1).expect("a head has a target");
                is_last = head.lines().next().is_some_and(|line| line.ends_with("HTTP/1.0"));
                requests.push((target.to_owned(), Vec::new()));
            }
            Step::Data(_) => {
                requests.last_mut().expect("a body follows a head").1.extend_from_slice(&bytes);
            }
            _ => {}
        }
        if !matches!(step, Step::Skip(_)) {
            passed.extend(bytes);
        }
    }
    (requests, passed)
}

proptest! {
    #[test]
    fn hyper_reads_the_requests_that_passed_and_no_other(stream in stream()) {
        let (passed, bytes) = read_by_framer(stream.clone());
        let read = read_by_hyper(&bytes);
        let read_targets: Vec<_> = read.iter().map(|(target, _)| target).collect();
        let targets: Vec<_> = passed.iter().map(|(target, _)| target).collect();
        prop_assert_eq!(read_targets, targets, "{}", stream.escape_ascii());
        let count = read.len();
        for (number, ((_, read), (_, passed))) in read.into_iter().zip(passed).enumerate() {
            match read {
                None => prop_assert_eq!(number + 1, count, "a body that breaks off is the last"),
                Some(read) => prop_assert_eq!(read, passed),
            }
        }
    }
}
