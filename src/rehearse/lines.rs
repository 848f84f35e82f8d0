//! The lines of a file that may be of any length.

use std::io::{self, BufRead};

/// A longer line is broken, and its rest is passed over.
pub(super) const LINE_MAX_BYTES: usize = 64 * 1024;

/// Reads a line at a time into one buffer.
#[derive(Debug)]
pub(super) struct Lines<R> {
    from: R,
    line: Vec<u8>,
}

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'l> {
    Whole(&'l [u8]),
    TooLong,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from, line: Vec::new() }
    }

    /// The next line; `None` behind the last one.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let (mut is_long, mut is_begun) = (false, false);
        loop {
            let read = match self.from.fill_buf() {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if read.is_empty() {
                return Ok(is_begun.then(|| self.whole(is_long)));
            }
            is_begun = true;
            let end = memchr::memchr(b'\n', read);
            let text = &read[..end.unwrap_or(read.len())];
            if self.line.len() + text.len() > LINE_MAX_BYTES {
                is_long = true;
            } else if !is_long {
                self.line.extend_from_slice(text);
            }
            let taken = end.map_or(read.len(), |end| end + 1);
            self.from.consume(taken);
            if end.is_some() {
                return Ok(Some(self.whole(is_long)));
            }
        }
    }

    fn whole(&self, is_long: bool) -> Line<'_> {
        if is_long {
            return Line::TooLong;
        }
        Line::Whole(self.line.strip_suffix(b"\r").unwrap_or(&self.line))
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// Whatever the size of a read, so that lines end within and between them.
    #[test]
    fn lines_end_where_they_end_and_none_is_held_that_is_too_long() {
        let long = "x".repeat(LINE_MAX_BYTES + 1);
        let longest = "y".repeat(LINE_MAX_BYTES);
        let text = format!("a\r\n\n{long}\n{longest}\nlast");
        for capacity in [1, 7, 100_000] {
            let mut lines = Lines::new(BufReader::with_capacity(capacity, text.as_bytes()));
            for expected in [
                Line::Whole(b"a"),
                Line::Whole(b""),
                Line::TooLong,
                Line::Whole(longest.as_bytes()),
                Line::Whole(b"last"),
            ] {
                assert_eq!(lines.next().unwrap(), Some(expected));
            }
            assert!(lines.line.capacity() <= 2 * LINE_MAX_BYTES);
            assert_eq!(lines.next().unwrap(), None);
        }
    }
}
