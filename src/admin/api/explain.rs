//! What a user or a request gets, and why: `/explain`.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use http::header::HOST;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method, Uri};
use serde::Serialize;

use super::error::ApiError;
use super::extract::environment;
use super::shape::{ShareShape, shares};
use crate::admin::Admin;
use crate::control::Refused;
use crate::model::{AppName, Environment, RoutineName};
use crate::routing::{Explanation, Reason, SubjectName};

/// Where the version answers when nothing says otherwise.
const BUILT_IN: &str = "built-in";

/// 64-bit values are text of 16 hex digits: JSON's numbers end at 2^53.
#[derive(Serialize)]
pub(super) struct ExplanationShape {
    /// Of the two one is given, unless no routine takes the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    routine: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<String>,
    environment: &'static str,
    /// The route, `bound record`, `record` or `default_routine`; null when asked by name.
    matched: Option<String>,
    deployment_id: Option<String>,
    code_versions: Vec<ShareShape>,
    key: Option<String>,
    /// Null when the key was given outright.
    key_source: Option<String>,
    seed: Option<String>,
    position: Option<String>,
    threshold: Option<String>,
    bucket: Option<u16>,
    newer: Option<String>,
    /// Of the newer version.
    percentage: Option<u8>,
    joins_at: Option<u8>,
    /// Null without a deployment, where a keyless request takes its turn, and where an
    /// origin answers.
    version: Option<String>,
    reason: Option<&'static str>,
    /// Null for the reason `origin` is a site that has none.
    upstream: Option<String>,
    /// What the version fails goes to the site's origin. Left out where it does not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    fallback: bool,
    /// Of a release by regions.
    #[serde(skip_serializing_if = "Option::is_none")]
    regional: Option<RegionalShape>,
}

#[derive(Serialize)]
struct RegionalShape {
    regions: Vec<String>,
    inside: String,
    outside: String,
    /// Null where nobody says where the request comes from.
    found: Option<String>,
}

impl ExplanationShape {
    fn new(explanation: &Explanation) -> Self {
        let placement = explanation.placement.as_ref();
        let key = explanation.key.as_ref();
        let is_origin = explanation.reason == Reason::Origin;
        let decided =
            explanation.version.is_some() || explanation.deployment.is_some() || is_origin;
        let (routine, app) = match &explanation.subject {
            Some(SubjectName::Routine(name)) => (Some(name.to_string()), None),
            Some(SubjectName::App(name)) => (None, Some(name.to_string())),
            None => (None, None),
        };
        Self {
            routine,
            app,
            environment: explanation.environment.as_str(),
            matched: explanation.matched.clone(),
            deployment_id: explanation.deployment.map(|id| id.to_string()),
            code_versions: shares(
                explanation.shares.iter().map(|(version, percent)| (version, *percent)),
            ),
            key: key.map(|key| String::from_utf8_lossy(&key.octets).into_owned()),
            key_source: key.and_then(|key| key.source.as_ref().map(ToString::to_string)),
            seed: placement.map(|placement| hex(placement.seed)),
            position: placement.map(|placement| hex(placement.position.get())),
            threshold: placement.map(|placement| hex(placement.threshold)),
            bucket: placement.map(|placement| placement.position.bucket()),
            newer: placement.map(|placement| placement.newer.to_string()),
            percentage: placement.map(|placement| placement.percent.get()),
            joins_at: placement.map(|placement| placement.position.joins_at().get()),
            version: explanation.version.as_ref().map(ToString::to_string),
            reason: decided.then(|| explanation.reason.as_str()),
            upstream: match (&explanation.upstream, &explanation.version) {
                (Some(upstream), _) => Some(upstream.to_string()),
                (None, Some(_)) => Some(BUILT_IN.to_owned()),
                (None, None) => None,
            },
            fallback: explanation.fallback,
            regional: explanation.regional.as_ref().map(|regional| RegionalShape {
                regions: regional.regions.iter().map(ToString::to_string).collect(),
                inside: regional.inside.to_string(),
                outside: regional.outside.to_string(),
                found: regional.found.clone(),
            }),
        }
    }
}

fn hex(value: u64) -> String {
    format!("{value:016x}")
}

pub(super) async fn explain(
    State(admin): State<Arc<Admin>>,
    RawQuery(query): RawQuery,
) -> Result<Json<ExplanationShape>, ApiError> {
    let question = Question::read(query.as_deref().unwrap_or_default())?;
    let environment = question.environment;
    let explanation = match question.about {
        About::User { routine, key } => {
            let key = key.as_deref();
            let explained = admin.table.read(|table| table.explain_key(&routine, environment, key));
            explained.ok_or(Refused::NoRoutine(routine))?
        }
        About::AppUser { app, key } => {
            let key = key.as_deref();
            let explained = admin.table.read(|table| table.explain_app_key(&app, environment, key));
            explained.ok_or_else(|| {
                ApiError::not_found("app_not_found", format!("app `{app}` does not exist"))
            })?
        }
        About::Request { parts, client } => admin
            .table
            .read(|table| table.explain(environment, &parts, client))
            .map_err(ApiError::bad_request)?
            .ok_or_else(|| {
                ApiError::not_found(
                    "no_routine_matches",
                    "no routine answers for this host and path",
                )
            })?,
    };
    Ok(Json(ExplanationShape::new(&explanation)))
}

/// What is to be explained.
struct Question {
    environment: Environment,
    about: About,
}

enum About {
    User { routine: RoutineName, key: Option<Vec<u8>> },
    AppUser { app: AppName, key: Option<Vec<u8>> },
    Request { parts: Box<Parts>, client: IpAddr },
}

impl Question {
    fn read(query: &str) -> Result<Self, ApiError> {
        let mut written = Written::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = String::from_utf8(octets(name));
            let name = name.map_err(|_| ApiError::bad_request("parameters have names in UTF-8"))?;
            written.take(&name, octets(value))?;
        }
        let environment = match written.environment.take() {
            Some(text) => environment(&text)?,
            None => Environment::Production,
        };
        let about = written.about()?;
        Ok(Self { environment, about })
    }
}

/// A question as written.
#[derive(Default)]
struct Written {
    routine: Option<String>,
    app: Option<String>,
    environment: Option<String>,
    /// Keys are octets.
    key: Option<Vec<u8>>,
    host: Option<String>,
    path: Option<String>,
    method: Option<String>,
    client: Option<String>,
    headers: Vec<Vec<u8>>,
}

impl Written {
    fn take(&mut self, name: &str, value: Vec<u8>) -> Result<(), ApiError> {
        let twice = || ApiError::bad_request(format!("`{name}` is given twice"));
        let place = match name {
            "key" => return self.key.replace(value).map_or(Ok(()), |_| Err(twice())),
            "header" => {
                self.headers.push(value);
                return Ok(());
            }
            "routine" => &mut self.routine,
            "app" => &mut self.app,
            "environment" => &mut self.environment,
            "host" => &mut self.host,
            "path" => &mut self.path,
            "method" => &mut self.method,
            "client" => &mut self.client,
            _ => {
                return Err(ApiError::bad_request(format!(
                    "unknown parameter `{name}`: known are routine, app, environment, key, and host, path, method, header, client"
                )));
            }
        };
        let not_text = |_| ApiError::bad_request(format!("`{name}` must be UTF-8"));
        let text = String::from_utf8(value).map_err(not_text)?;
        place.replace(text).map_or(Ok(()), |_| Err(twice()))
    }

    fn about(self) -> Result<About, ApiError> {
        let of_a_request = self.path.is_some()
            || self.method.is_some()
            || self.client.is_some()
            || !self.headers.is_empty();
        match (self.routine, self.app, self.host) {
            (Some(routine), None, None) if !of_a_request => Ok(About::User {
                routine: RoutineName::new(&routine).map_err(ApiError::bad_request)?,
                key: self.key,
            }),
            (None, Some(app), None) if !of_a_request => Ok(About::AppUser {
                app: AppName::new(&app).map_err(ApiError::bad_request)?,
                key: self.key,
            }),
            (None, None, Some(host)) if self.key.is_none() => {
                let client = match self.client.as_deref() {
                    Some(text) => text.parse().map_err(|_| {
                        ApiError::bad_request(format!("client must be an address, not `{text}`"))
                    })?,
                    None => IpAddr::V4(Ipv4Addr::LOCALHOST),
                };
                let path = self.path.as_deref().unwrap_or("/");
                let method = self.method.as_deref().unwrap_or("GET");
                let parts = Box::new(request(&host, path, method, &self.headers)?);
                Ok(About::Request { parts, client })
            }
            _ => Err(ApiError::bad_request(
                "ask either with `routine` or `app` and maybe `key`, or with `host` and maybe `path`, `method`, `header` and `client`",
            )),
        }
    }
}

/// Percent-decoded, with `+` as a space.
fn octets(text: &str) -> Vec<u8> {
    percent_encoding::percent_decode_str(&text.replace('+', " ")).collect()
}

fn request(host: &str, path: &str, method: &str, headers: &[Vec<u8>]) -> Result<Parts, ApiError> {
    let bad = |what: &str, text: &str| {
        ApiError::bad_request(format!("{what} of a request cannot be `{text}`"))
    };
    let target: PathAndQuery =
        path.parse().ok().filter(|_| path.starts_with('/')).ok_or_else(|| bad("the path", path))?;
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.uri = Uri::from(target);
    parts.method = Method::from_bytes(method.as_bytes()).map_err(|_| bad("the method", method))?;
    let host = HeaderValue::from_str(host).map_err(|_| bad("the host", host))?;
    parts.headers.insert(HOST, host);
    for line in headers {
        let bad = || bad("a header", &String::from_utf8_lossy(line));
        let colon = line.iter().position(|&b| b == b':').ok_or_else(bad)?;
        let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
        let name = HeaderName::from_bytes(name).map_err(|_| bad())?;
        let value = HeaderValue::from_bytes(value).map_err(|_| bad())?;
        parts.headers.append(name, value);
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::model::{
        Catalog, CodeVersion, ConfigId, Deployment, DeploymentId, Domain, RouteMode, Routine,
        RoutineRoute, Rule, Shares, Site, SiteId, Timestamp, Upstream, Version,
    };
    use crate::routing::{RoutingTable, Settings};

    #[test]
    fn a_user_or_a_request_is_asked_about_and_not_both() {
        for query in [
            "routine=shop",
            "routine=shop&key=u%3A1&environment=staging",
            "routine=shop&key=%FF%FE",
            "host=a.test&path=/x%3Fq=1&method=POST&header=Cookie:%20a=b&header=X:1&client=::1",
        ] {
            assert!(Question::read(query).is_ok(), "{query}");
        }
        for query in [
            "",
            "key=1",
            "routine=shop&host=a.test",
            "routine=shop&path=/",
            "host=a.test&key=1",
            "routine=Shop",
            "routine=shop&routine=shop",
            "routine=shop&key=1&key=1",
            "host=%FF",
            "routine=shop&environment=prod",
            "routine=shop&colour=red",
            "host=a.test&path=x",
            "host=a.test&path=*",
            "host=a.test&method=a%20b",
            "host=a.test&header=x",
            "host=a.test&header=a%20b:c",
            "host=a.test&client=here",
            "host=a%0Ab",
        ] {
            assert!(Question::read(query).is_err(), "{query}");
        }
    }

    #[test]
    fn a_request_is_built_as_it_was_written() {
        let headers = ["X-User-Id: ü:1".as_bytes().to_vec(), b"x-raw:\xFF".to_vec()];
        let parts = request("a.test:80", "/x?q=1", "PUT", &headers).unwrap();
        assert_eq!(parts.uri.path(), "/x");
        assert_eq!(parts.uri.query(), Some("q=1"));
        assert_eq!(parts.method, Method::PUT);
        assert_eq!(parts.headers[HOST], "a.test:80");
        assert_eq!(parts.headers["x-user-id"].as_bytes(), "ü:1".as_bytes());
        assert_eq!(parts.headers["x-raw"].as_bytes(), b"\xFF");
    }

    /// What is said about a GET of `/` from site `a.test`, whose route has this shape.
    fn explained(origin: Option<&str>, live: bool, shape: fn(&mut RoutineRoute)) -> Value {
        let mut routine = Routine::new(RoutineName::new("shop").unwrap(), Timestamp(0));
        let version = CodeVersion::new("1").unwrap();
        let known = Version::new(version.clone(), Timestamp(0));
        routine.versions.insert(version.clone(), Arc::new(known));
        routine.live[0] = live.then(|| {
            let (id, created) = (DeploymentId(7), Timestamp(0));
            Arc::new(Deployment { id, shares: Shares::whole(version), created })
        });
        let site = Site {
            id: SiteId::new(1).unwrap(),
            name: Domain::new("a.test").unwrap(),
            origin: origin.map(|origin| Upstream::new(origin).unwrap()),
        };
        let mut route = RoutineRoute {
            id: ConfigId(9),
            site: site.id,
            routine: routine.name.clone(),
            name: "main".to_owned(),
            enabled: true,
            rule_text: "true".to_owned(),
            rule: Rule::parse("true").unwrap(),
            mode: RouteMode::Custom,
            bypass: false,
            fallback: false,
            sequence: 1,
            timeout: None,
            created: Timestamp(0),
        };
        shape(&mut route);
        let catalog = Catalog {
            routines: [(routine.name.clone(), Arc::new(routine))].into_iter().collect(),
            site_routes: [((site.id, route.id), Arc::new(route))].into_iter().collect(),
            sites: [(site.id, Arc::new(site))].into_iter().collect(),
            ..Catalog::default()
        };
        let settings = Settings { override_allowed: true, ..Settings::default() };
        let table = RoutingTable::compile(settings, &catalog);
        let parts = request("w.a.test", "/", "GET", &[]).unwrap();
        let client = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let environment = Environment::ALL[0];
        let explanation = table.explain(environment, &parts, client).unwrap().unwrap();
        serde_json::to_value(ExplanationShape::new(&explanation)).unwrap()
    }

    #[test]
    fn a_route_of_a_site_is_explained_and_so_is_the_origin_in_its_routines_place() {
        let origin = Some("http://127.0.0.1:1");
        let bypass: fn(&mut RoutineRoute) = |route| route.bypass = true;
        let fallback: fn(&mut RoutineRoute) = |route| route.fallback = true;
        let of = |said: &Value| {
            assert_eq!(said["matched"], "route main (ConfigId 9 of site a.test)");
            assert_eq!(said["routine"], "shop");
            ["version", "deployment_id", "reason", "upstream", "fallback"]
                .map(|it| said[it].clone())
        };
        let nothing = Value::Null;
        let origins = |fallback: Value| {
            [
                nothing.clone(),
                nothing.clone(),
                "origin".into(),
                "http://127.0.0.1:1".into(),
                fallback,
            ]
        };
        let plain = explained(origin, true, |_| {});
        let only =
            |fallback: Value| ["1".into(), "7".into(), "only".into(), "built-in".into(), fallback];
        assert_eq!(of(&plain), only(nothing.clone()));
        assert_eq!(plain["code_versions"].as_array().unwrap().len(), 1);
        // The built-in backend does not fail.
        assert_eq!(of(&explained(origin, true, fallback)), only(nothing.clone()));
        // Nothing to fall back to.
        assert_eq!(of(&explained(None, true, fallback)), only(nothing.clone()));
        let bypassed = explained(origin, true, bypass);
        assert_eq!(of(&bypassed), origins(nothing.clone()));
        assert_eq!(bypassed["code_versions"].as_array().unwrap().len(), 0);
        assert_eq!(of(&explained(origin, false, fallback)), origins(true.into()));
        let [version, _, reason, upstream, _] = of(&explained(None, true, bypass));
        assert_eq!(
            [version, reason, upstream],
            [nothing.clone(), "origin".into(), nothing.clone()]
        );
        let [_, _, reason, ..] = of(&explained(None, false, fallback));
        assert_eq!(reason, nothing);
    }
}
