//! `kill -9` at any moment loses no acknowledged change and leaves no half one.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::WAIT_MAX;
use crate::support::http::{Connection, Response};
use crate::support::process::{ANY_PORT, Process};

const KILLS: usize = 200;
const WRITERS: usize = 3;
/// From the first acknowledged change; long enough for a few dozen more.
const LIVES_MICROS: u64 = 30_000;
/// How many of the newest deployments are compared.
const HISTORY: usize = 100;

/// What one writer knows: what was acknowledged, and what it had asked for when the
/// process died.
#[derive(Default, Clone)]
struct Ledger {
    acknowledged: State,
    asked: Option<Change>,
    turns: u64,
}

/// Everything that a writer changes: its routine, and another that comes and goes.
#[derive(Debug, Default, Clone, PartialEq)]
struct State {
    versions: BTreeSet<String>,
    /// In the order of their making: ids and shares.
    deployments: Vec<(String, Value)>,
    /// Description, sticky and cohort of the routine.
    shape: Value,
    /// Description of the other routine, while there is one.
    other: Option<String>,
}

/// One call.
#[derive(Debug, Clone)]
enum Change {
    Version(String),
    Deployment(Value),
    /// Three things at once.
    Shape(Value),
    Creation(String),
    Deletion,
}

#[test]
fn a_kill_loses_no_acknowledged_change_and_leaves_no_half_one() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serin.toml");
    let store = folder.path().join("serin.db");
    std::fs::write(&config, format!("{ANY_PORT}[store]\npath = \"{}\"\n", store.display()))
        .unwrap();

    let mut ledgers = vec![Ledger::default(); WRITERS];
    {
        let serin = Process::start(&config);
        for (writer, ledger) in ledgers.iter_mut().enumerate() {
            let made = serin.call("POST", "/api/v1/routines", &json!({ "name": name(writer) }));
            assert_eq!(made.status, 201, "{made:?}");
            ledger.acknowledged.shape = shape(&made.json());
        }
    }
    let mut random = 0x5EED_u64;
    for _ in 0..KILLS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let life = Duration::from_micros((random >> 33) % LIVES_MICROS);
        live_and_die(&config, life, &mut ledgers);
        let serin = Process::start(&config);
        for (writer, ledger) in ledgers.iter_mut().enumerate() {
            ledger.compare(writer, &State::of(&serin, writer));
        }
    }
    for ledger in ledgers {
        assert!(ledger.turns > KILLS as u64, "changes were made all the while");
    }
}

fn name(writer: usize) -> String {
    format!("routine-{writer}")
}

fn other(writer: usize) -> String {
    format!("other-{writer}")
}

fn shape(routine: &Value) -> Value {
    json!({
        "description": routine["description"],
        "sticky": routine["sticky"],
        "cohort": routine["cohort"],
    })
}

/// Writers change their routines until the process is killed under them.
fn live_and_die(config: &Path, life: Duration, ledgers: &mut [Ledger]) {
    let mut serin = Process::start(config);
    let admin = serin.admin;
    let (acknowledge, acknowledged) = channel();
    std::thread::scope(|scope| {
        for (writer, ledger) in ledgers.iter_mut().enumerate() {
            let acknowledge = acknowledge.clone();
            scope.spawn(move || {
                // Who comes after the kill has nothing to say.
                let Ok(mut connection) = Connection::open(admin) else { return };
                loop {
                    if let Err(error) = ledger.change(&mut connection, writer) {
                        // A connection that breaks is the kill, silence is not.
                        let silence = [ErrorKind::WouldBlock, ErrorKind::TimedOut];
                        assert!(!silence.contains(&error.kind()), "no answer: {error}");
                        break;
                    }
                    acknowledge.send(()).unwrap();
                }
            });
        }
        // With the last writer, the wait for them ends.
        drop(acknowledge);
        let first = acknowledged.recv_timeout(WAIT_MAX);
        let until = Instant::now() + life;
        let left = || until.saturating_duration_since(Instant::now());
        while acknowledged.recv_timeout(left()).is_ok() {}
        serin.kill();
        first.expect("changes are acknowledged");
    });
}

impl Ledger {
    /// Makes the next change. Kinds take turns, whatever the kills.
    fn change(&mut self, connection: &mut Connection, writer: usize) -> std::io::Result<()> {
        let turn = self.turns;
        self.turns += 1;
        let change = self.acknowledged.next(turn);
        self.asked = Some(change.clone());
        let answer = change.ask(connection, writer)?;
        assert!((200..300).contains(&answer.status), "{change:?}: {answer:?}");
        let id = match change {
            Change::Deployment(_) => answer.json()["deployment_id"].as_str().map(str::to_owned),
            _ => None,
        };
        self.acknowledged.apply(change, id);
        self.asked = None;
        Ok(())
    }

    /// A new process tells what was acknowledged, with or without the change that was
    /// under way when the old one died, and nothing between the two.
    fn compare(&mut self, writer: usize, found: &State) {
        let with = |change: Change| {
            let newest = found.deployments.last().map(|(id, _)| id.clone());
            let mut state = self.acknowledged.clone();
            state.apply(change, newest);
            state
        };
        let asked = self.asked.take();
        let possible = [Some(self.acknowledged.clone()), asked.clone().map(with)];
        let full = possible.iter().flatten().find(|state| state.recent() == *found);
        let Some(full) = full else {
            panic!(
                "{} was\n{:?}\nand maybe {asked:?}, but is\n{found:?}",
                name(writer),
                self.acknowledged.recent()
            );
        };
        self.acknowledged = full.clone();
    }
}

impl State {
    /// What comes in this turn.
    fn next(&self, turn: u64) -> Change {
        match turn % 4 {
            0 => Change::Version(turn.to_string()),
            1 => Change::Deployment(self.shares(1 + turn % 99)),
            2 => Change::Shape(json!({
                "description": format!("in turn {turn}"),
                "sticky": [format!("header:x-{turn}"), "spread"],
                "cohort": turn.to_string(),
            })),
            _ if self.other.is_none() => Change::Creation(format!("in turn {turn}")),
            _ => Change::Deletion,
        }
    }

    /// Of two versions, as far as there are any.
    fn shares(&self, percent: u64) -> Value {
        let mut versions = self.versions.iter().rev();
        match (versions.next(), versions.next()) {
            (Some(first), Some(second)) => json!([
                { "code_version": first, "percentage": percent },
                { "code_version": second, "percentage": 100 - percent },
            ]),
            (first, _) => json!([{ "code_version": first, "percentage": 100 }]),
        }
    }

    fn apply(&mut self, change: Change, deployment: Option<String>) {
        match change {
            Change::Version(version) => drop(self.versions.insert(version)),
            Change::Deployment(shares) => {
                self.deployments.push((deployment.unwrap_or_default(), shares));
            }
            Change::Shape(shape) => self.shape = shape,
            Change::Creation(description) => self.other = Some(description),
            Change::Deletion => self.other = None,
        }
    }

    /// The same, without deployments that are not compared.
    fn recent(&self) -> Self {
        let old = self.deployments.len().saturating_sub(HISTORY);
        Self { deployments: self.deployments[old..].to_vec(), ..self.clone() }
    }

    /// What `serin` tells.
    fn of(serin: &Process, writer: usize) -> Self {
        let ask =
            |path: String| serin.call("GET", &format!("/api/v1/routines/{path}"), &json!(null));
        let name = name(writer);
        let routine = ask(name.clone()).json();
        let history = ask(format!("{name}/deployments?limit={HISTORY}"));
        let deployment =
            |told: &Value| (text(&told["deployment_id"]), told["code_versions"].clone());
        let deployments: Vec<_> =
            list(&history.json()["deployments"]).rev().map(deployment).collect();
        let live = Some(&routine["environments"]["production"]).filter(|live| !live.is_null());
        assert_eq!(live.map(deployment).as_ref(), deployments.last(), "{name} serves the newest");
        let other = ask(other(writer));
        Self {
            versions: list(&routine["versions"]).map(|v| text(&v["code_version"])).collect(),
            deployments,
            shape: shape(&routine),
            other: (other.status != 404).then(|| text(&other.json()["description"])),
        }
    }
}

impl Change {
    fn ask(&self, connection: &mut Connection, writer: usize) -> std::io::Result<Response> {
        let routines = "/api/v1/routines";
        let routine = format!("{routines}/{}", name(writer));
        let other = other(writer);
        match self {
            Self::Version(version) => {
                let body = json!({ "code_version": version });
                connection.json("POST", &format!("{routine}/versions"), &body)
            }
            Self::Deployment(shares) => {
                let path = format!("{routine}/environments/production/deployment");
                connection.json("POST", &path, &json!({ "code_versions": shares }))
            }
            Self::Shape(shape) => connection.json("PATCH", &routine, shape),
            Self::Creation(description) => {
                let body = json!({ "name": other, "description": description });
                connection.json("POST", routines, &body)
            }
            Self::Deletion => {
                connection.json("DELETE", &format!("{routines}/{other}"), &Value::Null)
            }
        }
    }
}

fn list(value: &Value) -> impl DoubleEndedIterator<Item = &Value> {
    value.as_array().unwrap().iter()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
