//! Everything in one process: workers, admin, control plane.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use tokio::sync::watch;

use super::listen::{ListenError, bind};
use super::outside;
use crate::admin::{self, Admin};
use crate::backend;
use crate::config::Config;
use crate::control::{ControlPlane, Opened, Store, StoreError};
use crate::model::Declared;
use crate::observe::Tallies;
use crate::proxy::{self, BuiltInRequest, HeaderPolicy, Listeners, Proxy, Timeouts};
use crate::routing::{Draws, Settings, SpreadCounters, TableReader};
use crate::server::Patience;

/// The account that default records name: 8 hexadecimal digits, as ESA's do.
const ACCOUNT: &str = "5e121a00";

/// Why Serin does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    Store(#[from] StoreError),
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
}

/// A Serin that serves.
pub struct Running {
    pub addresses: Addresses,
    pub tallies: Tallies,
    pub table: TableReader,
    ready: Arc<AtomicBool>,
    shutdown: watch::Sender<bool>,
    /// In the order in which they end.
    threads: Vec<JoinHandle<()>>,
}

/// Starts what `config` describes.
pub fn start(config: &Config) -> Result<Running, StartError> {
    let listeners = Listeners {
        production: bind("production", config.listen.production)?,
        staging: bind("staging", config.listen.staging)?,
    };
    let admin_listener = bind("admin", config.listen.admin)?;
    let addresses = Addresses {
        production: listeners.production.local_addr()?,
        staging: listeners.staging.local_addr()?,
        admin: admin_listener.local_addr()?,
    };
    let store = match &config.store_path {
        Some(path) => Store::open(path)?,
        None => Store::in_memory()?,
    };
    let settings = Settings {
        default_routine: config.default_routine.clone(),
        domain: config.domain.clone(),
        override_allowed: config.headers.r#override,
        trusted: config.trusted_proxies.clone(),
        regions: config.regions.clone(),
    };
    let declared = Declared { routines: config.routines.clone(), apps: config.apps.clone() };
    let opened = ControlPlane::open(store, settings, declared, outside::now)?;
    let Opened { plane, handle: control, table, warnings } = opened;
    for warning in warnings {
        tracing::warn!("{warning}");
    }

    let workers = config.server.workers_or(cores()).get();
    let tallies = Tallies::new(workers);
    let patience =
        Patience { idle: config.timeouts.client_idle, drain: config.server.drain_timeout };
    let proxy = Arc::new(proxy_of(config, table.clone(), tallies.clone(), patience));
    let ready = Arc::new(AtomicBool::new(true));
    let (shutdown, ended) = watch::channel(false);

    let mut threads = Vec::with_capacity(workers + 2);
    for index in 0..workers {
        threads.push(proxy::start(index, proxy.clone(), &listeners, ended.clone())?);
    }
    let admin = Admin {
        control,
        table: table.clone(),
        account: ACCOUNT.to_owned(),
        domain: config.domain.clone(),
        ready: ready.clone(),
        upload_secret: outside::random(),
        draw: Box::new(outside::random),
        clock: Box::new(outside::now),
    };
    threads.push(serve_admin(admin_listener, admin, patience, ended)?);
    // Ends by itself once the last handle, admin's, is gone.
    threads.push(std::thread::Builder::new().name("control".to_owned()).spawn(|| plane.run())?);
    Ok(Running { addresses, tallies, table, ready, shutdown, threads })
}

impl Running {
    /// Lets running requests finish and ends every thread.
    pub fn stop(self) {
        self.ready.store(false, Ordering::Relaxed);
        self.shutdown.send_replace(true);
        for thread in self.threads {
            let name = thread.thread().name().unwrap_or("unnamed").to_owned();
            if thread.join().is_err() {
                tracing::error!(thread = name, "a thread ended by a panic");
            }
        }
    }
}

fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn proxy_of(config: &Config, table: TableReader, tallies: Tallies, patience: Patience) -> Proxy {
    Proxy {
        table,
        draws: Draws { spread: SpreadCounters::default(), mint: Box::new(outside::random) },
        tallies,
        timeouts: Timeouts {
            connect: config.timeouts.connect,
            response_head: config.timeouts.response_head,
            upstream_idle: config.timeouts.upstream_idle,
            client: patience,
        },
        headers: HeaderPolicy {
            response: config.headers.response,
            preserve_host: config.headers.preserve_host,
            forwarded: config.headers.forwarded,
        },
        trusted: config.trusted_proxies.clone(),
        built_in: Box::new(built_in),
    }
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
    listener: TcpListener,
    admin: Admin,
    patience: Patience,
    mut ended: watch::Receiver<bool>,
) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _inside = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    std::thread::Builder::new().name("admin".to_owned()).spawn(move || {
        let local = tokio::task::LocalSet::new();
        let ended = async move { drop(ended.wait_for(|&ended| ended).await) };
        local.block_on(&runtime, admin::serve(listener, admin, patience, ended));
    })
}
