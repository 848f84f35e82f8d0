//! `[[app]]`: the edge container apps that the file declares.

use std::collections::HashMap;

use super::routine::sticky;
use crate::document::{Table, Value};
use crate::model::{AppId, AppName, DeclaredApp, DeclaredAppVersion, DeclaredRoutine, VersionId};

/// Every app of the file. No two share an id or a name, and none has a routine's name.
pub(super) fn apps(root: &Table<'_>, routines: &[DeclaredRoutine]) -> Vec<DeclaredApp> {
    let mut taken = Taken::default();
    let tables = root.tables("app", &["app_id", "name", "sticky", "cohort", "version"]);
    tables.iter().filter_map(|table| app(table, routines, &mut taken)).collect()
}

/// What earlier apps have, and the line on which they said so.
#[derive(Default)]
struct Taken {
    ids: HashMap<AppId, usize>,
    names: HashMap<AppName, usize>,
}

/// Reads every key before it gives up, so that every mistake is found.
fn app(table: &Table<'_>, routines: &[DeclaredRoutine], taken: &mut Taken) -> Option<DeclaredApp> {
    let id = table.required("app_id").and_then(|value| {
        let id = value.parsed(AppId::new)?;
        if let Some(line) = taken.ids.insert(id.clone(), value.line()) {
            value.refuse(format!("`{id}` is already declared on line {line}"));
            return None;
        }
        Some(id)
    });
    let name = table.required("name").and_then(|value| name(&value, routines, taken));
    let sticky = table.get("sticky").and_then(|value| sticky(&value));
    let cohort = table.get("cohort").and_then(|value| value.text()).map(str::to_owned);
    let versions = versions(table);
    Some(DeclaredApp { id: id?, name: name?, sticky, cohort, versions })
}

fn name(value: &Value<'_>, routines: &[DeclaredRoutine], taken: &mut Taken) -> Option<AppName> {
    let name = value.parsed(AppName::new)?;
    if routines.iter().any(|routine| routine.name.as_str() == name.as_str()) {
        value.refuse(format!(
            "`{name}` is already the name of a routine, and both are reached by it"
        ));
        return None;
    }
    if let Some(line) = taken.names.insert(name.clone(), value.line()) {
        value.refuse(format!("`{name}` is already declared on line {line}"));
        return None;
    }
    Some(name)
}

fn versions(app: &Table<'_>) -> Vec<DeclaredAppVersion> {
    let mut versions = Vec::new();
    let mut lines = HashMap::new();
    let known: Vec<_> = ["version_id"].into_iter().chain(super::upstream::KEYS).collect();
    for table in app.tables("version", &known) {
        let upstream = super::upstream::upstream(&table);
        let Some(value) = table.required("version_id") else { continue };
        let Some(version_id) = value.parsed(VersionId::new) else { continue };
        if let Some(line) = lines.insert(version_id.clone(), value.line()) {
            value.refuse(format!("`{version_id}` is already declared on line {line}"));
            continue;
        }
        versions.push(DeclaredAppVersion { version_id, upstream });
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::super::{Config, mistakes_of};

    #[test]
    fn an_app_is_what_is_written() {
        let config = Config::parse(
            r#"
            [[app]]
            app_id = "app-880688675783790000"
            name = "storefront"
            sticky = ["header:x-user"]
            cohort = "again"
            [[app.version]]
            version_id = "ver-879626371616510000"
            upstream = "http://127.0.0.1:9001"
            [[app.version]]
            version_id = "ver-879626371616510001"
            "#,
        );
        let [app] = &config.unwrap().apps[..] else { panic!("one app") };
        assert_eq!(app.id.as_str(), "app-880688675783790000");
        assert_eq!((app.name.as_str(), app.cohort.as_deref()), ("storefront", Some("again")));
        let versions: Vec<_> = app
            .versions
            .iter()
            .map(|version| (version.version_id.as_str(), version.upstream.is_some()))
            .collect();
        let expected = [("ver-879626371616510000", true), ("ver-879626371616510001", false)];
        assert_eq!(versions, expected);
    }

    #[test]
    fn every_mistake_of_an_app_is_told() {
        let text = r#"
[[routine]]
name = "checkout"
[[app]]
app_id = "app-1"
name = "checkout"
[[app]]
app_id = "app-880688675783790000"
name = "storefront"
[[app.version]]
version_id = "1"
[[app.version]]
version_id = "ver-879626371616510000"
[[app.version]]
version_id = "ver-879626371616510000"
[[app]]
app_id = "app-880688675783790000"
name = "storefront"
routes = []
"#;
        assert_eq!(
            mistakes_of(text),
            [
                "line 5: app.app_id: app id `app-1` must be `app-` and 18 to 60 digits",
                "line 6: app.name: `checkout` is already the name of a routine, and both are reached by it",
                "line 11: app.version.version_id: version id `1` must be `ver-` and 16 to 60 digits",
                "line 15: app.version.version_id: `ver-879626371616510000` is already declared on line 13",
                "line 17: app.app_id: `app-880688675783790000` is already declared on line 8",
                "line 18: app.name: `storefront` is already declared on line 9",
                "line 19: app.routes: unknown key; there are `app_id`, `name`, `sticky`, `cohort`, `version`",
            ]
        );
    }
}
