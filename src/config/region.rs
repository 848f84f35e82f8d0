//! `[[region]]`: where clients are.

use std::collections::HashMap;

use super::value::network;
use crate::document::{Table, Value};
use crate::model::{Region, RegionName, Regions};

/// Every region of the file. No two share a name or a network.
pub(super) fn regions(root: &Table<'_>) -> Regions {
    let (mut names, mut networks) = (HashMap::new(), HashMap::new());
    let mut regions = Vec::new();
    for table in root.tables("region", &["name", "cidrs", "country", "asn"]) {
        let name = table.required("name").and_then(|value| {
            let name = value.parsed(RegionName::new)?;
            if let Some(line) = names.insert(name.clone(), value.line()) {
                value.refuse(format!("`{name}` is already declared on line {line}"));
            }
            Some(name)
        });
        let values = table.get("cidrs").and_then(|list| list.list()).unwrap_or_default();
        let mut own = Vec::new();
        for value in values {
            let Some(network) = value.parsed(network) else { continue };
            if let Some(line) = networks.insert(network, value.line()) {
                value
                    .refuse(format!("`{network}` is already a network of a region on line {line}"));
            }
            own.push(network);
        }
        let country = table.get("country").and_then(|value| value.parsed(country));
        let asn = table.get("asn").and_then(|value| asn(&value));
        if let Some(name) = name {
            regions.push(Region { name, networks: own, country, asn });
        }
    }
    Regions::new(regions)
}

fn country(text: &str) -> Result<String, String> {
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` must be two upper-case letters, as in `CN`"))
    }
}

fn asn(value: &Value<'_>) -> Option<u32> {
    let number = value.whole()?;
    let asn = u32::try_from(number).ok();
    if asn.is_none() {
        value.refuse(format!("must be below 2^32, not {number}"));
    }
    asn
}

#[cfg(test)]
mod tests {
    use super::super::{Config, mistakes_of};

    #[test]
    fn an_address_is_in_the_region_that_names_its_network() {
        let config = Config::parse(
            r#"
            [[region]]
            name = "jiangsu"
            cidrs = ["10.1.0.0/16", "2001:db8::1"]
            country = "CN"
            asn = 4134
            [[region]]
            name = "nowhere"
            "#,
        );
        let regions = config.unwrap().regions;
        let jiangsu = regions.find("10.1.2.3".parse().unwrap()).unwrap();
        assert_eq!(jiangsu.name.as_str(), "jiangsu");
        assert_eq!((jiangsu.country.as_deref(), jiangsu.asn), (Some("CN"), Some(4134)));
        assert!(regions.find("2001:db8::2".parse().unwrap()).is_none());
        assert_eq!(regions.all().len(), 2);
    }

    #[test]
    fn every_mistake_of_a_region_is_told() {
        let text = r#"
[[region]]
name = "Jiangsu"
cidrs = ["10.0.0.0/8", "x"]
country = "cn"
asn = 4294967296
[[region]]
name = "a"
cidrs = ["10.0.0.0/8"]
[[region]]
name = "a"
"#;
        assert_eq!(
            mistakes_of(text),
            [
                "line 3: region.name: region `Jiangsu` must be 1 to 64 lower-case letters, digits and hyphens",
                "line 4: region.cidrs: `x` must be a network or an address, as in `10.0.0.0/8` or `10.0.0.1`",
                "line 5: region.country: `cn` must be two upper-case letters, as in `CN`",
                "line 6: region.asn: must be below 2^32, not 4294967296",
                "line 9: region.cidrs: `10.0.0.0/8` is already a network of a region on line 4",
                "line 11: region.name: `a` is already declared on line 8",
            ]
        );
    }
}
