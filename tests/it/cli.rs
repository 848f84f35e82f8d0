//! The verbs that see and steer a running Serin.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::http::Connection;
use crate::support::process::{ANY_PORT, Process, output, serin};
use crate::support::upstream::Upstream;

const ROUTINE: &str = r#"
[[site]]
id   = 1
name = "shop.test"

[[routine]]
name   = "checkout"
sticky = ["header:x-user-id"]
[[routine.version]]
code_version = "9"
[[routine.version]]
code_version = "10"
[[routine.deployment]]
env = "production"
code_versions = [
    { code_version = "9", percentage = 90 },
    { code_version = "10", percentage = 10 },
]
"#;

/// A Serin, and the command line that asks it as the environment says.
struct Place {
    folder: tempfile::TempDir,
    serin: Process,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("serin.toml");
        std::fs::write(&path, format!("{ANY_PORT}{ROUTINE}")).unwrap();
        let serin = Process::start(&path);
        Self { folder, serin }
    }

    fn run(&self, arguments: &str) -> Output {
        let admin = format!("http://{}", self.serin.admin);
        output(serin().env("SERIN_ADMIN", admin).args(arguments.split_ascii_whitespace()))
    }

    #[track_caller]
    fn says(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments}: {said}{stderr}");
        said
    }

    #[track_caller]
    fn json(&self, arguments: &str) -> Value {
        let said = self.says(&format!("{arguments} --json"));
        assert_eq!(said.lines().count(), 1, "one document: {said}");
        serde_json::from_str(&said).unwrap()
    }

    /// What it says when it fails, which it does with this status.
    #[track_caller]
    fn fails(&self, status: i32, arguments: &str) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{arguments}: {said}");
        said
    }

    /// Has so many users ask, each once.
    fn visit(&self, users: usize) {
        let mut client = Connection::open(self.serin.production).unwrap();
        for user in 0..users {
            let key = [("x-user-id", &*format!("user-{user}"))];
            client.get("checkout.localhost", &key).unwrap();
        }
    }
}

#[test]
fn a_release_goes_forward_is_promoted_and_is_rolled_back() {
    let place = Place::new();
    let said = place.says("forward checkout 25%");
    let expected = "\
deployment 2: checkout in production
   75 %  9
   25 %  10
15 % of users move (exact)
  15 %  9 -> 10
";
    assert_eq!(said, expected, "10 is newer than 9");

    let said = place.fails(1, "forward checkout 20");
    assert!(
        said.contains("has 25 % of the users of `checkout` in production already")
            && said.contains("`serin deploy checkout 9@80 10@20 --env production`"),
        "{said}"
    );

    let said = place.says("promote checkout");
    assert!(said.starts_with("deployment 3: checkout in production\n  100 %  10\n75 %"), "{said}");
    for verb in ["promote checkout", "forward checkout 50%"] {
        let said = place.fails(1, verb);
        assert!(
            said.contains("code version `10` has all users of `checkout` in production")
                && said.contains("`serin deploy checkout 10@90 9@10 --env production`"),
            "{said}"
        );
    }
    let said = place.fails(1, "promote checkout --env staging");
    assert!(
        said.contains("nothing is deployed of `checkout` in staging")
            && said.contains("`serin deploy checkout 10@100 --env staging`"),
        "{said}"
    );

    let rolled_back = place.json("rollback checkout");
    assert_eq!(rolled_back["code_versions"][1], json!({ "code_version": "10", "percentage": 25 }));
    let said = place.says("rollback checkout --to 1");
    assert!(said.contains("   10 %  10\n15 % of users move (exact)"), "{said}");
    let said = place.fails(1, "rollback checkout --to 77");
    assert!(said.contains("no deployment 77") && said.contains("`serin deployments checkout`"));

    let said = place.says("deployments checkout");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 6, "{said}");
    assert!(lines[1].ends_with("9@90 10@10  live") && lines[5].ends_with("9@90 10@10"), "{said}");
    let listed = place.json("deployments checkout --env production --limit 2");
    assert_eq!(listed["deployments"].as_array().unwrap().len(), 2);
    let said = place.says("deployments checkout show 3");
    assert!(said.starts_with("deployment 3: checkout in production, of "), "{said}");
    assert!(said.ends_with("\n  100 %  10\nit is not live\n"), "{said}");
}

/// What a step depends on is signed, too.
#[test]
fn a_step_is_signed_where_keys_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serin.toml");
    let key = "[[access_key]]\nid = \"ci\"\nsecret = \"hunter2\"\n";
    std::fs::write(&path, format!("{ANY_PORT}{ROUTINE}{key}")).unwrap();
    let running = Process::start(&path);
    for step in [&["forward", "checkout", "25%"][..], &["promote", "checkout"]] {
        let admin = format!("http://{}", running.admin);
        let made = output(
            serin()
                .env("SERIN_ADMIN", admin)
                .env("SERIN_ACCESS_KEY_ID", "ci")
                .env("SERIN_ACCESS_KEY_SECRET", "hunter2")
                .args(step),
        );
        let said = String::from_utf8_lossy(&made.stderr);
        assert_eq!(made.status.code(), Some(0), "{step:?}: {said}");
    }
}

#[test]
fn what_somebody_has_deployed_meanwhile_is_not_overwritten() {
    let shares = json!([
        { "code_version": "9", "percentage": 90 },
        { "code_version": "10", "percentage": 10 },
    ]);
    let explained = json!({
        "deployment_id": "7", "code_versions": shares, "newer": "10", "percentage": 10,
    });
    let live = json!({
        "environment": "production", "deployment_id": "7", "created": "now",
        "code_versions": shares,
    });
    let refusal = json!({ "error": { "code": "precondition_failed", "message": "no" } });
    let answers = [
        ("200 OK", explained),
        ("200 OK\r\netag: \"seen\"", live),
        ("412 Precondition Failed", refusal),
    ];
    let admin = Upstream::new(move |visit| {
        visit.request();
        let (status, body) = &answers[visit.number];
        let body = body.to_string();
        visit.say(format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
    });
    let promoted = output(serin().args(["promote", "checkout", "--admin", admin.url()]));
    assert_eq!(promoted.status.code(), Some(1));
    let said = String::from_utf8_lossy(&promoted.stderr);
    assert!(said.contains("somebody has deployed `checkout` meanwhile"), "{said}");
    let requests = admin.requests();
    assert!(requests[2].contains("if-match: \"seen\""), "{requests:?}");
}

#[test]
fn a_dry_run_tells_what_would_be_and_does_nothing() {
    let place = Place::new();
    let output = place.run("forward checkout 50% --dry-run");
    assert_eq!(output.status.code(), Some(1), "nobody has come, so it tells nothing");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("nothing was deployed") && said.contains("\nDANGER: "), "{said}");

    place.visit(500);
    let said = place.says("forward checkout 50% --dry-run");
    for part in [
        "nothing was deployed: this would be checkout in production\n   50 %  9\n   50 %  10\n",
        ": 500 users, 500 requests, 0 of them without a key\n",
        "\nversion   now  users  requests  then  users  requests\n",
        "\ngood\n",
    ] {
        assert!(said.contains(part), "{part:?} is not in:\n{said}");
    }
    let told = place.run("rollback checkout --to 1 --dry-run --json");
    assert_eq!(told.status.code(), Some(1), "a tenth of them is too few");
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((&told["dry_run"], &told["moves"]), (&json!(true), &json!([])));
    assert_eq!(place.json("deployments checkout")["deployments"].as_array().unwrap().len(), 1);
}

#[test]
fn status_tells_shares_asked_and_seen_and_fails_where_an_endpoint_is_sick() {
    let place = Place::new();
    let said = place.says("status");
    assert!(said.contains("no users yet"), "{said}");
    place.visit(400);
    // What the check tells is at most a second old.
    crate::support::wait_until(|| place.says("status checkout").contains("as asked"));
    let said = place.says("status checkout --env production");
    let lines: Vec<Vec<&str>> =
        said.lines().map(|line| line.split_ascii_whitespace().collect()).collect();
    assert_eq!(lines[0][..5], ["routine", "environment", "version", "asked", "users"], "{said}");
    assert_eq!(lines[1][..4], ["checkout", "production", "9", "90"], "{said}");
    assert_eq!(lines.len(), 3, "{said}");
    let users = |line: &[&str]| line[5].parse::<u64>().unwrap();
    assert_eq!(users(&lines[1]) + users(&lines[2]), 400, "{said}");

    let status = place.json("status");
    let of = &status["routines"][0];
    assert_eq!(of["routine"]["name"], "checkout");
    assert_eq!(of["checks"]["production"]["verdict"], "as_configured");
    assert_eq!(of["traffic"]["versions"].as_array().unwrap().len(), 2);
    assert_eq!(status["endpoints"], json!([]));
}

#[test]
fn routines_and_versions_are_made_listed_bound_and_deleted() {
    let place = Place::new();
    let said = place.says("routines create cart --description basket");
    assert!(said.contains("`serin versions cart add`"), "{said}");
    assert!(place.fails(1, "routines create cart").contains("`serin routines show cart`"));
    let said = place.says("routines");
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("routine   production  staging  versions  description"), "{said}");
    assert_eq!(lines[1], "cart      -           -               0  basket");
    assert!(lines[2].starts_with("checkout  9@90 10@10  -"), "{said}");
    assert_eq!(place.json("routines list --search che")["total"], 1);
    assert_eq!(place.json("routines show cart")["description"], "basket");

    assert_eq!(place.json("versions cart add 1")["code_version"], "1");
    place.says("versions cart add 2 --upstream http://127.0.0.1:9");
    let said = place.says("versions cart");
    assert!(said.contains("http://127.0.0.1:9\n") && said.contains("built-in\n"), "{said}");
    let said = place.says("bind checkout 10 http://127.0.0.1:9");
    assert!(said.contains("version 10 of `checkout` is http://127.0.0.1:9 from now on\n"));
    assert!(said.ends_with("   10 %  of the users in production get it\nnobody moves\n"), "{said}");
    assert_eq!(place.json("bind checkout 10 built-in")["upstream"], Value::Null);
    let said = place.fails(1, "bind checkout 11 built-in");
    assert!(said.contains("no code version `11`; did you mean `10`?"), "{said}");

    let said = place.fails(1, "versions checkout delete 10");
    assert!(said.contains("is deployed in production"), "{said}");
    assert!(place.says("versions cart delete 1").contains("is deleted"));
    let said = place.says("routines delete cart");
    assert_eq!(said, "routine `cart` is deleted, with 1 version; it was not deployed\n");
    assert!(place.fails(1, "routines show cart").contains("there is no routine or app `cart`"));
    let said = place.says("routines show checkout");
    assert!(said.contains("\nproduction   9@90 10@10, deployment 1 of "), "{said}");
}

#[test]
fn an_app_is_shown_and_where_a_verb_does_not_change_it_that_is_said() {
    let place = Place::new();
    let call = |action: &str, params: &Value| {
        let path = format!("/?Action={action}&Version=2024-09-10");
        let answer = place.serin.call("POST", &path, params);
        assert_eq!(answer.status, 200, "{action}: {}", answer.json());
        answer.json()
    };
    let made = json!({
        "Name": "worker", "TargetPort": 80, "ServicePort": 80, "HealthCheckType": "l7",
        "HealthCheckPort": 80,
    });
    let app = call("CreateEdgeContainerApp", &made);
    let id = app["AppId"].as_str().unwrap();
    for name in ["worker", id] {
        assert!(place.says(&format!("status {name}")).contains("nothing is deployed"));
    }
    assert_eq!(place.json("status")["apps"][0]["app"]["name"], "worker");
    assert!(place.says("deployments worker").contains("nothing was deployed"));
    for verb in
        ["promote worker", "rollback worker", "deploy worker 1@100", "routines delete worker"]
    {
        let said = place.fails(1, verb);
        assert!(said.contains("`worker` is an edge container app"), "{verb}: {said}");
    }
}

#[test]
fn colours_are_for_terminals_and_for_who_forces_them() {
    let place = Place::new();
    let admin = format!("http://{}", place.serin.admin);
    let said = |variables: &[(&str, &str)]| {
        let mut command = serin();
        command.env("SERIN_ADMIN", &admin).envs(variables.iter().copied());
        output(command.arg("status")).stdout.contains(&0x1b)
    };
    assert!(!said(&[]) && said(&[("CLICOLOR_FORCE", "1")]));
    assert!(!said(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn the_environment_stands_in_for_arguments_and_they_come_before_it() {
    let place = Place::new();
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let asked = |variable: &str, argument: Option<&str>| {
        let mut command = serin();
        command.env("SERIN_ADMIN", variable).args(["status", "--json"]);
        output(command.args(argument.map(|url| format!("--admin={url}")))).status.code()
    };
    let (here, nowhere) = (format!("http://{}", place.serin.admin), format!("http://{nowhere}"));
    assert_eq!(asked(&here, None), Some(0));
    assert_eq!(asked(&nowhere, None), Some(3));
    assert_eq!(asked(&nowhere, Some(&here)), Some(0));

    let config = place.folder.path().join("serin.toml");
    for arguments in [&["check"][..], &["explain", "--routine", "checkout", "--config"]] {
        let output = output(serin().env("SERIN_CONFIG", &config).args(arguments));
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
    }
}

#[test]
fn completions_and_manual_pages_are_made_of_the_arguments() {
    for (shell, part) in
        [("bash", "_serin()"), ("zsh", "#compdef serin"), ("fish", "complete -c serin")]
    {
        let script = output(serin().args(["completions", shell]));
        let script = String::from_utf8(script.stdout).unwrap();
        assert!(script.contains(part) && script.contains("promote"), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    let written = output(serin().args(["man", "--out"]).arg(&pages));
    assert!(written.status.success() && written.stdout.is_empty(), "{written:?}");
    for name in ["serin.1", "serin-deploy.1", "serin-routines-create.1", "serin-top.1"] {
        let page = std::fs::read_to_string(pages.join(name)).unwrap();
        assert!(page.contains(".SH NAME"), "{name}");
    }
    let page = output(serin().arg("man"));
    assert!(page.stdout == std::fs::read(pages.join("serin.1")).unwrap());
    let taken = output(serin().args(["man", "--out"]).arg(pages.join("serin.1")));
    assert_eq!(taken.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&taken.stderr).contains("cannot write the manual to"));
}
