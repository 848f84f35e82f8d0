//! A request as the rules of routes ask about it.

use std::net::IpAddr;

use http::HeaderName;
use http::request::Parts;

use super::fields::first_line;
use super::region::place_of;
use super::sticky::client_address;
use super::table::Settings;
use crate::model::{Facts, Rule};

static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What rules may know of one request. Where it comes from is found out when the first
/// rule asks for that, and once.
pub(super) struct Asked<'r> {
    facts: Facts<'r>,
    peer: IpAddr,
    settings: &'r Settings,
    is_placed: bool,
}

impl<'r> Asked<'r> {
    /// `None` for a request without a path, which only CONNECT has.
    pub(super) fn new(
        host: &'r [u8],
        request: &'r Parts,
        peer: IpAddr,
        settings: &'r Settings,
    ) -> Option<Self> {
        let Parts { method, uri, version, headers, .. } = request;
        let came_over_tls = || {
            let scheme = first_line(headers, &X_FORWARDED_PROTO);
            scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"https"))
        };
        let is_secure = settings.trusted.contains(peer) && came_over_tls();
        let facts = Facts {
            method: method.as_str(),
            scheme: if is_secure { "https" } else { "http" },
            version: *version,
            host,
            uri: uri.path_and_query()?,
            headers,
            client: client_address(headers, peer, &settings.trusted),
            country: None,
            as_number: None,
        };
        Some(Self { facts, peer, settings, is_placed: false })
    }

    /// Whether `rule` holds, which may ask where the request comes from.
    pub(super) fn satisfies(&mut self, rule: &Rule, asks_for_place: bool) -> bool {
        if asks_for_place && !self.is_placed {
            let Settings { trusted, regions, .. } = self.settings;
            let place = place_of(self.facts.headers, self.peer, trusted, regions);
            (self.facts.country, self.facts.as_number) = (place.country, place.as_number);
            self.is_placed = true;
        }
        rule.matches(&self.facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TrustedProxies;

    fn request(target: &str, lines: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::get(target);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn trusting(network: &str) -> Settings {
        let trusted = TrustedProxies::new(vec![network.parse().unwrap()]);
        Settings { trusted, ..Settings::default() }
    }

    #[test]
    fn where_a_request_comes_from_is_found_out_for_a_rule_that_asks_and_once() {
        let request = request("/", &[("x-serin-country", "CN")]);
        let settings = trusting("10.0.0.0/8");
        let mut asked = Asked::new(b"a.test", &request, [10, 0, 0, 1].into(), &settings).unwrap();
        let satisfies = |asked: &mut Asked<'_>, rule: &str| {
            let rule = Rule::parse(rule).unwrap();
            asked.satisfies(&rule, rule.asks_for_place())
        };
        assert!(satisfies(&mut asked, "ip.src eq 10.0.0.1"));
        assert_eq!((asked.is_placed, asked.facts.country), (false, None));
        assert!(satisfies(&mut asked, r#"ip.geoip.country eq "CN""#));
        assert_eq!((asked.is_placed, asked.facts.country), (true, Some("CN")));
        // What was found is asked again and not sought again.
        asked.facts.country = Some("FR");
        assert!(satisfies(&mut asked, r#"ip.geoip.country eq "FR""#));
    }

    #[test]
    fn a_scheme_and_a_client_are_what_a_trusted_peer_says() {
        let lines = [("x-forwarded-proto", "HTTPS"), ("x-forwarded-for", "198.51.100.7")];
        let request = request("/", &lines);
        let facts = |network: &str| {
            let settings = trusting(network);
            let asked = Asked::new(b"", &request, [10, 0, 0, 1].into(), &settings).unwrap();
            (asked.facts.scheme.to_owned(), asked.facts.client.to_string())
        };
        assert_eq!(facts("10.0.0.0/8"), ("https".to_owned(), "198.51.100.7".to_owned()));
        assert_eq!(facts("192.0.2.0/24"), ("http".to_owned(), "10.0.0.1".to_owned()));
    }

    #[test]
    fn a_target_without_a_path_is_asked_nothing() {
        let settings = Settings::default();
        let ask = |target| {
            let request = request(target, &[]);
            Asked::new(b"a.test", &request, [10, 0, 0, 1].into(), &settings).is_some()
        };
        assert!(ask("http://a.test") && ask("*") && ask("/"));
        assert!(!ask("a.test:443"));
    }
}
