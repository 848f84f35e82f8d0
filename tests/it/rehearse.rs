//! `serin rehearse`: what it foretells is what happens, and a config and a running Serin
//! agree.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::http::Connection;
use crate::support::process::{ANY_PORT, Process, finish, output, serin};

const ROUTINE: &str = r#"
[[routine]]
name   = "shop"
routes = ["shop.test/*"]
sticky = ["header:x-user-id"]
[[routine.version]]
code_version = "1"
[[routine.version]]
code_version = "2"
[[routine.version]]
code_version = "3"
[[routine.deployment]]
env = "production"
code_versions = [
    { code_version = "1", percentage = 90 },
    { code_version = "2", percentage = 10 },
]
"#;

/// A folder with the config above.
fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serin.toml");
    fs::write(&path, format!("{ANY_PORT}{ROUTINE}")).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

fn rehearse(arguments: &[&str]) -> Output {
    output(serin().arg("rehearse").args(arguments))
}

fn said(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn findings(said: &Value) -> Vec<String> {
    let findings = said["findings"].as_array().unwrap().iter();
    findings.map(|it| it.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_config_and_a_running_serin_agree_and_what_is_foretold_happens() {
    let (folder, config) = folder();
    let serin = Process::start(Path::new(&config));
    let admin = format!("http://{}", serin.admin);
    let keys = folder.path().join("keys");
    let users: Vec<String> = (0..60).map(|user| format!("user-{user}")).collect();
    fs::write(&keys, users.join("\n")).unwrap();
    let about = ["shop", "1@40", "2@60", "--keys", keys.to_str().unwrap(), "--json"];
    let foretold = [&["--config", &config], &["--admin", &admin]].map(|from: &[&str; 2]| {
        let foretold = rehearse(&[&about[..], from].concat());
        assert_eq!(foretold.status.code(), Some(1), "sixty users show nothing: {foretold:?}");
        said(&foretold)
    });
    assert_eq!(foretold[0], foretold[1]);
    let step = &foretold[0]["steps"][0];

    let mut client = Connection::open(serin.production).unwrap();
    let mut versions = || {
        let version = |user: &String| {
            let got = client.get("shop.test", &[("x-user-id", user)]).unwrap();
            got.header("x-serin-version").unwrap().to_owned()
        };
        users.iter().map(version).collect::<Vec<_>>()
    };
    let before = versions();
    serin.deploy("shop", "production", &[("1", 40), ("2", 60)]);
    let after = versions();
    let moved = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    assert!(moved > 0);
    assert_eq!(step["moved"]["users"], moved);
    assert_eq!(step["least"]["percent"], 50);
    for version in step["versions"].as_array().unwrap() {
        let name = version["code_version"].as_str().unwrap();
        for (when, got) in [("before", &before), ("after", &after)] {
            let users = got.iter().filter(|it| *it == name).count();
            assert_eq!(version[when]["users"], users, "{name} {when}");
        }
    }
}

#[test]
fn a_plan_of_many_users_is_good_and_told_to_people() {
    let (folder, config) = folder();
    let page = folder.path().join("out.html");
    let arguments = ["shop", "--plan", "25,50,100", "--config", &config];
    let users = ["--users", "20000", "--zipf", "0.5", "--report", page.to_str().unwrap()];
    let good = rehearse(&[&arguments[..], &users].concat());
    let text = String::from_utf8(good.stdout).unwrap();
    assert_eq!(good.status.code(), Some(0), "{text}");
    for part in [
        "shop in production: 1@90 2@10\n",
        "a population of 20000, Zipf 0.5, seed 1: ",
        "\nstep 3: 2@100\n",
        "\nstep  from  to  users move   of all  least  requests move   of all  see both\n",
        "\n   1  1     2 ",
        "\nstep  version  asked   users     share            expected  requests     share\n",
        "\nheaviest  requests   share  now  moves at\nuser-0 ",
        "\ngood\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    let page = fs::read_to_string(page).unwrap();
    for part in ["<b>Good</b>", "<svg", "serin rehearse shop in production", "--plan 25,50,100"] {
        assert!(page.contains(part), "{part:?} is not in the page");
    }
    assert!(!page.contains("<script"));
}

#[test]
fn a_danger_is_named_in_words_and_by_the_status() {
    let (folder, config) = folder();
    let keys = folder.path().join("keys");
    let others: Vec<String> = (0..4_800).map(|user| format!("user-{user}")).collect();
    fs::write(&keys, format!("big\t5200\n{}\n", others.join("\n"))).unwrap();
    let (keys, config) = (["--keys", keys.to_str().unwrap()], ["--config", &config]);
    let bad = rehearse(&[&["shop", "--plan", "5,100"], &keys[..], &config].concat());
    let text = String::from_utf8(bad.stdout).unwrap();
    assert_eq!(bad.status.code(), Some(1), "{text}");
    let danger = "52 % of requests come from one key, big, ";
    assert!(text.contains(danger) && !text.contains("\ngood\n"), "{text}");
    assert!(text.contains("\nthere are no times, so who sees both"), "{text}");

    let at_once = rehearse(&[&["shop", "3@100", "--json"], &keys[..], &config].concat());
    let [key, everybody] = &findings(&said(&at_once))[..] else { panic!("{at_once:?}") };
    assert!(key.starts_with(danger), "{key}");
    assert_eq!(everybody, "3, which nobody has now, gets everybody at once");

    let anew = rehearse(
        &[&["shop", "1@90", "3@10", "--json", "--last", "3@10"], &keys[..], &config].concat(),
    );
    let anew = findings(&said(&anew));
    for part in ["19 % of users move where 10 % would do", "give the routine another cohort"] {
        assert!(anew.iter().any(|it| it.contains(part)), "{part}: {anew:?}");
    }
}

#[test]
fn an_access_log_tells_sessions_and_comes_from_stdin_too() {
    let (folder, config) = folder();
    let path = folder.path().join("access.log");
    let mut log: Vec<u8> = Vec::new();
    for minute in 0..60 {
        for user in 0..200 {
            // Half of the users ask every minute, the others once, and some without a name.
            let name = if user % 20 == 19 { "-".to_owned() } else { format!("user-{user}") };
            if user < 100 || minute == user % 60 {
                let time = format!("27/Nov/2026:12:{minute:02}:00 +0000");
                writeln!(log, "192.0.2.1 - {name} [{time}] \"GET / HTTP/1.1\" 200 7").unwrap();
            }
        }
    }
    writeln!(log, "what is this?").unwrap();
    fs::write(&path, &log).unwrap();
    let from_file = rehearse(&[
        "shop",
        "1@50",
        "2@50",
        "--config",
        &config,
        "--json",
        "--field",
        "user",
        "--access-log",
        path.to_str().unwrap(),
    ]);
    let told = said(&from_file);
    let step = &told["steps"][0];
    assert_eq!((&told["broken_lines"], &told["lines"]), (&json!(1), &json!(6_101)));
    assert_eq!((&step["users"], &step["keyless_requests"]), (&json!(190), &json!(305)));
    assert_eq!(step["requests"], 6_100);
    // Who asks every minute is in one session all the time.
    let (see_both, moved) = (&step["see_both_in_a_session"], &step["moved"]["requests"]);
    let always = moved.as_u64().unwrap() / 60;
    #[expect(clippy::cast_precision_loss, reason = "there are few users")]
    let always = always as f64;
    assert!((see_both.as_f64().unwrap() - always).abs() < 1e-9, "{see_both} {always}");

    let mut piped = serin();
    piped.args(["rehearse", "shop", "1@50", "2@50", "--config", &config, "--json"]);
    piped.args(["--field", "user", "--access-log", "-"]);
    let mut piped = piped.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    piped.stdin.take().unwrap().write_all(&log).unwrap();
    let piped = said(&piped.wait_with_output().unwrap());
    assert_eq!(piped["steps"], told["steps"]);
}

#[test]
fn a_running_serin_tells_of_the_last_canary() {
    let (_folder, config) = folder();
    let serin = Process::start(Path::new(&config));
    serin.deploy("shop", "production", &[("2", 100)]);
    let url = format!("http://{}", serin.admin);
    let foretold = rehearse(&["shop", "--plan", "20", "--to", "3", "--admin", &url, "--json"]);
    let told = said(&foretold);
    let overlap = &told["steps"][0]["overlap"];
    assert_eq!(overlap["last"], json!({ "code_version": "2", "percentage": 10 }));
    let [both, alone] = ["share", "share_if_independent"].map(|it| overlap[it].as_f64().unwrap());
    assert!((both - 0.1).abs() < 0.03 && (alone - 0.1).abs() < 0.01, "{overlap}");
}

#[test]
fn what_cannot_be_rehearsed_says_why_by_its_status() {
    let (folder, config) = folder();
    let broken = folder.path().join("keys");
    fs::write(&broken, "ann\tmany\n".repeat(10)).unwrap();
    let broken = broken.to_str().unwrap();
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let config: &[&str] = &["--config", &config];
    for (arguments, status, why) in [
        ([&["shop", "4@100"], config].concat(), 1, "no code version `4`"),
        ([&["cart", "1@100"], config].concat(), 1, "routine `cart` does not exist"),
        ([&["shop", "1@90"], config].concat(), 2, "sum to 100"),
        ([&["shop", "--plan", "10", "--to", "3"], config].concat(), 2, "--from"),
        ([&["shop"], config].concat(), 2, "--plan"),
        ([&["shop", "--plan", "0"], config].concat(), 2, "1..=100"),
        ([&["shop", "1@100", "--users", "0"], config].concat(), 2, "from 1 to"),
        ([&["shop", "1@100", "--keys", broken], config].concat(), 1, "10 of 10 lines"),
        ([&["shop", "1@100", "--keys", "/nowhere"], config].concat(), 3, "/nowhere"),
        (
            [&["shop", "1@100", "--report", "/nowhere/x"], config].concat(),
            3,
            "cannot write the report `/nowhere/x`",
        ),
        (vec!["shop", "1@100", "--config", "/nowhere.toml"], 3, "/nowhere.toml"),
        (vec!["shop", "1@100", "--admin", &nobody], 3, "cannot reach"),
    ] {
        let said = rehearse(&arguments);
        let error = String::from_utf8(said.stderr).unwrap();
        assert_eq!(said.status.code(), Some(status), "{arguments:?}: {error}");
        assert!(error.contains(why), "{arguments:?}: {error}");
    }
}

/// `head` has seen enough, and the verdict is the same.
#[test]
fn a_reader_who_is_gone_changes_no_verdict() {
    let (_folder, config) = folder();
    for (planned, status) in [("2@100", 0), ("3@100", 1)] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command: Command = serin();
        command.args(["rehearse", "shop", planned, "--zipf", "0", "--config", &config]);
        let ended = finish(command.stdout(writer));
        assert_eq!(ended.status.code(), Some(status), "{ended:?}");
    }
}
