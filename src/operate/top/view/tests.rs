//! The screen at several sizes, drawn into memory.

use std::collections::BTreeMap;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use serde_json::json;

use super::*;
use crate::client::{ClientError, Routine};
use crate::operate::error::OperateError;
use crate::operate::subject::Served;
use crate::operate::told::{Check, EndpointState, OfSubject, Tallied};
use crate::operate::top::sample::Close;

const NEWER: &str = "1723599747213377176";

fn served(name: &str) -> Served {
    let live = json!({
        "environment": "production", "deployment_id": "7", "created": "now",
        "code_versions": [
            { "code_version": "1723599747213377175", "percentage": 90 },
            { "code_version": NEWER, "percentage": 10 },
        ],
    });
    let routine = json!({
        "name": name, "description": "", "created": "now", "routes": [], "records": [],
        "sticky": [], "cohort": "", "versions": [],
        "environments": { "staging": null, "production": live },
    });
    Served::of_routine(&serde_json::from_value::<Routine>(routine).unwrap())
}

fn check(verdict: &str) -> Check {
    let version = |code_version: &str, users: u64, observed: f64| {
        json!({
            "code_version": code_version, "users": users, "observed_percentage": observed,
            "expected_least": 1, "expected_most": 2,
        })
    };
    let check = json!({
        "verdict": verdict, "deployment_id": "7", "users": 1000, "alarm_at_users": null,
        "versions": [version("1723599747213377175", 880, 88.0), version(NEWER, 120, 12.0)],
    });
    serde_json::from_value(check).unwrap()
}

fn sample(at: Instant, names: &[&str], assigned: u64, verdict: &str) -> Sample {
    let of = |name: &&str| {
        let newer = Tallied {
            environment: "production".to_owned(),
            code_version: NEWER.to_owned(),
            assigned,
            failed: 0,
        };
        let tallies = OfSubject { versions: vec![newer] };
        let checks = BTreeMap::from([("production".to_owned(), check(verdict))]);
        (Subject::Routine((*name).to_owned()), Close { tallies, checks })
    };
    let sick = EndpointState {
        endpoint: "http://127.0.0.1:9000".to_owned(),
        healthy: false,
        reason: Some("connection refused".to_owned()),
        unhealthy_since: Some("2026-01-01T00:00:00Z".to_owned()),
        ejected_until: None,
    };
    Sample {
        at,
        served: names.iter().map(|name| served(name)).collect(),
        is_cut: false,
        close: names.iter().map(of).collect(),
        traffic: Traffic {
            errors: BTreeMap::from([("connection_refused".to_owned(), assigned / 10)]),
            ..Traffic::default()
        },
        endpoints: 3,
        sick: vec![sick],
    }
}

fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width.max(1));
    let cells: Vec<&str> = buffer.content.iter().map(Cell::symbol).collect();
    cells.chunks(width).map(|line| line.concat().trim_end().to_owned() + "\n").collect()
}

fn draw(view: &mut View, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view.draw(frame)).unwrap();
    terminal.backend().buffer().clone()
}

fn view(verdict: &str, in_colour: bool) -> View {
    let mut view = View::new("http://127.0.0.1:8090".to_owned(), String::new(), in_colour);
    let start = Instant::now();
    for second in 0..3 {
        let at = start + Duration::from_secs(second);
        view.take(Ok(sample(at, &["checkout"], 100 * second, verdict)));
    }
    view
}

#[test]
fn a_screen_of_80_by_24_has_shares_rates_errors_and_who_is_not_well() {
    let said = text(&draw(&mut view("as_configured", true), 80, 24));
    for part in [
        "serin top  http://127.0.0.1:8090  1 routine, 0 apps, 0 open tunnels\n",
        "q quit  / search  rows 1 to 2 of 2\n",
        "routine         env  version        asked    share    req/s  fail/s check",
        "checkout        prod …747213377175   90 %  88.00 %                  as asked",
        "checkout        prod …747213377176   10 %  12.00 %    100.0     0.0 as asked",
        "errors  connection_refused 20 (10.0/s)\n",
        "faults  none\n",
        "3 endpoints, 1 not well\n",
        "  http://127.0.0.1:9000 unhealthy since 2026-01-01T00:00:00Z: connection refused\n",
    ] {
        assert!(said.contains(part), "{part:?} is not in:\n{said}");
    }
}

#[test]
fn no_size_is_too_small() {
    let mut view = view("mismatch", true);
    for (width, height) in [(40, 10), (20, 5), (8, 3), (1, 1), (80, 2), (3, 50)] {
        let said = text(&draw(&mut view, width, height));
        assert!(width < 40 || height < 10 || said.contains("…747213377176   10 %"), "{said}");
    }
}

#[test]
fn without_colour_nothing_has_one() {
    let coloured = |in_colour| {
        let buffer = draw(&mut view("mismatch", in_colour), 80, 24);
        assert!(text(&buffer).contains("NOT AS ASKED"));
        buffer.content.iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
    };
    assert!(coloured(true) && !coloured(false));
}

#[test]
fn who_is_away_is_said_to_be_and_what_was_known_stays_until_it_is_back() {
    let mut view = view("as_configured", false);
    let connect = ClientError::Connect {
        url: "http://a".to_owned(),
        source: std::io::ErrorKind::ConnectionRefused.into(),
    };
    view.take(Err(OperateError::from(connect)));
    let said = text(&draw(&mut view, 80, 24));
    assert!(said.contains("AWAY for 0 s, trying again: cannot reach http://a"), "{said}");
    assert!(said.contains("…747213377176"), "{said}");
    view.take(Ok(sample(Instant::now(), &["checkout"], 3, "no_users")));
    let said = text(&draw(&mut view, 80, 24));
    assert!(!said.contains("AWAY") && said.contains("no users yet"), "{said}");
}

#[test]
fn what_is_on_the_screen_is_what_is_asked_about() {
    let names: Vec<String> = (0..50).map(|number| format!("routine-{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut view = View::new("http://a".to_owned(), String::new(), false);
    view.take(Ok(sample(Instant::now(), &names, 0, "no_users")));
    draw(&mut view, 80, 24);
    let first = view.wanted().close;
    assert!(first.contains(&Subject::Routine("routine-00".to_owned())) && first.len() < 15);
    view.scroll(isize::MAX);
    draw(&mut view, 80, 24);
    assert!(view.wanted().close.contains(&Subject::Routine("routine-49".to_owned())));
    view.begin_search();
    view.search_more('4');
    assert_eq!(view.wanted().search, "4");
    view.end_search(false);
    assert_eq!(view.wanted().search, "");
}
