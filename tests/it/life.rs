//! How a process starts and ends: what signals do, who is told what meanwhile, and
//! the status that is left.

use std::fs;
use std::io::{self, Read};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use serde_json::Value;

use crate::support::edge::Setup;
use crate::support::http::Connection;
use crate::support::process::{ANY_PORT, Process, finish, output, serin};
use crate::support::raw::{Client, request};
use crate::support::upstream::Upstream;
use crate::support::{WAIT_MAX, wait_until};

/// A file in a folder that lasts as long as the test.
fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serin.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn status(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A Serin that drains because it was told to, and cannot: an upstream holds the
/// request that `client` waits for, until it is released.
struct Draining {
    serin: Process,
    client: Client,
    release: Sender<()>,
    _upstream: Upstream,
    _folder: tempfile::TempDir,
}

fn draining() -> Draining {
    let (release, released) = mpsc::channel();
    let released = Mutex::new(released);
    let upstream = Upstream::new(move |visit| {
        if visit.request().is_some() && released.lock().unwrap().recv_timeout(WAIT_MAX).is_ok() {
            visit.say("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate");
        }
    });
    let (folder, path) = file(&format!(
        "default_routine = \"checkout\"
{ANY_PORT}
[server]
drain_timeout = \"60s\"
[[routine]]
name = \"checkout\"
[[routine.version]]
code_version = \"1\"
upstream = \"{}\"
[[routine.deployment]]
env = \"production\"
code_versions = [{{ code_version = \"1\", percentage = 100 }}]
",
        upstream.url()
    ));
    let serin = Process::start(&path);
    let readyz = || serin.call("GET", "/readyz", &Value::Null).status;
    assert_eq!(readyz(), 200);
    let mut client = Client::new(serin.production);
    client.send(request("GET", "/", &[]));
    wait_until(|| upstream.requests().len() == 1);
    serin.signal("TERM");
    wait_until(|| readyz() == 503);
    Draining { serin, client, release, _upstream: upstream, _folder: folder }
}

#[test]
fn while_it_drains_admin_says_that_it_is_not_ready() {
    let Draining { serin, mut client, release, _upstream, _folder } = draining();
    wait_until(|| TcpStream::connect(serin.production).is_err());
    assert_eq!(serin.call("GET", "/livez", &Value::Null).status, 200);
    assert_eq!(serin.call("GET", "/readyz", &Value::Null).status, 503);

    release.send(()).unwrap();
    let answer = client.answer();
    assert_eq!((answer.status, answer.text()), (200, "late"));
    let (status, log) = serin.ended();
    assert!(status.success(), "{log}");
    assert!(log.contains("serin drains"), "{log}");
}

/// The kernel has told these clients that they are connected, and no worker knows them
/// yet. Two workers share the queue.
#[test]
fn connections_that_wait_when_a_drain_starts_are_answered_and_closed() {
    const WAITING: usize = 100;
    let upstream = Upstream::saying("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    let setup = Setup { workers: 2, ..Setup::before(upstream.url()) };
    let mut clients = Vec::new();
    let mut edge = setup.drain_at_once(|address| {
        clients.extend((0..WAITING).map(|_| Client::new(address)));
        // One says nothing until it is accepted, and one only half of what it wants.
        clients[0].send("GET / HTTP/1.1\r\nhost:");
        for client in &mut clients[2..] {
            client.send(request("GET", "/", &[]));
        }
    });
    clients[1].send(request("GET", "/", &[]));
    clients[0].send(" shop.test\r\n\r\n");
    for client in &mut clients {
        let answer = client.answer();
        assert_eq!((answer.status, answer.text()), (200, "ok"));
        assert_eq!(answer.headers("connection"), ["close"]);
        client.expect_end();
    }
    edge.join();
}

#[test]
fn a_head_that_is_late_is_refused_in_a_drain_as_ever() {
    let mut setup = Setup::of([]);
    setup.drain = WAIT_MAX * 2;
    setup.policy.timeouts.request_head = Duration::from_millis(150);
    let mut edge = setup.start();
    let mut client = edge.client();
    client.send("GET / HT");
    edge.drain();
    assert_eq!(client.answer().status, 408);
    client.expect_end();
    edge.join();
}

/// Clients connect as fast as they can while Serin ends: each connection that was made
/// is answered, before, between and after.
#[test]
fn no_connection_is_lost_between_the_last_look_and_the_close() {
    const CLIENTS: usize = 4;
    const ROUNDS: usize = 6;
    let (_folder, path) = file(&format!(
        "default_routine = \"shop\"
{ANY_PORT}
[server]
workers = 2
[[routine]]
name = \"shop\"
"
    ));
    for _ in 0..ROUNDS {
        let serin = Process::start(&path);
        let address = serin.production;
        let asked = AtomicBool::new(false);
        let is_warm = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    // Refused once it is closed.
                    while let Ok(mut connection) = Connection::open(address) {
                        let answer = connection.get("nobody.test", &[]);
                        let when = asked.load(Ordering::SeqCst);
                        let answer =
                            answer.unwrap_or_else(|error| panic!("{error}, draining: {when}"));
                        assert_eq!(answer.status, 503);
                        is_warm.store(true, Ordering::SeqCst);
                    }
                });
            }
            wait_until(|| is_warm.load(Ordering::SeqCst));
            serin.signal("TERM");
            asked.store(true, Ordering::SeqCst);
        });
        let (status, log) = serin.ended();
        assert!(status.success(), "{log}");
    }
}

/// With no room for another connection, and then with room again.
#[cfg(target_os = "linux")]
#[test]
fn running_out_of_descriptors_neither_spins_nor_deafens() {
    let (_folder, path) = file(ANY_PORT);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 64; exec \"$0\" serve --config \"$1\""]);
    command.arg(env!("CARGO_BIN_EXE_serin")).arg(&path).env_remove("RUST_LOG");
    let serin = Process::start_by(&mut command);
    let answered = |connection: &mut Connection| connection.get("nobody.test", &[]).unwrap().status;

    let mut all: Vec<_> = (0..80).map(|_| Connection::open(serin.production).unwrap()).collect();
    serin.says("cannot accept connections for now");
    let before = processor_ticks(serin.id());
    let mut last = all.pop().unwrap();
    // It waits in the queue, until those that say nothing are let go for it.
    assert_eq!(answered(&mut last), 404);
    let spent = processor_ticks(serin.id()) - before;
    assert!(spent < 200, "{spent} ticks of 10 ms");
    drop(all);
    assert_eq!(answered(&mut Connection::open(serin.production).unwrap()), 404);
    assert_eq!(answered(&mut Connection::open(serin.staging).unwrap()), 404);
    let (status, log) = serin.terminate();
    assert!(status.success(), "{log}");
}

/// How long a process has run, in user mode and in the kernel.
#[cfg(target_os = "linux")]
fn processor_ticks(id: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    // The name before it is in parentheses, and may have anything in it.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

#[cfg(target_os = "linux")]
#[test]
fn the_limit_on_descriptors_is_raised_as_far_as_it_may_be() {
    let (_folder, path) = file(ANY_PORT);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -Sn 70; ulimit -Hn 700; exec \"$0\" serve --config \"$1\""]);
    command.arg(env!("CARGO_BIN_EXE_serin")).arg(&path).env_remove("RUST_LOG");
    let serin = Process::start_by(&mut command);
    let limits = fs::read_to_string(format!("/proc/{}/limits", serin.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(line.split_whitespace().skip(3).take(2).collect::<Vec<_>>(), ["700", "700"]);
}

#[test]
fn a_second_signal_cuts_the_drain() {
    for name in ["INT", "TERM"] {
        // Nobody releases it, but it stays held.
        let Draining { serin, mut client, release: _release, _upstream, _folder } = draining();
        serin.signal(name);
        let (status, log) = serin.ended();
        assert_eq!(status.code(), Some(1), "{log}");
        assert!(log.contains("a second signal cuts the drain"), "{log}");
        client.expect_end();
    }
}

/// What it says last, it says to a socket that takes nothing until it is read: so the
/// process stands right before the words that tell others that it serves.
#[cfg(target_os = "linux")]
#[test]
fn signals_are_caught_before_it_says_that_it_serves() {
    use std::io::Write;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use crate::support::process::Running;

    let (_folder, path) = file(ANY_PORT);
    let (mut log, mut full) = UnixStream::pair().unwrap();
    log.set_read_timeout(Some(WAIT_MAX)).unwrap();
    full.set_nonblocking(true).unwrap();
    while full.write(b".").is_ok() {}
    full.set_nonblocking(false).unwrap();
    let mut command = serin();
    let mut running =
        Running::start(command.args(["serve", "--config"]).arg(&path).stderr(OwnedFd::from(full)));
    // It holds the other end of the log.
    drop(command);

    let status = format!("/proc/{}/status", running.id());
    let caught = || {
        let status = fs::read_to_string(&status).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(caught.trim(), 16).unwrap()
    };
    // SIGINT is 2 and SIGTERM 15, and a mask begins at 1.
    let both = 1 << (2 - 1) | 1 << (15 - 1);
    wait_until(|| caught() & both == both);
    running.signal("TERM");

    let mut said = String::new();
    let read = log.read_to_string(&mut said);
    let status = running.wait();
    read.unwrap();
    let said = said.trim_start_matches('.');
    assert!(status.success(), "{status}: {said}");
    assert!(said.contains("serin serves") && said.contains("serin drains"), "{said}");
}

#[test]
fn a_verdict_does_not_depend_on_who_reads_it() {
    let (_folder, bad) = file("[server]\nworkers = 0\n");
    let (_folder_too, good) = file(ANY_PORT);
    for (path, verdict) in [(&bad, 1), (&good, 0)] {
        for form in [&[][..], &["--json"]] {
            let (reader, writer) = io::pipe().unwrap();
            drop(reader);
            let output = finish(serin().arg("check").arg(path).args(form).stdout(writer));
            assert_eq!(status(&output), verdict, "{form:?}: {}", stderr(&output));
            assert_eq!(stderr(&output), "");
        }
    }
}

#[test]
fn what_is_no_admin_endpoint_is_usage() {
    for url in ["", "127.0.0.1:8090", "ftp://127.0.0.1", "http://a/b", "http://a:65536"] {
        let output = output(
            serin().args(["deploy", "checkout", "1@100", "--env", "staging", "--admin", url]),
        );
        assert_eq!(status(&output), 2, "{url}: {}", stderr(&output));
        assert!(stderr(&output).contains("write http://host:port"), "{}", stderr(&output));
    }
}

#[test]
fn a_deployment_without_an_answer_may_have_been_made() {
    let endpoint = Upstream::new(|visit| {
        visit.request();
    });
    let output = output(serin().args([
        "deploy",
        "checkout",
        "1@100",
        "--env",
        "staging",
        "--admin",
        endpoint.url(),
    ]));
    assert_eq!(endpoint.requests().len(), 1);
    assert_eq!(status(&output), 3);
    let said = stderr(&output);
    assert!(said.contains("broke off; the change may have been made all the same"), "{said}");
}

#[test]
fn a_log_filter_that_cannot_be_read_is_usage() {
    let (_folder, path) = file(ANY_PORT);
    let output = output(serin().env("RUST_LOG", "serin=loud").arg("check").arg(&path));
    assert_eq!(status(&output), 2);
    assert!(output.stdout.is_empty());
    assert!(stderr(&output).starts_with("serin: RUST_LOG is \"serin=loud\": "));
}
