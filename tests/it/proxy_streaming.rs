//! Nothing is held on its way: memory stays flat, whoever is slow.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use crate::support::WAIT_MAX;
use crate::support::process::{ANY_PORT, Process};
use crate::support::raw::{Client, request};
use crate::support::upstream::{Upstream, write_until_blocked};

const TRANSFER_BYTES: usize = 1 << 30;
/// More than all the buffers on the way hold.
const UNTAKEN_BYTES: usize = 256 << 20;
/// What a transfer may take of memory, whatever its size.
const HELD_MAX_BYTES: usize = 24 << 20;

/// A Serin before `upstream`, as a process whose memory can be told from ours.
fn serin(upstream: &Upstream) -> (Process, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("serin.toml");
    let url = upstream.url();
    let config = format!(
        "default_routine = \"shop\"\n{ANY_PORT}\n[[routine]]\nname = \"shop\"\n\
         [[routine.version]]\ncode_version = \"1\"\nupstream = \"{url}\"\n\
         [[routine.deployment]]\nenv = \"production\"\n\
         code_versions = [{{ code_version = \"1\", percentage = 100 }}]\n"
    );
    fs::write(&path, config).unwrap();
    (Process::start(&path), folder)
}

/// The most memory that the process has ever had.
fn peak_bytes(process: &Process) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: usize = line.trim().trim_end_matches("kB").trim().parse().unwrap();
    kib << 10
}

#[test]
fn memory_stays_flat_with_a_huge_body_up_and_down() {
    let upstream = Upstream::new(|visit| {
        let part = vec![b'x'; 1 << 20];
        while let Some(head) = visit.head() {
            if head.starts_with("POST") {
                for _ in 0..TRANSFER_BYTES / part.len() {
                    visit.bytes(part.len()).unwrap();
                }
                visit.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
            } else {
                visit.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {TRANSFER_BYTES}\r\n\r\n"));
                for _ in 0..TRANSFER_BYTES / part.len() {
                    visit.say(&part);
                }
            }
        }
    });
    let (process, _folder) = serin(&upstream);
    let mut client = Client::new(process.production);
    let before = peak_bytes(&process);

    client.send(request("POST", "/", &[&format!("content-length: {TRANSFER_BYTES}")]));
    let part = vec![b'x'; 1 << 20];
    for _ in 0..TRANSFER_BYTES / part.len() {
        client.send(&part);
    }
    assert_eq!(client.answer().text(), "ok");
    let after_upload = peak_bytes(&process);
    assert!(after_upload - before < HELD_MAX_BYTES, "{before} {after_upload}");

    client.send(request("GET", "/", &[])).head();
    for _ in 0..TRANSFER_BYTES / part.len() {
        client.bytes(part.len());
    }
    let after = peak_bytes(&process);
    assert!(after - before < HELD_MAX_BYTES, "{before} {after}");
}

#[test]
fn memory_stays_flat_with_slow_readers_on_both_sides() {
    let upstream = Upstream::new(|visit| {
        if visit.head().is_some_and(|head| head.starts_with("POST")) {
            return visit.sees_bytes_but_reads_none();
        }
        visit.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {UNTAKEN_BYTES}\r\n\r\n"));
        for _ in 0..UNTAKEN_BYTES >> 20 {
            visit.say(vec![b'x'; 1 << 20]);
        }
    });
    let (process, _folder) = serin(&upstream);
    let before = peak_bytes(&process);

    let mut reader = TcpStream::connect(process.production).unwrap();
    reader.set_read_timeout(Some(WAIT_MAX)).unwrap();
    reader.write_all(request("GET", "/", &[]).as_bytes()).unwrap();
    let mut uploader = Client::new(process.production);
    uploader.send(request("POST", "/", &[&format!("content-length: {UNTAKEN_BYTES}")]));
    let mut socket = uploader.stream().try_clone().unwrap().into();
    let body = vec![b'x'; UNTAKEN_BYTES];
    let taken = write_until_blocked(&mut socket, &body, Duration::from_millis(300));
    assert!(taken < UNTAKEN_BYTES, "somebody holds what nobody takes");
    for _ in 0..64 {
        reader.read_exact(&mut [0; 1 << 10]).unwrap();
    }
    let after = peak_bytes(&process);
    assert!(after - before < HELD_MAX_BYTES, "{before} {after}");
}
