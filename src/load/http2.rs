//! One connection of HTTP/2, and the requests that share it.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::io;
use std::rc::Rc;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::Mutex;

use super::connect::Stream;
use super::fault::Fault;
use super::head::{Answer, REASON};
use super::http1::REST;
use super::lane::Lane;
use super::plan::{KeyIn, Model, Plan};
use super::request::USER_AGENT;
use super::response::BODY_KEPT_MAX_BYTES;
use super::watchdog::Watchdog;

/// So often a request is sent again that a connection did not take up. Where each takes up
/// one request, whoever waits behind more than that is an error.
const AGAIN_MAX: usize = 100;

/// Sends requests on `stream`, or another if need be, as many at once as `streams`, until
/// there are none.
pub(super) async fn connection(lane: Rc<Lane>, stream: Option<Stream>, streams: usize) {
    let Some(head) = Head::new(&lane.plan) else { return };
    let link = Rc::new(Link { head, opened: RefCell::new(stream), current: Mutex::default() });
    let streams = (0..streams).map(|_| {
        let (lane, link) = (lane.clone(), link.clone());
        tokio::task::spawn_local(async move { ask_on(&lane, &link).await })
    });
    for stream in streams.collect::<Vec<_>>() {
        // One that panicked has said so.
        drop(stream.await);
    }
}

async fn ask_on(lane: &Lane, link: &Link) {
    let mut watchdog = Watchdog::new();
    let mut key = Vec::new();
    let way = Cell::new(Way::Opening);
    while let Some(ticket) = lane.pace.next().await {
        let errand = lane.begin(ticket, &mut key);
        let exchange = link.exchange(lane, &key, errand.region, &way);
        let mut heard = watchdog.until(lane.end_of(ticket), exchange).await;
        match way.get() {
            Way::Opening => heard = heard.map_err(Fault::while_opening),
            Way::New => {}
            Way::Kept => lane.tally.borrow_mut().reused += 1,
        }
        lane.finish(&errand, &key, heard);
        if heard == Err(Fault::Connect) && lane.plan.model == Model::Closed {
            tokio::time::sleep(REST).await;
        }
    }
}

/// Fields that HTTP/2 refuses.
const OF_CONNECTION: [&str; 5] =
    ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];

type Sender = SendRequest<Full<Bytes>>;

/// The connection, while there is one.
struct Link {
    head: Head,
    /// What was opened before the first request was due.
    opened: RefCell<Option<Stream>>,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    /// How many there were.
    number: u64,
    sender: Option<Sender>,
}

/// The connection of a request, when it was sent last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// There is none yet.
    Opening,
    New,
    /// It has carried a request before.
    Kept,
}

/// A request but for its key.
pub(super) struct Head {
    method: Method,
    uri: Uri,
    /// For each region.
    headers: Vec<HeaderMap>,
    /// The field that carries the key, and what stands before it there.
    key: (HeaderName, Vec<u8>),
    body: Bytes,
}

impl Head {
    /// `None` where HTTP/2 cannot say what is planned: it knows no fields of a connection
    /// (RFC 9113, section 8.2.2), and a host is part of the target.
    pub(super) fn new(plan: &Plan) -> Option<Self> {
        let mut headers = HeaderMap::new();
        let mut authority = plan.target.authority.as_str();
        headers.insert(http::header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        for (name, value) in &plan.headers {
            let name: HeaderName = name.parse().ok()?;
            let is_refused = name == http::header::TE && value != "trailers";
            if is_refused || OF_CONNECTION.contains(&name.as_str()) {
                return None;
            }
            if name == HOST {
                authority = value;
            } else if name == http::header::USER_AGENT {
                headers.insert(name, HeaderValue::from_str(value).ok()?);
            } else {
                headers.append(name, HeaderValue::from_str(value).ok()?);
            }
        }
        let uri = Uri::builder()
            .scheme(if plan.target.tls { "https" } else { "http" })
            .authority(authority)
            .path_and_query(plan.target.path.as_str())
            .build()
            .ok()?;
        let key = match &plan.key {
            KeyIn::Header(name) => (name.parse().ok()?, Vec::new()),
            KeyIn::Cookie(name) => (http::header::COOKIE, format!("{name}=").into_bytes()),
        };
        if key.0 == http::header::USER_AGENT {
            headers.remove(&key.0);
        }
        let mut of_regions = vec![headers];
        if !plan.users.regions.is_empty() {
            let anywhere = of_regions.remove(0);
            let name: HeaderName = plan.users.region_header.parse().ok()?;
            for (region, _) in &plan.users.regions {
                let mut headers = anywhere.clone();
                headers.append(&name, HeaderValue::from_str(region).ok()?);
                of_regions.push(headers);
            }
        }
        Some(Self {
            method: plan.method.parse().ok()?,
            uri,
            headers: of_regions,
            key,
            body: plan.body.clone().unwrap_or_default().into(),
        })
    }

    fn request(&self, key: &[u8], region: usize) -> Option<Request<Full<Bytes>>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers[region].clone();
        let (name, before) = &self.key;
        let value = HeaderValue::from_bytes(&[before, key].concat()).ok()?;
        request.headers_mut().append(name, value);
        Some(request)
    }
}

impl Link {
    /// Who sends on the connection, which is opened if there is none; and its number.
    async fn sender(&self, lane: &Lane, way: &Cell<Way>) -> Result<(Sender, u64), Fault> {
        way.set(Way::Opening);
        let mut current = self.current.lock().await;
        if let Some(sender) = current.sender.as_ref().filter(|sender| !sender.is_closed()) {
            way.set(Way::Kept);
            return Ok((sender.clone(), current.number));
        }
        let opened = self.opened.take();
        let stream = if let Some(stream) = opened {
            stream
        } else {
            let stream = lane.opener.open().await.map_err(|_| Fault::Connect)?;
            lane.tally.borrow_mut().opened += 1;
            stream
        };
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .map_err(|_| Fault::Connect)?;
        // How it ends is told by the requests that it ends.
        tokio::spawn(async move { drop(connection.await) });
        current.number += 1;
        current.sender = Some(sender.clone());
        way.set(Way::New);
        Ok((sender, current.number))
    }

    /// Connection `number` takes nothing more.
    async fn leave(&self, number: u64) {
        let mut current = self.current.lock().await;
        if current.number == number {
            current.sender = None;
        }
    }

    /// Sends a request, and again on another connection where one ends in order before it
    /// has taken it up: its user waits, and nothing has failed.
    async fn send(
        &self,
        lane: &Lane,
        key: &[u8],
        region: usize,
        way: &Cell<Way>,
    ) -> Result<Response<Incoming>, Fault> {
        let mut again = 0;
        loop {
            let (mut sender, number) = self.sender(lane, way).await?;
            let request = self.head.request(key, region).ok_or(Fault::BadResponse)?;
            match sender.send_request(request).await {
                Ok(response) => return Ok(response),
                Err(error) if again < AGAIN_MAX && is_not_taken_up(&error) => {
                    again += 1;
                    self.leave(number).await;
                }
                Err(error) => return Err(fault(&error)),
            }
        }
    }

    async fn exchange(
        &self,
        lane: &Lane,
        key: &[u8],
        region: usize,
        way: &Cell<Way>,
    ) -> Result<Answer, Fault> {
        let (parts, mut body) = self.send(lane, key, region, way).await?.into_parts();
        let reading = &lane.reading;
        let mut answer = Answer {
            status: parts.status.as_u16(),
            version: None,
            failed_over: parts.headers.get(REASON).is_some_and(|reason| reason == "failover"),
            keeps: true,
            more: false,
        };
        let mut named = reading.from.field().into_iter().flat_map(|it| parts.headers.get_all(it));
        if let Some(value) = named.find(|value| !value.is_empty()) {
            answer.version = Some(reading.known.borrow_mut().number(value.as_bytes()));
        }
        let keeps_body = reading.from.field().is_none();
        let mut kept = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| fault(&error))?;
            if let (true, Some(content)) = (keeps_body, frame.data_ref()) {
                let room = BODY_KEPT_MAX_BYTES - kept.len();
                kept.extend_from_slice(&content[..content.len().min(room)]);
            }
        }
        if keeps_body {
            reading.from.in_body(&kept, |octets| {
                answer.version = Some(reading.known.borrow_mut().number(octets));
            });
        }
        Ok(answer)
    }
}

/// Whether a request was certainly not acted on: it was not sent, or the peer has said with
/// `GOAWAY` that it came after the last that is (RFC 9113, section 6.8).
fn is_not_taken_up(error: &hyper::Error) -> bool {
    let of_peer = error.source().and_then(|cause| cause.downcast_ref::<h2::Error>());
    let is_graceful = of_peer.is_some_and(|error| {
        error.is_go_away() && error.is_remote() && error.reason() == Some(h2::Reason::NO_ERROR)
    });
    // The latter is what the library says of one that waited to be sent when it ended.
    is_graceful || error.is_canceled() || error.is_user()
}

/// What an error of the library is.
fn fault(error: &hyper::Error) -> Fault {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Fault::of(error);
        }
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return match error.get_io() {
                Some(error) => Fault::of(error),
                None if error.is_library() => Fault::BadResponse,
                None => Fault::Reset,
            };
        }
        cause = error.source();
    }
    if error.is_parse() { Fault::BadResponse } else { Fault::Closed }
}
