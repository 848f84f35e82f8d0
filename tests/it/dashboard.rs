//! The dashboard: a page for browsers at `/`, and a stream of what changes.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::WAIT_MAX;
use crate::support::desk::{Desk, Heard};

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

/// A routine `shop` with versions 1 and 2, of which 1 has everybody.
fn shop(desk: &Desk) {
    desk.tell("POST", "/routines", &json!({"name": "shop"})).with(201);
    for version in ["1", "2"] {
        let new = json!({ "code_version": version });
        desk.tell("POST", "/routines/shop/versions", &new).with(201);
    }
    deploy(desk, &[("1", 100)]).with(201);
}

const DEPLOY: &str = "/routines/shop/environments/production/deployment";

fn shares(shares: &[(&str, u8)]) -> Value {
    let share = |&(version, percentage): &(&str, u8)| json!({ "code_version": version, "percentage": percentage });
    json!({ "code_versions": shares.iter().map(share).collect::<Vec<_>>() })
}

fn deploy(desk: &Desk, of: &[(&str, u8)]) -> Heard {
    desk.tell("POST", DEPLOY, &shares(of))
}

/// Server-sent events, as they come.
struct Stream(BufReader<TcpStream>);

impl Stream {
    /// Its status, and the events that follow.
    fn open(desk: &Desk, query: &str, headers: &[(&str, &str)]) -> (u16, Self) {
        let mut stream = TcpStream::connect_timeout(&desk.address, WAIT_MAX).unwrap();
        stream.set_read_timeout(Some(WAIT_MAX)).unwrap();
        let lines: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let lines = lines.concat();
        let host = desk.address;
        let head = format!("GET /dashboard/events{query} HTTP/1.1\r\nhost: {host}\r\n{lines}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut stream = Self(BufReader::new(stream));
        let status = stream.line().unwrap();
        (status.split(' ').nth(1).unwrap().parse().unwrap(), stream)
    }

    /// `None` at the end.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).unwrap();
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// The next event of this name for which `holds`.
    fn until(&mut self, event: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let mut name = String::new();
        loop {
            let line = self.line().expect("the stream goes on");
            if let Some(it) = line.strip_prefix("event: ") {
                it.clone_into(&mut name);
            } else if let Some(data) = line.strip_prefix("data: ") {
                let data = serde_json::from_str(data).unwrap();
                if name == event && holds(&data) {
                    return data;
                }
            }
        }
    }

    fn next(&mut self, event: &str) -> Value {
        self.until(event, |_| true)
    }
}

#[test]
fn a_browser_gets_the_page_and_clients_of_esa_get_the_dialect() {
    let desk = Desk::start();
    let page = desk.request("GET", "/", &[BROWSER], b"");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.body.starts_with("<!doctype html>"));
    let policy = page.header("content-security-policy").unwrap();
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.split("; ").any(|it| it == part), "{part}: {policy}");
    }
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(desk.request("HEAD", "/", &[BROWSER], b"").status, 200);

    for (method, target, headers) in [
        ("GET", "/?Action=GetRoutineUserInfo", vec![BROWSER]),
        ("GET", "/", vec![BROWSER, ("x-acs-action", "GetRoutineUserInfo")]),
        ("POST", "/", vec![BROWSER]),
        ("GET", "/", vec![("accept", "*/*")]),
        ("GET", "/", vec![]),
    ] {
        let answer = desk.request(method, target, &headers, b"");
        let is_esa = answer.header("x-acs-request-id").is_some();
        assert!(is_esa && answer.json()["RequestId"].is_string(), "{method} {target} {headers:?}");
    }
}

#[test]
fn the_page_names_files_that_are_there_and_never_change() {
    let desk = Desk::keyed(&[("id", "secret", false)]);
    let page = desk.request("GET", "/", &[BROWSER], b"").body;
    let paths: Vec<&str> = page.split('"').filter(|it| it.starts_with("/dashboard/")).collect();
    assert!(paths.len() > 5, "{page}");
    let mut bytes = page.len();
    for path in &paths {
        let file = desk.request("GET", path, &[], b"");
        let kind = file.header("content-type").unwrap();
        let is_style = std::path::Path::new(path).extension().is_some_and(|it| it == "css");
        assert_eq!(kind.starts_with("text/css"), is_style, "{path}");
        assert_eq!(file.status, 200, "{path}");
        assert_eq!(file.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert!(file.header("content-security-policy").is_some());
        bytes += file.body.len();
        let tag = file.header("etag").unwrap();
        let known = desk.request("GET", path, &[("if-none-match", tag)], b"");
        assert_eq!((known.status, known.body.as_str()), (304, ""), "{path}");
    }
    assert!(bytes < 150 * 1024, "{bytes}");
    // Of another Serin, or of none.
    assert_eq!(desk.request("GET", "/dashboard/0000/app.js", &[], b"").status, 404);
    let digest = paths[0].split('/').nth(2).unwrap();
    assert_eq!(desk.request("GET", &format!("/dashboard/{digest}/mod.rs"), &[], b"").status, 404);
}

#[test]
fn a_stream_tells_what_is_there_and_then_what_changes() {
    let desk = Desk::start();
    shop(&desk);
    let (status, mut stream) = Stream::open(&desk, "", &[]);
    assert_eq!(status, 200);
    let hello = stream.next("hello");
    assert_eq!((&hello["may_write"], &hello["keys"]), (&json!(true), &json!(false)));
    let row = stream.next("row");
    assert_eq!((&row["id"], &row["staging"]), (&json!("routine/shop"), &Value::Null));
    assert_eq!(row["production"]["versions"][0]["code_version"], "1");
    let list = stream.next("list");
    assert_eq!(list["rows"], json!(["routine/shop"]));
    assert_eq!(stream.next("process")["open_tunnels"], 0);

    desk.tell("POST", "/routines", &json!({"name": "other"})).with(201);
    let mut row = stream.next("row");
    // What did not change is not told again.
    assert_eq!(row["id"], "routine/other");
    deploy(&desk, &[("1", 75), ("2", 25)]).with(201);
    row = stream.next("row");
    assert_eq!(row["id"], "routine/shop");
    let versions = &row["production"]["versions"];
    assert_eq!((&versions[0]["percentage"], &versions[1]["percentage"]), (&json!(75), &json!(25)));
    assert_eq!(row["production"]["check"]["verdict"], "no_users");
    desk.tallies.of_worker(0).assigned(0);
    row = stream.next("row");
    assert_eq!(row["production"]["versions"][0]["assigned"], 1);
    drop(stream);
}

#[test]
fn a_viewer_is_told_of_what_it_looks_at_alone() {
    let desk = Desk::start();
    shop(&desk);
    for number in 0..30 {
        desk.tell("POST", "/routines", &json!({"name": format!("more-{number:02}")})).with(201);
    }
    let list = |query: &str| Stream::open(&desk, query, &[]).1.next("list");
    let page = list("?search=more&offset=20&limit=20");
    assert_eq!((&page["routines"], &page["found"]), (&json!(31), &json!(30)));
    assert_eq!(page["rows"].as_array().unwrap().len(), 10);
    assert_eq!(page["rows"][0], "routine/more-20");
    assert_eq!(list("?search=none-such")["found"], 0);

    let (_, mut stream) = Stream::open(&desk, "?routine=shop", &[]);
    assert_eq!(stream.next("detail")["versions"].as_array().unwrap().len(), 2);
    assert_eq!(stream.next("row")["id"], "routine/shop");
    assert_eq!(stream.next("subject")["exists"], true);
    desk.ask("DELETE", "/routines/shop");
    assert_eq!(stream.next("subject")["exists"], false);
    for query in ["?routine=SHOP", "?app=x", "?routine=shop&app=app-1", "?shop=1"] {
        assert_eq!(Stream::open(&desk, query, &[]).0, 400, "{query}");
    }
}

#[test]
fn streams_are_bounded_and_one_that_is_left_makes_room() {
    let desk = Desk::start();
    let mut streams = Vec::new();
    for _ in 0..64 {
        let (status, mut stream) = Stream::open(&desk, "", &[]);
        assert_eq!(status, 200);
        stream.next("hello");
        streams.push(stream);
    }
    let refused = desk.request("GET", "/dashboard/events", &[], b"");
    assert_eq!(refused.with(503)["error"]["code"], "too_many_streams");
    assert_eq!(refused.header("retry-after"), Some("5"));
    streams.truncate(10);
    crate::support::wait_until(|| Stream::open(&desk, "", &[]).0 == 200);
}

#[test]
fn a_stream_delays_no_end() {
    let desk = Desk::start();
    let (_, mut stream) = Stream::open(&desk, "", &[]);
    stream.next("process");
    let begun = std::time::Instant::now();
    drop(desk);
    // Its time to drain is 5 s.
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    while stream.line().is_some() {}
}

#[test]
fn a_stream_is_no_idle_connection() {
    const IDLE: Duration = Duration::from_millis(50);
    let desk = Desk::impatient(IDLE);
    shop(&desk);
    let (_, mut stream) = Stream::open(&desk, "", &[]);
    for share in 1..=5 {
        deploy(&desk, &[("1", 100 - share), ("2", share)]).with(201);
        let is_told = |row: &Value| row["production"]["versions"][1]["percentage"] == share;
        // A tick is ten times the idle time.
        stream.until("row", is_told);
    }
}

#[test]
fn with_keys_the_page_is_open_and_what_it_shows_is_not() {
    let desk = Desk::keyed(&[("boss", "all", false), ("watcher", "look", true)]);
    assert_eq!(desk.request("GET", "/", &[BROWSER], b"").status, 200);
    for path in ["/dashboard/events", "/dashboard/history", "/dashboard/deployments"] {
        assert_eq!(desk.request("GET", path, &[], b"").status, 401, "{path}");
        let wrong = [("authorization", "Bearer wrong")];
        assert_eq!(desk.request("GET", path, &wrong, b"").status, 401, "{path}");
    }
    let hello = |secret: &str| {
        let bearer = format!("Bearer {secret}");
        Stream::open(&desk, "", &[("authorization", &bearer)]).1.next("hello")
    };
    let (boss, watcher) = (hello("all"), hello("look"));
    assert_eq!((&boss["key"], &boss["may_write"]), (&json!("boss"), &json!(true)));
    assert_eq!((&watcher["key"], &watcher["may_write"]), (&json!("watcher"), &json!(false)));
    let look = [("authorization", "Bearer look"), ("content-type", "application/json")];
    let made = desk.request("POST", "/api/v1/routines", &look, b"{\"name\":\"shop\"}");
    assert_eq!(made.status, 403);
}

#[test]
fn a_deployment_is_told_with_who_made_it_and_who_moved() {
    let desk = Desk::keyed(&[("boss", "all", false), ("deputy", "some", false)]);
    let post = |secret: &str, path: &str, body: &Value| {
        let bearer = format!("Bearer {secret}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let path = format!("/api/v1{path}");
        desk.request("POST", &path, &headers, body.to_string().as_bytes()).with(201);
    };
    post("all", "/routines", &json!({"name": "shop"}));
    for version in ["1", "2"] {
        post("all", "/routines/shop/versions", &json!({ "code_version": version }));
    }
    post("all", DEPLOY, &shares(&[("1", 100)]));
    post("some", DEPLOY, &shares(&[("1", 80), ("2", 20)]));
    post("some", DEPLOY, &shares(&[("1", 50), ("2", 50)]));
    post("all", "/routines/shop/environments/production/rollback", &json!({"deployment_id": "1"}));
    let told = |query: &str| {
        let path = format!("/dashboard/deployments?routine=shop&environment=production{query}");
        desk.request("GET", &path, &[("authorization", "Bearer all")], b"").with(200)
    };
    let page = told("&limit=3");
    let of = |it: &Value| (it["by"].clone(), it["moved"]["percent"].clone());
    let lines: Vec<_> = page["deployments"].as_array().unwrap().iter().map(of).collect();
    let line = |by: &str, percent: f64| (json!(by), json!(percent));
    assert_eq!(lines, [line("boss", 50.0), line("deputy", 30.0), line("deputy", 20.0)]);
    assert_eq!(page["next"], "2");
    let last = told("&before=2");
    assert_eq!(last["deployments"][0]["moved"], Value::Null);
    assert_eq!((&last["deployments"][0]["by"], &last["next"]), (&json!("boss"), &Value::Null));
}

/// Whatever changes something.
const CHANGES: &[(&str, &str)] = &[
    ("POST", "/api/v1/routines"),
    ("PATCH", "/api/v1/routines/shop"),
    ("DELETE", "/api/v1/routines/shop"),
    ("POST", "/api/v1/routines/shop/versions"),
    ("PATCH", "/api/v1/routines/shop/versions/2"),
    ("DELETE", "/api/v1/routines/shop/versions/2"),
    ("POST", "/api/v1/routines/shop/environments/production/deployment"),
    ("POST", "/api/v1/routines/shop/environments/production/rollback"),
    ("PATCH", "/api/v1/apps/app-1"),
    ("PATCH", "/api/v1/apps/app-1/versions/1"),
    ("PATCH", "/api/v1/account"),
    ("DELETE", "/api/v1/account"),
    ("POST", "/?Action=DeleteRoutine&Name=shop"),
    ("GET", "/?Action=DeleteRoutine&Name=shop"),
];

#[test]
fn another_site_changes_nothing_and_reads_nothing() {
    let desk = Desk::start();
    shop(&desk);
    let before = desk.ask("GET", "/routines/shop").body;
    let own = format!("localhost:{}", desk.address.port());
    let json = ("content-type", "application/json");
    for &(method, path) in CHANGES {
        for foreign in [
            [json, ("origin", "http://evil.test"), ("host", &own)],
            [json, ("origin", "null"), ("host", &own)],
            [json, ("sec-fetch-site", "cross-site"), ("host", &own)],
            [json, ("sec-fetch-site", "same-site"), ("host", &own)],
            [json, BROWSER, ("host", "evil.test")],
        ] {
            let answer = desk.request(method, path, &foreign, b"{}");
            assert_eq!(answer.status, 403, "{method} {path} {foreign:?}");
        }
    }
    for path in ["/dashboard/events", "/dashboard/history", "/api/v1/routines"] {
        let foreign = [("sec-fetch-site", "cross-site")];
        assert_eq!(desk.request("GET", path, &foreign, b"").status, 403, "{path}");
    }
    assert_eq!(desk.ask("GET", "/routines/shop").body, before);
}

#[test]
fn a_link_from_another_site_leads_to_the_page_and_to_nothing_else() {
    let desk = Desk::start();
    let link = [BROWSER, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
    assert_eq!(desk.request("GET", "/", &link, b"").status, 200);
    let embedded = [BROWSER, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")];
    assert_eq!(desk.request("GET", "/", &embedded, b"").status, 403);
    let action = desk.request("GET", "/?Action=DeleteRoutine&Name=shop", &link, b"");
    assert_eq!(action.status, 403);
    let rebound = [BROWSER, ("sec-fetch-mode", "navigate"), ("host", "evil.test")];
    assert_eq!(desk.request("GET", "/", &rebound, b"").status, 403);
}
