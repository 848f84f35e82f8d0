//! The frames that a client sends, followed for whether one has begun and is not whole.

use super::super::opening::PREFACE;

/// RFC 9113, section 4.1.
const HEAD_BYTES: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// How far a client has come. It holds no frame, and judges none: that is for who reads
/// them.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// Of the preface, bytes that have come.
    preface: usize,
    head: [u8; HEAD_BYTES],
    /// Of the frame's head, bytes that have come.
    head_bytes: usize,
    /// Of its payload, bytes that have not.
    payload_left: usize,
    /// The fields of a request go on in the next frame.
    fields_go_on: bool,
}

impl Frames {
    pub(super) fn follow(&mut self, mut bytes: &[u8]) {
        let preface = bytes.len().min(PREFACE.len() - self.preface);
        self.preface += preface;
        bytes = &bytes[preface..];
        while !bytes.is_empty() {
            if self.payload_left > 0 {
                let payload = bytes.len().min(self.payload_left);
                self.payload_left -= payload;
                bytes = &bytes[payload..];
                continue;
            }
            let head = bytes.len().min(HEAD_BYTES - self.head_bytes);
            self.head[self.head_bytes..self.head_bytes + head].copy_from_slice(&bytes[..head]);
            self.head_bytes += head;
            bytes = &bytes[head..];
            if self.head_bytes == HEAD_BYTES {
                self.begin();
            }
        }
    }

    /// The head of a frame is whole.
    fn begin(&mut self) {
        let [a, b, c, kind, flags, ..] = self.head;
        self.head_bytes = 0;
        self.payload_left = u32::from_be_bytes([0, a, b, c]) as usize;
        if matches!(kind, HEADERS | CONTINUATION) {
            self.fields_go_on = flags & END_HEADERS == 0;
        }
    }

    /// Whether something has begun and is not whole: the preface, a frame, or the fields
    /// of a request. Not a frame of a body, which has a patience of its own.
    pub(super) fn are_midway(&self) -> bool {
        let in_preface = self.preface > 0 && self.preface < PREFACE.len();
        let in_payload = self.payload_left > 0 && self.head[3] != DATA;
        in_preface || self.head_bytes > 0 || in_payload || self.fields_go_on
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[0, 0, length, kind, flags, 0, 0, 0, 1], payload].concat()
    }

    #[test]
    fn only_between_what_is_whole_nothing_is_midway() {
        let settings = frame(4, 0, &[]);
        let half = frame(HEADERS, 0, b"half");
        let rest = frame(CONTINUATION, END_HEADERS, b"rest");
        let whole = frame(HEADERS, END_HEADERS, b"whole");
        let ping = frame(6, 0, b"12345678");
        let all = [&PREFACE[..], &settings, &half, &rest, &whole, &ping].concat();
        let mut ends = vec![0, PREFACE.len()];
        let lengths = [settings.len(), half.len() + rest.len(), whole.len(), ping.len()];
        for length in lengths {
            ends.push(ends[ends.len() - 1] + length);
        }
        for step in [1, 2, 7, all.len()] {
            let mut frames = Frames::default();
            let mut at = 0;
            assert!(!frames.are_midway());
            for part in all.chunks(step) {
                frames.follow(part);
                at += part.len();
                assert_eq!(frames.are_midway(), !ends.contains(&at), "{step} {at}");
            }
        }
    }

    #[test]
    fn a_body_may_stand_still_in_a_frame() {
        let mut frames = Frames::default();
        frames.follow(PREFACE);
        let data = frame(DATA, 1, b"data");
        frames.follow(&data[..4]);
        assert!(frames.are_midway(), "it is not known for one yet");
        frames.follow(&data[4..11]);
        assert!(!frames.are_midway());
        frames.follow(&data[11..]);
        frames.follow(&frame(HEADERS, 0, b"")[..]);
        assert!(frames.are_midway());
    }
}
