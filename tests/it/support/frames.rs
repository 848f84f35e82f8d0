//! A client that writes the frames of HTTP/2 by hand, and knows no manners.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::WAIT_MAX;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// Of SETTINGS.
pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;

/// Error codes.
pub(crate) const PROTOCOL_ERROR: u32 = 1;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;

/// A frame as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// Why a stream or the connection is ended.
    pub(crate) fn error(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }

    /// Of HEADERS: the status, where the first octets are an entry of the static table
    /// (RFC 7541, appendix A), or three digits that follow one.
    pub(crate) fn status(&self) -> u16 {
        match self.payload[..] {
            [0x88, ..] => 200,
            [0x89, ..] => 204,
            [0x8b, ..] => 304,
            [0x8c, ..] => 400,
            [0x8d, ..] => 404,
            [0x8e, ..] => 500,
            // A literal `:status`, in Huffman's code: a digit below 3 has five bits, others six.
            [0x48, length, ..] => digits(&self.payload[2..2 + usize::from(length & 0x7f)]),
            _ => panic!("no status: {:?}", self.payload),
        }
    }
}

/// RFC 7541, appendix B, for digits.
fn digits(coded: &[u8]) -> u16 {
    let bits: Vec<u8> =
        coded.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let take = |from: usize, count: usize| {
        bits[from..from + count].iter().fold(0u16, |number, &bit| number << 1 | u16::from(bit))
    };
    let (mut at, mut number) = (0, 0);
    for _ in 0..3 {
        let short = take(at, 5);
        let digit = if short < 3 {
            at += 5;
            short
        } else {
            at += 6;
            take(at - 6, 6) - 0b01_1001 + 3
        };
        number = number * 10 + digit;
    }
    number
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

pub(crate) fn settings(values: &[(u16, u32)]) -> Vec<u8> {
    let values = values
        .iter()
        .flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()[..]].concat());
    frame(SETTINGS, 0, 0, &values.collect::<Vec<u8>>())
}

pub(crate) fn reset(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &8u32.to_be_bytes())
}

pub(crate) fn window_update(stream: u32, more: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &more.to_be_bytes())
}

/// A block of fields, none of which is indexed or coded (RFC 7541, section 6.2.2).
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            integer(&mut block, text.len());
            block.extend(text.as_bytes());
        }
    }
    block
}

/// RFC 7541, section 5.1, with a prefix of seven bits.
fn integer(block: &mut Vec<u8>, mut number: usize) {
    if number < 127 {
        return block.push(u8::try_from(number).unwrap());
    }
    block.push(127);
    number -= 127;
    while number >= 128 {
        block.push(u8::try_from(number % 128 + 128).unwrap());
        number /= 128;
    }
    block.push(u8::try_from(number).unwrap());
}

/// The pseudo-fields of `GET path`, for host `shop.test`.
pub(crate) fn get(path: &str) -> [(&str, &str); 4] {
    [(":method", "GET"), (":scheme", "http"), (":authority", "shop.test"), (":path", path)]
}

/// A whole `GET path`.
pub(crate) fn get_frame(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &block(&get(path)))
}

/// One connection.
pub(crate) struct Rude<S = TcpStream>(pub(crate) S);

impl Rude {
    /// Has said the preface and these settings.
    pub(crate) fn new(address: SocketAddr, values: &[(u16, u32)]) -> Self {
        let mut rude = Self::silent(address);
        rude.say(&[PREFACE, &settings(values)].concat());
        rude
    }

    /// Has said nothing.
    pub(crate) fn silent(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, WAIT_MAX).unwrap();
        stream.set_read_timeout(Some(WAIT_MAX)).unwrap();
        stream.set_write_timeout(Some(WAIT_MAX)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// Says what the proxy takes at once, if anything; `Err` once it has hung up.
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.set_nonblocking(true)?;
        let written = self.0.write(bytes);
        self.0.set_nonblocking(false)?;
        match written {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    /// Says `bytes` again and again, and reads nothing, until the proxy takes no more for
    /// `patience`, or ends the connection, or `max` were taken: how many were.
    pub(crate) fn flood(&mut self, bytes: &[u8], max: usize, patience: Duration) -> usize {
        self.0.set_write_timeout(Some(patience)).unwrap();
        let mut taken = 0;
        while taken < max {
            match self.0.write(bytes) {
                Ok(count) if count == bytes.len() => taken += count,
                // A frame that is cut in two ends the flood: what follows is no frame.
                Ok(count) => {
                    taken += count;
                    break;
                }
                Err(_) => break,
            }
        }
        self.0.set_write_timeout(Some(WAIT_MAX)).unwrap();
        taken
    }
}

impl<S: Read + Write> Rude<S> {
    pub(crate) fn say(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.write_all(bytes).unwrap();
        self
    }

    /// The same, to a proxy that may have hung up.
    pub(crate) fn try_say(&mut self, bytes: &[u8]) -> &mut Self {
        drop(self.0.write_all(bytes));
        self
    }

    /// The next frame; `None` at the end.
    pub(crate) fn hear(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        match self.0.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => panic!("silence"),
                _ => return None,
            },
        }
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.0.read_exact(&mut payload).ok()?;
        let stream = u32::from_be_bytes(stream) & 0x7fff_ffff;
        Some(Frame { kind, flags, stream, payload })
    }

    /// The next frame of this kind. Pings are answered on the way, as manners are.
    pub(crate) fn hear_kind(&mut self, kind: u8) -> Option<Frame> {
        loop {
            let frame = self.hear()?;
            if frame.kind == PING && frame.flags & ACK == 0 {
                let pong = self::frame(PING, ACK, 0, &frame.payload);
                self.try_say(&pong);
            }
            if frame.kind == kind {
                return Some(frame);
            }
        }
    }

    /// What comes until the end, which must.
    pub(crate) fn rest(&mut self) -> Vec<Frame> {
        std::iter::from_fn(|| self.hear()).collect()
    }
}
