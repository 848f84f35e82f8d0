//! The examples of every `--help`, run as they are printed.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use clap::CommandFactory;
use serin::cli::Cli;

use crate::support::http::Connection;
use crate::support::process::{Process, Running, lines, lines_to, output, serin};

/// Where the demo's production is, as the examples have it.
const PRODUCTION: &str = "127.0.0.1:8080";

/// What the demo does not have: an authority that is kept.
const MORE: &str = "
[tls]
authority = \"ca\"
";

/// A version that nobody has, which an example deletes.
const UNUSED: &str = "1723599747213377174";
const OLDER: &str = "1723599747213377175";
const NEWER: &str = "1723599747213377176";

/// So many users have come where an example tells what a deployment would do to them.
const USERS: usize = 600;

/// A verb, and the examples in its help.
struct Verb {
    name: String,
    examples: Vec<String>,
}

/// The verbs of `command`, and theirs.
fn find(command: &clap::Command, before: &str, verbs: &mut Vec<Verb>) {
    for command in command.get_subcommands() {
        let name = format!("{before} {}", command.get_name()).trim().to_owned();
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let after = help.split_once("Example:\n").or_else(|| help.split_once("Examples:\n"));
        let examples = after.map(|(_, examples)| examples).unwrap_or_default();
        let examples = examples.lines().map(|line| line.trim().to_owned()).collect();
        find(command, &name, verbs);
        verbs.push(Verb { name, examples });
    }
}

/// A folder with what the examples name, and a Serin to ask.
struct Place {
    folder: tempfile::TempDir,
    serin: Process,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let demo = include_str!("../../configs/demo.toml");
        write("demo.toml", demo);
        let ports = ["8080", "8081", "8090"];
        let any_port = ports.iter().fold(demo.to_owned(), |text, port| text.replace(port, "0"));
        let unused =
            format!("[[routine.version]]\ncode_version = \"{UNUSED}\"\n\n[[routine.version]]");
        let any_port = any_port.replacen("[[routine.version]]", &unused, 1);
        write("serin.toml", &(any_port + MORE));
        let line = |user| {
            format!(
                "192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] \"GET /?user={user} HTTP/1.1\" 200 1\n"
            )
        };
        write("access.log", &(0..USERS).map(line).collect::<String>());
        let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
        std::os::unix::fs::symlink(configs, folder.path().join("configs")).unwrap();
        let serin = Process::start_by(
            serin().args(["serve", "--config", "serin.toml"]).current_dir(folder.path()),
        );
        Self { folder, serin }
    }

    /// What an example of this verb needs that a Serin which has just started has not.
    fn prepare(&self, verb: &Verb) {
        if verb.name == "rollback" {
            self.serin.deploy("checkout", "production", &[(OLDER, 70), (NEWER, 30)]);
        }
        if verb.examples.iter().any(|example| example.contains("--dry-run")) {
            let mut client = Connection::open(self.serin.production).unwrap();
            for user in 0..USERS {
                let key = [("x-serin-key", &*format!("user-{user}"))];
                client.get("checkout.localhost", &key).unwrap();
            }
        }
    }

    /// A shell in the folder, which finds `serin` and asks this one.
    fn shell(&self, line: &str) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_serin"));
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new("bash");
        command.args(["-euc", &line.replace(PRODUCTION, &self.serin.production.to_string())]);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("PATH", format!("{}:{path}", binary.parent().unwrap().display()));
        command.env("HOME", self.folder.path()).env("TERM", "xterm");
        command.env("SERIN_ADMIN", format!("http://{}", self.serin.admin));
        command.env("SERIN_CONFIG", "serin.toml");
        for name in ["RUST_LOG", "SERIN_CA", "SERIN_ACCESS_KEY_ID", "SERIN_ACCESS_KEY_SECRET"] {
            command.env_remove(name);
        }
        for name in ["ESA_ACCESS_KEY_ID", "ESA_ACCESS_KEY_SECRET"] {
            command.env_remove(name);
        }
        command
    }

    fn run(&self, verb: &str, example: &str) {
        match verb {
            "serve" => {
                let started = Process::start_by(&mut self.shell(&format!("exec {example}")));
                let (status, log) = started.terminate();
                assert!(status.success(), "{example}: {log}");
            }
            "demo" if !example.contains("--print-config") => self.demo(example),
            "top" => self.top(example),
            _ => {
                let output = output(&mut self.shell(example));
                let said = String::from_utf8_lossy(&output.stdout);
                let stderr = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{example}\n{said}{stderr}");
            }
        }
    }

    fn demo(&self, example: &str) {
        let mut command = self.shell(&format!("exec {example}"));
        let mut demo = Running::start(command.stdout(Stdio::piped()).stderr(Stdio::null()));
        let said = lines_to(&lines(demo.stdout()), "Ctrl-C ends it").concat();
        let address = said.split("production  http://").nth(1).unwrap();
        let address: SocketAddr = address.split(' ').next().unwrap().parse().unwrap();
        assert_eq!(
            Connection::open(address).unwrap().get("checkout.localhost", &[]).unwrap().status,
            200
        );
        demo.signal("INT");
        assert!(demo.wait().success());
    }

    /// On a terminal, until it has drawn something and `q` is typed.
    fn top(&self, example: &str) {
        let typed = format!("stty cols 80 rows 24; {example}");
        let line = format!("script -q -e -f -c '{typed}' /dev/null");
        let mut command = self.shell(&line);
        let mut top = Running::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let (mut keys, mut screen) = (top.stdin(), top.stdout());
        let mut drawn = Vec::new();
        let mut chunk = [0; 4096];
        while !String::from_utf8_lossy(&drawn).contains("checkout") {
            let read = screen.read(&mut chunk).unwrap();
            assert!(read > 0, "{example}: {:?}", String::from_utf8_lossy(&drawn));
            drawn.extend_from_slice(&chunk[..read]);
        }
        keys.write_all(b"q").unwrap();
        assert!(top.wait().success(), "{example}");
    }
}

#[test]
fn every_verb_has_examples_and_each_does_what_it_says() {
    let mut all = Vec::new();
    find(&Cli::command(), "", &mut all);
    assert!(all.len() > 25, "the verbs were found");
    // Two at a time, since each waits for others most of the time.
    let (even, odd): (Vec<_>, Vec<_>) =
        all.iter().enumerate().partition(|(number, _)| number % 2 == 0);
    std::thread::scope(|scope| {
        for half in [even, odd] {
            scope.spawn(move || {
                for (_, verb) in half {
                    assert!(!verb.examples.is_empty(), "`serin {} --help` has one", verb.name);
                    let place = Place::new();
                    place.prepare(verb);
                    for example in &verb.examples {
                        let is_of_verb = example.contains(&format!("serin {}", verb.words()));
                        assert!(is_of_verb, "{example} is of `serin {}`", verb.name);
                        place.run(&verb.name, example);
                    }
                }
            });
        }
    });
}

impl Verb {
    /// The first word of its name: what is behind it may have arguments before it.
    fn words(&self) -> &str {
        self.name.split(' ').next().unwrap()
    }
}
