//! One thread, one runtime, one pool. Workers share the listeners, and nothing
//! that a request writes to.

use std::io;
use std::rc::Rc;
use std::thread::JoinHandle;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::complaints::Complaints;
use super::headers::Client;
use super::linger::Linger;
use super::pool::Pool;
use super::{Listeners, Proxy, SharedProxy};
use crate::model::Environment;
use crate::observe::WorkerTallies;
use crate::server;

/// What one thread needs to answer requests.
pub struct Worker {
    pub(super) proxy: SharedProxy,
    pub(super) pool: Rc<Pool>,
    pub(super) tallies: WorkerTallies,
    pub(super) linger: Linger,
    pub(super) complaints: Complaints,
}

/// Starts the worker number `index`. It serves both listeners until `shutdown`
/// turns true, then drains. `duty` is dropped when the thread ends, be it by a panic.
pub fn start(
    index: usize,
    proxy: SharedProxy,
    listeners: &Listeners,
    shutdown: watch::Receiver<bool>,
    duty: impl Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let production = listeners.production.try_clone()?;
    let staging = listeners.staging.try_clone()?;
    production.set_nonblocking(true)?;
    staging.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (production, staging) = {
        let _inside = runtime.enter();
        (TcpListener::from_std(production)?, TcpListener::from_std(staging)?)
    };
    std::thread::Builder::new().name(format!("worker-{index}")).spawn(move || {
        let _duty = duty;
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, async {
            let worker = Rc::new(Worker {
                tallies: proxy.tallies.of_worker(index),
                proxy,
                pool: Rc::default(),
                linger: Linger::start(),
                complaints: Complaints::default(),
            });
            let sweeper = tokio::task::spawn_local(sweep(worker.clone()));
            tokio::join!(
                serve(&worker, Environment::Production, production, shutdown.clone()),
                serve(&worker, Environment::Staging, staging, shutdown),
            );
            sweeper.abort();
        });
        drop(local);
        // Threads that still ask a resolver are not waited for: the drain is over.
        runtime.shutdown_background();
    })
}

async fn serve(
    worker: &Rc<Worker>,
    environment: Environment,
    listener: TcpListener,
    mut shutdown: watch::Receiver<bool>,
) {
    let patience = worker.proxy.timeouts.client;
    let mut builder = http1::Builder::new();
    // The sweep of the accept loop ends idle connections.
    builder.header_read_timeout(None);
    // A sender that is gone has nothing more to say, so it means the same.
    let ended = async move { drop(shutdown.wait_for(|&ended| ended).await) };
    server::serve(listener, patience, ended, |stream, peer, presence| {
        let (worker, builder) = (worker.clone(), builder.clone());
        async move {
            let client = Rc::new(Client::new(peer.ip(), &worker.proxy.trusted));
            let service = service_fn(|request| {
                let (worker, client) = (worker.clone(), client.clone());
                let busy = presence.busy();
                async move {
                    let mut response = worker.respond(environment, request, client).await;
                    response.body_mut().hold(busy);
                    Ok::<_, std::convert::Infallible>(response)
                }
            });
            server::http1(&builder, stream, service, &presence, patience).await;
        }
    })
    .await;
}

/// Closes pooled connections that have waited too long.
async fn sweep(worker: Rc<Worker>) {
    let Proxy { timeouts, .. } = &*worker.proxy;
    let idle = timeouts.upstream_idle;
    let mut ticks = tokio::time::interval(server::sweep_interval(idle));
    loop {
        ticks.tick().await;
        worker.pool.sweep(idle);
    }
}
