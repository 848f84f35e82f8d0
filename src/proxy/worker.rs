//! One thread, one runtime, one pool. Workers share the listeners, and nothing
//! that a request writes to.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;

use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

use super::budget::Budget;
use super::complaints::Complaints;
use super::connect::LOOKUPS_AT_ONCE_MAX;
use super::crowd::Crowd;
use super::endpoints::Endpoints;
use super::linger::Linger;
use super::pool::Pool;
use super::share::Share;
use super::{Listeners, SharedProxy};
use crate::model::{Environment, Policy, Timeouts};
use crate::observe::{WorkerRequests, WorkerTallies, WorkerTraffic, WorkerUsers};
use crate::server::{self, Passed, Passing, Patience};

/// What one thread needs to answer requests.
pub struct Worker {
    pub(super) proxy: SharedProxy,
    pub(super) pool: Rc<Pool>,
    pub(super) tallies: WorkerTallies,
    pub(super) traffic: WorkerTraffic,
    pub(super) requests: WorkerRequests,
    pub(super) users: WorkerUsers,
    pub(super) endpoints: Endpoints,
    pub(super) budget: Budget,
    pub(super) linger: Linger,
    pub(super) complaints: Complaints,
    pub(super) crowd: Crowd,
    pub(super) share: Share,
    policy: RefCell<Rc<Policy>>,
}

impl Worker {
    /// How a request is treated, from its first byte to its last.
    pub(super) fn policy(&self) -> Rc<Policy> {
        self.policy.borrow().clone()
    }

    pub(super) fn patience(&self) -> Patience {
        let Timeouts { client_idle, request_head, .. } = self.policy().timeouts;
        Patience { idle: client_idle, request_head, drain: *self.proxy.drain.borrow() }
    }
}

/// Starts the worker number `index`. It serves all listeners until `shutdown`
/// turns true, then drains. `duty` is dropped when the thread ends, be it by a panic.
pub fn start(
    index: usize,
    proxy: SharedProxy,
    listeners: &Listeners,
    shutdown: watch::Receiver<bool>,
    duty: impl Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(LOOKUPS_AT_ONCE_MAX)
        .build()?;
    let doors = {
        let _inside = runtime.enter();
        doors(listeners)?
    };
    std::thread::Builder::new().name(format!("worker-{index}")).spawn(move || {
        let _duty = duty;
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, async {
            let policy = Rc::new(Policy::clone(&proxy.policy.borrow()));
            let (share, passed) = Share::of(&proxy, doors.len());
            let requests = proxy.requests.of_worker(index);
            let worker = Rc::new(Worker {
                tallies: proxy.tallies.of_worker(index),
                pool: Rc::new(Pool::new(proxy.tls.clone(), policy.limits, requests.connections())),
                traffic: proxy.traffic.of_worker(index),
                requests,
                users: proxy.users.of_worker(index),
                endpoints: Endpoints::new(index, proxy.wellness.clone()),
                budget: Budget::default(),
                proxy,
                linger: Linger::start(),
                complaints: Complaints::default(),
                crowd: Crowd::default(),
                share,
                policy: RefCell::new(policy),
            });
            let chores = [
                tokio::task::spawn_local(sweep(worker.clone())),
                tokio::task::spawn_local(take_policies(worker.clone())),
                tokio::task::spawn_local(take_sick(worker.clone())),
            ];
            let mut served = tokio::task::JoinSet::new();
            for ((listener, door), passed) in doors.into_iter().zip(passed) {
                served.spawn_local(serve(worker.clone(), listener, door, passed, shutdown.clone()));
            }
            served.join_all().await;
            chores.iter().for_each(tokio::task::JoinHandle::abort);
        });
        drop(local);
        // Threads that still ask a resolver are not waited for: the drain is over.
        runtime.shutdown_background();
    })
}

/// What a client has come to.
#[derive(Clone)]
pub(super) struct Door {
    /// The same for every worker.
    number: usize,
    pub(super) environment: Environment,
    /// How TLS is spoken there, if it is.
    pub(super) tls: Option<Arc<ServerConfig>>,
}

/// This worker's copies of `listeners`.
fn doors(listeners: &Listeners) -> io::Result<Vec<(TcpListener, Door)>> {
    let Listeners { production, staging, production_tls, staging_tls } = listeners;
    let plain = [(Environment::Production, production), (Environment::Staging, staging)];
    let plain = plain.map(|(environment, listener)| (environment, listener, None));
    let tls = [(Environment::Production, production_tls), (Environment::Staging, staging_tls)];
    let tls = tls.into_iter().filter_map(|(environment, tls)| {
        tls.as_ref().map(|tls| (environment, &tls.listener, Some(tls.config.clone())))
    });
    let doors = plain.into_iter().chain(tls).enumerate();
    let doors = doors.map(|(number, (environment, listener, tls))| {
        let listener = listener.try_clone()?;
        listener.set_nonblocking(true)?;
        Ok((TcpListener::from_std(listener)?, Door { number, environment, tls }))
    });
    doors.collect()
}

async fn serve(
    worker: Rc<Worker>,
    listener: TcpListener,
    door: Door,
    passed: UnboundedReceiver<Passed>,
    mut shutdown: watch::Receiver<bool>,
) {
    // A sender that is gone has nothing more to say, so it means the same.
    let ended = async move { drop(shutdown.wait_for(|&ended| ended).await) };
    let (own, number) = (worker.clone(), door.number);
    let passing = Passing { pass: move |accepted| own.share.pass(number, accepted), passed };
    server::serve(
        listener,
        || worker.patience(),
        passing,
        ended,
        |stream, peer, presence| {
            // At once: many may come before this one has its turn.
            let counted = worker.share.count();
            worker.clone().serve_client(door.clone(), stream, peer, presence, counted)
        },
    )
    .await;
}

/// Closes pooled connections that have waited too long, and forgets who is not used.
async fn sweep(worker: Rc<Worker>) {
    loop {
        let idle = worker.policy().timeouts.upstream_idle;
        tokio::time::sleep(server::sweep_interval(idle)).await;
        worker.pool.sweep(idle);
        give_back_memory();
        worker.endpoints.sweep();
        worker.requests.sweep();
    }
}

/// Has the allocator look for what it can give back to the system: it does so when something
/// large is freed, and parked connections free a lot at once and nothing after it.
fn give_back_memory() {
    const LARGE_BYTES: usize = 4 << 20;
    drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGE_BYTES)));
}

/// Replaces this worker's copy of the policy whenever there is another one.
async fn take_policies(worker: Rc<Worker>) {
    let mut policies = worker.proxy.policy.clone();
    while policies.changed().await.is_ok() {
        let policy = Rc::new(Policy::clone(&policies.borrow_and_update()));
        worker.pool.set_limits(policy.limits);
        worker.policy.replace(policy);
    }
}

/// Replaces this worker's copy of what the checks found whenever there is more.
async fn take_sick(worker: Rc<Worker>) {
    let mut found = worker.proxy.wellness.subscribe();
    // What came between the copy and this.
    found.mark_changed();
    while found.changed().await.is_ok() {
        let sick = found.borrow_and_update().clone();
        worker.endpoints.take_sick(sick);
    }
}
