//! Where a request may come from. Without access keys, what protects the listener is
//! that it is bound to loopback; a web page in the operator's browser reaches it all
//! the same, and is turned away here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::uri::Scheme;
use http::{HeaderName, HeaderValue};

use super::Door;

/// What a browser says about where a request comes from (Fetch Metadata).
static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

static SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Why a request is turned away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trespass {
    #[error(
        "the admin listener is not called `{0}`: use 127.0.0.1, localhost or the address it listens on"
    )]
    Host(String),
    #[error("the admin listener takes no requests from other sites: the Origin is `{0}`")]
    Origin(String),
    #[error("the admin listener takes no requests from other sites: Sec-Fetch-Site is `{0}`")]
    Site(String),
}

/// Which names the listener may be called by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hosts {
    /// Loopback names, and the listener's address.
    Ours,
    /// Whatever name leads here: each request proves itself with a secret that a
    /// foreign page does not have, so a rebound name opens nothing.
    Any,
}

/// Whether `request` may be served at `door`, called by one of `names`.
///
/// `Host` stops a foreign name that was made to resolve to loopback (DNS
/// rebinding), `Origin` and `Sec-Fetch-Site` stop forms and scripts of other
/// sites. Every line of each field counts, or a second one would get through.
pub(super) fn check(request: &Parts, door: &Door, names: Hosts) -> Result<(), Trespass> {
    let listener = door.address;
    let hosts: Vec<&HeaderValue> = request.headers.get_all(HOST).iter().collect();
    if hosts.is_empty() {
        return Err(Trespass::Host(String::new()));
    }
    for host in hosts.into_iter().filter(|_| names == Hosts::Ours) {
        if !host.to_str().is_ok_and(|host| is_ours(host, listener)) {
            return Err(Trespass::Host(printed(host)));
        }
    }
    if let Some(authority) = request.uri.authority()
        && names == Hosts::Ours
        && !is_ours(authority.as_str(), listener)
    {
        return Err(Trespass::Host(authority.to_string()));
    }
    for origin in request.headers.get_all(ORIGIN) {
        let origin_text = origin.to_str().ok();
        let host = origin_text
            .and_then(|origin| origin.strip_prefix(door.scheme.as_str())?.strip_prefix("://"));
        let is_the_door =
            host.is_some_and(|host| is_ours(host, listener) && is_our_port(host, door));
        if !is_the_door && !is_where_it_goes(origin_text, request, door, names) {
            return Err(Trespass::Origin(printed(origin)));
        }
    }
    for site in request.headers.get_all(&SEC_FETCH_SITE) {
        // `same-site` is another port of this host, which is another program.
        if site != "same-origin" && site != "none" {
            return Err(Trespass::Site(printed(site)));
        }
    }
    Ok(())
}

/// Whether a page asks the host and port that it came from, as the dashboard does behind a
/// forwarded port. That `Host` is one of ours was seen before, unless a secret is asked for;
/// then TLS may end before Serin, too.
fn is_where_it_goes(origin: Option<&str>, request: &Parts, door: &Door, names: Hosts) -> bool {
    let Some((scheme, authority)) = origin.and_then(|origin| origin.split_once("://")) else {
        return false;
    };
    let mut hosts = request.headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let is_our_scheme = scheme == door.scheme.as_str() || names == Hosts::Any;
    is_our_scheme && host.to_str().is_ok_and(|host| host.eq_ignore_ascii_case(authority))
}

/// Whether a person came here by a link, or typed the address.
pub(super) fn follows_a_link(request: &Parts) -> bool {
    request.headers.get(&SEC_FETCH_MODE).is_some_and(|mode| mode == "navigate")
}

fn printed(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// Whether `authority` (a host and maybe a port) is a loopback name or the
/// listener's address. Only a name can be rebound, so any port will do.
fn is_ours(authority: &str, listener: Option<SocketAddr>) -> bool {
    let Some(host) = host_of(authority) else {
        return false;
    };
    let address = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    };
    if let Some(address) = address {
        let address = address.to_canonical();
        return address.is_loopback()
            || listener.is_some_and(|listener| listener.ip().to_canonical() == address);
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    // RFC 6761, section 6.3: these names are loopback and nobody else's.
    name == "localhost"
        || name.strip_suffix(".localhost").is_some_and(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        })
}

/// Whether an origin of the listener's scheme names its port. Another port of this machine is
/// another program, such as a page that the data plane passes on.
fn is_our_port(origin: &str, door: &Door) -> bool {
    let by_default = if door.scheme == Scheme::HTTPS { "443" } else { "80" };
    let port = host_of(origin).map(|host| origin[host.len()..].trim_start_matches(':'));
    let port = port.map(|port| if port.is_empty() { by_default } else { port });
    let port = port.and_then(|port| port.parse::<u16>().ok());
    door.address.is_none_or(|listener| port == Some(listener.port()))
}

/// The host of `host[:port]`; `None` when the port is none.
fn host_of(authority: &str) -> Option<&str> {
    let end = match authority.strip_prefix('[') {
        Some(_) => authority.find(']')? + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(end);
    let sound = match port.strip_prefix(':') {
        Some(port) => port.is_empty() || port.parse::<u16>().is_ok(),
        None => port.is_empty(),
    };
    sound.then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(address: &str, scheme: Scheme) -> Door {
        Door { address: Some(address.parse().unwrap()), scheme }
    }

    fn verdict(headers: &[(&str, &str)]) -> Result<(), Trespass> {
        verdict_at(&door("192.0.2.7:8090", Scheme::HTTP), Hosts::Ours, headers)
    }

    fn verdict_of(hosts: Hosts, headers: &[(&str, &str)]) -> Result<(), Trespass> {
        verdict_at(&door("192.0.2.7:8090", Scheme::HTTP), hosts, headers)
    }

    fn verdict_at(door: &Door, hosts: Hosts, headers: &[(&str, &str)]) -> Result<(), Trespass> {
        let mut request = http::Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(&request.body(()).unwrap().into_parts().0, door, hosts)
    }

    #[test]
    fn loopback_names_and_the_listeners_address_are_ours() {
        for host in [
            "localhost",
            "LOCALHOST:1",
            "localhost.",
            "admin.serin.localhost:8090",
            "127.0.0.1",
            "127.9.9.9:99",
            "[::1]",
            "[::1]:8090",
            "192.0.2.7:8090",
        ] {
            assert_eq!(verdict(&[("host", host)]), Ok(()), "{host}");
        }
    }

    #[test]
    fn any_other_host_is_turned_away() {
        for host in [
            "",
            "evil.test",
            "evil.test:8090",
            "localhost.evil.test",
            "evillocalhost",
            ".localhost",
            "evil@localhost",
            "evil@a.localhost",
            "127.0.0.1.evil.test",
            "127.0.0.1:x",
            "0.0.0.0",
            "192.0.2.8",
            "[::2]",
            "[::1",
            "[::1]x",
            "2130706433",
        ] {
            assert_eq!(verdict(&[("host", host)]), Err(Trespass::Host(host.to_owned())), "{host}");
        }
        assert!(verdict(&[]).is_err());
    }

    #[test]
    fn every_host_line_and_the_target_count() {
        assert!(verdict(&[("host", "localhost"), ("host", "evil.test")]).is_err());
        let request = http::Request::builder()
            .uri("http://evil.test/")
            .header("host", "localhost")
            .body(())
            .unwrap();
        let door = door("192.0.2.7:8090", Scheme::HTTP);
        assert!(check(&request.into_parts().0, &door, Hosts::Ours).is_err());
    }

    #[test]
    fn where_keys_guard_the_name_does_not_matter_but_the_page_does() {
        let admin = ("host", "admin.example.com");
        assert_eq!(verdict_of(Hosts::Any, &[admin]), Ok(()));
        assert!(verdict_of(Hosts::Any, &[]).is_err());
        let foreign = [admin, ("origin", "http://evil.test")];
        assert!(matches!(verdict_of(Hosts::Any, &foreign), Err(Trespass::Origin(_))));
        let foreign = [admin, ("sec-fetch-site", "cross-site")];
        assert!(matches!(verdict_of(Hosts::Any, &foreign), Err(Trespass::Site(_))));
    }

    #[test]
    fn an_origin_that_is_not_ours_is_foreign() {
        for origin in ["http://localhost:8090", "http://127.0.0.1:8090", "http://[::1]:8090"] {
            let headers = [("host", "localhost"), ("origin", origin)];
            assert_eq!(verdict(&headers), Ok(()), "{origin}");
        }
        for origin in [
            "null",
            "",
            "http://evil.test",
            "https://localhost.evil.test",
            "file://localhost",
            "localhost",
            "http://localhost",
            "http://localhost:8080",
            "https://localhost:8090",
        ] {
            let headers = [("host", "localhost:8090"), ("origin", origin)];
            let foreign = Trespass::Origin(origin.to_owned());
            assert_eq!(verdict(&headers), Err(foreign), "{origin}");
        }
    }

    #[test]
    fn a_page_that_asks_where_it_came_from_is_ours() {
        let taken =
            |names, host, origin| verdict_of(names, &[("host", host), ("origin", origin)]).is_ok();
        // Behind a port that is forwarded, and behind what ends TLS.
        assert!(taken(Hosts::Ours, "localhost:9000", "http://localhost:9000"));
        assert!(taken(Hosts::Any, "admin.example.com", "https://admin.example.com"));
        assert!(!taken(Hosts::Ours, "localhost:9000", "http://localhost:9001"));
        assert!(!taken(Hosts::Ours, "localhost:9000", "https://localhost:9000"));
        assert!(!taken(Hosts::Ours, "evil.test:8090", "http://evil.test:8090"), "a rebound name");
        assert!(!taken(Hosts::Any, "admin.example.com", "https://evil.test"));
        let twice =
            [("host", "localhost:1"), ("host", "localhost:2"), ("origin", "http://localhost:1")];
        assert!(verdict(&twice).is_err());
    }

    #[test]
    fn an_origin_has_the_listeners_scheme() {
        let taken = |door: &Door, origin| {
            verdict_at(door, Hosts::Ours, &[("host", "localhost:1"), ("origin", origin)]).is_ok()
        };
        let tls = door("127.0.0.1:8443", Scheme::HTTPS);
        assert!(taken(&tls, "https://localhost:8443"));
        assert!(!taken(&tls, "http://localhost:8443"));
        assert!(!taken(&tls, "https://localhost"));
        assert!(taken(&door("127.0.0.1:443", Scheme::HTTPS), "https://localhost"));
        assert!(taken(&door("127.0.0.1:80", Scheme::HTTP), "http://localhost"));
    }

    #[test]
    fn a_browser_that_comes_from_elsewhere_says_so() {
        for site in ["same-origin", "none"] {
            let headers = [("host", "localhost"), ("sec-fetch-site", site)];
            assert_eq!(verdict(&headers), Ok(()), "{site}");
        }
        for site in ["cross-site", "same-site", "surprise"] {
            let headers = [("host", "localhost"), ("sec-fetch-site", site)];
            let elsewhere = Trespass::Site(site.to_owned());
            assert_eq!(verdict(&headers), Err(elsewhere), "{site}");
        }
    }
}
