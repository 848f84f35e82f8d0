//! One listener for people and machines: the ESA dialect on `/`, and for a browser the
//! dashboard, the native API under `/api/v1`, `/metrics` for Prometheus, and whether the
//! process is alive and ready.
//!
//! With access keys, a call must say who is asking, to read metrics, too. Open to all are
//! `/livez` and `/readyz`, the dashboard's page, which holds no data, and the upload forms,
//! which carry a permission of their own.
//!
//! # Where ESA is silent
//!
//! ESA's pages leave much open. What Serin does there, in one place; what the language
//! of rules does is said at [`model::Rule`](crate::model::Rule).
//!
//! Calls:
//!
//! - A call may leave out the API version. Of a parameter that comes twice, the body's
//!   holds before the query's and the last before the first.
//! - Checks run in this order: the action, who is asking and whether it may, the
//!   account's state (throttling, service, arrears, lock, failures), presence, shape,
//!   existence of the routine, existence of its versions. A refused call changes nothing.
//! - What is missing is `ParameterNotExist`, what is malformed or unknown
//!   `InvalidParameter`. ESA's texts never say what is wrong; `Reason`, a field of
//!   Serin's own, does.
//! - There are as many pages as a list fills. One has up to 100 entries, of sites, routes
//!   and container apps up to 500.
//!
//! Routines:
//!
//! - A code version is 19 digits, the nanoseconds of its making, ascending. One that is
//!   not `available` cannot be deployed; `PublishRoutineCodeVersion` without one takes the
//!   newest that is.
//! - Deleting a version that an environment serves is `DependedByOthers`. Deleting what
//!   is deployed, a routine or an app, withdraws it, with its records and routes.
//! - A zip is read to its end before its version is available. One that came whole and
//!   is none makes the version `failed`, so that tools stop waiting; another may follow
//!   for as long as the permission lasts, 5 minutes. Assets are counted and not kept.
//! - Variables have no effect, since no code runs: a version tells by `HasEnvVars` whether
//!   there were any. A secret's value is not even kept, and is told as `******`.
//! - Default records never ask for the token that `GetRoutineAccessToken` gives. Actions
//!   on builds answer as for an account without git builds.
//!
//! Sites, records and routes:
//!
//! - Sites are the config's, which does not say when they were made: the epoch is told.
//!   A host belongs to the site with the longest name that is its own or above it.
//! - A record's host belongs to the site that the record names, to one routine or app,
//!   and is no wildcard. A config without sites takes records for any `SiteId`, and no
//!   routes. Of a site that is taken out of the config the routes wait and the records
//!   stay.
//! - Of the routes of a site the first whose rule holds takes a request: the lowest
//!   Sequence, of equal ones the oldest. Without a Sequence a route goes behind all
//!   others. Names need not differ. A route holds before a record.
//! - A route's Mode is `simple` where its rule is of a host and a path alone, unless
//!   `custom` is asked for. Its `ConfigType` is `rule`. Its Timeout is for the head of the
//!   response, and an update may change it but not take it away.
//! - Limits that depend on the plan at ESA are Serin's own here: those of a rule, which
//!   are named beside it, and 10,000 routes a site.
//! - A bypass sends requests to the site's origin, a fallback those that the routine
//!   fails: nothing is deployed, or its upstream gave no response. A response of status
//!   5xx is one. Without an origin both are 502. A version override holds before either.
//! - Requests that no route, record or default routine takes are left untouched: the
//!   site's origin answers them, if it has one.
//!
//! The account:
//!
//! - A service that is not open refuses every action on routines; arrears and a lock
//!   those that change something. Edge containers have a service of their own, which is
//!   open. Every quota is `RoutineNumberExceedQuotaLimit`, whose text speaks of the
//!   items of any feature; the native API keeps to quotas, too.
//!
//! Edge containers:
//!
//! - No container is run: what is made is `created` at once, what is published is
//!   `published` at once or at its `StartTime`, which a restart does not lose.
//! - A publish may lower a share, follow a release by regions, or name the version that
//!   has everybody. The rest of the users stay with the baseline, the version that had
//!   everybody last; without one the version published gets them all.
//! - Regions have any name of `[a-z0-9-]{1,64}`, known to the config or not.
//! - A rollback without `UsedPercent` takes everybody back, and drops what waits.

mod account;
mod api;
mod body;
mod dashboard;
mod dry_run;
mod esa;
mod guard;
mod held;
mod metrics;
mod reload;
mod signature;
mod time;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use http::header::CACHE_CONTROL;
use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioTimer;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

pub use self::account::LiveAccount;
pub use self::api::{Answers, Unexplained, alarm, configured, explain};
pub use self::dashboard::Streams;
use self::guard::{Hosts, Trespass};
use self::held::Held;
pub use self::reload::Reload;
pub use self::signature::Keyring;
use crate::control::ControlHandle;
use crate::model::{Domain, Timestamp};
use crate::observe::{AccessLog, History, Requests, Spans, Tallies, Traffic, Users, Wellness};
use crate::routing::TableReader;
use crate::server::{self, Patience, Patient, Presence};

/// A TLS handshake must be complete this long after the connection was made.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(5);
/// A request's head must be complete this long after its first byte.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// Request line and header fields of one request, in bytes.
const HEAD_MAX_BYTES: usize = 64 * 1024;

const LIVE_PATH: &str = "/livez";
const READY_PATH: &str = "/readyz";
const METRICS_PATH: &str = "/metrics";

/// Whether the ESA dialect has an action of this name.
pub fn has_action(name: &str) -> bool {
    esa::has_action(name)
}

/// What the admin listener speaks for.
pub struct Admin {
    pub control: ControlHandle,
    /// Who may call.
    pub keyring: Keyring,
    /// For explanations and for what is counted; changes go through `control`.
    pub table: TableReader,
    /// What the data plane says of its requests and of its endpoints.
    pub tallies: Tallies,
    pub traffic: Traffic,
    pub requests: Requests,
    pub access_log: AccessLog,
    pub spans: Spans,
    /// Who came to the data plane, and what the checks of the splits say.
    pub users: Users,
    pub wellness: Wellness,
    /// The last hour of the splits.
    pub history: History,
    /// Who looks at the dashboard.
    pub streams: Streams,
    /// The account in default records: 8 hex digits.
    pub account: String,
    /// How that account behaves.
    pub live_account: LiveAccount,
    /// `<name>.<domain>` reaches a routine, as `<name>.localhost` always does.
    pub domain: RwLock<Option<Domain>>,
    /// Where production listens.
    pub production: SocketAddr,
    /// Where staging listens.
    pub staging: SocketAddr,
    /// Signs what may be uploaded, and access tokens. A new one at each start ends older
    /// ones.
    pub upload_secret: [u8; 32],
    /// Draws what makes a request id.
    pub draw: Box<dyn Fn() -> [u8; 16] + Send + Sync>,
    pub clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// What callers are told again who ask again.
    pub answers: Answers,
    /// What `/readyz` says.
    pub ready: Arc<AtomicBool>,
}

impl Admin {
    fn domain(&self) -> Option<Domain> {
        self.domain.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Answers operators until `shutdown`, then lets running requests finish; with `tls`,
/// over HTTPS alone. `patience` is asked anew for each connection. Must run inside a [`tokio::task::LocalSet`].
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    admin: Arc<Admin>,
    patience: impl Fn() -> Patience + 'static,
    shutdown: impl Future<Output = ()>,
) {
    let door = Door {
        // Without an address of its own only the loopback names are left.
        address: listener.local_addr().ok(),
        scheme: if tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP },
    };
    let streams = admin.streams.clone();
    let shutdown = async move {
        shutdown.await;
        streams.end();
    };
    let service = TowerToHyperService::new(router(admin, door));
    let handle = |stream, _peer, presence: Rc<Presence>| {
        let (service, tls, patience) = (service.clone(), tls.clone(), patience());
        let stream = Patient::new(stream, presence.clone(), patience.idle);
        async move {
            let Some(tls) = tls else {
                return attend(stream, service, presence, patience).await;
            };
            let stream = server::handshake(tls, stream, &presence, HANDSHAKE_PATIENCE).await;
            if let Some(stream) = stream {
                attend(stream, service, presence, patience).await;
            }
        }
    };
    server::serve(listener, &patience, server::Passing::none(), shutdown, handle).await;
}

/// How a request came in.
#[derive(Debug, Clone)]
struct Door {
    address: Option<SocketAddr>,
    scheme: Scheme,
}

/// Serves one connection.
async fn attend(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    service: TowerToHyperService<Router>,
    presence: Rc<Presence>,
    patience: Patience,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_PATIENCE).max_buf_size(HEAD_MAX_BYTES);
    let counted = service_fn(|request: hyper::Request<Incoming>| {
        let busy = presence.busy();
        let answer = service.call(request);
        async move {
            let Ok(response) = answer.await;
            Ok::<_, Infallible>(response.map(|body| Held::new(body, busy)))
        }
    });
    server::http1(&http, stream, counted, &presence, patience).await;
}

fn router(admin: Arc<Admin>, door: Door) -> Router {
    let scrapes = Arc::new(metrics::Scrapes::new((admin.clock)()));
    let scrape = move |State(admin): State<Arc<Admin>>, headers: HeaderMap| {
        let scrapes = scrapes.clone();
        async move { metrics::answer(&admin, &headers, &scrapes) }
    };
    Router::new()
        .route("/", any(front))
        .route(esa::UPLOAD_PATH, any(esa::upload))
        .route(esa::ASSETS_UPLOAD_PATH, any(esa::upload_assets))
        .route(LIVE_PATH, get(async || "live\n"))
        .route(READY_PATH, get(readiness))
        .route(METRICS_PATH, get(scrape))
        .nest("/api/v1", api::routes(&admin))
        .nest(dashboard::PATH, dashboard::routes())
        .fallback(api::unknown_path)
        .method_not_allowed_fallback(api::wrong_method)
        .layer(middleware::from_fn_with_state((admin.clone(), door), admit))
        .with_state(admin)
}

/// Turns away, before anything is read or changed, what a foreign web page sent, and
/// what nobody may do who is not known.
async fn admit(
    State((admin, door)): State<(Arc<Admin>, Door)>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    // For answers that tell where to go on.
    parts.extensions.insert(door.scheme.clone());
    let path = parts.uri.path();
    // A signature proves more than a name does, and a foreign page cannot sign.
    let hosts = if admin.keyring.is_empty() { Hosts::Ours } else { Hosts::Any };
    let checked = guard::check(&parts, &door, hosts);
    let mut response = match checked {
        // A link may lead to the page from anywhere: it holds nothing, and nobody frames it.
        Err(Trespass::Site(_))
            if guard::follows_a_link(&parts) && dashboard::is_looked_at(&parts) =>
        {
            dashboard::page()
        }
        Ok(()) => match path {
            // The dialect asks who calls in its own words, the form in its own way.
            "/" | esa::UPLOAD_PATH | esa::ASSETS_UPLOAD_PATH | LIVE_PATH | READY_PATH => {
                next.run(Request::from_parts(parts, body)).await
            }
            path if dashboard::is_open(path) => next.run(Request::from_parts(parts, body)).await,
            // All else, so that no new path is open by oversight.
            _ => match api::admit(&admin, Request::from_parts(parts, body)).await {
                Ok(request) => next.run(request).await,
                Err(refusal) => refusal.into_response(),
            },
        },
        Err(trespass) => match path {
            "/" => esa::turn_away(&admin, &parts, &trespass),
            esa::UPLOAD_PATH | esa::ASSETS_UPLOAD_PATH => esa::turn_upload_away(&admin, &trespass),
            _ => api::turn_away(&trespass),
        },
    };
    // Answers speak of one moment, and some carry a permission to upload.
    let lasts = response.headers_mut().entry(CACHE_CONTROL);
    lasts.or_insert(HeaderValue::from_static("no-store"));
    response
}

/// What is at `/`: the page for a browser, the ESA dialect for all else.
async fn front(state: State<Arc<Admin>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if dashboard::is_looked_at(&parts) {
        return dashboard::page();
    }
    esa::answer(state, Request::from_parts(parts, body)).await
}

async fn readiness(State(admin): State<Arc<Admin>>) -> Response {
    if admin.ready.load(Ordering::Acquire) {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
    }
}
