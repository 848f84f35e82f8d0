//! What the operator wrote, checked and complete.
//!
//! `section`, `policy`, `access_log`, `tracing`, `access_key`, `account`, `routine`,
//! `upstream`, `deployment`, `app`, `region` and `site` say what it may hold. Every mistake of a file is
//! found in one reading, each with its line.

mod access_key;
mod access_log;
mod account;
mod app;
#[cfg(test)]
mod contract;
mod deployment;
mod policy;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod reference;
mod region;
mod routine;
mod section;
mod settings;
mod site;
mod tracing;
mod upstream;
mod value;

use std::path::{Path, PathBuf};

pub use access_key::{DeclaredKey, SecretSource};
pub use account::DeclaredAccount;
pub use settings::{CertificateFiles, Listen, Server, Tls};

pub use crate::document::{Finding, Mistakes as ConfigError, ReadError};

use crate::document;
use crate::model::{
    AccessLog, DeclaredApp, DeclaredRoutine, Domain, Policy, Regions, RoutineName, Site,
};

/// The longest config that is read: room for 100,000 routines.
const CONFIG_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// A config without mistakes; what was not written has its default.
#[derive(Debug, Clone)]
pub struct Config {
    /// What gets the requests that match nothing; it may be made by the API later.
    pub default_routine: Option<RoutineName>,
    /// `<name>.<domain>` reaches a routine, as `<name>.localhost` always does.
    pub domain: Option<Domain>,
    pub listen: Listen,
    pub server: Server,
    /// Relative to the working directory; `None` keeps state in memory.
    pub store_path: Option<PathBuf>,
    pub tls: Tls,
    /// How the data plane treats clients and upstreams.
    pub policy: Policy,
    /// `None` writes no request down.
    pub access_log: Option<AccessLog>,
    /// In the order of the file; no two share an id. With none, admin is open, and on
    /// a loopback address.
    pub access_keys: Vec<DeclaredKey>,
    /// How the account behaves until the API says otherwise.
    pub account: DeclaredAccount,
    /// In the order of the file; no two share a name or a route.
    pub routines: Vec<DeclaredRoutine>,
    /// In the order of the file; none has the name of another or of a routine.
    pub apps: Vec<DeclaredApp>,
    pub regions: Regions,
    /// In the order of the file; no two share an id or a name.
    pub sites: Vec<Site>,
    /// What is allowed and may not be meant, by line.
    pub warnings: Vec<Finding>,
}

impl Config {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        document::read(path, "config", CONFIG_MAX_BYTES, Self::parse)
    }

    /// Checks a whole config, and tells every mistake at once.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let (mut config, warnings) = document::parse(text, &KEYS, Self::from_table)?;
        config.warnings = warnings;
        Ok(config)
    }

    /// Has a default where something is wrong, too; whoever calls asks for the verdict.
    fn from_table(root: &document::Table<'_>) -> Self {
        let routines = routine::routines(root);
        let default_routine = root.get("default_routine").and_then(|value| {
            let name = value.parsed(RoutineName::new)?;
            if !routines.iter().any(|routine| routine.name == name) {
                value.warn(format!("`{name}` is not declared here; until the API makes it, what matches nothing is answered 404"));
            }
            Some(name)
        });
        let store_path = section::store(root);
        Self {
            default_routine,
            domain: root.get("domain").and_then(|value| value.parsed(Domain::new)),
            listen: section::listen(root),
            access_keys: access_key::access_keys(root),
            account: account::account(root),
            server: section::server(root),
            tls: section::tls(root, store_path.as_deref()),
            store_path,
            policy: policy::policy(root),
            access_log: access_log::access_log(root),
            apps: app::apps(root, &routines),
            regions: region::regions(root),
            sites: site::sites(root),
            routines,
            warnings: Vec::new(),
        }
    }
}

/// The keys of the whole file.
const KEYS: [&str; 23] = [
    "default_routine",
    "domain",
    "listen",
    "server",
    "store",
    "tls",
    "timeouts",
    "headers",
    "trusted",
    "limits",
    "upgrades",
    "failover",
    "retries",
    "health",
    "ejection",
    "access_log",
    "tracing",
    "access_key",
    "account",
    "routine",
    "app",
    "region",
    "site",
];

/// What is found in `text`, as it prints.
#[cfg(test)]
fn mistakes_of(text: &str) -> Vec<String> {
    match Config::parse(text) {
        Ok(_) => Vec::new(),
        Err(error) => error.findings().iter().map(ToString::to_string).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};
    use std::num::NonZeroUsize;
    use std::time::Duration;

    use super::*;
    use crate::model::{Headers, Timeouts};

    const MINIMAL: &str = include_str!("../../configs/minimal.toml");

    fn parsed(text: &str) -> Config {
        Config::parse(text).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn what_is_not_written_has_its_default() {
        let config = parsed("");

        assert_eq!((config.default_routine, config.domain, config.store_path), (None, None, None));
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        assert_eq!(config.listen.production, address("127.0.0.1:8080"));
        assert_eq!(config.listen.staging, address("127.0.0.1:8081"));
        assert_eq!(config.listen.admin, address("127.0.0.1:8090"));
        assert_eq!(config.listen.admin_tls, None);
        assert_eq!(config.tls, Tls::default());
        let cores = NonZeroUsize::new(3).unwrap();
        assert_eq!(config.server.workers_or(cores), cores);
        assert_eq!(config.server.drain_timeout, Duration::from_secs(5));
        assert_eq!(config.policy.timeouts, Timeouts::default());
        let Headers { response, r#override, preserve_host, forwarded } = config.policy.headers;
        assert_eq!([response, r#override, preserve_host, forwarded], [true, true, true, false]);
        assert!(!config.policy.trusted.contains(IpAddr::from([127, 0, 0, 1])));
        assert!(config.routines.is_empty() && config.warnings.is_empty());
    }

    #[test]
    fn what_is_written_is_what_is_meant() {
        let config = parsed(
            r#"
            default_routine = "shop"
            domain = "edge.test"
            [listen]
            production = "0.0.0.0:80"
            staging = "[::1]:0"
            admin = "[::1]:0"
            [server]
            workers = 0x10
            drain_timeout = "0s"
            [store]
            path = "state/serin.db"
            [timeouts]
            connect = "500ms"
            response_head = "1m"
            client_idle = "1h"
            upstream_idle = "1s"
            [headers]
            response = false
            override = false
            preserve_host = false
            forwarded = true
            [trusted]
            proxies = ["10.0.0.0/8", "2001:db8::1"]
            [[routine]]
            name = "shop"
            "#,
        );

        assert_eq!(config.default_routine.unwrap().as_str(), "shop");
        assert_eq!(config.domain.unwrap().as_str(), "edge.test");
        assert_eq!(config.listen.production.to_string(), "0.0.0.0:80");
        assert_eq!(config.listen.staging, config.listen.admin);
        assert_eq!(config.server.workers_or(NonZeroUsize::MIN).get(), 16);
        assert_eq!(config.server.drain_timeout, Duration::ZERO);
        assert_eq!(config.store_path.unwrap(), Path::new("state/serin.db"));
        let Timeouts { connect, response_head, client_idle, upstream_idle, .. } =
            config.policy.timeouts;
        let ms = [connect, response_head, client_idle, upstream_idle].map(|t| t.as_millis());
        assert_eq!(ms, [500, 60_000, 3_600_000, 1000]);
        let Headers { response, r#override, preserve_host, forwarded } = config.policy.headers;
        assert_eq!([response, r#override, preserve_host, forwarded], [false, false, false, true]);
        let trusts = |text: &str| config.policy.trusted.contains(text.parse().unwrap());
        assert!(trusts("10.1.2.3") && trusts("::ffff:10.1.2.3") && trusts("2001:db8::1"));
        assert!(!trusts("11.0.0.1") && !trusts("2001:db8::2"));
        let [shop] = config.routines.as_slice() else { panic!("one routine") };
        assert_eq!((&shop.sticky, &shop.cohort), (&None, &None));
    }

    #[test]
    fn every_mistake_is_told_at_once_and_by_line() {
        let text = r#"
lisen = 1
domain = "Edge.test"
[server]
workers = 0
[timeouts]
connect = "0s"
[[routine]]
name = "Shop"
sticky = ["ip"]
[[routine]]
cohort = 1
"#;
        let starts: Vec<_> = mistakes_of(text)
            .iter()
            .map(|mistake| mistake.splitn(3, ": ").take(2).collect::<Vec<_>>().join(": "))
            .collect();
        assert_eq!(
            starts,
            [
                "line 2: lisen",
                "line 3: domain",
                "line 5: server.workers",
                "line 7: timeouts.connect",
                "line 9: routine.name",
                "line 10: routine.sticky",
                "line 11: routine.name",
                "line 12: routine.cohort",
            ]
        );
    }

    #[test]
    fn a_default_routine_may_be_made_later() {
        let config = parsed("default_routine = \"shop\"\n[[routine]]\nname = \"cart\"");
        assert_eq!(config.default_routine.unwrap().as_str(), "shop");
        assert_eq!(config.warnings.len(), 1);
        assert_eq!(
            (config.warnings[0].line, config.warnings[0].key.as_str()),
            (1, "default_routine")
        );
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("serin.toml");
        let read = || Config::read(&path).unwrap_err();

        assert!(matches!(read(), ReadError::Unreadable { .. }));
        assert!(read().to_string().contains("serin.toml"));
        std::fs::write(&path, b"# fine\n# \xff\n").unwrap();
        assert!(matches!(read(), ReadError::NotText { line: 2, .. }), "{:?}", read());
        std::fs::write(&path, "x = 1").unwrap();
        assert!(matches!(read(), ReadError::Mistakes { .. }), "{:?}", read());
        std::fs::File::create(&path).unwrap().set_len(CONFIG_MAX_BYTES + 1).unwrap();
        assert!(matches!(read(), ReadError::TooLong { .. }), "{:?}", read());
        std::fs::write(&path, MINIMAL).unwrap();
        assert_eq!(Config::read(&path).unwrap().routines.len(), 1);
    }
}
