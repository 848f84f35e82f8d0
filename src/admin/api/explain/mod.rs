//! What a user or a request gets, and why: `/explain`.

mod question;
mod shape;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use self::question::{About, Question};
use self::shape::ExplanationShape;
use super::code::Code;
use super::error::ApiError;
use crate::admin::Admin;
use crate::control::Refused;
use crate::routing::TableReader;

/// Why there is no explanation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unexplained(String);

/// What `/api/v1/explain` answers to `query`, of any table.
pub fn explain(table: &TableReader, query: &str) -> Result<Value, Unexplained> {
    let explained = Question::read(query).and_then(|question| explained(table, question));
    let explained = explained.map_err(|error| Unexplained(error.into_message()))?;
    Ok(serde_json::to_value(explained).expect("its keys are text"))
}

pub(super) async fn answer(
    State(admin): State<Arc<Admin>>,
    question: Question,
) -> Result<Json<ExplanationShape>, ApiError> {
    explained(&admin.table, question).map(Json)
}

fn explained(table: &TableReader, question: Question) -> Result<ExplanationShape, ApiError> {
    let environment = question.environment;
    let explanation = match question.about {
        About::User { routine, key } => {
            let key = key.as_deref();
            let explained = table.read(|table| table.explain_key(&routine, environment, key));
            explained.ok_or(Refused::NoRoutine(routine))?
        }
        About::AppUser { app, key } => {
            let key = key.as_deref();
            let explained = table.read(|table| table.explain_app_key(&app, environment, key));
            explained.ok_or_else(|| {
                ApiError::new(Code::AppNotFound, format!("app `{app}` does not exist"))
            })?
        }
        About::Request { parts, client } => table
            .read(|table| table.explain(environment, &parts, client))
            .map_err(ApiError::bad_request)?
            .ok_or_else(|| {
                ApiError::new(Code::NoRoutineMatches, "no routine answers for this host and path")
            })?,
    };
    Ok(ExplanationShape::new(&explanation))
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::question::request;
    use super::*;
    use crate::model::{
        Catalog, CodeVersion, ConfigId, Deployment, DeploymentId, Domain, Environment, RouteMode,
        Routine, RoutineName, RoutineRoute, Rule, Shares, Site, SiteId, Timestamp, Upstream,
        Version,
    };
    use crate::routing::{RoutingTable, Settings};

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
