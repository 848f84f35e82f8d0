//! Routes: made, told, changed, deleted.

use std::sync::Arc;

use super::rule::ROUTE_NAME_MAX_CHARS;
use super::wire::{RouteInfo, RouteLine, RouteList, RouteMade};
use super::{PAGE_MAX, check_site, site_name};
use crate::admin::esa::action::Call;
use crate::admin::esa::error::EsaError;
use crate::admin::esa::params::{Paging, absent};
use crate::admin::esa::wire::{Fields, Status, fields};
use crate::control::{Command, NewRoute, Refused, Reply, RouteRevision, WrittenRule};
use crate::model::{Catalog, ConfigId, RouteMode, RoutineRoute, Rule, SiteId};

pub(super) async fn create(call: &Call<'_>) -> Result<Fields, EsaError> {
    let params = call.params;
    let new = NewRoute {
        site: call.site_id()?,
        routine: params.routine_name("RoutineName")?,
        name: params.route_name("RouteName")?.ok_or_else(|| absent("RouteName"))?,
        enabled: params.switch("RouteEnable")?.ok_or_else(|| absent("RouteEnable"))?,
        rule: params.rule()?.ok_or_else(|| absent("Rule"))?,
        bypass: params.switch("Bypass")?.unwrap_or(false),
        fallback: params.switch("Fallback")?.unwrap_or(false),
        sequence: params.sequence()?,
        timeout: params.route_timeout()?,
    };
    let route = made(call, new).await?;
    Ok(fields(&RouteMade { config_id: route.id.0 }))
}

/// The older action, which took `host/path` instead of a rule.
pub(super) async fn create_of_pattern(call: &Call<'_>) -> Result<Fields, EsaError> {
    let params = call.params;
    let pattern = params.required("Route")?;
    let text =
        Rule::simple(&pattern).map_err(|error| EsaError::invalid(format!("Route: {error}")))?;
    let rule = Rule::parse(&text).map_err(|error| EsaError::invalid(format!("Route: {error}")))?;
    let new = NewRoute {
        site: call.site_id()?,
        routine: params.routine_name("Name")?,
        // Whoever wrote a pattern did not mean it for a name, so the end of a long one goes.
        name: pattern.chars().take(ROUTE_NAME_MAX_CHARS).collect(),
        enabled: true,
        rule: WrittenRule { text, rule, mode: RouteMode::Simple },
        bypass: params.switch("ByPass")?.unwrap_or(false),
        fallback: params.switch("Fallback")?.unwrap_or(false),
        sequence: None,
        timeout: None,
    };
    let route = made(call, new).await?;
    let mut answer = fields(&Status::OK);
    answer.insert("RouteId".to_owned(), route.id.0.into());
    Ok(answer)
}

async fn made(call: &Call<'_>, new: NewRoute) -> Result<Arc<RoutineRoute>, EsaError> {
    match call.admin.control.execute(Command::AddRoute(new)).await? {
        Reply::Route(route) => Ok(route),
        _ => unreachable!("a new route is answered with the route"),
    }
}

/// Changes what is given.
pub(super) async fn update(call: &Call<'_>) -> Result<Fields, EsaError> {
    let params = call.params;
    let revision = RouteRevision {
        routine: params.routine_name_if_given("RoutineName")?,
        name: params.route_name("RouteName")?,
        enabled: params.switch("RouteEnable")?,
        rule: params.rule()?,
        bypass: params.switch("Bypass")?,
        fallback: params.switch("Fallback")?,
        sequence: params.sequence()?,
        timeout: params.route_timeout()?,
    };
    let (site, id) = (call.site_id()?, call.config_id("ConfigId")?);
    call.admin.control.execute(Command::ReviseRoute { site, id, revision }).await?;
    Ok(Fields::new())
}

pub(super) async fn delete(call: &Call<'_>) -> Result<Fields, EsaError> {
    let (site, id) = (call.site_id()?, call.config_id("ConfigId")?);
    call.admin.control.execute(Command::DeleteRoute { site, id, of: None }).await?;
    Ok(Fields::new())
}

/// The older action.
pub(super) async fn delete_of_pattern(call: &Call<'_>) -> Result<Fields, EsaError> {
    let name = call.params.routine_name("Name")?;
    let (site, id) = (call.site_id()?, call.config_id("RouteId")?);
    call.routine(&name).await?;
    call.admin.control.execute(Command::DeleteRoute { site, id, of: Some(name) }).await?;
    Ok(fields(&Status::OK))
}

pub(super) async fn get(call: &Call<'_>) -> Result<Fields, EsaError> {
    let (site, id) = (call.site_id()?, call.config_id("ConfigId")?);
    let catalog = call.catalog().await?;
    let route = catalog.site_routes.get(&(site, id));
    let route = route.ok_or_else(|| EsaError::invalid(Refused::NoRoute(site, id)))?;
    Ok(fields(&RouteInfo::new(route)))
}

pub(super) async fn list_of_routine(call: &Call<'_>) -> Result<Fields, EsaError> {
    let name = call.params.routine_name("RoutineName")?;
    let paging = call.params.paging_of(PAGE_MAX, PAGE_MAX)?;
    call.routine(&name).await?;
    let catalog = call.catalog().await?;
    let found = catalog.routes_of_routine(&name).collect();
    Ok(listed(&catalog, paging, found))
}

pub(super) async fn list_of_site(call: &Call<'_>) -> Result<Fields, EsaError> {
    let params = call.params;
    let site = call.site_id()?;
    let id = params.text("ConfigId")?.map(|_| call.config_id("ConfigId")).transpose()?;
    // No site has settings for all of its requests: every route has a rule.
    let of_kind = params.one_of("ConfigType", &["rule", "global"])? == "rule";
    let name = params.text("RouteName")?;
    let paging = params.paging_of(PAGE_MAX, PAGE_MAX)?;
    let catalog = call.catalog().await?;
    check_site(&catalog, site)?;
    let asked = |route: &&Arc<RoutineRoute>| {
        of_kind
            && id.is_none_or(|id| id == route.id)
            && name.as_ref().is_none_or(|name| *name == route.name)
    };
    let found = catalog.routes_of_site(site).filter(asked).collect();
    Ok(listed(&catalog, paging, found))
}

/// In the order in which requests try them, site by site.
fn listed(catalog: &Catalog, paging: Paging, mut found: Vec<&Arc<RoutineRoute>>) -> Fields {
    found.sort_by_key(|route| (route.site, route.order()));
    let total_count = found.len();
    fields(&RouteList {
        configs: paging.of(found
            .into_iter()
            .map(|route| RouteLine::new(route, site_name(catalog, route.site)))),
        page_number: paging.number,
        page_size: paging.size,
        total_count,
        total_page: total_count.div_ceil(paging.size),
    })
}

impl Call<'_> {
    fn config_id(&self, name: &str) -> Result<ConfigId, EsaError> {
        let number = self.params.integer(name, 1..=SiteId::MAX)?;
        number.map(ConfigId).ok_or_else(|| absent(name))
    }
}
