//! A data plane on free ports: real workers over a table that the test publishes.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use rustls::pki_types::CertificateDer;
use rustls::{RootCertStore, ServerConfig};
use serin::backend::Answer;
use serin::model::{
    Catalog, CodeVersion, Deployment, DeploymentId, Environment, Percent, Policy, Regions, Routine,
    RoutineName, RoutineRoute, Shares, Site, Timeouts, Timestamp, TrustedProxies, Upstream,
    Version,
};
use serin::observe::{
    Answering, Requests, Tallied, Tallies, Traffic, TrafficCounts, Users, Wellness,
};
use serin::proxy::{
    BuiltIn, BuiltInRequest, Listeners, Proxy, Seats, TlsListener, UpstreamTls, start, start_checks,
};
use serin::routing::{
    Draws, RoutingTable, Settings, SpreadCounters, SubjectName, TableReader, TableWriter, published,
};
use serin::tls::{
    Authority, HTTP2_AND_HTTP1, Issued, client_config, server_config, unchecked_client_config,
};
use tokio::sync::watch;

use super::WAIT_MAX;
use super::fixtures::place;
use super::raw::Client;
use super::tls::Trust;

/// What to start.
pub(crate) struct Setup {
    pub(crate) workers: usize,
    pub(crate) policy: Policy,
    /// Whose certificates are taken of endpoints.
    pub(crate) trusted_authority: Option<CertificateDer<'static>>,
    /// How long running requests have at the end.
    pub(crate) drain: Duration,
    pub(crate) regions: Regions,
    /// Takes what matches nothing.
    pub(crate) default_routine: Option<&'static str>,
    pub(crate) catalog: Catalog,
    /// The backend of versions without an upstream.
    pub(crate) built_in: BuiltIn,
    /// Whether both environments listen for TLS, too.
    pub(crate) tls: bool,
}

/// A running data plane. It ends, and its threads with it, when dropped.
pub(crate) struct Edge {
    pub(crate) production: SocketAddr,
    pub(crate) staging: SocketAddr,
    /// Where TLS is spoken, if it is.
    pub(crate) production_tls: Option<SocketAddr>,
    pub(crate) staging_tls: Option<SocketAddr>,
    /// Who vouches there.
    trust: Option<Trust>,
    table: TableReader,
    pub(crate) tallies: Tallies,
    traffic: Traffic,
    pub(crate) requests: Requests,
    pub(crate) wellness: Wellness,
    writer: Mutex<TableWriter>,
    settings: Settings,
    set_policy: watch::Sender<Arc<Policy>>,
    shutdown: watch::Sender<bool>,
    /// And the one that checks endpoints.
    workers: Vec<JoinHandle<()>>,
}

impl Setup {
    /// A proxy with one worker, for these routines; `shop` is the default one.
    pub(crate) fn of(routines: impl IntoIterator<Item = Routine>) -> Self {
        Self {
            workers: 1,
            policy: Policy {
                timeouts: Timeouts {
                    connect: Duration::from_secs(5),
                    response_head: WAIT_MAX,
                    upstream_idle: WAIT_MAX,
                    client_idle: WAIT_MAX,
                    ..Timeouts::default()
                },
                ..Policy::default()
            },
            trusted_authority: None,
            drain: Duration::from_secs(2),
            regions: Regions::default(),
            default_routine: Some("shop"),
            catalog: catalog(routines),
            built_in: Box::new(answer),
            tls: false,
        }
    }

    /// The same with one routine `shop`, whose only version `1` answers at `url`.
    pub(crate) fn before(url: &str) -> Self {
        let mut shop = routine("shop", &[("1", Some(url))]);
        deploy(&mut shop, Environment::Production, 1, &[("1", 100)]);
        Self::of([shop])
    }

    /// Listens for TLS, too.
    pub(crate) fn with_tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Believes what comes from loopback.
    pub(crate) fn trusting_loopback(mut self) -> Self {
        self.policy.trusted = TrustedProxies::new(vec!["127.0.0.0/8".parse().unwrap()]);
        self
    }

    /// Adds sites and routes of theirs.
    pub(crate) fn placed(
        mut self,
        sites: impl IntoIterator<Item = Site>,
        routes: impl IntoIterator<Item = RoutineRoute>,
    ) -> Self {
        place(&mut self.catalog, sites, routes);
        self
    }

    /// Adds a routine `busy`, for each of whose answers a worker is busy with this. No
    /// other is to be built in.
    pub(crate) fn busy_with(mut self, work: impl Fn() + Send + Sync + 'static) -> Self {
        let mut busy = routine("busy", &[("1", None)]);
        deploy(&mut busy, Environment::Production, 2, &[("1", 100)]);
        self.catalog.routines.insert(busy.name.clone(), busy.into());
        self.built_in = Box::new(move |_| {
            work();
            Vec::new()
        });
        self
    }

    pub(crate) fn start(self) -> Edge {
        self.start_with(|_| {}, false)
    }

    /// Starts workers that are asked to end before they have taken one connection, once
    /// those of `queue` wait at production.
    pub(crate) fn drain_at_once(self, queue: impl FnOnce(SocketAddr)) -> Edge {
        self.start_with(queue, true)
    }

    fn start_with(self, queue: impl FnOnce(SocketAddr), is_ended: bool) -> Edge {
        let bind = || TcpListener::bind("127.0.0.1:0").unwrap();
        let certificates = self.tls.then(certificates);
        let secure = || {
            let config = certificates.as_ref()?.1.clone();
            Some(TlsListener { listener: bind(), config })
        };
        let address = |tls: &TlsListener| tls.listener.local_addr().unwrap();
        let listeners = Listeners {
            production: bind(),
            staging: bind(),
            production_tls: secure(),
            staging_tls: secure(),
        };
        queue(listeners.production.local_addr().unwrap());
        let settings = Settings {
            default_routine: self.default_routine.map(|name| RoutineName::new(name).unwrap()),
            domains: Vec::new(),
            override_allowed: true,
            trusted: self.policy.trusted.clone(),
            regions: self.regions,
        };
        let table = RoutingTable::compile(settings.clone(), &self.catalog);
        let (writer, reader) = published(table);
        let (set_policy, policy) = watch::channel(Arc::new(self.policy));
        let (tallies, traffic) = (Tallies::new(self.workers), Traffic::new(self.workers));
        let (users, wellness) = (Users::new(self.workers), Wellness::default());
        let requests = Requests::new(self.workers);
        let proxy = Arc::new(Proxy {
            table: reader.clone(),
            draws: Draws {
                spread: SpreadCounters::default(),
                mint: Box::new(|| *b"sixteen bytes id"),
                salt: 0,
            },
            seats: Seats::default(),
            tallies: tallies.clone(),
            traffic: traffic.clone(),
            requests: requests.clone(),
            users: users.clone(),
            wellness: wellness.clone(),
            policy,
            drain: watch::channel(self.drain).1,
            built_in: self.built_in,
            tls: Arc::new(upstream_tls(self.trusted_authority)),
        });
        let (shutdown, ended) = watch::channel(is_ended);
        let mut workers: Vec<_> = (0..self.workers)
            .map(|index| start(index, proxy.clone(), &listeners, ended.clone(), ()).unwrap())
            .collect();
        workers.push(start_checks(proxy, ended, ()).unwrap());
        Edge {
            production: listeners.production.local_addr().unwrap(),
            staging: listeners.staging.local_addr().unwrap(),
            production_tls: listeners.production_tls.as_ref().map(address),
            staging_tls: listeners.staging_tls.as_ref().map(address),
            trust: certificates.map(|(trust, _)| trust),
            table: reader,
            tallies,
            traffic,
            requests,
            wellness,
            writer: Mutex::new(writer),
            settings,
            set_policy,
            shutdown,
            workers,
        }
    }
}

impl Edge {
    /// A new connection to production.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.production)
    }

    /// Sends this on a new connection, and sees to it that the worker, if it is one, has
    /// come to it.
    pub(crate) fn asking(&self, bytes: impl AsRef<[u8]>) -> Client {
        let mut client = self.client();
        client.send(bytes);
        // It meets what comes in order.
        for _ in 0..2 {
            assert_eq!(Client::new(self.staging).get("/", &[]).status, 503);
        }
        client
    }

    /// Whom a client of the TLS listeners trusts.
    pub(crate) fn trust(&self) -> &Trust {
        self.trust.as_ref().expect("it speaks TLS")
    }

    /// Replaces everything that is deployed.
    pub(crate) fn publish(&self, routines: impl IntoIterator<Item = Routine>) {
        let catalog = catalog(routines);
        let table = RoutingTable::compile(self.settings.clone(), &catalog);
        self.writer.lock().unwrap().publish(|_| table);
    }

    /// Replaces how others are treated.
    pub(crate) fn set_policy(&self, policy: Policy) {
        self.set_policy.send_replace(Arc::new(policy));
    }

    /// What went wrong so far.
    pub(crate) fn counts(&self) -> TrafficCounts {
        self.traffic.total()
    }

    /// What was counted of a version of `shop` in production.
    pub(crate) fn tallied(&self, version: &str) -> Tallied {
        self.tallies.total(self.tally(version))
    }

    /// By which a version of `shop` in production is counted.
    pub(crate) fn answering(&self, version: &str) -> Answering {
        Answering::Version(self.tally(version))
    }

    fn tally(&self, version: &str) -> u32 {
        let shop = SubjectName::Routine(RoutineName::new("shop").unwrap());
        self.table.read(|table| {
            let mut tallies = table.tallies(&shop).filter(|(environment, of, _)| {
                *environment == Environment::Production && of.as_str() == version
            });
            tallies.next().unwrap().2.0
        })
    }

    /// Asks the workers to end, and does not wait for it.
    pub(crate) fn drain(&self) {
        self.shutdown.send_replace(true);
    }

    /// Waits until all workers have ended.
    pub(crate) fn join(&mut self) {
        let workers = std::mem::take(&mut self.workers);
        let (done, all_done) = mpsc::channel();
        std::thread::spawn(move || {
            let panicked = workers.into_iter().any(|worker| worker.join().is_err());
            done.send(panicked)
        });
        let panicked = all_done.recv_timeout(WAIT_MAX);
        assert_eq!(panicked, Ok(false), "every worker ends, and in peace");
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.drain();
        if !std::thread::panicking() {
            self.join();
        }
    }
}

/// A local authority, and what listeners that it vouches for speak.
fn certificates() -> (Trust, Arc<ServerConfig>) {
    let now = || {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Timestamp(i64::try_from(now.as_nanos()).unwrap())
    };
    let authority = Authority::new(None, now()).unwrap();
    let trust = Trust::in_pem(&authority.certificate_pem());
    let issued = Issued::new(authority, None, [], Box::new(now));
    (trust, server_config(Arc::new(issued), &HTTP2_AND_HTTP1))
}

fn upstream_tls(trusted: Option<CertificateDer<'static>>) -> UpstreamTls {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(trusted);
    UpstreamTls::new(&client_config(roots), &unchecked_client_config())
}

fn answer(request: &BuiltInRequest<'_>) -> Vec<u8> {
    let answer = Answer {
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

/// A routine with these versions and nothing deployed.
pub(crate) fn routine(name: &str, versions: &[(&str, Option<&str>)]) -> Routine {
    let versions = versions.iter().map(|(version, url)| {
        let code_version = CodeVersion::new(version).unwrap();
        let version = Version {
            upstream: url.map(|url| Upstream::new(url).unwrap()),
            ..Version::new(code_version.clone(), Timestamp::default())
        };
        (code_version, Arc::new(version))
    });
    let name = RoutineName::new(name).unwrap();
    Routine { versions: versions.collect(), ..Routine::new(name, Timestamp::default()) }
}

/// Makes these versions and percentages what `environment` serves.
pub(crate) fn deploy(
    routine: &mut Routine,
    environment: Environment,
    id: u64,
    shares: &[(&str, u64)],
) {
    let shares = shares.iter().map(|&(version, percent)| {
        (CodeVersion::new(version).unwrap(), Percent::new(percent).unwrap())
    });
    routine.live[environment.index()] = Some(Arc::new(Deployment {
        id: DeploymentId(id),
        shares: Shares::new(shares.collect()).unwrap(),
        created: Timestamp::default(),
    }));
}

fn catalog(routines: impl IntoIterator<Item = Routine>) -> Catalog {
    let routines = routines.into_iter().map(|routine| (routine.name.clone(), Arc::new(routine)));
    Catalog { routines: routines.collect(), ..Catalog::default() }
}
