//! Under a service manager: sockets that were opened before Serin, and news of how it
//! is. The tests play systemd's part.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::support::http::Connection;
use crate::support::process::{ANY_PORT, Process, output};
use crate::support::{WAIT_MAX, wait_until};

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serin.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// `serin serve` with one socket, or two, as descriptors 3 and 4, under these names.
fn passed(path: &Path, names: &str, first: &TcpListener, second: Option<&TcpListener>) -> Command {
    let descriptor = |listener: &TcpListener| OwnedFd::from(listener.try_clone().unwrap());
    let count = if second.is_some() { 2 } else { 1 };
    let mut command = Command::new("sh");
    // The shell's own stdin and stdout carry them over.
    let script =
        "exec 3<&0 4<&1 0</dev/null 1>/dev/null; LISTEN_PID=$$ exec \"$0\" serve --config \"$1\"";
    command.args(["-c", script, env!("CARGO_BIN_EXE_serin")]).arg(path);
    command
        .env_remove("RUST_LOG")
        .env("LISTEN_FDS", count.to_string())
        .env("LISTEN_FDNAMES", names);
    command.stdin(Stdio::from(descriptor(first)));
    command.stdout(second.map_or_else(Stdio::null, |second| Stdio::from(descriptor(second))));
    command
}

#[test]
fn sockets_that_were_passed_are_taken_by_name_and_then_by_address() {
    let ((first, at_first), (second, at_second)) = (listener(), listener());
    let (_folder, path) = file(ANY_PORT);
    let serin = Process::start_by(&mut passed(&path, "staging:production", &first, Some(&second)));
    assert_eq!((serin.staging, serin.production), (at_first, at_second));
    assert_ne!(serin.admin, at_first);
    drop(serin);

    let text =
        ANY_PORT.replace("production = \"127.0.0.1:0\"", &format!("production = \"{at_second}\""));
    let (_folder, path) = file(&text);
    let serin =
        Process::start_by(&mut passed(&path, "serin.socket:serin.socket", &first, Some(&second)));
    assert_eq!(serin.production, at_second);
    // Nobody else is connected to what is of no use: it is closed, and said.
    assert_ne!(serin.staging, at_first);
    let (status, log) = serin.terminate();
    assert!(status.success(), "{log}");
}

#[test]
fn what_was_passed_for_nothing_is_said() {
    let (first, at_first) = listener();
    let (_folder, path) = file(ANY_PORT);
    let mut command = passed(&path, "web", &first, None);
    let mut serin = Process::start_by(&mut command);
    assert!(
        serin.before.contains("is not served") && serin.before.contains(&at_first.to_string()),
        "{}",
        serin.before
    );
    serin.kill();
}

#[test]
fn descriptors_for_another_process_are_left_alone() {
    let (first, at_first) = listener();
    let (_folder, path) = file(ANY_PORT);
    let mut command = passed(&path, "production", &first, None);
    let script = "exec 3<&0; LISTEN_PID=1 exec \"$0\" serve --config \"$1\"";
    let mut other = Command::new("sh");
    other.args(["-c", script, env!("CARGO_BIN_EXE_serin")]).arg(&path).env_remove("RUST_LOG");
    other.env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", "production");
    other.stdin(Stdio::from(OwnedFd::from(first.try_clone().unwrap())));
    assert_ne!(Process::start_by(&mut other).production, at_first);
    assert_eq!(Process::start_by(&mut command).production, at_first);
}

#[test]
fn admin_is_not_opened_to_other_machines_by_a_socket() {
    let everywhere = TcpListener::bind("0.0.0.0:0").unwrap();
    let (_folder, path) = file(ANY_PORT);
    let refused = output(&mut passed(&path, "admin", &everywhere, None));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("declare an [[access_key]]"), "{said}");

    let key = "[[access_key]]\nid = \"a\"\nsecret = \"hunter2\"\n";
    fs::write(&path, format!("{ANY_PORT}{key}")).unwrap();
    let serin = Process::start_by(&mut passed(&path, "admin", &everywhere, None));
    // Nor by a reload that takes the last key away.
    fs::write(&path, ANY_PORT).unwrap();
    serin.signal("HUP");
    let said = serin.says("the config was refused");
    assert!(said.contains("needs an [[access_key]]"), "{said}");
}

/// What a service manager hears.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Manager {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(WAIT_MAX)).unwrap();
        Self { socket, path, _folder: folder }
    }

    fn hears(&self) -> String {
        let mut text = [0; 4_096];
        let length = self.socket.recv(&mut text).unwrap();
        String::from_utf8(text[..length].to_vec()).unwrap()
    }
}

/// The value of a variable in a message.
fn value<'m>(message: &'m str, name: &str) -> Option<&'m str> {
    message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

#[test]
fn the_service_manager_is_told() {
    let manager = Manager::new();
    let (_folder, path) = file(&format!("{ANY_PORT}[server]\ndrain_timeout = \"7s\"\n"));
    let socket = manager.path.to_str().unwrap();
    let serin = Process::start_in(&path, &[("NOTIFY_SOCKET", socket)]);
    let ready = manager.hears();
    assert_eq!(value(&ready, "READY"), Some("1"), "{ready}");
    let status = value(&ready, "STATUS").unwrap();
    assert!(status.contains(&format!("production on {}", serin.production)), "{status}");

    let hears_reload = || {
        let reloading = manager.hears();
        assert_eq!(value(&reloading, "RELOADING"), Some("1"), "{reloading}");
        let began: u64 = value(&reloading, "MONOTONIC_USEC").unwrap().parse().unwrap();
        let ready = manager.hears();
        assert_eq!(value(&ready, "READY"), Some("1"), "{ready}");
        (began, value(&ready, "STATUS").unwrap().to_owned())
    };
    serin.signal("HUP");
    let (first, said) = hears_reload();
    assert_eq!(said, status);
    fs::write(&path, "nonsense").unwrap();
    serin.signal("HUP");
    let (second, said) = hears_reload();
    assert!(second > first, "{first} {second}");
    assert!(
        said.contains("another config was refused: ") && said.contains("has mistakes"),
        "{said}"
    );

    serin.signal("TERM");
    let stopping = manager.hears();
    assert_eq!(value(&stopping, "STOPPING"), Some("1"), "{stopping}");
    let extended: u64 = value(&stopping, "EXTEND_TIMEOUT_USEC").unwrap().parse().unwrap();
    assert!(extended > 7_000_000, "{extended}");
    let (status, log) = serin.ended();
    assert!(status.success(), "{log}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_service_manager_may_have_a_name_that_is_no_path() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;

    let name = format!("serin-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    socket.set_read_timeout(Some(WAIT_MAX)).unwrap();
    let (_folder, path) = file(ANY_PORT);
    let _serin = Process::start_in(&path, &[("NOTIFY_SOCKET", &format!("@{name}"))]);
    let mut text = [0; 4_096];
    let length = socket.recv(&mut text).unwrap();
    assert!(text[..length].starts_with(b"READY=1\n"));
}

#[test]
fn a_service_manager_that_is_not_there_is_no_reason_not_to_serve() {
    let (_folder, path) = file(ANY_PORT);
    let serin = Process::start_in(&path, &[("NOTIFY_SOCKET", "/nowhere/notify")]);
    assert!(serin.before.contains("cannot be told"), "{}", serin.before);
}

/// As `systemctl restart` does it with a socket unit: the old process ends, then the next
/// one starts, on the same socket.
#[test]
fn a_restart_loses_none_of_the_requests_that_come_meanwhile() {
    const CLIENTS: usize = 4;
    const RESTARTS: usize = 4;
    let (socket, address) = listener();
    let (_folder, path) = file(&format!("{ANY_PORT}[server]\nworkers = 2\n"));
    let start = || Process::start_by(&mut passed(&path, "production", &socket, None));
    let (done, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let mut serin = start();
        let ended = Done(&done);
        let client = || {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    let mut connection = Connection::open(address).unwrap();
                    assert_eq!(connection.get("nobody.test", &[]).unwrap().status, 404);
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            })
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| client()).collect();
        for _ in 0..RESTARTS {
            let before = answered.load(Ordering::SeqCst);
            wait_until(|| answered.load(Ordering::SeqCst) > before + 20 * CLIENTS);
            let (status, log) = serin.terminate();
            assert!(status.success(), "{log}");
            serin = start();
            assert_eq!(serin.production, address);
        }
        drop(ended);
        // Before the last Serin is gone.
        for client in clients {
            client.join().unwrap();
        }
    });
}

/// Ends the clients, also when a restart fails.
struct Done<'d>(&'d AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
