//! Which names the authority answers for.

use crate::model::Domain;

/// `localhost`, `<name>.localhost` and `<name>.<domain>`: names that are the
/// machine's or the operator's own. Each gets a certificate for itself alone, since
/// clients refuse `*.localhost`.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) domain: Option<Domain>,
}

impl Names {
    /// `asked` in lower case, if it is one of the names.
    pub(super) fn find(&self, asked: &str) -> Option<String> {
        let name = asked.to_ascii_lowercase();
        let known = name == "localhost"
            || label_under(&name, "localhost")
            || self.domain.as_ref().is_some_and(|domain| label_under(&name, domain.as_str()));
        (known && Domain::new(&name).is_ok()).then_some(name)
    }
}

/// Whether `name` is one label below `parent`.
fn label_under(name: &str, parent: &str) -> bool {
    let label = name.strip_suffix(parent).and_then(|rest| rest.strip_suffix('.'));
    label.is_some_and(|label| !label.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names { domain: Some(Domain::new("edge.test").unwrap()) }
    }

    #[test]
    fn localhost_and_one_label_below_it_or_the_domain_are_issued() {
        for name in ["localhost", "shop.localhost", "my_app.localhost", "a-1.edge.test"] {
            assert_eq!(names().find(name).as_deref(), Some(name));
        }
        assert_eq!(names().find("Shop.LOCALHOST").as_deref(), Some("shop.localhost"));
    }

    #[test]
    fn no_other_name_is_issued() {
        let long = format!("{}.localhost", "a".repeat(64));
        for name in [
            "",
            ".",
            ".localhost",
            "*.localhost",
            "a.b.localhost",
            "shop.localhost.",
            "-a.localhost",
            "a b.localhost",
            "evillocalhost",
            "localhost.evil.test",
            "edge.test",
            "a.b.edge.test",
            "eviledge.test",
            "edge.test.evil.test",
            "example.com",
            "127.0.0.1",
            "é.localhost",
            &long,
        ] {
            assert_eq!(names().find(name), None, "{name}");
        }
    }

    #[test]
    fn without_a_domain_only_localhost_is_left() {
        let names = Names { domain: None };
        assert_eq!(names.find("shop.edge.test"), None);
        assert!(names.find("shop.localhost").is_some());
    }
}
