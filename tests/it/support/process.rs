//! Serin as a process of its own, as operators run it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use super::http::{Connection, Response};

/// The binary under test.
pub(crate) fn serin() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_serin"));
    command.env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// A `serin serve` that is listening. Killed when dropped.
pub(crate) struct Process {
    child: Child,
    /// Reads the log to its end, so that the process never waits to write it.
    log: Option<JoinHandle<String>>,
    pub(crate) production: SocketAddr,
    pub(crate) staging: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// Where admin speaks TLS, if the config says so.
    pub(crate) admin_tls: Option<SocketAddr>,
}

/// A config for tests: every port chosen by the system.
pub(crate) const ANY_PORT: &str = "\
[listen]
production = \"127.0.0.1:0\"
staging    = \"127.0.0.1:0\"
admin      = \"127.0.0.1:0\"
";

impl Process {
    /// Starts the config at `path` and waits until it says where it listens.
    pub(crate) fn start(path: &Path) -> Self {
        let mut child = serin()
            .args(["serve", "--config"])
            .arg(path)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let serves = wait_for_line(&mut log, "serin serves");
        let field = |name: &str| serves.split_whitespace().find_map(|word| word.strip_prefix(name));
        let address = |name: &str| {
            field(name).unwrap_or_else(|| panic!("no {name} in: {serves}")).parse().unwrap()
        };
        Self {
            production: address("production="),
            staging: address("staging="),
            admin: address("admin="),
            admin_tls: field("admin_tls=").map(|address| address.parse().unwrap()),
            log: Some(std::thread::spawn(move || std::io::read_to_string(log).unwrap_or_default())),
            child,
        }
    }

    /// One call of the native API.
    pub(crate) fn call(&self, method: &str, path: &str, body: &serde_json::Value) -> Response {
        Connection::open(self.admin).unwrap().json(method, path, body).unwrap()
    }

    /// Deploys by the native API; the `DeploymentId`.
    pub(crate) fn deploy(&self, routine: &str, env: &str, shares: &[(&str, u64)]) -> String {
        deploy(&mut Connection::open(self.admin).unwrap(), routine, env, shares).unwrap()
    }

    /// SIGKILL, and gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; the status and the log's rest.
    pub(crate) fn terminate(mut self) -> (ExitStatus, String) {
        let signalled =
            Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
        assert!(signalled.success());
        let status = self.child.wait().unwrap();
        (status, self.log.take().unwrap().join().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Deploys over `connection`; the `DeploymentId`.
pub(crate) fn deploy(
    connection: &mut Connection,
    routine: &str,
    environment: &str,
    shares: &[(&str, u64)],
) -> std::io::Result<String> {
    let shares: Vec<_> = shares
        .iter()
        .map(|(v, p)| serde_json::json!({ "code_version": v, "percentage": p }))
        .collect();
    let path = format!("/api/v1/routines/{routine}/environments/{environment}/deployment");
    let answer = connection.json("POST", &path, &serde_json::json!({ "code_versions": shares }))?;
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    Ok(answer.json()["deployment_id"].as_str().unwrap().to_owned())
}

fn wait_for_line(log: &mut BufReader<ChildStderr>, what: &str) -> String {
    let mut seen = String::new();
    loop {
        let start = seen.len();
        let read = log.read_line(&mut seen).unwrap();
        assert!(read > 0, "serin ended before it said `{what}`:\n{seen}");
        if seen[start..].contains(what) {
            return seen[start..].to_owned();
        }
    }
}
