//! What the benches decide about: catalogs of any size, and requests as browsers
//! send them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Request;
use http::request::Parts;
use serin::model::{
    Catalog, CodeVersion, Deployment, DeploymentId, Environment, Percent, Route, Routine,
    RoutineName, Shares, Sticky, Timestamp, Version,
};
use serin::routing::{Draws, SpreadCounters};

/// A key as most applications have it: a UUID in text.
pub(crate) const KEY: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

/// The name of routine `number`, alike in catalogs of every size. The first ten
/// are scattered over the order of names, as they would be among strangers.
pub(crate) fn name(number: usize) -> RoutineName {
    let scatter = (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 44;
    RoutineName::new(&format!("app-{scatter:05x}-{number}")).expect("letters and digits")
}

/// Routine `number` in a canary of 10 %, reached by its record and by a route.
pub(crate) fn routine(number: usize, sticky: &Sticky) -> Routine {
    let version = |text: &str| CodeVersion::new(text).expect("digits");
    let (older, newer) = (version("1723599747213377175"), version("1723599747213377176"));
    let shares = Shares::new(vec![
        (older.clone(), Percent::new(90).expect("in range")),
        (newer.clone(), Percent::new(10).expect("in range")),
    ]);
    let deployment = Arc::new(Deployment {
        id: DeploymentId(number as u64 + 1),
        shares: shares.expect("90 and 10 are 100"),
        created: Timestamp(0),
    });
    let versions = [older, newer].map(|code_version| {
        let version = Version::new(code_version.clone(), Timestamp(0));
        (code_version, Arc::new(version))
    });
    Routine {
        routes: vec![Route::new(&format!("{}/*", routed_host(number))).expect("a route")],
        sticky: sticky.clone(),
        versions: versions.into_iter().collect(),
        live: Environment::ALL.map(|_| Some(deployment.clone())),
        ..Routine::new(name(number), Timestamp(0))
    }
}

pub(crate) fn catalog(routines: usize) -> Catalog {
    let sticky = Sticky::default();
    let all = (0..routines).map(|number| (name(number), Arc::new(routine(number, &sticky))));
    Catalog { routines: all.collect(), ..Catalog::default() }
}

pub(crate) fn record_host(number: usize) -> String {
    format!("{}.localhost", name(number))
}

pub(crate) fn routed_host(number: usize) -> String {
    format!("shop-{number}.example.com")
}

/// A request for `host` with eight headers, those of a browser behind a gateway
/// that knows its user.
pub(crate) fn request(host: &str, target: &str) -> Parts {
    let request = Request::get(target)
        .header("host", host)
        .header(
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
        )
        .header("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
        .header("accept-language", "en-GB,en;q=0.7,de;q=0.3")
        .header("accept-encoding", "gzip, deflate, br, zstd")
        .header("cookie", format!("theme=dark; serin_user={KEY}; consent=1"))
        .header("x-request-id", "7f3c1d52e8a94b0c")
        .header("x-serin-key", KEY)
        .body(());
    request.expect("a request").into_parts().0
}

pub(crate) fn draws() -> Draws {
    Draws { spread: SpreadCounters::default(), mint: Box::new(|| [7; 16]), salt: 0 }
}

/// Times `first` and `second` in turn, so that what disturbs the machine disturbs
/// both, and gives the median of each.
pub(crate) fn alternate(
    rounds: usize,
    mut first: impl FnMut() -> Duration,
    mut second: impl FnMut() -> Duration,
) -> (Duration, Duration) {
    let (mut firsts, mut seconds) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        firsts.push(first());
        seconds.push(second());
    }
    (median(firsts), median(seconds))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

pub(crate) fn timed(mut work: impl FnMut()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// One line that holds on a noisy machine.
#[expect(clippy::print_stdout, reason = "a bench's output is its report")]
pub(crate) fn report_ratio(what: &str, to: &str, (base, other): (Duration, Duration)) {
    let ratio = other.as_secs_f64() / base.as_secs_f64();
    println!("ratio {what} over {to}: {ratio:.2}");
}
