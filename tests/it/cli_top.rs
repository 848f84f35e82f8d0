//! `serin top` on a terminal, which `script` makes.

use std::io::{Read, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use crate::support::WAIT_MAX;
use crate::support::http::Connection;
use crate::support::process::{ANY_PORT, Process, Running, output, serin};

const ROUTINES: &str = r#"
[[routine]]
name   = "checkout"
sticky = ["header:x-user-id"]
[[routine.version]]
code_version = "1"
[[routine.version]]
code_version = "2"
[[routine.deployment]]
env = "production"
code_versions = [
    { code_version = "1", percentage = 90 },
    { code_version = "2", percentage = 10 },
]

[[routine]]
name = "cart"
"#;

/// What a terminal is told that is given back: the screen that was there before, and a cursor.
const GIVEN_BACK: [&str; 2] = ["\x1b[?1049l", "\x1b[?25h"];

/// `serin top` on a terminal of its own.
struct Terminal {
    running: Running,
    keys: ChildStdin,
    said: Receiver<Vec<u8>>,
    /// What was said since that which was waited for last.
    text: String,
}

impl Terminal {
    fn open(admin: &str, columns: u16, rows: u16) -> Self {
        let binary = env!("CARGO_BIN_EXE_serin");
        // What the shell becomes is Serin, so that its id is known.
        let line = format!(
            "stty cols {columns} rows {rows}; echo \"id $$ .\"; exec '{binary}' top --admin {admin}"
        );
        let mut command = Command::new("script");
        command.args(["-q", "-e", "-f", "-c", &line, "/dev/null"]);
        command.env("TERM", "xterm").env_remove("SERIN_ADMIN").env_remove("NO_COLOR");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut running = Running::start(&mut command);
        let (keys, mut stream) = (running.stdin(), running.stdout());
        let (say, said) = channel();
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut chunk) {
                // The test may have heard enough.
                say.send(chunk[..read].to_vec()).unwrap_or_default();
            }
        });
        Self { running, keys, said, text: String::new() }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits until it draws this, which it must: the words before it, too.
    fn draws(&mut self, what: &str) -> String {
        let end = Instant::now() + WAIT_MAX;
        loop {
            let words = words(&self.text);
            if words.contains(what) {
                self.text.clear();
                return words;
            }
            let left = end.saturating_duration_since(Instant::now());
            let chunk = self.said.recv_timeout(left);
            let chunk = chunk.unwrap_or_else(|error| panic!("{error} before {what:?}: {words}"));
            self.text.push_str(&String::from_utf8_lossy(&chunk));
        }
    }

    /// All that is still said up to the end, which must come, and its status.
    fn ends(mut self) -> (String, Option<i32>) {
        let end = Instant::now() + WAIT_MAX;
        let mut rest = std::mem::take(&mut self.text);
        loop {
            match self.said.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(chunk) => rest.push_str(&String::from_utf8_lossy(&chunk)),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("no end: {rest:?}"),
            }
        }
        (rest, self.running.wait().code())
    }

    /// The same, when the terminal must have been taken, and must be given back.
    fn gives_back(self) -> Option<i32> {
        let (rest, status) = self.ends();
        assert!(GIVEN_BACK.iter().all(|part| rest.contains(part)), "{rest:?}");
        status
    }
}

/// What is drawn, without what moves the cursor and paints; blanks are not drawn but skipped.
fn words(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c.is_ascii_alphabetic()).map_or(part.len(), |at| at + 1);
        plain.push(' ');
        plain.push_str(&part[end..]);
    }
    plain.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn start() -> (tempfile::TempDir, Process, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serin.toml");
    std::fs::write(&path, format!("{ANY_PORT}{ROUTINES}")).unwrap();
    let process = Process::start(&path);
    let admin = format!("http://{}", process.admin);
    (folder, process, admin)
}

#[test]
fn it_draws_what_is_deployed_searches_and_ends_at_q() {
    let (_folder, serin, admin) = start();
    let mut client = Connection::open(serin.production).unwrap();
    for user in 0..20 {
        client.get("checkout.localhost", &[("x-user-id", &format!("user-{user}"))]).unwrap();
    }
    let mut terminal = Terminal::open(&admin, 80, 24);
    terminal.draws("rows 1 to 3 of 3");
    terminal.press("/cart\r");
    terminal.draws("(Esc drops it)");
    terminal.press("q");
    assert_eq!(terminal.gives_back(), Some(0));
}

#[test]
fn it_ends_at_a_signal_too_on_a_small_terminal() {
    let (_folder, _serin, admin) = start();
    let mut terminal = Terminal::open(&admin, 30, 6);
    let said = terminal.draws("q quit");
    let id = said.split(' ').nth(1).unwrap();
    assert!(output(Command::new("kill").args(["-s", "TERM", id])).status.success());
    assert_eq!(terminal.gives_back(), Some(0));
}

#[test]
fn it_says_when_serin_is_away_and_goes_on_when_it_is_back() {
    let (folder, mut serin, _) = start();
    // An address that another Serin can take once this one is gone.
    let address = serin.admin;
    let mut terminal = Terminal::open(&format!("http://{address}"), 100, 30);
    terminal.draws("rows 1 to 3 of 3");
    serin.kill();
    terminal.draws("AWAY for");
    let path = folder.path().join("serin.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let again = text.replace("admin      = \"127.0.0.1:0\"", &format!("admin = \"{address}\""));
    std::fs::write(&path, again).unwrap();
    let _back = Process::start(&path);
    terminal.draws("q quit");
    // Ctrl-C, as a terminal in raw mode sends it.
    terminal.press("\x03");
    assert_eq!(terminal.gives_back(), Some(0));
}

#[test]
fn without_a_terminal_or_a_serin_it_says_what_to_do() {
    let refused = output(serin().arg("top"));
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("`serin status` tells the same once")
    );

    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (said, status) = Terminal::open(&format!("http://{nowhere}"), 80, 24).ends();
    assert!(said.contains("--admin or SERIN_ADMIN") && !said.contains('\x1b'), "{said:?}");
    assert_eq!(status, Some(3));
}
