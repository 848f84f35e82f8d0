//! A request on its way to an endpoint.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderValue;
use http_body::{Body as _, Frame};

use super::broken::Broken;
use super::request;
use crate::model::Endpoint;
use crate::proxy::connect::Socket;
use crate::proxy::headers::Head;
use crate::proxy::outflow::Outflow;
use crate::proxy::progress::Progress;
use crate::proxy::upload::Upload;
use crate::proxy::wire::{write_chunk_size, write_last_chunk};

/// A request on its way: what is to be written next, and what will be.
#[derive(Default)]
pub(super) struct Sending {
    out: Outflow,
    body: Option<Body>,
    /// Of the body, which moves whenever some of it leaves.
    progress: Option<Rc<Progress>>,
    /// Whether it can no longer be taken back: some of it has left, or all of a body was
    /// read that has no bytes.
    has_begun: bool,
}

struct Body {
    upload: Upload,
    /// Bytes that are still to come; `None` in chunks.
    left: Option<u64>,
    /// The trailer fields that `Trailer` announces: they travel, and no others.
    announced: Option<HeaderValue>,
}

impl Sending {
    /// Begins with a request, once the last one has left.
    pub(super) fn begin(&mut self, head: &impl Head, endpoint: &Endpoint, upload: Upload) {
        self.out.clear();
        self.has_begun = false;
        request::write(head, endpoint, &mut self.out.front);
        // The head has told how content is framed, even if nothing is left of it.
        let left = if head.is_chunked() { None } else { upload.size_hint().exact() };
        let announced = head.announces().cloned();
        self.progress = (!upload.is_empty()).then(|| upload.progress());
        let has_body = head.is_chunked() || !upload.is_empty();
        self.body = has_body.then_some(Body { upload, left, announced });
    }

    /// Whether any of it has left.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Whether all of it has left.
    pub(super) fn is_through(&self) -> bool {
        self.body.is_none() && self.out.is_empty()
    }

    /// The whole body, if nothing of the request has left.
    pub(super) fn take_back(&mut self) -> Option<Upload> {
        if self.has_begun {
            return None;
        }
        let mut upload = self.body.take().map_or_else(Upload::empty, |body| body.upload);
        upload.give_back(std::mem::take(&mut self.out.data));
        Some(upload)
    }

    /// The upstream asks for the body.
    pub(super) fn ask(&mut self) {
        if let Some(body) = &mut self.body {
            body.upload.ask();
        }
    }

    /// Ready once all of it has left. It fails when the body does, or the connection.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        socket: &Socket,
    ) -> Poll<Result<(), Broken>> {
        loop {
            // What there is of a body leaves with the head.
            if self.out.has_no_content()
                && let Some(body) = &mut self.body
                && let Poll::Ready(frame) = Pin::new(&mut body.upload).poll_frame(cx)
            {
                self.stage(frame.transpose()?)?;
                if self.out.has_no_content() && self.body.is_some() {
                    // An empty part of it. Who was not told to wait is not woken.
                    continue;
                }
            }
            if !self.out.is_empty() {
                ready!(self.poll_write(cx, socket))?;
                continue;
            }
            ready!(socket.poll_flush(cx))?;
            return if self.body.is_none() { Poll::Ready(Ok(())) } else { Poll::Pending };
        }
    }

    /// Takes the next part of the body, or its end. What goes on is as long as the head
    /// says, or the next request would be read as a part of this one.
    fn stage(&mut self, frame: Option<Frame<Bytes>>) -> Result<(), Broken> {
        let Some(body) = &mut self.body else { return Ok(()) };
        let trailers = match frame.map(Frame::into_data) {
            Some(Ok(data)) => {
                if let Some(left) = &mut body.left {
                    *left = left.checked_sub(data.len() as u64).ok_or(Broken::Length)?;
                } else if !data.is_empty() {
                    write_chunk_size(data.len(), &mut self.out.front);
                    self.out.back = b"\r\n";
                }
                self.out.data = data;
                return Ok(());
            }
            Some(Err(frame)) => frame.into_trailers().ok(),
            None => None,
        };
        match body.left {
            Some(0) => {}
            Some(_) => return Err(Broken::Length),
            None => {
                let announced = body.announced.as_ref();
                write_last_chunk(trailers.as_ref(), announced, &mut self.out.front);
            }
        }
        self.body = None;
        self.has_begun = true;
        Ok(())
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, socket: &Socket) -> Poll<Result<(), Broken>> {
        let written = self.out.poll_write(|parts| socket.poll_write_parts(cx, parts));
        ready!(written)?;
        self.has_begun = true;
        if let Some(progress) = &self.progress {
            progress.touch();
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::poll_fn;

    use http::header::{CONTENT_LENGTH, HOST};
    use http::{Method, Request, Response};
    use http_body_util::{BodyExt, Empty, Full};
    use hyper::body::Incoming;
    use hyper_util::rt::TokioIo;
    use tokio::net::UnixStream;

    use super::*;
    use crate::proxy::connect::{Protocol, Stream};
    use crate::proxy::headers::Fields;
    use crate::proxy::linger::Linger;
    use crate::proxy::pool::Seat;
    use crate::proxy::upload::Source;

    /// Of a POST with a body of five bytes.
    struct Asked;

    impl Head for Asked {
        fn method(&self) -> &Method {
            &Method::POST
        }

        fn target(&self) -> (&'static str, &str) {
            ("/", "")
        }

        fn tell(&self, _: &Endpoint, _: Protocol, to: &mut impl Fields) {
            to.say(&HOST, b"a");
            to.say(&CONTENT_LENGTH, b"5");
        }
    }

    /// Calls `look` with the body of a request as hyper's server has it.
    fn with_upload(look: impl AsyncFn(Upload)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, async {
            let (client, server) = tokio::io::duplex(1 << 10);
            let service = hyper::service::service_fn(async |request: Request<Incoming>| {
                look(Upload::new(Source::Http2(request.into_body()), Linger::start(), false, None))
                    .await;
                Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
            });
            let server = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(server), service);
            let handshake = hyper::client::conn::http1::handshake(TokioIo::new(client));
            let (mut sender, connection) = handshake.await.unwrap();
            let request = Request::post("/").body(Full::<Bytes>::from("hello")).unwrap();
            let asked = async {
                sender.send_request(request).await.unwrap();
                drop(sender);
            };
            let ((), _, ended) = tokio::join!(asked, connection, server);
            ended.unwrap();
        });
    }

    fn socket() -> (Socket, UnixStream) {
        let (ours, peer) = UnixStream::pair().unwrap();
        (Socket::new(Stream::Unix(TokioIo::new(ours)), Seat::of_none()), peer)
    }

    fn begun(upload: Upload) -> Sending {
        let mut sending = Sending::default();
        sending.begin(&Asked, &Endpoint::new("http://a").unwrap(), upload);
        sending
    }

    #[test]
    fn what_a_dead_connection_did_not_take_is_given_back_whole() {
        with_upload(async |mut upload| {
            // It is here, so that it is read before the head could leave.
            let first = upload.frame().await.unwrap().unwrap().into_data().unwrap();
            upload.give_back(first);
            let (socket, peer) = socket();
            drop(peer);
            let mut sending = begun(upload);
            poll_fn(|cx| {
                assert!(sending.poll(cx, &socket).is_pending());
                Poll::Ready(())
            })
            .await;
            let mut upload = sending.take_back().expect("nothing has left");
            assert_eq!(upload.size_hint().exact(), Some(5));
            let body = upload.frame().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(body, "hello");
        });
    }

    #[test]
    fn what_has_left_is_not_given_back_and_is_as_long_as_the_head_says() {
        with_upload(async |upload| {
            let (socket, mut peer) = socket();
            let mut sending = begun(upload);
            poll_fn(|cx| sending.poll(cx, &socket)).await.unwrap();
            assert!(sending.is_through() && sending.take_back().is_none());
            drop(socket);
            let mut sent = String::new();
            tokio::io::AsyncReadExt::read_to_string(&mut peer, &mut sent).await.unwrap();
            assert_eq!(sent, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello");
        });
    }

    /// Of a POST whose head promises chunks.
    struct Chunked;

    impl Head for Chunked {
        fn method(&self) -> &Method {
            &Method::POST
        }

        fn target(&self) -> (&'static str, &str) {
            ("/", "")
        }

        fn is_chunked(&self) -> bool {
            true
        }

        fn tell(&self, _: &Endpoint, _: Protocol, to: &mut impl Fields) {
            to.say(&http::header::TRANSFER_ENCODING, b"chunked");
        }
    }

    #[test]
    fn chunks_that_a_head_promises_come_to_an_end_even_without_content() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (socket, mut peer) = socket();
            let mut sending = Sending::default();
            sending.begin(&Chunked, &Endpoint::new("http://a").unwrap(), Upload::empty());
            poll_fn(|cx| sending.poll(cx, &socket)).await.unwrap();
            drop(socket);
            let mut sent = String::new();
            tokio::io::AsyncReadExt::read_to_string(&mut peer, &mut sent).await.unwrap();
            assert_eq!(sent, "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n");
        });
    }

    #[test]
    fn a_body_of_another_length_is_none() {
        with_upload(async |mut upload| {
            let _first = upload.frame().await.unwrap().unwrap();
            upload.give_back(Bytes::from_static(b"longer"));
            let (socket, _peer) = socket();
            let mut sending = begun(upload);
            // The rest is nothing, so it ends with what was given back.
            sending.body.as_mut().unwrap().left = Some(7);
            let broken = poll_fn(|cx| sending.poll(cx, &socket)).await;
            assert!(matches!(broken, Err(Broken::Length)), "{broken:?}");
        });
    }
}
