//! The terminal, taken and given back.

use std::io::{self, Stdout, stdout};

use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};

/// The whole terminal. It is given back as it was when this is dropped, and before the text
/// of a panic is written.
pub(super) struct Screen(Terminal<CrosstermBackend<Stdout>>);

impl Screen {
    pub(super) fn open() -> io::Result<Self> {
        let terminal = ratatui::try_init();
        if terminal.is_err() {
            // It may have been taken in part.
            ratatui::restore();
        }
        terminal.map(Self)
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.0.draw(draw).map(drop)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Nobody is left to be told that the terminal is gone.
        drop(ratatui::try_restore());
        drop(ratatui::crossterm::execute!(stdout(), ratatui::crossterm::cursor::Show));
    }
}
