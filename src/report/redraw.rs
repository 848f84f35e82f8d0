//! Lines on a terminal that are drawn again where they stand.

use std::io::{self, Write};

/// To the first column, and everything right of it erased.
const CLEAR_LINE: &str = "\r\x1b[K";

/// To the line above.
const UP: &str = "\x1b[A";

/// Lines that were drawn, and are overwritten by the next.
#[derive(Debug)]
pub struct Redraw<W> {
    terminal: W,
    lines: usize,
}

impl<W: Write> Redraw<W> {
    pub fn new(terminal: W) -> Self {
        Self { terminal, lines: 0 }
    }

    /// Draws `text` in the place of what was drawn before. A line must fit the terminal:
    /// one that wraps is two, of which one is overwritten.
    pub fn draw(&mut self, text: &str) -> io::Result<()> {
        let mut out = String::new();
        for _ in 0..self.lines {
            out.push_str(UP);
        }
        self.lines = 0;
        for line in text.lines() {
            out.push_str(CLEAR_LINE);
            out.push_str(line);
            out.push('\n');
            self.lines += 1;
        }
        // What is left of a longer text.
        out.push_str("\x1b[J");
        self.terminal.write_all(out.as_bytes())?;
        self.terminal.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_takes_the_place_of_the_one_before() {
        let mut out = Vec::new();
        let mut redraw = Redraw::new(&mut out);
        redraw.draw("a\nb\n").unwrap();
        redraw.draw("c\n").unwrap();
        let out = String::from_utf8(out).unwrap();
        assert_eq!(out, "\r\x1b[Ka\n\r\x1b[Kb\n\x1b[J\x1b[A\x1b[A\r\x1b[Kc\n\x1b[J");
    }
}
