//! `[[routine]]`: what the file declares, one by one and beside each other.

use std::collections::{HashMap, HashSet};

use super::deployment::deployments;
use crate::document::{Table, Value};
use crate::model::Sticky;
use crate::model::{CodeVersion, DeclaredRoutine, DeclaredVersion, KeySource, Route, RoutineName};

/// Every routine of the file. No two share a name or a route.
pub(super) fn routines(root: &Table<'_>) -> Vec<DeclaredRoutine> {
    let known = ["name", "routes", "sticky", "cohort", "version", "deployment"];
    let mut taken = Taken::default();
    let tables = root.tables("routine", &known);
    tables.iter().filter_map(|table| routine(table, &mut taken)).collect()
}

/// What earlier routines have, and the line on which they said so.
#[derive(Default)]
struct Taken {
    names: HashMap<RoutineName, usize>,
    routes: HashMap<Route, usize>,
}

/// Reads every key before it gives up, so that every mistake is found.
fn routine(table: &Table<'_>, taken: &mut Taken) -> Option<DeclaredRoutine> {
    let name = table.required("name").and_then(|value| name(&value, taken));
    let routes = table.get("routes").map_or_else(Vec::new, |value| routes(&value, taken));
    let sticky = table.get("sticky").and_then(|value| sticky(&value));
    let cohort = table.get("cohort").and_then(|value| value.text()).map(str::to_owned);
    let (versions, declared) = versions(table);
    let deployments = deployments(table, declared.as_ref());
    Some(DeclaredRoutine { name: name?, routes, sticky, cohort, versions, deployments })
}

fn name(value: &Value<'_>, taken: &mut Taken) -> Option<RoutineName> {
    let name = value.parsed(RoutineName::new)?;
    if let Some(line) = taken.names.get(&name) {
        value.refuse(format!("`{name}` is already declared on line {line}"));
        return None;
    }
    taken.names.insert(name.clone(), value.line());
    Some(name)
}

fn routes(list: &Value<'_>, taken: &mut Taken) -> Vec<Route> {
    let mut routes = Vec::new();
    for value in list.list().unwrap_or_default() {
        let Some(route) = value.parsed(Route::new) else {
            continue;
        };
        if let Some(line) = taken.routes.get(&route) {
            value.refuse(format!("`{route}` is already a route on line {line}"));
            continue;
        }
        if let Some(host) = value.text().filter(|text| !text.contains('/')) {
            value.warn(format!("is the path `/` alone; write `{host}/*` for every path"));
        }
        taken.routes.insert(route.clone(), value.line());
        routes.push(route);
    }
    routes
}

pub(super) fn sticky(list: &Value<'_>) -> Option<Sticky> {
    let values = list.list()?;
    if values.is_empty() {
        list.warn(
            "is empty, so no user stays with a version; write `[\"spread\"]` if that is meant",
        );
    }
    let sources: Vec<_> = values.iter().map(|value| value.parsed(KeySource::new)).collect();
    let sources = sources.into_iter().collect::<Option<Vec<_>>>()?;
    Sticky::new(sources).map_err(|error| list.refuse(error)).ok()
}

/// The versions, and which there are unless a name among them cannot be read.
fn versions(routine: &Table<'_>) -> (Vec<DeclaredVersion>, Option<HashSet<CodeVersion>>) {
    let mut versions = Vec::new();
    let mut lines = HashMap::new();
    let mut sound = true;
    let known: Vec<_> = ["code_version"].into_iter().chain(super::upstream::KEYS).collect();
    for table in routine.tables("version", &known) {
        let upstream = super::upstream::upstream(&table);
        let Some(value) = table.required("code_version") else {
            sound = false;
            continue;
        };
        let Some(code_version) = value.parsed(CodeVersion::new) else {
            sound = false;
            continue;
        };
        if let Some(line) = lines.get(&code_version) {
            value.refuse(format!("`{code_version}` is already declared on line {line}"));
            continue;
        }
        lines.insert(code_version.clone(), value.line());
        versions.push(DeclaredVersion { code_version, upstream });
    }
    (versions, sound.then(|| lines.into_keys().collect()))
}

#[cfg(test)]
mod tests {
    use super::super::{Config, mistakes_of};

    /// Asserts that `text` has this one mistake.
    fn refused(text: &str, mistake: &str) {
        assert_eq!(mistakes_of(text), [mistake], "{text}");
    }

    const SHOP: &str = "[[routine]]\nname = \"shop\"\n";

    fn shop(more: &str) -> String {
        format!("{SHOP}{more}")
    }

    #[test]
    fn a_routine_has_a_name_that_no_other_has() {
        refused("\n[[routine]]\n", "line 2: routine.name: is missing");
        refused(
            "[[routine]]\nname = 7\n",
            "line 2: routine.name: must be a string in quotes, not an integer",
        );
        refused(&shop(SHOP), "line 4: routine.name: `shop` is already declared on line 2");
        refused(
            "[routine]\nname = \"shop\"",
            "line 1: routine: there may be several: write `[[routine]]`",
        );
        refused("routine = 1", "line 1: routine: must be a list in brackets, not an integer");
        refused("routine = [1]", "line 1: routine: must be a table, not an integer");
    }

    #[test]
    fn a_route_belongs_to_one_routine() {
        refused(
            &shop("routes = [\"a.test/x\",\n\"A.test/x\"]\n"),
            "line 4: routine.routes: `a.test/x` is already a route on line 3",
        );
        refused(
            &shop(
                "routes = [\"a.test/x\"]\n[[routine]]\nname = \"cart\"\nroutes = [\"a.test/x\"]\n",
            ),
            "line 6: routine.routes: `a.test/x` is already a route on line 3",
        );
        refused(
            &shop("routes = [\"*\"]\n"),
            "line 3: routine.routes: names every host but no path: write `*/*` for everything, `*/` for the root alone",
        );
        refused(
            &shop("routes = \"a.test/\"\n"),
            "line 3: routine.routes: must be a list in brackets, not a string",
        );
    }

    #[test]
    fn a_route_without_a_path_is_taken_with_a_warning() {
        let config = Config::parse(&shop("routes = [\"a.test\", \"b.test/*\"]")).unwrap();
        let warnings: Vec<_> = config.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(
            warnings,
            ["line 3: routine.routes: is the path `/` alone; write `a.test/*` for every path"]
        );
        assert_eq!(config.routines[0].routes.len(), 2);
    }

    #[test]
    fn sticky_sources_are_checked() {
        refused(
            &shop("sticky = [\n\"client-ip\",\n\"ip\"]\n"),
            "line 5: routine.sticky: `ip` must be `header:NAME`, `cookie:NAME`, `query:NAME`, `client-ip`, `mint:NAME` or `spread`",
        );
        refused(
            &shop("sticky = [\"spread\", \"client-ip\"]"),
            "line 3: routine.sticky: `client-ip` comes after `spread`, which is always the last",
        );
        refused(
            &shop("sticky = [\"header:a\", \"header:A\"]"),
            "line 3: routine.sticky: names `header:a` twice",
        );
    }

    #[test]
    fn an_empty_sticky_list_is_taken_with_a_warning() {
        let config = Config::parse(&shop("sticky = []")).unwrap();
        assert!(config.routines[0].sticky.as_ref().unwrap().sources().is_empty());
        assert_eq!(config.warnings.len(), 1);
    }

    #[test]
    fn versions_are_declared_once() {
        refused(
            &shop(
                "[[routine.version]]\ncode_version = \"1\"\n[[routine.version]]\ncode_version = \"1\"",
            ),
            "line 6: routine.version.code_version: `1` is already declared on line 4",
        );
        refused(&shop("[[routine.version]]"), "line 3: routine.version.code_version: is missing");
        refused(
            &shop("[[routine.version]]\ncode_version = \"1\"\nupstream = \"ftp://a:1\""),
            "line 5: routine.version.upstream: upstream `ftp://a:1` must be `http://host:port`, `https://host:port`, `h2c://host:port` or `unix:/path`, or several of them with blanks between: no other scheme is spoken",
        );
    }
}
