//! Names that are sought as the pages say: whole, by their start or end, or anywhere.

use super::error::EsaError;
use super::params::Params;

/// What a name must be to be listed; everything is, where no name is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NameSearch {
    /// In lower case.
    sought: String,
    how: &'static str,
}

impl NameSearch {
    pub(super) fn finds(&self, name: &str) -> bool {
        match self.how {
            _ if self.sought.is_empty() => true,
            "prefix" => name.starts_with(&self.sought),
            "suffix" => name.ends_with(&self.sought),
            "fuzzy" => name.contains(&self.sought),
            _ => name == self.sought,
        }
    }
}

impl Params {
    /// The name in `name`, sought in the way that `how` says.
    pub(super) fn name_search(&self, name: &str, how: &str) -> Result<NameSearch, EsaError> {
        Ok(NameSearch {
            sought: self.text(name)?.unwrap_or_default().to_ascii_lowercase(),
            how: self.one_of(how, &["exact", "prefix", "suffix", "fuzzy"])?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(query: &str) -> Result<NameSearch, EsaError> {
        let params = Params::read(Some(query), &http::HeaderMap::new(), b"").unwrap();
        params.name_search("SiteName", "SiteSearchType")
    }

    #[test]
    fn a_name_is_sought_as_it_is_asked_for() {
        for (how, sought, finds) in [
            ("", "www.A.test", true),
            ("exact", "a.test", false),
            ("prefix", "www", true),
            ("prefix", "a.test", false),
            ("suffix", "a.test", true),
            ("suffix", "www", false),
            ("fuzzy", "w.a", true),
            ("fuzzy", "b", false),
            ("exact", "", true),
        ] {
            let search = search(&format!("SiteName={sought}&SiteSearchType={how}")).unwrap();
            assert_eq!(search.finds("www.a.test"), finds, "{how} {sought}");
        }
        assert!(search("SiteSearchType=somehow").is_err());
    }
}
