//! One connection of HTTP/1.1, in one task, without an allocation for a request.

use std::rc::Rc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::connect::Stream;
use super::fault::Fault;
use super::head::Answer;
use super::lane::Lane;
use super::plan::Model;
use super::response::{Buffer, Rest, rest};
use super::watchdog::Watchdog;

/// How long a connection rests that could not be opened, where no rate bounds how often
/// that is tried.
pub(super) const REST: Duration = Duration::from_millis(10);

/// Sends requests on `stream`, and others if need be, until there are none.
pub(super) async fn connection(lane: Rc<Lane>, stream: Option<Stream>) {
    let mut desk = Desk {
        stream,
        opening: false,
        fresh: true,
        buffer: Buffer::new(),
        request: Vec::new(),
        last: None,
    };
    let mut watchdog = Watchdog::new();
    let mut key = Vec::new();
    while let Some(ticket) = lane.pace.next().await {
        let errand = lane.begin(ticket, &mut key);
        lane.written.of(&key, errand.region, &mut desk.request);
        let mut heard = watchdog.until(lane.end_of(ticket), desk.exchange(&lane)).await;
        if desk.opening {
            heard = heard.map_err(Fault::while_opening);
        }
        if !heard.is_ok_and(|answer| answer.keeps) {
            desk.stream = None;
        }
        desk.last = heard.ok().and_then(|answer| answer.version);
        lane.finish(&errand, &key, heard);
        if heard == Err(Fault::Connect) && lane.plan.model == Model::Closed {
            tokio::time::sleep(REST).await;
        }
    }
    desk.look(&lane).await;
}

/// A connection and what is on its way.
struct Desk {
    stream: Option<Stream>,
    /// It is being opened.
    opening: bool,
    /// It has carried no request yet.
    fresh: bool,
    buffer: Buffer,
    request: Vec<u8>,
    /// The version of the last answer.
    last: Option<usize>,
}

impl Desk {
    /// Gives up a connection that does not rest.
    async fn look(&mut self, lane: &Lane) {
        let Some(stream) = &mut self.stream else { return };
        match rest(stream).await {
            Rest::Quiet => return,
            // While it rested, which is nobody's fault.
            Rest::Ended => {}
            // Whoever takes that for the answer to what is asked next gives it to another
            // user. The version that had the connection is to blame, if any is.
            Rest::Speaks => lane.tally.borrow_mut().spoke_unasked(self.last),
        }
        self.stream = None;
    }

    async fn open(&mut self, lane: &Lane) -> Result<(), Fault> {
        let stream = lane.opener.open().await.map_err(|_| Fault::Connect)?;
        lane.tally.borrow_mut().opened += 1;
        self.stream = Some(stream);
        self.fresh = true;
        Ok(())
    }

    async fn exchange(&mut self, lane: &Lane) -> Result<Answer, Fault> {
        self.look(lane).await;
        self.opening = self.stream.is_none();
        if self.opening {
            self.open(lane).await?;
            self.opening = false;
        }
        let Some(stream) = &mut self.stream else { return Err(Fault::Connect) };
        if !std::mem::replace(&mut self.fresh, false) {
            lane.tally.borrow_mut().reused += 1;
        }
        self.buffer.clear();
        let sent = stream.write_all(&self.request).await;
        if let (Err(error), Stream::Tls(_)) = (&sent, &*stream) {
            return Err(Fault::of(error));
        }
        if let Stream::Tls(stream) = stream {
            stream.flush().await.map_err(|error| Fault::of(&error))?;
        }
        // Who refuses the rest of a request may have said why.
        let heard = self.buffer.response(stream, &lane.reading).await;
        match (heard, sent) {
            (Ok(answer), Ok(())) => Ok(answer),
            (Ok(answer), Err(_)) => Ok(Answer { keeps: false, ..answer }),
            (Err(_), Err(error)) => Err(Fault::of(&error)),
            (Err(fault), Ok(())) => Err(fault),
        }
    }
}
