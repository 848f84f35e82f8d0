//! `kill -9` at any moment loses no acknowledged change and leaves no half one.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::http::Connection;
use crate::support::process::{ANY_PORT, Process};

const KILLS: usize = 200;
const WRITERS: usize = 3;
/// From the first acknowledged change; long enough for a few dozen more.
const LIVES_MICROS: u64 = 30_000;

/// What one writer knows of its routine: the last state that was acknowledged, and
/// the one that was asked for when the process died.
#[derive(Default, Clone)]
struct Ledger {
    acknowledged: Vec<Step>,
    asked: Option<Step>,
}

/// One change: its `DeploymentId` once known, and what it makes live.
#[derive(Debug, Clone)]
struct Step {
    id: Option<String>,
    shares: Value,
    /// A version made right before, by the same writer.
    version: String,
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
        for writer in 0..WRITERS {
            let made = serin.call("POST", "/api/v1/routines", &json!({ "name": name(writer) }));
            assert_eq!(made.status, 201, "{made:?}");
        }
    }
    let mut random = 0x5EED_u64;
    for kill in 0..KILLS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let life = Duration::from_micros((random >> 33) % LIVES_MICROS);
        live_and_die(&config, life, kill, &mut ledgers);
        inspect(&config, &mut ledgers);
    }
    let changes: usize = ledgers.iter().map(|ledger| ledger.acknowledged.len()).sum();
    assert!(changes > KILLS, "changes were made all the while: {changes}");
}

fn name(writer: usize) -> String {
    format!("routine-{writer}")
}

/// Writers change their routines until the process is killed under them.
fn live_and_die(config: &Path, life: Duration, kill: usize, ledgers: &mut [Ledger]) {
    let mut serin = Process::start(config);
    let admin = serin.admin;
    let (first, wait_for_first) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        for (writer, ledger) in ledgers.iter_mut().enumerate() {
            let first = first.clone();
            scope.spawn(move || {
                let mut connection = Connection::open(admin).unwrap();
                for turn in 0.. {
                    // A connection that breaks is the kill.
                    if change(&mut connection, writer, kill, turn, ledger).is_err() {
                        break;
                    }
                    // Whoever waited for the first has heard of it.
                    first.send(()).unwrap_or(());
                }
            });
        }
        wait_for_first.recv().unwrap();
        let until = Instant::now() + life;
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        serin.kill();
    });
}

/// Makes a version and deploys it beside the one before.
fn change(
    connection: &mut Connection,
    writer: usize,
    kill: usize,
    turn: u64,
    ledger: &mut Ledger,
) -> std::io::Result<()> {
    let name = name(writer);
    let version = format!("{kill}-{turn}");
    let made = connection.json(
        "POST",
        &format!("/api/v1/routines/{name}/versions"),
        &json!({ "code_version": version, "upstream": format!("http://127.0.0.1:{}", 1 + turn) }),
    )?;
    assert_eq!(made.status, 201, "{made:?}");
    let shares = match ledger.acknowledged.last() {
        None => json!([{ "code_version": version, "percentage": 100 }]),
        Some(before) => json!([
            { "code_version": before.version, "percentage": 100 - (1 + turn % 99) },
            { "code_version": version, "percentage": 1 + turn % 99 },
        ]),
    };
    ledger.asked = Some(Step { id: None, shares: shares.clone(), version: version.clone() });
    let path = format!("/api/v1/routines/{name}/environments/production/deployment");
    let answer = connection.json("POST", &path, &json!({ "code_versions": shares }))?;
    assert_eq!(answer.status, 201, "{answer:?}");
    let id = answer.json()["deployment_id"].as_str().unwrap().to_owned();
    ledger.asked = None;
    ledger.acknowledged.push(Step { id: Some(id), shares, version });
    Ok(())
}

/// A new process serves the last acknowledged change, or the one that was under way
/// when the old one died, whole.
fn inspect(config: &Path, ledgers: &mut [Ledger]) {
    let serin = Process::start(config);
    for (writer, ledger) in ledgers.iter_mut().enumerate() {
        let name = name(writer);
        let path = format!("/api/v1/routines/{name}/environments/production");
        let live = serin.call("GET", &path, &Value::Null);
        let asked = ledger.asked.take();
        let last = ledger.acknowledged.last();
        if live.status == 404 {
            assert!(last.is_none(), "{name} lost {last:?}");
            continue;
        }
        assert_eq!(live.status, 200, "{live:?}");
        let live = live.json();
        let (id, shares) = (live["deployment_id"].as_str().unwrap(), &live["code_versions"]);
        match last {
            Some(last) if last.id.as_deref() == Some(id) => assert_eq!(*shares, last.shares),
            _ => {
                let asked = asked.unwrap_or_else(|| panic!("{name} serves {live}, not {last:?}"));
                assert_eq!(*shares, asked.shares);
                ledger.acknowledged.push(Step { id: Some(id.to_owned()), ..asked });
            }
        }
        let history = serin.call(
            "GET",
            &format!("/api/v1/routines/{name}/deployments?limit=100"),
            &Value::Null,
        );
        let history = history.json();
        let told = history["deployments"].as_array().unwrap().iter();
        let told: Vec<_> = told.map(|record| record["deployment_id"].as_str().unwrap()).collect();
        let kept: Vec<_> =
            ledger.acknowledged.iter().rev().take(100).filter_map(|s| s.id.as_deref()).collect();
        assert_eq!(told, kept, "the newest hundred deployments of {name}");
        let versions =
            serin.call("GET", &format!("/api/v1/routines/{name}/versions"), &Value::Null);
        let versions = versions.json();
        let known: std::collections::HashSet<_> = versions["versions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|version| version["code_version"].as_str().unwrap())
            .collect();
        for step in &ledger.acknowledged {
            assert!(known.contains(step.version.as_str()), "{name} lost version {}", step.version);
        }
    }
}
