//! The tables of the file that are about Serin itself.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::access_key::has_access_keys;
use super::settings::{CertificateFiles, Listen, Server, Tls};
use super::value::{address, duration, file_path, store_path};
use crate::document::{Table, Value};

/// More threads than this are a slip of the keyboard.
const WORKERS_MAX: u64 = 1024;

/// `[listen]`.
pub(super) fn listen(root: &Table<'_>) -> Listen {
    let known = ["production", "staging", "admin", "production_tls", "staging_tls", "admin_tls"];
    let table = root.section("listen", &known);
    let default = Listen::default();
    let production = Listener::new(&table, "production", Some(default.production));
    let staging = Listener::new(&table, "staging", Some(default.staging));
    let admin = Listener::new(&table, "admin", Some(default.admin));
    let production_tls = Listener::new(&table, "production_tls", default.production_tls);
    let staging_tls = Listener::new(&table, "staging_tls", default.staging_tls);
    let admin_tls = Listener::new(&table, "admin_tls", default.admin_tls);

    for admin in [&admin, &admin_tls] {
        if let (Some(value), Some(address)) = (&admin.value, admin.address)
            && !address.ip().to_canonical().is_loopback()
            && !has_access_keys(root)
        {
            value.refuse_together(format!(
                "`{address}` must be a loopback address while there is no `[[access_key]]`: whoever reaches admin may change everything"
            ));
        }
    }
    let all = [&production, &staging, &admin, &production_tls, &staging_tls, &admin_tls];
    for (index, listener) in all.iter().enumerate() {
        for other in &all[..index] {
            listener.refuse_collision(other);
        }
    }

    Listen {
        production: production.address.unwrap_or(default.production),
        staging: staging.address.unwrap_or(default.staging),
        admin: admin.address.unwrap_or(default.admin),
        production_tls: production_tls.address,
        staging_tls: staging_tls.address,
        admin_tls: admin_tls.address,
    }
}

/// One of the addresses, as far as it is written and sound.
struct Listener<'a> {
    name: &'static str,
    value: Option<Value<'a>>,
    address: Option<SocketAddr>,
}

impl<'a> Listener<'a> {
    fn new(table: &Table<'a>, name: &'static str, default: Option<SocketAddr>) -> Self {
        let value = table.get(name);
        let address = match &value {
            Some(value) => value.parsed(address),
            None => default,
        };
        Self { name, value, address }
    }

    /// Blames what is written; two defaults never collide.
    fn refuse_collision(&self, other: &Self) {
        let (Some(mine), Some(theirs)) = (self.address, other.address) else {
            return;
        };
        if !collide(mine, theirs) {
            return;
        }
        let (blamed, other) = if self.value.is_some() { (self, other) } else { (other, self) };
        if let (Some(value), Some(taken)) = (&blamed.value, other.address) {
            let default = if other.value.is_none() { ", its default" } else { "" };
            value.refuse_together(format!(
                "collides with `listen.{}`, which listens on {taken}{default}",
                other.name
            ));
        }
    }
}

/// Whether the two cannot both be bound. Port 0 is another port each time.
fn collide(a: SocketAddr, b: SocketAddr) -> bool {
    let (a_ip, b_ip) = (a.ip().to_canonical(), b.ip().to_canonical());
    a.port() == b.port()
        && a.port() != 0
        && (a_ip == b_ip || covers(a_ip, b_ip) || covers(b_ip, a_ip))
}

/// `0.0.0.0` is every IPv4 address, `::` is every address.
fn covers(all: IpAddr, one: IpAddr) -> bool {
    all.is_unspecified() && (all.is_ipv6() || one.is_ipv4())
}

/// `[server]`.
pub(super) fn server(root: &Table<'_>) -> Server {
    let table = root.section("server", &["workers", "drain_timeout"]);
    let default = Server::default();
    let workers = table.get("workers").and_then(|value| {
        let number = value.whole()?;
        let workers = usize::try_from(number).ok().filter(|_| number <= WORKERS_MAX);
        let workers = workers.and_then(NonZeroUsize::new);
        if workers.is_none() {
            value.refuse(format!("must be 1 to {WORKERS_MAX}, not {number}"));
        }
        workers
    });
    let drain_timeout = table.get("drain_timeout").and_then(|value| value.parsed(duration));
    Server { workers, drain_timeout: drain_timeout.unwrap_or(default.drain_timeout) }
}

/// `[store]`.
pub(super) fn store(root: &Table<'_>) -> Option<PathBuf> {
    let table = root.get("store")?.table(&["path"])?;
    table.required("path")?.parsed(store_path)
}

/// `[tls]`. The authority is kept beside the store, unless it is written where.
pub(super) fn tls(root: &Table<'_>, store: Option<&Path>) -> Tls {
    let known = ["certificate", "key", "certificates", "authority", "upstream_ca"];
    let table = root.section("tls", &known);
    let path = |key| table.get(key).and_then(|value| value.parsed(file_path));
    let (certificate, key) = (table.get("certificate"), table.get("key"));
    match (&certificate, &key) {
        (Some(alone), None) => alone.refuse_together("stands without its `tls.key`"),
        (None, Some(alone)) => alone.refuse_together("stands without its `tls.certificate`"),
        _ => {}
    }
    let mut files: Vec<_> = pair(certificate, key).into_iter().collect();
    let more = table.get("certificates").and_then(|list| list.list()).unwrap_or_default();
    let more = more.iter().filter_map(|value| value.table(&["certificate", "key"]));
    files.extend(more.filter_map(|t| pair(t.required("certificate"), t.required("key"))));
    Tls {
        files,
        authority: path("authority").or_else(|| store.map(beside)),
        upstream_ca: path("upstream_ca"),
    }
}

/// A certificate and its key, where both are written.
fn pair(certificate: Option<Value<'_>>, key: Option<Value<'_>>) -> Option<CertificateFiles> {
    let certificate = certificate.and_then(|value| value.parsed(file_path));
    let key = key.and_then(|value| value.parsed(file_path));
    certificate.zip(key).map(|(certificate, key)| CertificateFiles { certificate, key })
}

/// `serin.db.ca` for `serin.db`.
fn beside(store: &Path) -> PathBuf {
    let mut folder = store.as_os_str().to_owned();
    folder.push(".ca");
    PathBuf::from(folder)
}

#[cfg(test)]
mod tests {
    use super::super::{CertificateFiles, Config, mistakes_of};

    /// Asserts that `text` has this one mistake.
    fn refused(text: &str, mistake: &str) {
        assert_eq!(mistakes_of(text), [mistake], "{text}");
    }

    #[test]
    fn admin_is_a_loopback_address() {
        for address in ["0.0.0.0:0", "192.0.2.1:8090", "[::]:0", "[::ffff:192.0.2.1]:1"] {
            let mistakes = mistakes_of(&format!("[listen]\nadmin = \"{address}\""));
            assert_eq!(mistakes.len(), 1, "{mistakes:?}");
            assert!(mistakes[0].starts_with("line 2: listen.admin: `"), "{mistakes:?}");
            assert!(mistakes[0].contains("must be a loopback address"), "{mistakes:?}");
        }
        for address in ["127.0.0.2:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert_eq!(mistakes_of(&format!("[listen]\nadmin = \"{address}\"")), [""; 0]);
        }
    }

    #[test]
    fn admin_is_any_address_where_a_key_guards_it() {
        let key = "[[access_key]]\nid = \"ci\"\nsecret = \"x\"\n";
        for address in ["0.0.0.0:0", "192.0.2.1:8090", "[::]:0"] {
            assert_eq!(mistakes_of(&format!("{key}[listen]\nadmin = \"{address}\"")), [""; 0]);
        }
        let none = "access_key = []\n[listen]\nadmin = \"0.0.0.0:0\"";
        assert_eq!(mistakes_of(none).len(), 1);
    }

    #[test]
    fn no_two_listeners_collide() {
        refused(
            "[listen]\nproduction = \"127.0.0.1:1\"\nstaging = \"127.0.0.1:1\"",
            "line 3: listen.staging: collides with `listen.production`, which listens on 127.0.0.1:1",
        );
        refused(
            "[listen]\nproduction = \"127.0.0.1:8090\"",
            "line 2: listen.production: collides with `listen.admin`, which listens on 127.0.0.1:8090, its default",
        );
        for production in ["0.0.0.0:8081", "[::]:8081", "[::ffff:127.0.0.1]:8081"] {
            let mistakes = mistakes_of(&format!("[listen]\nproduction = \"{production}\""));
            assert_eq!(mistakes.len(), 1, "{production}: {mistakes:?}");
        }
        let staging = mistakes_of("[listen]\nstaging = \"0.0.0.0:8080\"");
        assert_eq!(staging.len(), 1, "{staging:?}");
        assert_eq!(
            mistakes_of("[listen]\nproduction = \"0.0.0.0:1\"\nstaging = \"[::1]:1\""),
            [""; 0]
        );
        for production in ["127.0.0.2:8081", "[::1]:8081", "127.0.0.1:0"] {
            assert_eq!(mistakes_of(&format!("[listen]\nproduction = \"{production}\"")), [""; 0]);
        }
    }

    #[test]
    fn port_0_never_collides() {
        let text = "[listen]\nproduction = \"127.0.0.1:0\"\nstaging = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\nadmin_tls = \"127.0.0.1:0\"";
        assert_eq!(mistakes_of(text), [""; 0]);
    }

    #[test]
    fn admin_with_tls_keeps_the_rules_of_admin() {
        let mistakes = mistakes_of("[listen]\nadmin_tls = \"0.0.0.0:8443\"");
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert!(mistakes[0].contains("must be a loopback address"), "{mistakes:?}");
        refused(
            "[listen]\nadmin_tls = \"127.0.0.1:8090\"",
            "line 2: listen.admin_tls: collides with `listen.admin`, which listens on 127.0.0.1:8090, its default",
        );
        refused(
            "[listen]\nadmin_tls = \"127.0.0.1:1\"\nproduction = \"0.0.0.0:1\"",
            "line 2: listen.admin_tls: collides with `listen.production`, which listens on 0.0.0.0:1",
        );
        assert_eq!(mistakes_of("[listen]\nadmin_tls = \"127.0.0.1:8443\""), [""; 0]);
    }

    #[test]
    fn a_certificate_and_its_key_stand_together() {
        refused(
            "[tls]\ncertificate = \"a.pem\"",
            "line 2: tls.certificate: stands without its `tls.key`",
        );
        refused("[tls]\nkey = \"a.key\"", "line 2: tls.key: stands without its `tls.certificate`");
        refused(
            "[tls]\nauthority = \"\"",
            "line 2: tls.authority: must be a path, as in `serin.pem`",
        );
        let config = Config::parse("[tls]\ncertificate = \"a.pem\"\nkey = \"b.pem\"").unwrap();
        let pair = |certificate: &str, key: &str| {
            let (certificate, key) = (certificate.into(), key.into());
            CertificateFiles { certificate, key }
        };
        assert_eq!(config.tls.files, [pair("a.pem", "b.pem")]);

        let more = "certificates = [{ certificate = \"c\", key = \"d\" }]";
        let config = Config::parse(&format!("[tls]\ncertificate = \"a\"\nkey = \"b\"\n{more}"));
        assert_eq!(config.unwrap().tls.files, [pair("a", "b"), pair("c", "d")]);
        refused(
            "[tls]\ncertificates = [{ certificate = \"c\" }]",
            "line 2: tls.certificates.key: is missing",
        );
    }

    #[test]
    fn the_authority_is_kept_beside_the_store_or_where_it_is_written() {
        let kept = |text: &str| Config::parse(text).unwrap().tls.authority;
        assert_eq!(kept(""), None);
        let store = "[store]\npath = \"state/serin.db\"\n";
        assert_eq!(kept(store), Some("state/serin.db.ca".into()));
        assert_eq!(kept(&format!("{store}[tls]\nauthority = \"ca\"")), Some("ca".into()));
        assert_eq!(kept("[tls]\nauthority = \"ca\""), Some("ca".into()));
    }

    #[test]
    fn workers_are_at_least_one() {
        refused("[server]\nworkers = 0", "line 2: server.workers: must be 1 to 1024, not 0");
        refused("[server]\nworkers = 1025", "line 2: server.workers: must be 1 to 1024, not 1025");
        refused(
            "[server]\nworkers = \"2\"",
            "line 2: server.workers: must be a whole number, not a string",
        );
        let huge = "9".repeat(40);
        refused(
            &format!("[server]\nworkers = {huge}"),
            &format!("line 2: server.workers: {huge} is out of range"),
        );
    }

    #[test]
    fn a_store_has_a_path() {
        refused("[store]", "line 1: store.path: is missing");
        refused("store = \"serin.db\"", "line 1: store: must be a table, not a string");
    }
}
