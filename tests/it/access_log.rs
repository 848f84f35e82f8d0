//! Each request is a line of the access log, and nobody waits for it.

use std::fs;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use http::Request;
use serde_json::{Value, json};
use serin::model::{AccessLog as Settings, LogDestination, Timestamp, TraceParent};
use serin::observe::{AccessLog, KeyHashSeed, Line, OpenLog, Outside};

use crate::support::h2::{Sent, Speaker, run};
use crate::support::http::Connection;
use crate::support::process::{ANY_PORT, Process, output};
use crate::support::raw::{Client, request};
use crate::support::upstream::Upstream;
use crate::support::wait_until;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/// A Serin that writes a log, and its files.
struct Logged {
    serin: Process,
    folder: tempfile::TempDir,
    log: PathBuf,
}

impl Logged {
    /// Keys of `[access_log]`, and then tables.
    fn new(keys: &str, tables: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("access.log");
        fs::write(folder.path().join("serin.toml"), config(&log, keys, tables)).unwrap();
        Self { serin: Process::start(&folder.path().join("serin.toml")), folder, log }
    }

    fn client(&self) -> Connection {
        Connection::open(self.serin.production).unwrap()
    }

    /// The lines of the log, once there are so many.
    fn lines(&self, count: usize) -> Vec<Value> {
        let mut text = String::new();
        wait_until(|| {
            text = fs::read_to_string(&self.log).unwrap_or_default();
            text.lines().count() >= count
        });
        let mut lines = parsed(&text);
        assert_eq!(lines.len(), count, "{text}");
        lines.sort_by_key(|line| line["ts"].as_str().unwrap().to_owned());
        lines
    }

    /// Ends Serin, and with it the log: all lines, in the order of their requests.
    fn all_lines(self) -> Vec<Value> {
        let (status, log) = self.serin.terminate();
        assert!(status.success(), "{log}");
        let mut lines = parsed(&fs::read_to_string(&self.log).unwrap());
        // Those of one worker are in order.
        lines.sort_by_key(|line| line["ts"].as_str().unwrap().to_owned());
        lines
    }
}

fn config(log: &Path, keys: &str, tables: &str) -> String {
    format!("{ANY_PORT}\n[access_log]\nto = \"{}\"\n{keys}\n{tables}", log.display())
}

/// `shop` with these versions, each with its upstream and percentage.
fn shop(versions: &[(&str, &str, u8)]) -> String {
    let mut text = "[[routine]]\nname = \"shop\"\nroutes = [\"shop.test/*\"]\n\
                    sticky = [\"header:x-user\"]\n"
        .to_owned();
    let mut shares = Vec::new();
    for (version, upstream, percent) in versions {
        let version = format!("code_version = \"{version}\"");
        for part in ["[[routine.version]]\n", &version, "\nupstream = \"", upstream, "\"\n"] {
            text.push_str(part);
        }
        shares.push(format!("{{ {version}, percentage = {percent} }}"));
    }
    let shares = shares.join(", ");
    text + &format!("[[routine.deployment]]\nenv = \"production\"\ncode_versions = [{shares}]\n")
}

fn parsed(text: &str) -> Vec<Value> {
    assert!(text.is_empty() || text.ends_with('\n'), "lines are whole: {text}");
    let line =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    text.lines().map(line).collect()
}

#[test]
fn a_line_says_what_became_of_a_request_and_never_the_key() {
    let upstream = Upstream::saying(OK);
    let url = upstream.url();
    let logged = Logged::new("", &shop(&[("1", url, 50), ("2", url, 50)]));
    let mut client = logged.client();
    let mut versions = Vec::new();
    for user in ["ann-secret", "ben-secret", "ann-secret"] {
        let got = client.get("shop.test", &[("x-user", user), ("x-request-id", "r-7")]).unwrap();
        versions.push(got.header("x-serin-version").unwrap().to_owned());
    }
    let posted =
        "POST /cart?token=hush HTTP/1.1\r\nhost: shop.test\r\ncontent-length: 3\r\n\r\nabc";
    assert_eq!(client.send(posted).unwrap().status, 200);

    let lines = logged.lines(4);
    let explained = logged.serin.call(
        "GET",
        "/api/v1/explain?routine=shop&environment=production&key=ann-secret",
        &Value::Null,
    );
    for (line, version) in lines.iter().zip(&versions) {
        for (name, value) in [
            ("method", json!("GET")),
            ("host", json!("shop.test")),
            ("path", json!("/")),
            ("proto", json!("HTTP/1.1")),
            ("client", json!("127.0.0.1")),
            ("request_id", json!("r-7")),
            ("status", json!(200)),
            ("bytes_in", json!(0)),
            ("bytes_out", json!(5)),
            ("routine", json!("shop")),
            ("env", json!("production")),
            ("assigned_version", json!(version)),
            ("served_version", json!(version)),
            ("role", json!(if version == "2" { "canary" } else { "stable" })),
            ("reason", json!("key")),
            ("key_source", json!("header:x-user")),
            ("upstream", json!(url)),
            ("attempts", json!(1)),
        ] {
            assert_eq!(line[name], value, "{name} of {line}");
        }
        let at = line["ts"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        assert!(at.duration_until(jiff::Timestamp::now()).as_secs() < 60, "{line}");
        for time in ["duration_ms", "route_us", "ttfb_ms"] {
            assert!(line[time].as_f64().unwrap() > 0.0, "{time} of {line}");
        }
        assert!(TraceParent::parse(line["traceparent"].as_str().unwrap().as_bytes()).is_some());
        assert!(line["deployment_id"].is_string() && line["generation"].is_u64(), "{line}");
    }
    assert_eq!(lines[0]["bucket"], explained.json()["bucket"]);
    assert_eq!(lines[0]["key_hash"], lines[2]["key_hash"]);
    assert_ne!(lines[0]["key_hash"], lines[1]["key_hash"]);
    let [first, .., posted] = lines.as_slice() else { panic!("four lines") };
    assert_eq!(
        (&first["upstream_reused"], &posted["upstream_reused"]),
        (&json!(false), &json!(true))
    );
    assert!(first["connect_ms"].is_number() && posted.get("connect_ms").is_none());
    assert_eq!((&posted["path"], &posted["bytes_in"]), (&json!("/cart"), &json!(3)));
    assert_eq!((&posted["reason"], posted.get("key_hash")), (&json!("spread"), None));
    let text = fs::read_to_string(&logged.log).unwrap();
    for secret in ["ann-secret", "ben-secret", "hush"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn what_nobody_answers_and_what_is_no_request_has_its_line_and_a_sample_its_share() {
    let logged = Logged::new("sample = 0", &shop(&[("1", "http://127.0.0.1:1", 100)]));
    assert_eq!(logged.client().get("nobody.test", &[]).unwrap().status, 404);
    assert_eq!(logged.client().send("GET / HTTP/1.1\r\n\r\n").unwrap().status, 400);
    assert_eq!(logged.client().get("shop.test", &[]).unwrap().status, 502);
    let lines = logged.all_lines();
    let [line] = lines.as_slice() else { panic!("what went wrong for us is written: {lines:?}") };
    assert_eq!((&line["status"], &line["error"]), (&json!(502), &json!("connection_refused")));
    assert_eq!((&line["response_flags"], &line["assigned_version"]), (&json!("UF"), &json!("1")));
    assert_eq!(line.get("served_version"), None);

    let logged = Logged::new("", "");
    assert_eq!(logged.client().get("nobody.test", &[]).unwrap().status, 404);
    assert_eq!(logged.client().send("GET / HTTP/1.1\r\n\r\n").unwrap().status, 400);
    assert_eq!(logged.client().send("what?\r\n\r\n").unwrap().status, 400);
    let lines = logged.all_lines();
    assert_eq!(lines.len(), 3);
    for (line, flag) in lines.iter().zip(["NR", "DPE", "DPE"]) {
        assert_eq!(line["response_flags"], flag, "{line}");
    }
    assert_eq!(lines[2].get("method"), None, "it was none");
}

#[test]
fn a_file_that_is_renamed_is_opened_again_and_no_line_is_lost() {
    let upstream = Upstream::saying(OK);
    let logged = Logged::new("", &shop(&[("1", upstream.url(), 100)]));
    let rotated = logged.folder.path().join("access.log.1");
    let mut client = logged.client();
    let mut asked = 0;
    let mut ask = || {
        assert_eq!(client.get("shop.test", &[]).unwrap().status, 200);
        asked += 1;
    };
    ask();
    logged.lines(1);
    fs::rename(&logged.log, &rotated).unwrap();
    wait_until(|| {
        ask();
        logged.log.exists()
    });
    // At once where it is asked for.
    let second = logged.folder.path().join("access.log.2");
    fs::rename(&logged.log, &second).unwrap();
    logged.serin.signal("HUP");
    logged.serin.says("SIGHUP: the config is in effect");
    ask();
    let (status, said) = logged.serin.terminate();
    assert!(status.success(), "{said}");
    let count = |path: &PathBuf| parsed(&fs::read_to_string(path).unwrap()).len();
    // What was asked just before the second rename may still have been on its way.
    assert!(count(&logged.log) >= 1);
    assert_eq!(count(&rotated) + count(&second) + count(&logged.log), asked);
}

#[test]
fn a_pipe_that_nobody_reads_costs_lines_and_no_request() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(output(Command::new("mkfifo").arg(&pipe)).status.success());
    let to = LogDestination::File(pipe.clone());
    let settings = Settings { lines_waiting: 64.try_into().unwrap(), ..Settings::new(to) };
    let outside = Outside { clock: Timestamp::default, key_hash: KeyHashSeed::new([0; 16]) };
    let open = OpenLog::open(Some(&settings)).unwrap();
    let (log, thread) = AccessLog::start(open, outside, ()).unwrap();
    let worker = log.of_worker(0);
    let mut written = 0_u64;
    wait_until(|| {
        worker.write(&Line { target: "/a/path/of/some/length", method: "GET", ..Line::default() });
        written += 1;
        log.counts().dropped > 1_000
    });
    drop(worker);
    assert!(!thread.end(Duration::from_millis(50)), "it waits for a reader, and nobody for it");
    // What a reader finds is whole, and what it does not find was counted.
    let reader = BufReader::new(File::open(&pipe).unwrap());
    let dropped = log.counts().dropped;
    let expected = usize::try_from(written - dropped).unwrap();
    let read = reader.lines().take(expected).map(|line| line.unwrap());
    let read: Vec<Value> = read.map(|line| serde_json::from_str(&line).unwrap()).collect();
    assert_eq!(read.len(), expected);
}

#[test]
fn requests_are_answered_while_a_log_stands_still() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("access.log");
    assert!(output(Command::new("mkfifo").arg(&pipe)).status.success());
    let upstream = Upstream::saying(OK);
    let path = folder.path().join("serin.toml");
    let tables = shop(&[("1", upstream.url(), 100)]);
    fs::write(&path, config(&pipe, "lines_waiting = 64", &tables)).unwrap();
    let mut serin = Process::start(&path);
    let mut client = Connection::open(serin.production).unwrap();
    for _ in 0..500 {
        assert_eq!(client.get("shop.test", &[]).unwrap().status, 200);
    }
    let mut admin = Connection::open(serin.admin).unwrap();
    wait_until(|| {
        let page = admin.send("GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        let page = String::from_utf8(page.body).unwrap();
        let dropped =
            page.lines().find_map(|it| it.strip_prefix("serin_access_log_dropped_total "));
        dropped.unwrap().parse::<f64>().unwrap() > 0.0
    });
    serin.kill();
}

#[test]
fn what_a_client_says_forges_no_line() {
    for (keys, is_json) in [("query = true", true), ("format = \"combined\"", false)] {
        let upstream = Upstream::saying(OK);
        let logged = Logged::new(keys, &shop(&[("1", upstream.url(), 100)]));
        let mut client = Client::new(logged.serin.production);
        let mut bytes = b"GET /a%0a?c='\"< HTTP/1.1\r\nhost: shop.test\r\n".to_vec();
        bytes.extend(b"x-request-id: \"}{\"a\":\"\\\xff\r\nuser-agent: \"\\\"\t\x80\r\n\r\n");
        assert_eq!(client.send(bytes).answer().status, 200);
        let (status, said) = logged.serin.terminate();
        assert!(status.success(), "{said}");
        let text = fs::read_to_string(&logged.log).unwrap();
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        assert!(text.trim_end().bytes().all(|byte| matches!(byte, b' '..=b'~')), "{text}");
        if is_json {
            let line: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(line["request_id"], "\"}{\"a\":\"\\\u{fffd}");
            assert!(line["path"].as_str().unwrap().contains("?c="), "{line}");
        } else {
            let plain = text.replace("\\\\", "").replace("\\\"", "");
            assert_eq!(plain.matches('"').count(), 6, "{text}");
            assert!(text.starts_with("127.0.0.1 - - ["), "{text}");
        }
    }
}

#[test]
fn http2_and_websockets_have_their_lines() {
    const AGREES: &str = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\
                          connection: Upgrade\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    let upstream = Upstream::new(|visit| {
        while let Some(request) = visit.request() {
            visit.say(if request.contains("websocket") { AGREES } else { OK });
        }
    });
    let logged = Logged::new("", &shop(&[("1", upstream.url(), 100)]));
    run(async {
        let mut speaker = Speaker::plain(logged.serin.production).await;
        let request = Request::post("http://shop.test/h2").body(Sent::whole(b"seven77")).unwrap();
        assert_eq!(speaker.ask(request).await.status, 200);
    });
    let asks = [
        "connection: Upgrade",
        "upgrade: websocket",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version: 13",
    ];
    let mut client = Client::new(logged.serin.production);
    let asked = request("GET", "/chat", &asks).replace("shop.localhost", "shop.test");
    assert_eq!(client.send(asked).head().status, 101);
    let lines = logged.lines(2);
    let h2 = &lines[0];
    assert_eq!((&h2["proto"], &h2["path"]), (&json!("HTTP/2.0"), &json!("/h2")));
    assert_eq!((&h2["bytes_in"], &h2["bytes_out"]), (&json!(7), &json!(5)));
    assert_eq!((&lines[1]["status"], &lines[1]["path"]), (&json!(101), &json!("/chat")));
}

#[test]
fn a_failover_shows_who_was_assigned_and_who_served() {
    let upstream = Upstream::saying(OK);
    let versions = [("1", upstream.url(), 1), ("2", "http://127.0.0.1:1", 99)];
    let tables = shop(&versions) + "[failover]\npolicy = \"other-version\"\n";
    let logged = Logged::new("", &tables);
    let mut client = logged.client();
    for user in 0..8 {
        let user = user.to_string();
        assert_eq!(client.get("shop.test", &[("x-user", &user)]).unwrap().status, 200);
    }
    let lines = logged.all_lines();
    let mut over = lines.iter().filter(|line| line["assigned_version"] == "2");
    let line = over.next().expect("99 % are of the version that is gone");
    assert_eq!((&line["served_version"], &line["reason"]), (&json!("1"), &json!("failover")));
    assert_eq!((&line["role"], &line["attempts"]), (&json!("stable"), &json!(2)));
    assert_eq!((&line["key_source"], line.get("error")), (&json!("header:x-user"), None));
}

#[test]
fn a_reload_changes_all_of_the_log_or_nothing() {
    let upstream = Upstream::saying(OK);
    let tables = shop(&[("1", upstream.url(), 100)]);
    let logged = Logged::new("", &tables);
    let (path, second) =
        (logged.folder.path().join("serin.toml"), logged.folder.path().join("2.log"));
    let write = |text: String| {
        fs::write(path.with_extension("new"), text).unwrap();
        fs::rename(path.with_extension("new"), &path).unwrap();
        logged.serin.signal("HUP");
    };
    let mut client = logged.client();
    let mut ask = || assert_eq!(client.get("shop.test", &[]).unwrap().status, 200);
    ask();
    logged.lines(1);
    write(config(Path::new("/nowhere/access.log"), "", &tables));
    let refused = logged.serin.says("the config was refused");
    assert!(refused.contains("cannot open the access log `/nowhere/access.log`"), "{refused}");
    ask();
    logged.lines(2);
    write(config(&second, "format = \"combined\"", &tables));
    logged.serin.says("the config is in effect");
    let mut text = String::new();
    wait_until(|| {
        ask();
        text = fs::read_to_string(&second).unwrap_or_default();
        text.lines().any(|line| line.starts_with("127.0.0.1 - - ["))
    });
    write(format!("{ANY_PORT}\n{tables}"));
    logged.serin.says("the config is in effect");
    ask();
    let (status, said) = logged.serin.terminate();
    assert!(status.success(), "{said}");
    assert!(fs::read_to_string(&second).unwrap().ends_with('\n'));
}

#[test]
fn a_log_rehearses_the_next_release() {
    let upstream = Upstream::saying(OK);
    let logged = Logged::new("", &shop(&[("1", upstream.url(), 100)]));
    let mut client = logged.client();
    for user in 0..40 {
        let user = format!("user-{}", user % 20);
        assert_eq!(client.get("shop.test", &[("x-user", &user)]).unwrap().status, 200);
    }
    let (_, config) = (logged.lines(40), logged.folder.path().join("serin.toml"));
    fs::write(
        &config,
        shop(&[("1", upstream.url(), 100)]).replace(
            "[[routine.deployment]]",
            "[[routine.version]]\ncode_version = \"2\"\n[[routine.deployment]]",
        ),
    )
    .unwrap();
    let mut rehearsed = crate::support::process::serin();
    rehearsed.args(["rehearse", "shop", "1@50", "2@50", "--json", "--config"]).arg(&config);
    let told = output(rehearsed.arg("--access-log").arg(&logged.log));
    let told: Value = serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{told:?}"));
    let step = &told["steps"][0];
    assert_eq!((&step["users"], &step["requests"]), (&json!(20), &json!(40)));
    assert!(told["users_from"].as_str().unwrap().contains("hashes of keys"), "{told}");
}
