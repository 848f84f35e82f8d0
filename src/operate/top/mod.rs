//! `top`: what happens, as it happens.

mod rates;
mod rows;
mod sample;
mod screen;
mod view;
mod watch;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use self::screen::Screen;
use self::view::View;
use self::watch::Watch;
use super::error::OperateError;
use crate::client::Endpoint;

/// How long a key, a signal or news may wait to be seen.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What is around the verb: it has no environment of its own.
pub struct Top {
    /// What is looked for first.
    pub search: String,
    pub in_colour: bool,
    /// Whether stdout is a terminal.
    pub on_terminal: bool,
    /// Turns true when a signal ends it.
    pub stopped: Arc<AtomicBool>,
}

/// Shows what happens until who looks has seen enough. The terminal is given back as it was
/// whatever the end is: a key, a signal, an error or a panic.
pub fn top(admin: &Endpoint, top: Top) -> Result<(), OperateError> {
    if !top.on_terminal {
        return Err(OperateError::NoTerminal);
    }
    let watch = Watch::start(admin.clone(), top.search.clone());
    let mut view = View::new(admin.url.clone(), top.search, top.in_colour);
    // What cannot work at all is told, and not drawn.
    view.take(watch.first()?);
    let mut screen = Screen::open().map_err(OperateError::Terminal)?;
    run(&mut screen, &mut view, &watch, &top.stopped).map_err(OperateError::Terminal)
}

fn run(
    screen: &mut Screen,
    view: &mut View,
    watch: &Watch,
    stopped: &AtomicBool,
) -> io::Result<()> {
    let mut is_old = true;
    while !stopped.load(Ordering::Relaxed) {
        for news in watch.news() {
            view.take(news);
            is_old = true;
        }
        if is_old {
            screen.draw(|frame| view.draw(frame))?;
            watch.look_at(view.wanted());
            is_old = false;
        }
        if !event::poll(LOOK_EVERY)? {
            continue;
        }
        is_old = true;
        if let Event::Key(key) = event::read()?
            && key.kind != KeyEventKind::Release
            && !press(view, key)
        {
            break;
        }
    }
    Ok(())
}

/// What a key does; `false` where it ends all.
fn press(view: &mut View, key: KeyEvent) -> bool {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return !matches!(key.code, KeyCode::Char('c' | 'd'));
    }
    if view.is_searching() {
        match key.code {
            KeyCode::Char(c) => view.search_more(c),
            KeyCode::Backspace => view.search_less(),
            KeyCode::Enter => view.end_search(true),
            KeyCode::Esc => view.end_search(false),
            _ => {}
        }
        return true;
    }
    match key.code {
        KeyCode::Char('q') => return false,
        KeyCode::Char('/') => view.begin_search(),
        KeyCode::Esc => view.drop_search(),
        KeyCode::Up | KeyCode::Char('k') => view.scroll(-1),
        KeyCode::Down | KeyCode::Char('j') => view.scroll(1),
        KeyCode::PageUp => view.scroll(-view.page()),
        KeyCode::PageDown | KeyCode::Char(' ') => view.scroll(view.page()),
        KeyCode::Home => view.scroll(isize::MIN),
        KeyCode::End => view.scroll(isize::MAX),
        _ => {}
    }
    true
}
