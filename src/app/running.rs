//! Everything in one process: workers, admin, control plane.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::access_keys::{AccessKeyError, access_keys};
use super::bound::{Bound, Gate};
use super::certificates::{Certificates, CertificatesError};
use super::duty::{Duty, Roster};
use super::history::keep_history;
use super::inherited::Inherited;
use super::listen::{Doors, ListenError};
use super::outside;
use super::reload::{Fixed, Reloader};
use super::splits::watch_splits;
use super::tellers::Tellers;
use super::upstream_tls::upstream_tls;
use crate::admin::{self, Admin, Answers, Keyring, LiveAccount, Streams};
use crate::backend;
use crate::config::Config;
use crate::control::{ControlPlane, Opened, Store, StoreError};
use crate::model::{Declared, Domain, ESA_RECORDS, Policy, Timeouts};
use crate::observe::{AccessLogError, History, Requests, Tallies, Traffic, Users, Wellness};
use crate::proxy::{self, BuiltInRequest, Listeners, Proxy, Seats};
use crate::routing::{Draws, Settings, SpreadCounters, TableReader};
use crate::server::Patience;

/// The account that default records name: 8 hexadecimal digits, as ESA's do.
const ACCOUNT: &str = "5e121a00";

/// What admin has to drain at least, however long the workers took: its answers are short.
const ADMIN_DRAIN_MIN: Duration = Duration::from_millis(250);

/// The domain of the records that ESA gives to every routine of the account.
fn account_domain() -> Option<Domain> {
    Domain::new(&format!("{ACCOUNT}.{ESA_RECORDS}")).ok()
}

/// Why Serin does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    AccessKey(#[from] AccessKeyError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(
        "admin would listen on {0}, a socket that was passed, and be open beyond this machine: declare an [[access_key]]"
    )]
    Open(SocketAddr),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Certificates(#[from] CertificatesError),
    #[error(transparent)]
    AccessLog(#[from] AccessLogError),
    #[error("cannot start a thread or its event loop")]
    Thread(#[from] io::Error),
}

/// The addresses that are listened on; where the config said port 0, the ports
/// that the system chose.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    pub production: SocketAddr,
    pub staging: SocketAddr,
    pub admin: SocketAddr,
    /// Where they speak TLS, if they do.
    pub production_tls: Option<SocketAddr>,
    pub staging_tls: Option<SocketAddr>,
    pub admin_tls: Option<SocketAddr>,
}

/// A Serin that serves.
pub struct Running {
    pub addresses: Addresses,
    pub tallies: Tallies,
    pub table: TableReader,
    pub(super) reloader: Reloader,
    roster: Roster,
    doors: Doors,
    end_workers: watch::Sender<bool>,
    /// And the one that checks endpoints.
    workers: Vec<JoinHandle<()>>,
    end_admin: watch::Sender<bool>,
    admin: JoinHandle<()>,
    control: JoinHandle<()>,
    tellers: Tellers,
}

/// Serin has ended, and not well.
#[derive(Debug, thiserror::Error)]
#[error("threads had ended before their time: {}", .0.join(", "))]
pub struct Fallen(Vec<String>);

impl Addresses {
    /// One of admin's that other machines reach.
    fn open(&self) -> Option<SocketAddr> {
        let all = [Some(self.admin), self.admin_tls];
        all.into_iter().flatten().find(|address| !address.ip().to_canonical().is_loopback())
    }
}

/// What `config` says about routing as a whole.
pub(super) fn settings(config: &Config) -> Settings {
    Settings {
        default_routine: config.default_routine.clone(),
        domains: config.domain.iter().cloned().chain(account_domain()).collect(),
        override_allowed: config.policy.headers.r#override,
        trusted: config.policy.trusted.clone(),
        regions: config.regions.clone(),
    }
}

pub(super) fn declared(config: &Config) -> Declared {
    Declared {
        sites: config.sites.clone(),
        routines: config.routines.clone(),
        apps: config.apps.clone(),
        quotas: Some(config.account.quotas),
    }
}

/// Starts what `config` describes.
pub fn start(config: &Config) -> Result<Running, StartError> {
    start_on(Inherited::default(), config)
}

/// The same, on sockets that were passed to this process where they fit.
pub(super) fn start_on(inherited: Inherited, config: &Config) -> Result<Running, StartError> {
    let keyring = Keyring::new(access_keys(&config.access_keys, outside::variable)?);
    let (bound, doors) = Bound::open(inherited, &config.listen)?;
    let addresses = bound.addresses()?;
    if config.access_keys.is_empty()
        && let Some(address) = addresses.open()
    {
        return Err(StartError::Open(address));
    }
    let store = store(config)?;
    let (listeners, gates, certificates) = bound.furnish(config, &addresses)?;
    let opened = ControlPlane::open(store, settings(config), declared(config), outside::now)?;
    let Opened { plane, handle: control, table, warnings } = opened;
    for warning in warnings {
        tracing::warn!("{warning}");
    }

    let workers = config.server.workers_or(cores()).get();
    let tallies = Tallies::new(workers);
    let (traffic, wellness) = (Traffic::new(workers), Wellness::default());
    let (users, requests) = (Users::new(workers), Requests::new(workers));
    let (set_drain, drain) = watch::channel(config.server.drain_timeout);
    let (set_policy, policy) = watch::channel(Arc::new(config.policy.clone()));
    let roster = Roster::new();
    let (access_log, spans, tellers) = Tellers::start(&roster, config, &policy)?;
    let proxy = Arc::new(Proxy {
        table: table.clone(),
        draws: draws(),
        seats: Seats::default(),
        tallies: tallies.clone(),
        traffic: traffic.clone(),
        requests: requests.clone(),
        users: users.clone(),
        wellness: wellness.clone(),
        access_log: access_log.clone(),
        spans: spans.clone(),
        policy: policy.clone(),
        drain: drain.clone(),
        built_in: Box::new(built_in),
        tls: Arc::new(upstream_tls(config.tls.upstream_ca.as_deref())?),
    });
    let (end_workers, workers_end) = watch::channel(false);
    let (end_admin, admin_ends) = watch::channel(false);

    let workers = start_workers(workers, &proxy, &listeners, &roster, &workers_end)?;
    let admin = Admin {
        control,
        keyring,
        table: table.clone(),
        tallies: tallies.clone(),
        traffic,
        requests,
        access_log: access_log.clone(),
        spans,
        users,
        wellness,
        history: History::default(),
        streams: Streams::default(),
        account: ACCOUNT.to_owned(),
        live_account: LiveAccount::new(config.account.account.clone(), config.account.quotas),
        domain: config.domain.clone().into(),
        production: addresses.production,
        staging: addresses.staging,
        ready: roster.ready.clone(),
        upload_secret: outside::random(),
        draw: Box::new(outside::random),
        answers: Answers::default(),
        clock: Box::new(outside::now),
    };
    let admin = Arc::new(admin);
    let reloader = Reloader {
        fixed: Fixed::of(config),
        admin_is_local: addresses.open().is_none(),
        account: (config.account.account.clone(), config.account.quotas),
        admin: admin.clone(),
        access_log,
        set_policy,
        set_drain,
    };
    let patience = patience(policy, drain);
    let duty = roster.duty("admin", admin_ends.clone());
    let admin = serve_admin(gates, admin, certificates, patience, admin_ends.clone(), duty)?;
    let control = start_control(plane, roster.duty("control", admin_ends))?;
    Ok(Running {
        addresses,
        tallies,
        table,
        reloader,
        roster,
        doors,
        end_workers,
        workers,
        end_admin,
        admin,
        control,
        tellers,
    })
}

fn store(config: &Config) -> Result<Store, StoreError> {
    match &config.store_path {
        Some(path) => Store::open(path),
        None => Store::in_memory(),
    }
}

/// Admin has that of the data plane, and what the workers leave of the time to drain.
fn patience(
    policy: watch::Receiver<Arc<Policy>>,
    drain: watch::Receiver<Duration>,
) -> impl Fn() -> Patience + Clone + Send + 'static {
    move || {
        let Timeouts { client_idle, request_head, .. } = policy.borrow().timeouts;
        Patience { idle: client_idle, request_head, drain: *drain.borrow() }
    }
}

fn draws() -> Draws {
    Draws {
        spread: SpreadCounters::default(),
        mint: Box::new(outside::random),
        salt: u64::from_le_bytes(outside::random()),
    }
}

/// The threads of the data plane: `count` workers, and the one that checks endpoints.
fn start_workers(
    count: usize,
    proxy: &Arc<Proxy>,
    listeners: &Listeners,
    roster: &Roster,
    end: &watch::Receiver<bool>,
) -> io::Result<Vec<JoinHandle<()>>> {
    let workers = (0..count).map(|index| {
        let duty = roster.duty(format!("worker-{index}"), end.clone());
        proxy::start(index, proxy.clone(), listeners, end.clone(), duty)
    });
    let mut threads = workers.collect::<io::Result<Vec<_>>>()?;
    let duty = roster.duty("health", end.clone());
    threads.push(proxy::start_checks(proxy.clone(), end.clone(), duty)?);
    Ok(threads)
}

/// The thread of the one writer. It ends by itself once the last handle, admin's, is gone.
fn start_control(plane: ControlPlane, duty: Duty) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("control".to_owned()).spawn(move || {
        let _duty = duty;
        plane.run();
    })
}

impl Running {
    /// How long a drain may take, that of the workers and that of admin together.
    pub(super) fn drain(&self) -> Duration {
        *self.reloader.set_drain.borrow()
    }

    /// Lets running requests finish and ends every thread: the workers first, while
    /// admin still says that this Serin is not ready; then admin, and with it the
    /// control plane, which has nobody left to answer.
    pub fn stop(self) -> Result<(), Fallen> {
        self.roster.ready.store(false, Ordering::Release);
        let end = Instant::now() + self.drain();
        let (admin_doors, doors) = self.doors.split();
        doors.shut();
        self.end_workers.send_replace(true);
        for worker in self.workers {
            join(worker);
        }
        let left = end.saturating_duration_since(Instant::now());
        self.reloader.set_drain.send_replace(left.max(ADMIN_DRAIN_MIN));
        drop(self.reloader);
        admin_doors.shut();
        self.end_admin.send_replace(true);
        join(self.admin);
        join(self.control);
        self.tellers.end();
        let fallen = self.roster.fallen();
        if fallen.is_empty() { Ok(()) } else { Err(Fallen(fallen)) }
    }
}

/// Waits for the end of `thread`; how it ended, its duty has told.
fn join(thread: JoinHandle<()>) {
    drop(thread.join());
}

fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn built_in(request: &BuiltInRequest<'_>) -> Vec<u8> {
    let answer = backend::Answer {
        routine: request.routine,
        app: request.app,
        version: request.version,
        environment: request.environment.as_str(),
        method: request.method,
        path: request.path,
        key: request.key.map(String::from_utf8_lossy),
    };
    answer.to_body()
}

fn serve_admin(
    gates: Vec<Gate>,
    admin: Arc<Admin>,
    certificates: Option<Certificates>,
    patience: impl Fn() -> Patience + Clone + Send + 'static,
    ended: watch::Receiver<bool>,
    duty: Duty,
) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let gates = {
        let _inside = runtime.enter();
        let async_gate = |(listener, tls)| Ok((tokio::net::TcpListener::from_std(listener)?, tls));
        gates.into_iter().map(async_gate).collect::<io::Result<Vec<_>>>()?
    };
    std::thread::Builder::new().name("admin".to_owned()).spawn(move || {
        let _duty = duty;
        let local = tokio::task::LocalSet::new();
        for (listener, tls) in gates {
            let (admin, patience, mut ended) = (admin.clone(), patience.clone(), ended.clone());
            let ended = async move { drop(ended.wait_for(|&ended| ended).await) };
            local.spawn_local(admin::serve(listener, tls, admin, patience, ended));
        }
        let (table, users, mut end) = (admin.table.clone(), admin.users.clone(), ended.clone());
        let requests = admin.requests.clone();
        let history = keep_history(
            table.clone(),
            admin.tallies.clone(),
            requests.clone(),
            users.clone(),
            admin.history.clone(),
        );
        local.spawn_local(async move {
            tokio::select! {
                () = watch_splits(table, users, requests) => {}
                () = history => {}
                _ = end.wait_for(|&ended| ended) => {}
            }
        });
        // The control plane ends when the last who can ask it is gone.
        drop(admin);
        if let Some(certificates) = certificates {
            let mut ended = ended.clone();
            let ended = async move { drop(ended.wait_for(|&ended| ended).await) };
            local.spawn_local(certificates.keep_fresh(ended));
        }
        runtime.block_on(local);
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpStream;

    use super::*;

    fn started() -> Running {
        let any_port = "
            [listen]
            production = \"127.0.0.1:0\"
            staging = \"127.0.0.1:0\"
            admin = \"127.0.0.1:0\"
        ";
        start(&Config::parse(any_port).expect("a config")).expect("it starts")
    }

    #[test]
    fn the_workers_and_admin_share_one_time_to_drain() {
        const DRAIN: Duration = Duration::from_secs(2);
        let running = started();
        running.reloader.set_drain.send_replace(DRAIN);
        let said = |address, half: &str| {
            let mut client = TcpStream::connect(address).expect("it listens");
            client.write_all(half.as_bytes()).expect("it takes it");
            client
        };
        let Addresses { production, admin, .. } = running.addresses;
        let _clients = [
            said(production, "GET / HT"),
            said(
                admin,
                "POST /api/v1/routines HTTP/1.1\r\nhost: localhost\r\n\
                 content-type: application/json\r\ncontent-length: 9\r\n\r\n{",
            ),
        ];
        let begun = Instant::now();
        assert!(running.stop().is_ok());
        let took = begun.elapsed();
        assert!(DRAIN <= took && took < DRAIN * 7 / 4, "{took:?}");
    }

    #[test]
    fn it_ends_well_unless_a_thread_has_fallen() {
        let running = started();
        let ready = running.roster.ready.clone();
        assert!(ready.load(Ordering::Acquire));
        assert!(running.stop().is_ok());
        assert!(!ready.load(Ordering::Acquire));

        let running = started();
        drop(running.roster.duty("worker-7", running.end_workers.subscribe()));
        assert!(!running.roster.ready.load(Ordering::Acquire));
        let fallen = running.stop().expect_err("a thread has fallen");
        assert_eq!(fallen.to_string(), "threads had ended before their time: worker-7");
    }
}
