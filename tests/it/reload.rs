//! Another config while Serin serves: whole, or not at all, and nobody notices.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::http::{Connection, Response};
use crate::support::process::{ANY_PORT, Process};
use crate::support::raw::headers;
use crate::support::upstream::Upstream;
use crate::support::wait_until;

/// A file that is served, and what it says besides the addresses.
struct Served {
    serin: Process,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

/// Keys before the first table, and then tables.
fn config(keys: &str, tables: &str) -> String {
    format!("{keys}\n{ANY_PORT}\n{tables}")
}

impl Served {
    fn new(keys: &str, tables: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("serin.toml");
        fs::write(&path, config(keys, tables)).unwrap();
        Self { serin: Process::start(&path), path, _folder: folder }
    }

    /// Replaces the file as editors do.
    fn write(&self, text: &str) {
        let new = self.path.with_extension("new");
        fs::write(&new, text).unwrap();
        fs::rename(&new, &self.path).unwrap();
    }

    /// Writes, and has it taken by a signal.
    fn take(&self, keys: &str, tables: &str) -> String {
        self.write(&config(keys, tables));
        self.serin.signal("HUP");
        self.serin.says("SIGHUP: the config is in effect")
    }

    /// Writes, and has it refused: what is logged.
    fn refused(&self, text: &str) -> String {
        self.write(text);
        self.serin.signal("HUP");
        self.serin.says("SIGHUP: the config was refused, and all is as it was")
    }

    fn get(&self, host: &str, fields: &[(&str, &str)]) -> Response {
        Connection::open(self.serin.production).unwrap().get(host, fields).unwrap()
    }

    fn status(&self, host: &str) -> u16 {
        self.get(host, &[]).status
    }
}

/// A routine whose only version answers by itself, in production.
fn routine(name: &str, routes: &[&str]) -> String {
    format!(
        "
[[routine]]
name = \"{name}\"
routes = {routes:?}
[[routine.version]]
code_version = \"1\"
[[routine.deployment]]
env = \"production\"
code_versions = [{{ code_version = \"1\", percentage = 100 }}]
"
    )
}

#[test]
fn a_signal_has_the_file_taken_with_all_that_it_says() {
    let served = Served::new("", &routine("shop", &["a.test/*"]));
    assert_eq!(["a.test", "b.test"].map(|host| served.status(host)), [200, 404]);
    let named = served.get("a.test", &[("x-serin-version-override", "shop=\"1\"")]);
    assert_eq!(named.header("x-serin-reason"), Some("override"));

    let shop = routine("shop", &["b.test/*"]) + &routine("cart", &[]);
    let headers = "[headers]\noverride = false\n[trusted]\nproxies = [\"127.0.0.1\"]\n";
    served.take("default_routine = \"cart\"\ndomain = \"edge.test\"", &format!("{headers}{shop}"));
    let of = |host| served.get(host, &[]).json()["routine"].clone();
    assert_eq!(of("a.test"), "cart", "what matches nothing is the default routine's");
    assert_eq!(of("b.test"), "shop");
    assert_eq!(of("cart.edge.test"), "cart");
    assert_eq!(of("shop.edge.test"), "shop");
    let named = served.get("b.test", &[("x-serin-version-override", "shop=\"1\"")]);
    assert_ne!(named.header("x-serin-reason"), Some("override"));

    // The data plane's own settings, and an account.
    let account = "[account]\nlocked = true\n[account.quotas]\nroutines = 7\n";
    served.take("", &format!("[headers]\nresponse = false\n{account}{shop}"));
    // Each worker takes it by itself, between two requests.
    wait_until(|| served.get("b.test", &[]).header("x-serin-reason").is_none());
    assert_eq!(
        ["a.test", "cart.edge.test", "cart.localhost"].map(|it| served.status(it)),
        [404, 404, 200]
    );
    let read = || served.serin.call("GET", "/api/v1/account", &Value::Null).json();
    assert_eq!(
        (read()["locked"].clone(), read()["quotas"]["routines"].clone()),
        (json!(true), json!(7))
    );

    // A site, its origin, and then neither.
    let site = "[[site]]\nid = 1\nname = \"c.test\"\norigin = \"http://127.0.0.1:1\"\n";
    served.take("", &format!("{site}{shop}"));
    assert_eq!(served.status("www.c.test"), 502);
    served.take("", &shop);
    assert_eq!(served.status("www.c.test"), 404);
}

#[test]
fn what_the_api_made_of_the_account_stays_until_the_config_says_otherwise() {
    let account =
        |plan: &str| format!("[account]\nplan = \"{plan}\"\n[account.quotas]\nroutines = 3\n");
    let served = Served::new("", &account("one"));
    let change = json!({ "locked": true, "quotas": { "routines": 5 } });
    assert_eq!(served.serin.call("PATCH", "/api/v1/account", &change).status, 200);
    let read = || {
        let account = served.serin.call("GET", "/api/v1/account", &Value::Null).json();
        (account["locked"].clone(), account["quotas"]["routines"].clone())
    };
    served.take("domain = \"edge.test\"", &account("one"));
    assert_eq!(read(), (json!(true), json!(5)));
    served.take("", &account("two"));
    assert_eq!(read(), (json!(false), json!(3)));
}

#[test]
fn a_file_that_changes_is_taken_without_a_signal() {
    let served = Served::new("", "");
    assert_eq!(served.status("a.test"), 404);
    // Replaced, and written over.
    served.write(&config("", &routine("shop", &["a.test/*"])));
    let said = served.serin.says("the config is in effect");
    assert!(said.contains("the file has changed"), "{said}");
    assert_eq!(served.status("a.test"), 200);
    fs::write(&served.path, config("", &routine("shop", &["b.test/*"]))).unwrap();
    served.serin.says("the config is in effect");
    assert_eq!(served.status("b.test"), 200);
    let (status, log) = served.serin.terminate();
    assert!(status.success(), "{log}");
    assert!(!log.contains("reloads"), "nothing else has changed: {log}");
}

#[test]
fn a_file_with_mistakes_changes_nothing_and_each_is_logged_with_its_line() {
    let served = Served::new("", &routine("shop", &["a.test/*"]));
    let bad = format!("domain = \"Edge.test\"\n{ANY_PORT}[[routine]]\nname = \"Shop\"\n");
    let said = served.refused(&bad);
    let at = bad.lines().position(|line| line.contains("Shop")).unwrap() + 1;
    for mistake in ["serin.toml: line 1: domain: ".to_owned(), format!("line {at}: routine.name: ")]
    {
        assert!(said.contains(&mistake), "{mistake} in: {said}");
    }
    // A key whose secret is nowhere is found out later, and changes nothing either.
    let key = "[[access_key]]\nid = \"a\"\nsecret_file = \"/nowhere/secret\"\n";
    let said = served.refused(&config("domain = \"edge.test\"", key));
    assert!(said.contains("/nowhere/secret"), "{said}");
    fs::remove_file(&served.path).unwrap();
    served.serin.signal("HUP");
    let said = served.serin.says("the config was refused");
    assert!(said.contains("no file that can be read"), "{said}");
    assert_eq!(
        ["a.test", "shop.localhost", "shop.edge.test"].map(|it| served.status(it)),
        [200, 200, 404]
    );
}

#[test]
fn a_config_that_needs_a_restart_is_refused_whole() {
    let served = Served::new("", "");
    let tables = routine("shop", &["a.test/*"]);
    let other_port = config("", &tables).replacen("127.0.0.1:0", "127.0.0.2:0", 1);
    let store =
        format!("[store]\npath = \"{}\"\n{tables}", served.path.with_extension("db").display());
    for (text, what) in [
        (other_port, "[listen] changed, which needs a restart"),
        (config("", &store), "[store] and [tls] changed"),
        (config("", &format!("[server]\nworkers = 3\n{tables}")), "`workers` in [server] changed"),
    ] {
        let said = served.refused(&text);
        assert!(said.contains(what), "{what} in: {said}");
        assert_eq!(served.status("a.test"), 404);
    }
    // The same again is in order.
    served.take("", &format!("[server]\ndrain_timeout = \"1s\"\n{tables}"));
    assert_eq!(served.status("a.test"), 200);
}

#[test]
fn keys_come_and_go_by_reloads() {
    let served = Served::new("", "");
    let call = |secret: Option<&str>| {
        let mut connection = Connection::open(served.serin.admin).unwrap();
        let line = secret.map(|secret| format!("authorization: Bearer {secret}\r\n"));
        let request = format!(
            "GET /api/v1/routines HTTP/1.1\r\nhost: localhost\r\n{}\r\n",
            line.unwrap_or_default()
        );
        connection.send(&request).unwrap().status
    };
    assert_eq!(call(None), 200);
    let key = |secret| format!("[[access_key]]\nid = \"a\"\nsecret = \"{secret}\"\n");
    served.take("", &key("first"));
    assert_eq!([call(None), call(Some("first")), call(Some("second"))], [401, 200, 401]);
    served.take("", &key("second"));
    assert_eq!([call(Some("first")), call(Some("second"))], [401, 200]);
    served.take("", "");
    assert_eq!(call(None), 200);
}

/// Kept connections and new ones, while the config is replaced again and again: every
/// request is answered by the version that its user had before, nobody is hung up on.
#[test]
fn a_reload_drops_no_request_and_no_connection_and_moves_nobody() {
    const CLIENTS: usize = 4;
    const USERS: usize = 50;
    const RELOADS: usize = 20;
    let canary = |turn: usize| {
        let more =
            if turn.is_multiple_of(2) { routine("more", &["more.test/*"]) } else { String::new() };
        format!(
            "[headers]\nforwarded = {}
{more}
[[routine]]
name = \"shop\"
routes = [\"shop.test/*\", \"other-{turn}.test/*\"]
[[routine.version]]
code_version = \"1\"
[[routine.version]]
code_version = \"2\"
[[routine.deployment]]
env = \"production\"
code_versions = [
    {{ code_version = \"1\", percentage = 60 }},
    {{ code_version = \"2\", percentage = 40 }},
]
",
            turn.is_multiple_of(3)
        )
    };
    let served = Served::new("", &canary(0));
    let address = served.serin.production;
    let (done, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (done, answered) = (&done, &answered);
                scope.spawn(move || {
                    let mut kept = Connection::open(address).unwrap();
                    let mut versions: HashMap<String, String> = HashMap::new();
                    let mut turn = 0;
                    while !done.load(Ordering::SeqCst) {
                        let user = format!("user-{client}-{}", turn % USERS);
                        let fields = [("x-serin-key", user.as_str())];
                        // Now and then a new connection.
                        let response = if turn % 10 == 9 {
                            Connection::open(address).unwrap().get("shop.test", &fields)
                        } else {
                            kept.get("shop.test", &fields)
                        };
                        let response = response.unwrap();
                        assert_eq!(response.status, 200);
                        assert_eq!(response.header("connection"), None, "nobody is dismissed");
                        let version = response.json()["version"].as_str().unwrap().to_owned();
                        let before = versions.insert(user.clone(), version.clone());
                        assert!(before.is_none_or(|before| before == version), "{user} moved");
                        answered.fetch_add(1, Ordering::SeqCst);
                        turn += 1;
                    }
                    versions
                })
            })
            .collect();
        let ended = Done(&done);
        for turn in 1..=RELOADS {
            let before = answered.load(Ordering::SeqCst);
            served.take("", &canary(turn));
            assert_eq!(served.status(&format!("other-{turn}.test")), 200);
            assert_eq!(served.status(&format!("other-{}.test", turn - 1)), 404);
            wait_until(|| answered.load(Ordering::SeqCst) > before + 2 * CLIENTS);
        }
        drop(ended);
        let versions = clients.into_iter().flat_map(|client| client.join().unwrap());
        let newer = versions.filter(|(_, version)| version == "2").count();
        assert!((20..180).contains(&newer), "both versions have users: {newer}");
    });
}

/// Ends the clients, also when the reloads end early because one failed.
struct Done<'d>(&'d AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn whom_the_config_trusts_is_believed_on_connections_that_are_open() {
    let upstream = Upstream::saying("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    let version = "code_version = \"1\"\n[[";
    let bound = format!("code_version = \"1\"\nupstream = \"{}\"\n[[", upstream.url());
    let shop = routine("shop", &["a.test/*"]).replace(version, &bound);
    let served = Served::new("", &shop);
    let mut connection = Connection::open(served.serin.production).unwrap();
    let mut forwarded = || {
        connection.get("a.test", &[("x-forwarded-for", "192.0.2.1")]).unwrap();
        let asked = upstream.requests().pop().unwrap();
        headers(&asked, "x-forwarded-for").join(", ")
    };
    assert_eq!(forwarded(), "127.0.0.1");
    served.take("", &format!("[trusted]\nproxies = [\"127.0.0.1\"]\n{shop}"));
    assert_eq!(forwarded(), "192.0.2.1, 127.0.0.1");
    served.take("", &shop);
    assert_eq!(forwarded(), "127.0.0.1");
}
