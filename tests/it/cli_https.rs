//! The command line over HTTPS, with Serin's own authority.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use crate::support::process::{ANY_PORT, Process, output, serin};

const CONFIG: &str = r#"admin_tls = "127.0.0.1:0"
production_tls = "127.0.0.1:0"

[[routine]]
name   = "shop"
routes = ["shop.test/*"]
sticky = ["header:x-serin-key"]
[[routine.version]]
code_version = "1"
[[routine.version]]
code_version = "2"
[[routine.deployment]]
env = "production"
code_versions = [
    { code_version = "1", percentage = 70 },
    { code_version = "2", percentage = 30 },
]
"#;

struct Place {
    folder: tempfile::TempDir,
    serin: Process,
    ca: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("serin.toml");
        let authority = folder.path().join("ca");
        let tls = format!("\n[tls]\nauthority = \"{}\"\n", authority.display());
        std::fs::write(&config, format!("{ANY_PORT}{CONFIG}{tls}")).unwrap();
        let serin_process = Process::start(&config);
        let ca = folder.path().join("ca.pem");
        let printed = output(serin().args(["ca", "--config"]).arg(&config));
        std::fs::write(&ca, printed.stdout).unwrap();
        Self { folder, serin: serin_process, ca }
    }

    fn admin(&self) -> String {
        format!("https://{}", self.serin.admin_tls.unwrap())
    }
}

fn status(command: &mut Command) -> (Option<i32>, String) {
    let output = output(command);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn an_authority_is_named_by_an_argument_or_by_the_environment() {
    let place = Place::new();
    let status_of = |change: &dyn Fn(&mut Command)| {
        let mut command = serin();
        change(command.args(["status", "shop", "--admin", &place.admin()]));
        status(&mut command)
    };
    let (code, said) = status_of(&|command| {
        command.arg("--ca").arg(&place.ca);
    });
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = status_of(&|command| {
        command.env("SERIN_CA", &place.ca);
    });
    assert_eq!(code, Some(0), "{said}");

    let (code, said) = status_of(&|_| {});
    assert_eq!(code, Some(3), "{said}");
    for part in ["cannot speak TLS with https://", "--ca or SERIN_CA", "invalid peer certificate"] {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
    let nothing = place.folder.path().join("nothing.pem");
    for text in [None, Some("no certificate")] {
        if let Some(text) = text {
            std::fs::write(&nothing, text).unwrap();
        }
        let (code, said) = status_of(&|command| {
            command.env("SERIN_CA", &nothing);
        });
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("nothing.pem`, which --ca or SERIN_CA names"), "{said}");
    }
}

#[test]
fn what_speaks_no_tls_is_said_to_and_the_name_must_be_right() {
    let place = Place::new();
    let asked = |address: SocketAddr, host: &str| {
        let url = format!("https://{host}:{}", address.port());
        status(serin().env("SERIN_CA", &place.ca).args(["status", "--admin", &url]))
    };
    let tls = place.serin.admin_tls.unwrap();
    assert_eq!(asked(tls, "localhost").0, Some(0));
    let (code, said) = asked(place.serin.admin, "127.0.0.1");
    assert_eq!(code, Some(3));
    assert!(said.contains("cannot speak TLS with"), "{said}");
}

#[test]
fn load_asks_admin_and_sends_its_requests_over_https() {
    let place = Place::new();
    let target = format!("https://{}/", place.serin.production_tls.unwrap());
    let mut command = serin();
    command.args(["load", &target, "--routine", "shop", "-n", "200", "--connections", "4"]);
    command.args(["--header", "host: shop.test", "--admin", &place.admin()]);
    let output = output(command.env("SERIN_CA", &place.ca));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}{stderr}");
    assert!(said.contains("rule: 0 of 200 answers disagree"), "{said}");
}
