//! What is on the screen.

use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::time::{Duration, Instant};

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::rates::Rates;
use super::rows::{Row, rows, table};
use super::sample::Sample;
use super::watch::{News, Wanted};
use crate::client::Subject;
use crate::operate::told::Traffic;
use crate::report::{count, one_line, plural};

/// What went wrong a second is told over as much as this.
const WINDOW: Duration = Duration::from_secs(5);

/// Of those that are not well so many are named.
const SICK_MAX: usize = 4;

pub(super) struct View {
    url: String,
    in_colour: bool,
    /// What is looked for, and what is being typed in its place.
    search: String,
    typed: Option<String>,
    sample: Option<Sample>,
    rates: Rates,
    /// What had gone wrong, lately.
    traffic: VecDeque<(Instant, Traffic)>,
    /// Since when nobody answers, and why.
    away: Option<(Instant, String)>,
    /// How many rows are above the screen, and how many fit on it.
    above: usize,
    fit: usize,
    all: usize,
    visible: Vec<Subject>,
}

impl View {
    pub(super) fn new(url: String, search: String, in_colour: bool) -> Self {
        Self {
            url,
            in_colour,
            search,
            typed: None,
            sample: None,
            rates: Rates::default(),
            traffic: VecDeque::new(),
            away: None,
            above: 0,
            fit: 0,
            all: 0,
            visible: Vec::new(),
        }
    }

    /// Takes what is new. What was known stays on the screen while nobody answers.
    pub(super) fn take(&mut self, news: News) {
        let sample = match news {
            Ok(sample) => sample,
            Err(error) => {
                let since = self.away.take().map_or_else(Instant::now, |(since, _)| since);
                self.away = Some((since, with_causes(&error)));
                return;
            }
        };
        self.away = None;
        for (subject, close) in &sample.close {
            for tallied in &close.tallies.versions {
                self.rates.count(sample.at, subject, tallied);
            }
        }
        self.rates.forget_before(sample.at);
        let before = self.traffic.back();
        if before.is_some_and(|(_, before)| total(before) > total(&sample.traffic)) {
            // Who counts less than before has started anew.
            self.traffic.clear();
        }
        self.traffic.push_back((sample.at, sample.traffic.clone()));
        while self.traffic.len() > 2
            && sample.at.saturating_duration_since(self.traffic[1].0) >= WINDOW
        {
            self.traffic.pop_front();
        }
        self.sample = Some(sample);
    }

    /// What is to be asked for: what is on the screen, closely.
    pub(super) fn wanted(&self) -> Wanted {
        let search = self.typed.as_ref().unwrap_or(&self.search).clone();
        Wanted { search, close: self.visible.clone() }
    }

    pub(super) fn is_searching(&self) -> bool {
        self.typed.is_some()
    }

    pub(super) fn begin_search(&mut self) {
        self.typed = Some(self.search.clone());
    }

    pub(super) fn search_more(&mut self, c: char) {
        if let Some(typed) = &mut self.typed {
            typed.push(c);
            self.above = 0;
        }
    }

    pub(super) fn search_less(&mut self) {
        if let Some(typed) = &mut self.typed {
            typed.pop();
        }
    }

    /// Ends typing, and keeps what was typed if it `is_meant`.
    pub(super) fn end_search(&mut self, is_meant: bool) {
        if let Some(typed) = self.typed.take().filter(|_| is_meant) {
            self.search = typed;
        }
    }

    pub(super) fn drop_search(&mut self) {
        self.search.clear();
        self.above = 0;
    }

    pub(super) fn page(&self) -> isize {
        isize::try_from(self.fit.max(1)).unwrap_or(isize::MAX)
    }

    pub(super) fn scroll(&mut self, rows: isize) {
        self.above = self.above.saturating_add_signed(rows).min(self.all.saturating_sub(self.fit));
    }

    pub(super) fn draw(&mut self, frame: &mut Frame<'_>) {
        let below = self.below();
        let height = frame.area().height;
        let below_height = u16::try_from(below.len()).unwrap_or(u16::MAX).min(height / 3);
        let [head, middle, foot] = Layout::vertical([
            Constraint::Length(2.min(height)),
            Constraint::Min(0),
            Constraint::Length(below_height),
        ])
        .areas(frame.area());
        self.draw_rows(frame, middle);
        frame.render_widget(Paragraph::new(self.head()), head);
        frame.render_widget(Paragraph::new(below), foot);
    }

    fn draw_rows(&mut self, frame: &mut Frame<'_>, area: Rect) {
        let Some(sample) = &self.sample else { return };
        let rows = rows(sample, &self.rates);
        // One line is for the titles.
        self.fit = usize::from(area.height.saturating_sub(1));
        self.all = rows.len();
        self.above = self.above.min(self.all.saturating_sub(self.fit));
        let seen: Vec<&Row> = rows.iter().skip(self.above).take(self.fit).collect();
        self.visible = seen.iter().map(|row| row.subject.clone()).collect();
        self.visible.dedup();
        if rows.is_empty() {
            let text = match self.typed.as_ref().unwrap_or(&self.search).as_str() {
                "" => {
                    "no routine and no app; `serin routines create NAME` makes a routine".to_owned()
                }
                search => format!("nothing has `{}` in its name", one_line(search)),
            };
            frame.render_widget(Paragraph::new(text), area);
            return;
        }
        let style = |row: &Row| match (row.is_wrong, row.is_failing) {
            (true, _) => self.alarming(),
            (false, true) => self.coloured(Color::Yellow),
            (false, false) => Style::new(),
        };
        frame.render_widget(table(&seen, area.width, style), area);
    }

    /// Two lines: who is asked and what there is; then a search, or what is wrong.
    fn head(&self) -> Vec<Line<'_>> {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let mut first = vec![Span::styled("serin top", bold), Span::raw(format!("  {}", self.url))];
        if let Some(sample) = &self.sample {
            let routines =
                sample.served.iter().filter(|it| matches!(it.subject, Subject::Routine(_)));
            let routines = routines.count();
            let apps = sample.served.len() - routines;
            let more = if sample.is_cut { " and more" } else { "" };
            first.push(Span::raw(format!(
                "  {}, {}{more}, {}",
                plural(routines as u64, "routine"),
                plural(apps as u64, "app"),
                plural(sample.traffic.open_tunnels, "open tunnel"),
            )));
        }
        let last = (self.above + self.fit).min(self.all);
        let second = match (&self.away, &self.typed) {
            (Some((since, why)), _) => {
                let seconds = since.elapsed().as_secs();
                let text = format!("AWAY for {seconds} s, trying again: {}", one_line(why));
                Line::styled(text, self.alarming())
            }
            (None, Some(typed)) => Line::raw(format!("/{}_", one_line(typed))),
            (None, None) => {
                let search = match self.search.as_str() {
                    "" => "/ search".to_owned(),
                    search => format!("/{} (Esc drops it)", one_line(search)),
                };
                let first = (self.above + 1).min(last);
                Line::raw(format!("q quit  {search}  rows {first} to {last} of {}", self.all))
            }
        };
        vec![Line::from(first), second]
    }

    /// What went wrong by kind, and who is not well.
    fn below(&self) -> Vec<Line<'static>> {
        let Some(sample) = &self.sample else { return Vec::new() };
        let mut lines = vec![
            self.kinds("errors", |traffic| &traffic.errors),
            self.kinds("faults", |traffic| &traffic.faults),
        ];
        let Traffic { retries, failovers, .. } = &sample.traffic;
        let (retries, failovers) = (count(*retries), count(*failovers));
        let endpoints = plural(sample.endpoints as u64, "endpoint");
        let health = match (sample.endpoints, sample.sick.len()) {
            (0, _) => "no endpoint but the built-in backend".to_owned(),
            (_, 0) => format!("{endpoints}, all well"),
            (_, sick) => format!("{endpoints}, {sick} not well"),
        };
        lines.push(Line::raw(format!("{retries} retries, {failovers} failovers; {health}")));
        for state in sample.sick.iter().take(SICK_MAX) {
            let ailment = state.ailment().unwrap_or_default();
            let text = format!("  {} {}", one_line(&state.endpoint), one_line(&ailment));
            lines.push(Line::styled(text, self.alarming()));
        }
        lines
    }

    fn kinds(&self, title: &str, of: impl Fn(&Traffic) -> &BTreeMap<String, u64>) -> Line<'static> {
        let (Some((from, before)), Some((to, now))) = (self.traffic.front(), self.traffic.back())
        else {
            return Line::default();
        };
        let seconds = to.saturating_duration_since(*from).as_secs_f64();
        let mut is_rising = false;
        let kinds = of(now).iter().map(|(kind, &number)| {
            let more = number.saturating_sub(of(before).get(kind).copied().unwrap_or_default());
            let rate = if more > 0 && seconds > 0.0 {
                is_rising = true;
                format!(" ({:.1}/s)", a_second(more, seconds))
            } else {
                String::new()
            };
            format!("{} {}{rate}", one_line(kind), count(number))
        });
        let kinds: Vec<_> = kinds.collect();
        let text = if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") };
        let style = if is_rising { self.coloured(Color::Yellow) } else { Style::new() };
        Line::styled(format!("{title}  {text}"), style)
    }

    fn alarming(&self) -> Style {
        self.coloured(Color::Red).add_modifier(Modifier::BOLD)
    }

    fn coloured(&self, colour: Color) -> Style {
        if self.in_colour { Style::new().fg(colour) } else { Style::new() }
    }
}

/// None of these ever falls while one Serin runs.
fn total(traffic: &Traffic) -> u64 {
    let kinds = traffic.errors.values().chain(traffic.faults.values()).sum::<u64>();
    kinds + traffic.retries + traffic.failovers
}

#[expect(clippy::cast_precision_loss, reason = "counts within seconds are far below 2^52")]
fn a_second(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
