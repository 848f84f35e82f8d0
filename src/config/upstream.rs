//! Where a version answers, as the file says it.

use crate::document::{Table, Value};
use crate::model::{Endpoint, Upstream};

/// The keys of it, in a version's table.
pub(super) const KEYS: [&str; 3] = ["upstream", "upstreams", "insecure"];

/// `upstream` or `upstreams`, and whether any certificate will do. `None` where neither
/// is written, or not soundly.
pub(super) fn upstream(version: &Table<'_>) -> Option<Upstream> {
    let (one, several) = (version.get("upstream"), version.get("upstreams"));
    let insecure = version.get("insecure");
    if let (Some(_), Some(several)) = (&one, &several) {
        several.refuse_together("stands beside `upstream`; write one of them");
        return None;
    }
    let endpoints: Vec<_> = match (&one, &several) {
        (Some(value), _) => value.parsed(Upstream::new)?.endpoints().to_vec(),
        (None, Some(list)) => {
            let values = list.list()?;
            // Each alone, so that a mistake has its own line.
            let read = |text: &str| Upstream::new(text).map(|one| one.endpoints().to_vec());
            let read: Vec<_> = values.iter().map(|value| value.parsed(read)).collect();
            read.into_iter().collect::<Option<Vec<_>>>()?.concat()
        }
        (None, None) => {
            if let Some(insecure) = insecure {
                insecure.refuse_together("stands without an `https://` upstream");
            }
            return None;
        }
    };
    let endpoints = match insecure.as_ref().map(Value::switch) {
        Some(None) => return None,
        None | Some(Some(false)) => endpoints,
        Some(Some(true)) => {
            let trusting: Option<Vec<_>> = endpoints.iter().map(Endpoint::insecure).collect();
            let (Some(trusting), Some(value)) = (trusting, insecure) else {
                let value = version.get("insecure")?;
                value.refuse_together("is for `https://` alone: nothing else has certificates");
                return None;
            };
            value.warn("takes any certificate: whoever is in between reads and writes");
            trusting
        }
    };
    let value = one.or(several)?;
    Upstream::of(endpoints).map_err(|why| value.refuse(why)).ok()
}

#[cfg(test)]
mod tests {
    use super::super::{Config, mistakes_of};

    fn version(more: &str) -> String {
        format!("[[routine]]\nname = \"shop\"\n[[routine.version]]\ncode_version = \"1\"\n{more}\n")
    }

    fn read(more: &str) -> String {
        let config = Config::parse(&version(more)).unwrap_or_else(|error| panic!("{error}"));
        config.routines[0].versions[0].upstream.as_ref().unwrap().to_string()
    }

    #[test]
    fn a_version_answers_at_one_endpoint_or_several() {
        assert_eq!(read("upstream = \"http://a:1\""), "http://a:1");
        assert_eq!(read("upstreams = [\"http://a:1\", \"http://b:1\"]"), "http://a:1 http://b:1");
        assert_eq!(
            read("upstreams = [\"https://a\", \"https://b\"]\ninsecure = true"),
            "https+insecure://a https+insecure://b"
        );
        assert_eq!(read("upstream = \"https://a\"\ninsecure = false"), "https://a");
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        for (more, mistake) in [
            (
                "upstream = \"http://a\"\nupstreams = [\"http://b\"]",
                "line 6: routine.version.upstreams: stands beside `upstream`; write one of them",
            ),
            ("upstreams = []", "line 5: routine.version.upstreams: it names no endpoint"),
            (
                "upstreams = [\"http://a\",\n\"http://a\"]",
                "line 5: routine.version.upstreams: it names an endpoint twice",
            ),
            (
                "insecure = true",
                "line 5: routine.version.insecure: stands without an `https://` upstream",
            ),
            (
                "upstream = \"http://a\"\ninsecure = true",
                "line 6: routine.version.insecure: is for `https://` alone: nothing else has certificates",
            ),
        ] {
            assert_eq!(mistakes_of(&version(more)), [mistake]);
        }
    }
}
