//! What a browser sees at `/`: a page that shows who gets what, and changes it through the
//! native API.
//!
//! | path | what it is |
//! | --- | --- |
//! | `/` | the page, for a browser that looks at it; all else there is the ESA dialect |
//! | `/dashboard/{digest}/{file}` | what the page is made of; it holds no data, so it is open to all |
//! | `/dashboard/events?search=&offset=&limit=` | server-sent events: the routines and apps of one page |
//! | `/dashboard/events?routine=`, `?app=` | the same, of one routine or app |
//! | `/dashboard/history?routine=&environment=&after=` | its last hour, in slices of ten seconds |
//! | `/dashboard/deployments?routine=&environment=&before=&limit=` | what was deployed, newest first, and who moved |
//!
//! These paths are the page's own and change with it: programs use `/api/v1`.

mod assets;
mod look;
mod past;
mod shape;
mod stream;

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::Method;
use http::header::ACCEPT;
use http::request::Parts;

pub use self::stream::Streams;
use super::Admin;

/// Below it lies what the page is made of.
pub(super) const PATH: &str = "/dashboard";

pub(super) fn routes() -> Router<Arc<Admin>> {
    Router::new()
        .route("/{digest}/{file}", get(assets::file))
        .route("/events", get(stream::open))
        .route("/history", get(past::history))
        .route("/deployments", get(past::deployments))
}

/// The page.
pub(super) fn page() -> Response {
    assets::page()
}

/// Whether a request for `/` is a browser's that looks at the page. Clients of ESA name
/// their action, and take no HTML.
pub(super) fn is_looked_at(parts: &Parts) -> bool {
    matches!(parts.method, Method::GET | Method::HEAD)
        && parts.uri.path() == "/"
        && !parts.headers.contains_key("x-acs-action")
        && !names_an_action(parts.uri.query().unwrap_or_default())
        && takes_html(parts)
}

/// Whether `path` is of a file that the page is made of.
pub(super) fn is_open(path: &str) -> bool {
    let below = path.strip_prefix(PATH).and_then(|rest| rest.strip_prefix('/'));
    below.is_some_and(|below| below.contains('/'))
}

fn names_an_action(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "Action")
}

fn takes_html(parts: &Parts) -> bool {
    let lines = parts.headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let mut ranges = lines.flat_map(|line| line.split(',')).map(str::trim);
    ranges.any(|range| {
        let (kind, terms) = range.split_once(';').unwrap_or((range, ""));
        // RFC 9110, section 12.4.2: a weight of 0 is not taken.
        let refused = |term: &str| {
            let weight = term.trim().strip_prefix("q=").and_then(|weight| weight.parse().ok());
            weight.is_some_and(|weight: f32| weight <= 0.0)
        };
        kind.trim().eq_ignore_ascii_case("text/html") && !terms.split(';').any(refused)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked_at(method: &str, target: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = http::Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        is_looked_at(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn a_browser_looks_at_the_page_and_clients_of_esa_do_not() {
        let chrome = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        assert!(looked_at("GET", "/", &[chrome]));
        assert!(looked_at("HEAD", "/?a=b", &[("accept", "Text/HTML; q=0.5")]));
        for (method, target, headers) in [
            ("POST", "/", vec![chrome]),
            ("GET", "/?Action=ListUserRoutines", vec![chrome]),
            ("GET", "/?x=1&Acti%6fn=ListUserRoutines", vec![chrome]),
            ("GET", "/", vec![chrome, ("x-acs-action", "ListUserRoutines")]),
            ("GET", "/", vec![]),
            ("GET", "/", vec![("accept", "*/*")]),
            ("GET", "/", vec![("accept", "application/json, text/html;q=0")]),
        ] {
            assert!(!looked_at(method, target, &headers), "{method} {target} {headers:?}");
        }
    }

    #[test]
    fn files_of_the_page_are_open_and_nothing_else_below_it() {
        assert!(is_open("/dashboard/0123/app.js"));
        for path in ["/dashboard/events", "/dashboard/", "/dashboard", "/dashboards/a/b", "/"] {
            assert!(!is_open(path), "{path}");
        }
    }
}
