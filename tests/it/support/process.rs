//! Serin as a process of its own, as operators run it.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use super::http::{Connection, Response};
use super::{WAIT_MAX, wait_until};

/// The binary under test.
pub(crate) fn serin() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_serin"));
    command.env_remove("RUST_LOG").stdin(Stdio::null());
    // Whoever runs the tests may have a key, and it is none of theirs.
    for name in ["SERIN_ACCESS_KEY_ID", "SERIN_ACCESS_KEY_SECRET"] {
        command.env_remove(name);
    }
    for name in ["ESA_ACCESS_KEY_ID", "ESA_ACCESS_KEY_SECRET"] {
        command.env_remove(name);
    }
    // Nor is a Serin of theirs asked, or a config read.
    for name in ["SERIN_ADMIN", "SERIN_CA", "SERIN_CONFIG", "NO_COLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command
}

/// A running program, killed when dropped: a test that fails leaves none behind.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// What it says on stdout, which must be piped.
    pub(crate) fn stdout(&mut self) -> ChildStdout {
        self.0.stdout.take().unwrap()
    }

    /// What it reads, which must be piped.
    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.0.stdin.take().unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        let signalled = output(Command::new("kill").args(["-s", name, &self.id().to_string()]));
        assert!(signalled.status.success(), "{signalled:?}");
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Its status, when it ends by itself, as it must.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until(|| {
            status = self.0.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Runs `command` to its end, which must come: what it said, and its status.
pub(crate) fn output(command: &mut Command) -> Output {
    finish(command.stdout(Stdio::piped()))
}

/// The same, for a command whose stdout goes elsewhere.
pub(crate) fn finish(command: &mut Command) -> Output {
    let mut running = Running::start(command.stderr(Stdio::piped()));
    let stdout = running.0.stdout.take().map(lines);
    let stderr = running.0.stderr.take().map(lines);
    // Who has closed both is about to end.
    let heard = |said: Option<_>| said.map_or_else(Vec::new, |said| rest(&said).into_bytes());
    let (stdout, stderr) = (heard(stdout), heard(stderr));
    Output { status: running.wait(), stdout, stderr }
}

/// A `serin serve` that is listening. Killed when dropped.
pub(crate) struct Process {
    running: Running,
    /// What it logs before it says where it listens,
    pub(crate) before: String,
    /// and after.
    log: Receiver<String>,
    pub(crate) production: SocketAddr,
    pub(crate) staging: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// Where they speak TLS, if the config says so.
    pub(crate) production_tls: Option<SocketAddr>,
    pub(crate) staging_tls: Option<SocketAddr>,
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
        Self::start_in(path, &[])
    }

    /// As [`Process::start`], in an environment that has these variables, too.
    pub(crate) fn start_in(path: &Path, variables: &[(&str, &str)]) -> Self {
        let mut command = serin();
        command.envs(variables.iter().copied());
        command.stdout(Stdio::null());
        Self::start_by(command.args(["serve", "--config"]).arg(path))
    }

    /// The same for a command that comes to be `serin serve`.
    pub(crate) fn start_by(command: &mut Command) -> Self {
        command.stderr(Stdio::piped());
        let mut running = Running::start(command);
        let log = lines(running.0.stderr.take().unwrap());
        let mut before = lines_to(&log, "serin serves");
        let serves = before.pop().unwrap();
        let field = |name: &str| serves.split_whitespace().find_map(|word| word.strip_prefix(name));
        let address = |name: &str| {
            field(name).unwrap_or_else(|| panic!("no {name} in: {serves}")).parse().unwrap()
        };
        Self {
            production: address("production="),
            staging: address("staging="),
            admin: address("admin="),
            production_tls: field("production_tls=").map(|address| address.parse().unwrap()),
            staging_tls: field("staging_tls=").map(|address| address.parse().unwrap()),
            admin_tls: field("admin_tls=").map(|address| address.parse().unwrap()),
            before: before.concat(),
            log,
            running,
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
        self.running.kill();
    }

    /// SIGTERM; the status and the log's rest.
    pub(crate) fn terminate(self) -> (ExitStatus, String) {
        self.signal("TERM");
        self.ended()
    }

    pub(crate) fn signal(&self, name: &str) {
        self.running.signal(name);
    }

    pub(crate) fn id(&self) -> u32 {
        self.running.id()
    }

    /// Waits until it logs `what`: that line, and those before it which nobody waited
    /// for.
    pub(crate) fn says(&self, what: &str) -> String {
        lines_to(&self.log, what).concat()
    }

    /// Waits for the end: the status and the log's rest.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        // The log ends with the process.
        let log = rest(&self.log);
        (self.running.wait(), log)
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

/// The lines of `stream` as they come, read by a thread so that waiting for them has
/// an end, and so that nobody who writes waits for the test.
pub(crate) fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (say, said) = channel();
    std::thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            // The test may have heard enough.
            say.send(String::from_utf8_lossy(&line).into_owned()).unwrap_or_default();
            line.clear();
        }
    });
    said
}

/// The lines up to the one that has `what` in it.
pub(crate) fn lines_to(said: &Receiver<String>, what: &str) -> Vec<String> {
    let end = Instant::now() + WAIT_MAX;
    let mut seen = Vec::new();
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let line = said.recv_timeout(left);
        let all = || seen.concat();
        let line = line.unwrap_or_else(|e| panic!("{e} before `{what}` was said:\n{}", all()));
        let found = line.contains(what);
        seen.push(line);
        if found {
            return seen;
        }
    }
}

/// All lines that are still to come, up to the end, which must come.
fn rest(said: &Receiver<String>) -> String {
    let end = Instant::now() + WAIT_MAX;
    let mut seen = String::new();
    loop {
        match said.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) => seen += &line,
            Err(RecvTimeoutError::Disconnected) => return seen,
            Err(RecvTimeoutError::Timeout) => panic!("no end after {WAIT_MAX:?}:\n{seen}"),
        }
    }
}
