//! An admin listener over a control plane in memory, and a client for it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use serin::admin::{self, Admin, Answers, Keyring, LiveAccount, Streams};
use serin::control::{ControlPlane, Store};
use serin::model::{
    AccessKey, AccessKeyId, Account, Declared, Domain, Quotas, Region, RegionName, Regions, Secret,
    Site, SiteId, Timestamp,
};
use serin::observe::{AccessLog, History, Requests, Spans, Tallies, Traffic, Users, Wellness};
use serin::routing::Settings;
use serin::server::Patience;
use tokio::sync::oneshot;

use super::WAIT_MAX;

/// 2024-03-11T01:23:21.067203242Z
const START_NS: i64 = 1_710_120_201_067_203_242;

/// For so long a connection may be idle.
const IDLE: Duration = Duration::from_mins(1);

/// A running admin listener. It ends with the test.
pub(crate) struct Desk {
    pub(crate) address: SocketAddr,
    pub(crate) ready: Arc<AtomicBool>,
    now_ns: Arc<AtomicI64>,
    pub(crate) tallies: Tallies,
    pub(crate) traffic: Traffic,
    pub(crate) requests: Requests,
    pub(crate) wellness: Wellness,
    end: Option<oneshot::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Desk {
    pub(crate) fn start() -> Self {
        Self::keyed(&[])
    }

    /// One that these may call: ids, secrets, and whether they may only look.
    pub(crate) fn keyed(keys: &[(&str, &str, bool)]) -> Self {
        Self::configured(keys, Account::default(), Quotas::default())
    }

    /// One whose account has these sites, by number and name.
    pub(crate) fn with_sites(sites: &[(i64, &str)]) -> Self {
        let site = |&(id, name): &(i64, &str)| Site {
            id: SiteId::new(id).unwrap(),
            name: Domain::new(name).unwrap(),
            origin: None,
        };
        let sites = sites.iter().map(site).collect();
        let declared = Declared { sites, ..Declared::default() };
        Self::declaring(&[], Account::default(), declared, IDLE)
    }

    /// As [`Desk::keyed`], where the config has an account such as this.
    pub(crate) fn configured(
        keys: &[(&str, &str, bool)],
        account: Account,
        quotas: Quotas,
    ) -> Self {
        let declared = Declared { quotas: Some(quotas), ..Declared::default() };
        Self::declaring(keys, account, declared, IDLE)
    }

    /// One that lets connections be idle for so long.
    pub(crate) fn impatient(idle: Duration) -> Self {
        Self::declaring(&[], Account::default(), Declared::default(), idle)
    }

    fn declaring(
        keys: &[(&str, &str, bool)],
        account: Account,
        declared: Declared,
        idle: Duration,
    ) -> Self {
        let key = |&(id, secret, read_only): &(&str, &str, bool)| AccessKey {
            id: AccessKeyId::new(id).unwrap(),
            secret: Secret::new(secret).unwrap(),
            read_only,
        };
        let keyring = Keyring::new(keys.iter().map(key).collect());
        let now_ns = Arc::new(AtomicI64::new(START_NS));
        let clock = |now_ns: &Arc<AtomicI64>| {
            let now_ns = now_ns.clone();
            move || Timestamp(now_ns.load(Ordering::SeqCst))
        };
        let region = Region {
            name: RegionName::new("jiangsu").unwrap(),
            networks: Vec::new(),
            country: None,
            asn: None,
        };
        let settings = Settings { regions: Regions::new(vec![region]), ..Settings::default() };
        let store = Store::in_memory().unwrap();
        let quotas = declared.quotas.unwrap_or_default();
        let opened = ControlPlane::open(store, settings, declared, clock(&now_ns)).unwrap();
        let plane = opened.plane;
        let ready = Arc::new(AtomicBool::new(true));
        let drawn = AtomicU64::new(0);
        let (tallies, traffic) = (Tallies::new(1), Traffic::new(1));
        let requests = Requests::new(1);
        let wellness = Wellness::default();
        let admin = Admin {
            control: opened.handle,
            keyring,
            table: opened.table,
            tallies: tallies.clone(),
            traffic: traffic.clone(),
            requests: requests.clone(),
            access_log: AccessLog::off(),
            spans: Spans::off(),
            users: Users::new(1),
            wellness: wellness.clone(),
            history: History::default(),
            streams: Streams::default(),
            account: "154edaf6".to_owned(),
            live_account: LiveAccount::new(account, quotas),
            domain: Some(Domain::new("edge.test").unwrap()).into(),
            production: "0.0.0.0:8080".parse().unwrap(),
            staging: "0.0.0.0:8081".parse().unwrap(),
            upload_secret: [7; 32],
            draw: Box::new(move || {
                let count = drawn.fetch_add(1, Ordering::SeqCst);
                u128::from(count)
                    .wrapping_mul(0x0123_4567_89AB_CDEF_0011_2233_4455_6677)
                    .to_be_bytes()
            }),
            clock: Box::new(clock(&now_ns)),
            answers: Answers::default(),
            ready: ready.clone(),
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = oneshot::channel();
        let threads = vec![
            std::thread::spawn(move || plane.run()),
            std::thread::spawn(move || attend(listener, admin, idle, ended)),
        ];
        Self {
            address,
            ready,
            now_ns,
            tallies,
            traffic,
            requests,
            wellness,
            end: Some(end),
            threads,
        }
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, time: Duration) {
        let time = i64::try_from(time.as_nanos()).unwrap();
        self.now_ns.fetch_add(time, Ordering::SeqCst);
    }

    /// Sends `octets` and reads one response.
    pub(crate) fn send(&self, octets: &[u8]) -> Heard {
        let mut stream = TcpStream::connect_timeout(&self.address, WAIT_MAX).unwrap();
        stream.set_read_timeout(Some(WAIT_MAX)).unwrap();
        stream.set_write_timeout(Some(WAIT_MAX)).unwrap();
        stream.write_all(octets).unwrap();
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).unwrap();
        Heard::new(&heard)
    }

    /// Sends a request with `headers` beside those that frame it.
    pub(crate) fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Heard {
        let own = self.address.to_string();
        let host =
            (!headers.iter().any(|(name, _)| *name == "host")).then_some(("host", own.as_str()));
        let length = body.len().to_string();
        let framing = [("connection", "close"), ("content-length", &length)];
        let lines: Vec<String> = host
            .iter()
            .chain(&framing)
            .chain(headers)
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let head = format!("{method} {target} HTTP/1.1\r\n{}", lines.concat());
        let mut octets = (head + "\r\n").into_bytes();
        octets.extend_from_slice(body);
        self.send(&octets)
    }

    /// Calls an action of the ESA dialect as its current clients do.
    pub(crate) fn call(&self, action: &str, params: &[(&str, &str)]) -> Heard {
        let headers = [
            ("x-acs-action", action),
            ("x-acs-version", "2024-09-10"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.request("POST", "/", &headers, form(params).as_bytes())
    }

    /// Calls an action as those clients do that send JSON.
    pub(crate) fn call_json(&self, action: &str, body: &Value) -> Heard {
        let headers = [
            ("x-acs-action", action),
            ("x-acs-version", "2024-09-10"),
            ("content-type", "application/json; charset=utf-8"),
        ];
        self.request("POST", "/", &headers, body.to_string().as_bytes())
    }

    /// Asks the native API without a body.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Heard {
        self.request(method, &format!("/api/v1{path}"), &[], b"")
    }

    /// Tells the native API something.
    pub(crate) fn tell(&self, method: &str, path: &str, body: &Value) -> Heard {
        let headers = [("content-type", "application/json")];
        let body = body.to_string();
        self.request(method, &format!("/api/v1{path}"), &headers, body.as_bytes())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        drop(self.end.take());
        for thread in self.threads.drain(..).rev() {
            // A panic of the server's has been printed; the test fails by itself.
            drop(thread.join());
        }
    }
}

fn attend(
    listener: std::net::TcpListener,
    admin: Admin,
    idle: Duration,
    ended: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let patience =
        Patience { idle, request_head: Duration::from_secs(10), drain: Duration::from_secs(5) };
    let serving = async {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let shutdown = async { drop(ended.await) };
        admin::serve(listener, None, Arc::new(admin), move || patience, shutdown).await;
    };
    tokio::task::LocalSet::new().block_on(&runtime, serving);
}

pub(crate) fn form(params: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish()
}

/// A response.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Heard {
    pub(crate) fn new(octets: &[u8]) -> Self {
        let text = String::from_utf8(octets.to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        Self {
            status: status.parse().unwrap(),
            headers: lines.map(header).collect(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The JSON of a response that must have this status.
    #[track_caller]
    pub(crate) fn with(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.json()
    }

    /// The names of the fields of a JSON object, in order.
    #[track_caller]
    pub(crate) fn names(&self) -> Vec<String> {
        self.json().as_object().unwrap().keys().cloned().collect()
    }
}

/// Asserts that an action was refused in just these words, and said why in ours.
#[track_caller]
pub(crate) fn assert_refused(heard: &Heard, status: u16, code: &str, message: &str) {
    let error = heard.with(status);
    assert_eq!(
        (error["Code"].as_str(), error["Message"].as_str()),
        (Some(code), Some(message)),
        "{heard:?}"
    );
    assert_eq!(error["RequestId"].as_str(), heard.header("x-acs-request-id"));
    assert!(error["Recommend"].as_str().unwrap().contains(code));
    assert!(!error["Reason"].as_str().unwrap().is_empty());
}
