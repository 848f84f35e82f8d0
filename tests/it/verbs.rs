//! The command line: what it prints, and the status it ends with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};

use crate::support::process::{ANY_PORT, Process, output, serin};

/// A file in a folder that lasts as long as the test.
fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serin.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn run(arguments: &[&str]) -> Output {
    output(serin().args(arguments))
}

fn status(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const TWO_VERSIONS: &str = "
[[routine]]
name = \"checkout\"
[[routine.version]]
code_version = \"1\"
[[routine.version]]
code_version = \"2\"
";

#[test]
fn check_reports_every_mistake_with_its_line() {
    let (_folder, path) = file("[listen]\nadmim = \"x\"\n[server]\nworkers = 0\n");
    let path = path.to_str().unwrap();

    let output = run(&["check", path]);
    assert_eq!(status(&output), 1);
    let report = text(&output.stdout);
    assert!(
        report.contains("line 2: listen.admim: unknown key; did you mean `admin`?"),
        "{report}"
    );
    assert!(report.contains("line 4: server.workers"), "{report}");

    let output = run(&["check", path, "--json"]);
    assert_eq!(status(&output), 1);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ok"], json!(false));
    let lines: Vec<_> = report["mistakes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mistake| mistake["line"].clone())
        .collect();
    assert_eq!(lines, [json!(2), json!(4)]);
}

#[test]
fn check_finds_no_mistakes_in_the_configs_of_the_repository() {
    for name in ["demo.toml", "minimal.toml", "example.toml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs").join(name);
        let output = run(&["check", path.to_str().unwrap()]);
        assert_eq!(status(&output), 0, "{name}: {}", text(&output.stdout));
    }
}

#[test]
fn the_demos_config_is_the_one_in_the_repository() {
    let output = run(&["demo", "--print-config"]);
    assert_eq!(status(&output), 0);
    assert_eq!(text(&output.stdout), include_str!("../../configs/demo.toml"));
}

#[test]
fn usage_is_status_2() {
    for arguments in [
        &[][..],
        &["fly"],
        &["serve"],
        &["deploy", "checkout", "--env", "production"],
        &["deploy", "checkout", "1@100", "--env", "moon"],
        &["deploy", "checkout", "1@0", "--env", "production"],
        &["deploy", "checkout", "1@50", "2@30", "3@20", "--env", "production"],
        &["deploy", "checkout", "1@90", "2@20", "--env", "production"],
        &["deploy", "checkout", "1@50", "1@50"],
        &["check"],
        &["explain", "--routine", "checkout", "--config"],
        &["forward", "checkout", "0"],
        &["forward", "checkout", "101%"],
        &["routines", "fly"],
        &["versions"],
        &["top"],
        &["completions", "moon"],
    ] {
        assert_eq!(status(&run(arguments)), 2, "{arguments:?}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    for verb in [&["check"][..], &["serve", "--config"]] {
        let output = output(serin().args(verb).arg("/nowhere/serin.toml"));
        assert_eq!(status(&output), 1);
        let said = text(&output.stderr);
        assert!(said.contains("`/nowhere/serin.toml`") && said.contains("No such file"), "{said}");
    }
}

#[test]
fn deploy_says_who_moves_and_whether_that_is_exact() {
    let (_folder, path) =
        file(&format!("{ANY_PORT}{TWO_VERSIONS}[[routine.version]]\ncode_version = \"3\"\n"));
    let serin = Process::start(&path);
    let admin = format!("http://{}", serin.admin);
    let deploy = |shares: &[&str]| {
        let mut arguments = vec!["deploy", "checkout", "--env", "production", "--admin", &admin];
        arguments.extend(shares);
        let output = run(&arguments);
        assert_eq!(status(&output), 0, "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let said = deploy(&["1@90", "2@10"]);
    assert!(said.starts_with("deployment 1: checkout in production\n"), "{said}");
    assert!(said.ends_with("nobody moves: it is the first deployment in production\n"), "{said}");

    let said = deploy(&["2@30", "1@70"]);
    assert!(said.ends_with("20 % of users move (exact)\n  20 %  1 -> 2\n"), "{said}");

    let said = deploy(&["1@70", "3@30"]);
    assert!(said.contains("51 % of users move (expected:"), "{said}");

    let said: Value = serde_json::from_str(&deploy(&["3@100", "--json"])).unwrap();
    assert_eq!(said["deployment_id"], "4");
    assert_eq!(said["moved"]["percent"], json!(70.0));
    assert_eq!(said["moved"]["exact"], json!(true));
}

#[test]
fn a_deployment_that_is_refused_is_status_1_and_one_that_meets_nobody_is_status_3() {
    let (_folder, path) = file(&format!("{ANY_PORT}{TWO_VERSIONS}"));
    let serin = Process::start(&path);
    let admin = format!("http://{}", serin.admin);
    for (routine, shares, reason) in [
        ("absent", &["1@100"][..], "there is no routine or app `absent`; `serin status` lists"),
        ("chekout", &["1@100"], "there is no routine or app `chekout`; did you mean `checkout`?"),
        ("checkout", &["9@100"], "no code version `9`; `serin versions checkout` lists"),
        ("no/name", &["1@100"], "there is no routine or app `no/name`"),
    ] {
        let mut arguments = vec!["deploy", routine, "--env", "staging", "--admin", &admin];
        arguments.extend(shares);
        let output = run(&arguments);
        let said = text(&output.stderr);
        assert_eq!(status(&output), 1, "{routine} {shares:?}: {said}");
        assert!(said.contains(reason), "{said}");
    }
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let admin = format!("http://{free}");
    let output = run(&["deploy", "checkout", "1@100", "--env", "staging", "--admin", &admin]);
    assert_eq!(status(&output), 3);
    let said = text(&output.stderr);
    assert!(said.contains(&admin) && said.contains("--admin or SERIN_ADMIN"), "{said}");
}

#[test]
fn a_second_serin_on_a_taken_port_is_refused() {
    let (_folder, path) = file(ANY_PORT);
    let first = Process::start(&path);
    for (key, address) in
        [("production", first.production), ("staging", first.staging), ("admin", first.admin)]
    {
        let taken = ANY_PORT.replace(
            &format!("{key:<10} = \"127.0.0.1:0\""),
            &format!("{key:<10} = \"{address}\""),
        );
        assert_ne!(taken, ANY_PORT);
        let (_folder, path) = file(&taken);
        let output = output(serin().args(["serve", "--config"]).arg(&path));
        assert_eq!(status(&output), 1);
        let said = text(&output.stderr);
        assert!(said.contains(&format!("cannot listen on {address} for {key}")), "{said}");
        let by = format!("{address} is taken by `serin` (process {})", first.id());
        let by = if cfg!(target_os = "linux") { by } else { "another process".to_owned() };
        assert!(said.contains(&by), "{said}");
        assert!(said.contains("choose another port in [listen]"), "{said}");
    }
}

#[test]
fn serin_is_ready_with_no_routine_and_ends_well_when_told() {
    let (_folder, path) = file(ANY_PORT);
    let serin = Process::start(&path);
    for path in ["/livez", "/readyz"] {
        assert_eq!(serin.call("GET", path, &Value::Null).status, 200, "{path}");
    }
    let (status, log) = serin.terminate();
    assert!(status.success(), "{log}");
}
