//! Where a response is read here, hyper's client reads the same one.

use std::task::Poll;

use bytes::{Bytes, BytesMut};
use http::header::HOST;
use http::response::Parts;
use http::{HeaderMap, Method, Request, StatusCode, Version};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::handshake;
use hyper::ext::ReasonPhrase;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use proptest::sample::select;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::reader::{HeadMax, Reader, judge};
use super::response::framing;
use crate::proxy::headers::Hearer;
use crate::proxy::reply::Came;
use crate::proxy::responses::check;

/// As many as hyper reads.
const FIELDS_MAX: usize = 100;

#[derive(Debug, PartialEq)]
struct Read {
    status: StatusCode,
    version: Version,
    reason: Option<ReasonPhrase>,
    headers: HeaderMap,
    /// With its trailers, if it came whole.
    body: Option<(Vec<u8>, Option<HeaderMap>)>,
}

/// The response that `stream` begins with; `None` if it is refused.
fn read_here(method: &Method, stream: &[u8]) -> Option<Read> {
    let max = HeadMax { bytes: usize::MAX, fields: FIELDS_MAX };
    let mut left = BytesMut::from(stream);
    let reply = loop {
        let before = left.clone();
        let head = Reader::default().take(&mut left, max).ok()??;
        for cut in 0..before.len() - left.len() {
            let beginning = &before[..cut];
            assert!(judge(beginning, FIELDS_MAX).is_ok(), "{}", before.escape_ascii());
        }
        if !head.is_interim() {
            break head.reply;
        }
    };
    check(&reply).ok()?;
    let mut framing = framing(method, &reply, FIELDS_MAX).ok()?;
    let (mut data, mut trailers) = (Vec::new(), None);
    let is_whole = loop {
        match framing.take(&mut left) {
            Poll::Ready(None) => break true,
            Poll::Ready(Some(Err(_))) => break false,
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(more) => data.extend_from_slice(&more),
                Err(frame) => trailers = frame.into_trailers().ok(),
            },
            Poll::Pending => break framing.close().is_ok(),
        }
    };
    let Came::Lines(lines) = &reply.fields else { panic!("they came in lines") };
    let usual = reply.status.canonical_reason().map(str::as_bytes);
    let reason = Some(lines.reason()).filter(|reason| Some(*reason) != usual);
    let mut headers = HeaderMap::new();
    lines.iter().for_each(|(_, name, value)| headers.slice(name, value, lines.bytes()));
    Some(Read {
        status: reply.status,
        version: reply.version,
        reason: reason.map(|reason| ReasonPhrase::try_from(reason).expect("a reason")),
        headers,
        body: is_whole.then_some((data, trailers)),
    })
}

/// What hyper makes of it.
fn read_by_hyper(method: &Method, stream: &[u8]) -> Option<Read> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let (client, mut server) = tokio::io::duplex(stream.len().max(1) + (64 << 10));
        let (mut sender, connection) = handshake(TokioIo::new(client)).await.ok()?;
        let asked = async {
            let request = Request::builder().method(method).uri("/").header(HOST, "a");
            let request = request.body(Empty::<Bytes>::new()).expect("a good request");
            let (parts, body) = sender.send_request(request).await.ok()?.into_parts();
            let body = body.collect().await.ok().map(|body| {
                let trailers = body.trailers().cloned();
                (body.to_bytes().to_vec(), trailers)
            });
            let Parts { status, version, headers, extensions, .. } = parts;
            Some(Read { status, version, reason: extensions.get().cloned(), headers, body })
        };
        let answered = async {
            // What nobody has asked for would be refused.
            let read = server.read(&mut [0; 1 << 10]).await.expect("a request");
            assert!(read > 0, "a request");
            server.write_all(stream).await.expect("there is room for all of it");
            server.shutdown().await.expect("nobody has closed it");
        };
        tokio::join!(asked, answered, connection).0
    })
}

/// Responses, good ones and others.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let interim = select(vec![
        "",
        "",
        "",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nlink: <a>\r\ncontent-length: 3\r\n\r\n",
        "\r\n",
    ]);
    let start = select(vec![
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 Fine\r\n",
        "HTTP/1.1 200\r\n",
        "HTTP/1.0 200 OK\r\n",
        "HTTP/1.1 204 No Content\r\n",
        "HTTP/1.1 304 Not Modified\r\n",
        "HTTP/1.1 404 \u{e9}\r\n",
        "HTTP/1.1 599  \t\r\n",
        "HTTP/1.1 200 OK\n",
    ]);
    let line = select(vec![
        "x: y\r\n",
        "x:\r\n",
        "X: \t\u{e9}\t \r\n",
        "set-cookie: a=b\r\n",
        "connection: close\r\n",
        "connection: keep-alive\r\n",
        "content-length: 3\r\n",
        "content-length: 3\r\n",
        "Content-Length: 3, 3\r\n",
        "content-length: 0\r\n",
        "content-length: 03\r\n",
        "transfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\n",
        "Transfer-Encoding: CHUNKED \r\n",
        "transfer-encoding: gzip, chunked\r\n",
        "x: y\n",
        "x : y\r\n",
        " x: y\r\n",
        "x: \0\r\n",
        "\r\n",
    ]);
    let body = select(vec![
        "",
        "abc",
        "abcHTTP/1.1 200 OK\r\n\r\n",
        "0\r\n\r\n",
        "3\r\nabc\r\n0\r\n\r\n",
        "3\r\nabc\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        "3;a=b\r\nabc\r\n0a\r\n0123456789\r\n0\r\nx: y\r\nx:z\r\n\r\n",
        "3  \r\nabc\r\n0\t\r\n\r\n",
        "3\r\nabcd\r\n",
        "3\r\nab",
        "\r\n",
    ]);
    let change = (any::<usize>(), select(b"\r\n\0 \t:,;0aG9<\x80".to_vec()));
    let parts = (interim, start, proptest::collection::vec(line, 0..4), body);
    (parts, proptest::option::weighted(0.4, change)).prop_map(
        |((interim, start, lines, body), change)| {
            let mut stream = [interim, start, &lines.concat(), "\r\n", body].concat().into_bytes();
            if let Some((at, byte)) = change {
                let at = at % stream.len();
                stream[at] = byte;
            }
            stream
        },
    )
}

fn expect_agreement(method: &Method, stream: &[u8]) -> Result<(), TestCaseError> {
    let Some(here) = read_here(method, stream) else { return Ok(()) };
    let Some(there) = read_by_hyper(method, stream) else {
        return Err(TestCaseError::fail(format!("{}: {here:?}", stream.escape_ascii())));
    };
    if here.body.is_some() {
        prop_assert_eq!(&here, &there, "{}", stream.escape_ascii());
    }
    // Of a body that breaks off here, nobody is told that it is whole.
    prop_assert_eq!(Read { body: None, ..here }, Read { body: None, ..there });
    Ok(())
}

#[test]
fn what_is_to_agree_is_read() {
    let chunked =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx: y\r\n\r\n";
    let (body, trailers) = read_here(&Method::GET, chunked).and_then(|read| read.body).unwrap();
    assert_eq!((&body[..], trailers.unwrap().len()), (&b"a"[..], 1));
    assert!(read_by_hyper(&Method::GET, chunked).is_some_and(|read| read.body.is_some()));
}

proptest! {
    #[test]
    fn hyper_reads_the_response_that_is_read_here(
        stream in stream(),
        method in select(vec![Method::GET, Method::GET, Method::HEAD]),
    ) {
        expect_agreement(&method, &stream)?;
    }

    #[test]
    fn it_does_so_with_a_head_of_any_bytes(
        bytes in proptest::collection::vec(
            prop_oneof![4 => select(b"ab0 \t:,;\r\n\x80".to_vec()), 1 => any::<u8>()],
            0..20,
        ),
        begin in select(vec!["", "HTTP/1.1 ", "HTTP/1.1 200 ", "HTTP/1.1 200 OK\r\nx", "HTTP/1.0 200\r\nx:"]),
    ) {
        let stream = [begin.as_bytes(), &bytes, b"\r\n\r\n"].concat();
        expect_agreement(&Method::GET, &stream)?;
    }
}
