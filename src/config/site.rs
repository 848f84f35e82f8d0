//! `[[site]]`: the domains of the account.

use std::collections::HashMap;

use crate::document::{Table, Value};
use crate::model::{Domain, Site, SiteId, Upstream};

/// Every site of the file. No two share an id or a name.
pub(super) fn sites(root: &Table<'_>) -> Vec<Site> {
    let (mut ids, mut names) = (HashMap::new(), HashMap::new());
    let mut sites = Vec::new();
    for table in root.tables("site", &["id", "name", "origin"]) {
        let id = table.required("id").and_then(|value| {
            let id = site_id(&value)?;
            if let Some(line) = ids.insert(id, value.line()) {
                value.refuse(format!("`{id}` is already declared on line {line}"));
            }
            Some(id)
        });
        let name = table.required("name").and_then(|value| {
            let name = value.parsed(Domain::new)?;
            if let Some(line) = names.insert(name.clone(), value.line()) {
                value.refuse(format!("`{name}` is already declared on line {line}"));
            }
            Some(name)
        });
        let origin = table.get("origin").and_then(|value| value.parsed(Upstream::new));
        if let (Some(id), Some(name)) = (id, name) {
            sites.push(Site { id, name, origin });
        }
    }
    sites
}

fn site_id(value: &Value<'_>) -> Option<SiteId> {
    let number = value.whole()?;
    let id = i64::try_from(number).ok().and_then(SiteId::new);
    if id.is_none() {
        value.refuse(format!("must be 1 to {}, not {number}", SiteId::MAX));
    }
    id
}

#[cfg(test)]
mod tests {
    use super::super::{Config, mistakes_of};

    #[test]
    fn a_site_has_a_number_a_name_and_maybe_an_origin() {
        let config = Config::parse(
            r#"
            [[site]]
            id = 1001
            name = "example.com"
            origin = "http://127.0.0.1:9000"
            [[site]]
            id = 1002
            name = "shop.example.com"
            "#,
        );
        let sites = config.unwrap().sites;
        let told: Vec<_> = sites
            .iter()
            .map(|site| {
                let origin = site.origin.as_ref().map(ToString::to_string);
                (site.id.get(), site.name.as_str(), origin.unwrap_or_default())
            })
            .collect();
        assert_eq!(
            told,
            [
                (1001, "example.com", "http://127.0.0.1:9000".to_owned()),
                (1002, "shop.example.com", String::new()),
            ]
        );
    }

    #[test]
    fn what_is_no_site_is_told_by_line() {
        let starts = |text: &str| {
            let starts = mistakes_of(text).into_iter();
            starts
                .map(|it| it.split(": ").take(2).collect::<Vec<_>>().join(": "))
                .collect::<Vec<_>>()
        };
        let two = "[[site]]\nid = 1\nname = \"a.test\"\n[[site]]\nid = 1\nname = \"a.test\"";
        assert_eq!(starts(two), ["line 5: site.id", "line 6: site.name"]);
        let wrong = "[[site]]\nid = 0\nname = \"A.test\"\norigin = \"ftp://x\"";
        assert_eq!(starts(wrong), ["line 2: site.id", "line 3: site.name", "line 4: site.origin"]);
        assert_eq!(starts("[[site]]"), ["line 1: site.id", "line 1: site.name"]);
    }
}
