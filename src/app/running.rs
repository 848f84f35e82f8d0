//! Everything in one process: workers, admin, control plane.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use rustls::ServerConfig;
use tokio::sync::watch;

use super::access_keys::{AccessKeyError, access_keys};
use super::certificates::{Certificates, CertificatesError};
use super::duty::{Duty, Roster};
use super::listen::{ListenError, bind};
use super::outside;
use crate::admin::{self, Admin, Keyring, LiveAccount};
use crate::backend;
use crate::config::Config;
use crate::control::{ControlPlane, Opened, Store, StoreError};
use crate::model::{Declared, Domain, ESA_RECORDS, Policy};
use crate::observe::Tallies;
use crate::proxy::{self, BuiltInRequest, Listeners, Proxy, Seats, TlsListener};
use crate::routing::{Draws, Settings, SpreadCounters, TableReader};
use crate::server::Patience;
use crate::tls;

/// The account that default records name: 8 hexadecimal digits, as ESA's do.
const ACCOUNT: &str = "5e121a00";

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
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Certificates(#[from] CertificatesError),
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

/// A listener of admin, and how it speaks TLS if it does.
type Gate = (TcpListener, Option<Arc<ServerConfig>>);

/// A Serin that serves.
pub struct Running {
    pub addresses: Addresses,
    pub tallies: Tallies,
    pub table: TableReader,
    /// Replaces how the data plane treats others, on every worker.
    pub set_policy: watch::Sender<Arc<Policy>>,
    roster: Roster,
    end_workers: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
    end_admin: watch::Sender<bool>,
    admin: JoinHandle<()>,
    control: JoinHandle<()>,
}

/// Serin has ended, and not well.
#[derive(Debug, thiserror::Error)]
#[error("threads had ended before their time: {}", .0.join(", "))]
pub struct Fallen(Vec<String>);

/// Starts what `config` describes.
pub fn start(config: &Config) -> Result<Running, StartError> {
    let keyring = Keyring::new(access_keys(&config.access_keys, outside::variable)?);
    let production = bind("production", config.listen.production)?;
    let staging = bind("staging", config.listen.staging)?;
    let admin_listener = bind("admin", config.listen.admin)?;
    let bind_tls = |purpose, address: Option<SocketAddr>| {
        address.map(|address| bind(purpose, address)).transpose()
    };
    let production_tls = bind_tls("production_tls", config.listen.production_tls)?;
    let staging_tls = bind_tls("staging_tls", config.listen.staging_tls)?;
    let admin_tls_listener = bind_tls("admin_tls", config.listen.admin_tls)?;
    let address_of = |listener: &Option<TcpListener>| {
        listener.as_ref().map(TcpListener::local_addr).transpose()
    };
    let addresses = Addresses {
        production: production.local_addr()?,
        staging: staging.local_addr()?,
        admin: admin_listener.local_addr()?,
        production_tls: address_of(&production_tls)?,
        staging_tls: address_of(&staging_tls)?,
        admin_tls: address_of(&admin_tls_listener)?,
    };
    let store = match &config.store_path {
        Some(path) => Store::open(path)?,
        None => Store::in_memory()?,
    };
    let mut gates = vec![(admin_listener, None)];
    let mut listeners = Listeners { production, staging, production_tls: None, staging_tls: None };
    let speak_tls = [addresses.production_tls, addresses.staging_tls, addresses.admin_tls];
    let speak_tls = speak_tls.into_iter().flatten().map(|address| address.ip());
    let certificates = if speak_tls.clone().next().is_some() {
        let certificates = Certificates::of(config, speak_tls)?;
        let of_admin = certificates.server_config(&tls::HTTP1);
        gates.extend(admin_tls_listener.map(|listener| (listener, Some(of_admin))));
        let of_traffic = certificates.server_config(&tls::HTTP2_AND_HTTP1);
        let with_tls = |listener| TlsListener { listener, config: of_traffic.clone() };
        listeners.production_tls = production_tls.map(with_tls);
        listeners.staging_tls = staging_tls.map(with_tls);
        Some(certificates)
    } else {
        None
    };
    let settings = Settings {
        default_routine: config.default_routine.clone(),
        domains: config.domain.iter().cloned().chain(account_domain()).collect(),
        override_allowed: config.policy.headers.r#override,
        trusted: config.policy.trusted.clone(),
        regions: config.regions.clone(),
    };
    let declared = Declared {
        sites: config.sites.clone(),
        routines: config.routines.clone(),
        apps: config.apps.clone(),
        quotas: config.account.quotas,
    };
    let opened = ControlPlane::open(store, settings, declared, outside::now)?;
    let Opened { plane, handle: control, table, warnings } = opened;
    for warning in warnings {
        tracing::warn!("{warning}");
    }

    let workers = config.server.workers_or(cores()).get();
    let tallies = Tallies::new(workers);
    let patience =
        Patience { idle: config.policy.timeouts.client_idle, drain: config.server.drain_timeout };
    let (set_policy, policy) = watch::channel(Arc::new(config.policy.clone()));
    let proxy = Arc::new(Proxy {
        table: table.clone(),
        draws: Draws { spread: SpreadCounters::default(), mint: Box::new(outside::random) },
        seats: Seats::default(),
        tallies: tallies.clone(),
        policy,
        drain: config.server.drain_timeout,
        built_in: Box::new(built_in),
    });
    let roster = Roster::new();
    let (end_workers, workers_end) = watch::channel(false);
    let (end_admin, admin_ends) = watch::channel(false);

    let workers = (0..workers).map(|index| {
        let duty = roster.duty(format!("worker-{index}"), workers_end.clone());
        proxy::start(index, proxy.clone(), &listeners, workers_end.clone(), duty)
    });
    let workers = workers.collect::<Result<_, _>>()?;
    let admin = Admin {
        control,
        keyring,
        table: table.clone(),
        account: ACCOUNT.to_owned(),
        live_account: LiveAccount::new(config.account.account.clone(), config.account.quotas),
        domain: config.domain.clone(),
        staging: addresses.staging,
        ready: roster.ready.clone(),
        upload_secret: outside::random(),
        draw: Box::new(outside::random),
        clock: Box::new(outside::now),
    };
    let duty = roster.duty("admin", admin_ends.clone());
    let admin = serve_admin(gates, admin, certificates, patience, admin_ends.clone(), duty)?;
    // Ends by itself once the last handle, admin's, is gone.
    let duty = roster.duty("control", admin_ends);
    let control = std::thread::Builder::new().name("control".to_owned()).spawn(move || {
        let _duty = duty;
        plane.run();
    })?;
    Ok(Running {
        addresses,
        tallies,
        table,
        set_policy,
        roster,
        end_workers,
        workers,
        end_admin,
        admin,
        control,
    })
}

impl Running {
    /// Lets running requests finish and ends every thread: the workers first, while
    /// admin still says that this Serin is not ready; then admin, and with it the
    /// control plane, which has nobody left to answer.
    pub fn stop(self) -> Result<(), Fallen> {
        self.roster.ready.store(false, Ordering::Release);
        self.end_workers.send_replace(true);
        for worker in self.workers {
            join(worker);
        }
        self.end_admin.send_replace(true);
        join(self.admin);
        join(self.control);
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
    admin: Admin,
    certificates: Option<Certificates>,
    patience: Patience,
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
        let admin = Arc::new(admin);
        let local = tokio::task::LocalSet::new();
        for (listener, tls) in gates {
            let (admin, mut ended) = (admin.clone(), ended.clone());
            let ended = async move { drop(ended.wait_for(|&ended| ended).await) };
            local.spawn_local(admin::serve(listener, tls, admin, patience, ended));
        }
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
