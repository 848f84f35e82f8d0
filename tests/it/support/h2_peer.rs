//! The server side of HTTP/2, frame by frame, for what no good server does.

use super::upstream::{Upstream, Visit};

pub(crate) const HEADERS: u8 = 1;

const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Plays `script` over HTTP/2 by prior knowledge.
pub(crate) fn framed(script: impl Fn(usize, &mut Frames) + Send + Sync + 'static) -> Upstream {
    Upstream::new(move |visit: &mut Visit| {
        let number = visit.number;
        script(number, &mut Frames::greet(visit));
    })
}

/// One connection of the proxy.
pub(crate) struct Frames<'v>(&'v mut Visit);

impl<'v> Frames<'v> {
    /// Greets a client that speaks HTTP/2 by prior knowledge.
    pub(crate) fn greet(visit: &'v mut Visit) -> Self {
        assert_eq!(visit.bytes(PREFACE.len()).as_deref(), Some(PREFACE));
        let mut frames = Self(visit);
        frames.say(SETTINGS, 0, 0, &[]);
        frames
    }

    /// The stream of the next request; `None` at the end.
    pub(crate) fn request(&mut self) -> Option<u32> {
        loop {
            let head = self.0.bytes(9)?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            self.0.bytes(length.try_into().unwrap())?;
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            match head[3] {
                SETTINGS if head[4] != ACK => self.say(SETTINGS, ACK, 0, &[]),
                HEADERS => return Some(stream),
                _ => {}
            }
        }
    }

    pub(crate) fn answer_each(&mut self) {
        while let Some(stream) = self.request() {
            self.answer(stream);
        }
    }

    /// Lets the proxy send as much as HTTP/2 can say, and reads none of it.
    pub(crate) fn stall(&mut self) {
        let most = 0x7fff_0000_u32.to_be_bytes();
        // `SETTINGS_INITIAL_WINDOW_SIZE`.
        self.say(SETTINGS, 0, 0, &[&[0, 4], &most[..]].concat());
        self.say(WINDOW_UPDATE, 0, 0, &most);
        self.0.sees_bytes_but_reads_none();
    }

    /// A 200 without a body.
    pub(crate) fn answer(&mut self, stream: u32) {
        // `:status: 200` is entry 8 of HPACK's static table.
        self.say(HEADERS, END_STREAM | END_HEADERS, stream, &[0x88]);
    }

    pub(crate) fn refuse(&mut self, stream: u32) {
        self.say(RST_STREAM, 0, stream, &7u32.to_be_bytes());
    }

    /// Says that streams after `last` were not looked at.
    pub(crate) fn go_away(&mut self, last: u32) {
        self.say(GOAWAY, 0, 0, &[last.to_be_bytes(), 0u32.to_be_bytes()].concat());
    }

    pub(crate) fn say(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        self.0.say(frame);
    }
}
