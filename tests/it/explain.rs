//! `serin explain`: a config and a running Serin agree, and so does what a request gets.

use std::process::Output;

use serde_json::Value;

use crate::support::http::Connection;
use crate::support::process::{ANY_PORT, Process, output, serin};

const ROUTINE: &str = r#"
[[routine]]
name   = "shop"
routes = ["shop.test/*"]
sticky = ["header:x-user-id"]
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

/// What `serin explain` says of `arguments`.
fn explain(arguments: &[&str]) -> Output {
    output(serin().arg("explain").args(arguments))
}

fn text(said: &Output) -> String {
    String::from_utf8(said.stdout.clone()).unwrap()
}

#[test]
fn a_config_and_a_running_serin_agree_and_both_say_what_a_request_gets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serin.toml");
    std::fs::write(&path, format!("{ANY_PORT}{ROUTINE}")).unwrap();
    let serin = Process::start(&path);
    let admin = format!("http://{}", serin.admin);
    let mut client = Connection::open(serin.production).unwrap();
    let mut seen = Vec::new();
    for user in 0..20 {
        let user = format!("user-{user}");
        let header = format!("x-user-id: {user}");
        let of_key = ["--routine", "shop", "--key", &user, "--json"];
        let of_request = ["--host", "shop.test", "--path", "/a?b=c", "-H", &header, "--json"];
        let mut versions = Vec::new();
        for about in [&of_key[..], &of_request[..]] {
            let from_config = explain(&[about, &["--config", path.to_str().unwrap()]].concat());
            let from_admin = explain(&[about, &["--admin", &admin]].concat());
            assert!(from_config.status.success(), "{from_config:?}");
            assert_eq!(text(&from_config), text(&from_admin));
            let said: Value = serde_json::from_str(&text(&from_admin)).unwrap();
            versions.push(said["version"].as_str().unwrap().to_owned());
        }
        let got = client.get("shop.test", &[("x-user-id", &user)]).unwrap();
        let got = got.header("x-serin-version").unwrap().to_owned();
        assert_eq!(versions, [got.clone(), got.clone()], "{user}");
        seen.push(got);
    }
    assert!(seen.contains(&"1".to_owned()) && seen.contains(&"2".to_owned()), "{seen:?}");
}

#[test]
fn an_explanation_is_told_to_people() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serin.toml");
    std::fs::write(&path, format!("{ANY_PORT}{ROUTINE}")).unwrap();
    let config = ["--config", path.to_str().unwrap()];
    let said = text(&explain(&[&["--routine", "shop", "--key", "user-42"], &config[..]].concat()));
    for part in [
        "shop in production, deployment 1\n",
        "   70 %  1\n",
        "\nreason     key: ",
        "\nwould move ",
    ] {
        assert!(said.contains(part), "{part:?} is not in:\n{said}");
    }
}

#[test]
fn what_the_arguments_alone_tell_is_a_usage_error() {
    for wrong in [
        ["--client", "here"],
        ["--path", "cart"],
        ["--method", "a b"],
        ["--header", "no colon"],
        ["--header", "a b: c"],
    ] {
        let said = explain(&[&["--host", "shop.test"], &wrong[..]].concat());
        assert_eq!(said.status.code(), Some(2), "{wrong:?}: {said:?}");
    }
}

#[test]
fn what_cannot_be_explained_says_why_by_its_status() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serin.toml");
    std::fs::write(&path, format!("{ANY_PORT}{ROUTINE}")).unwrap();
    let config = ["--config", path.to_str().unwrap()];
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    for (arguments, status, why) in [
        ([&["--routine", "other"], &config[..]].concat(), 1, "routine `other` does not exist"),
        ([&["--host", "other.test"], &config[..]].concat(), 1, "no routine answers for this host"),
        (vec!["--routine", "shop", "--config", "/nowhere.toml"], 3, "/nowhere.toml"),
        (vec![], 2, "--routine"),
        (vec!["--routine", "shop", "--path", "/"], 2, "--path"),
        (vec!["--routine", "shop", "--admin", &nobody], 3, "cannot reach"),
    ] {
        let said = explain(&arguments);
        let error = String::from_utf8(said.stderr).unwrap();
        assert_eq!(said.status.code(), Some(status), "{arguments:?}: {error}");
        assert!(error.contains(why), "{arguments:?}: {error}");
    }
}
