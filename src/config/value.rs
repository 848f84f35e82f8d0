//! Texts that are values only in a config: durations, addresses, networks.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::document;

/// The longest duration that may be written. Far beyond use, and far below what
/// a clock cannot add.
const DURATION_MAX: Duration = Duration::from_hours(24);

/// As [`document::duration`], of at most 24 hours.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    document::duration(text, DURATION_MAX)
}

/// A duration that is not zero: a timeout of nothing would fail everything.
pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("must be longer than zero".to_owned()),
        timeout => Ok(timeout),
    }
}

/// Where to listen.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!("`{text}` must be an IP address and a port, as in `127.0.0.1:8080` or `[::1]:8080`")
    })
}

/// A network, or one address as the network of itself alone.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let network = match (text.parse::<IpNet>(), text.parse::<IpAddr>()) {
        (Ok(network), _) => network.trunc(),
        (_, Ok(address)) => IpNet::from(address),
        _ => {
            return Err(format!(
                "`{text}` must be a network or an address, as in `10.0.0.0/8` or `10.0.0.1`"
            ));
        }
    };
    match network.network() {
        // Clients are compared by their IPv4 address, so this would match nobody.
        IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => {
            Err(format!("`{text}` must be written as IPv4"))
        }
        _ => Ok(network),
    }
}

/// The file of the store.
pub(super) fn store_path(text: &str) -> Result<PathBuf, &'static str> {
    // SQLite would take these for something else than a file of that name.
    if text == ":memory:" {
        return Err("must be a file; leave out `[store]` to keep state in memory");
    }
    if text.is_empty() || text.starts_with("file:") || text.contains('\0') {
        return Err("must be the path of a file, as in `serin.db`");
    }
    Ok(PathBuf::from(text))
}

/// A file or a folder.
pub(super) fn file_path(text: &str) -> Result<PathBuf, &'static str> {
    if text.is_empty() || text.contains('\0') {
        return Err("must be a path, as in `serin.pem`");
    }
    Ok(PathBuf::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, ms) in
            [("500ms", 500), ("2s", 2000), ("1m", 60_000), ("24h", 86_400_000), ("1.5s", 1_500)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "2", "s", "2 s", "-2s", "+2s", "2S", "2sec", "2d", "٢s"] {
            assert!(duration(text).unwrap_err().contains("must be a number and"), "{text}");
        }
        for text in ["25h", "86400001ms", "99999999999999999999s", "18446744073709551615h"] {
            assert!(duration(text).unwrap_err().contains("at most `24h`"), "{text}");
        }
    }

    #[test]
    fn a_timeout_is_not_zero() {
        assert!(timeout("0ms").is_err());
        assert_eq!(timeout("1ms"), Ok(Duration::from_millis(1)));
    }

    #[test]
    fn an_address_is_an_ip_and_a_port() {
        assert!(address("[::1]:80").is_ok());
        for text in ["", "localhost:80", "127.0.0.1", ":80", "::1:80", "127.0.0.1:65536"] {
            assert!(address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_network_may_be_one_address() {
        assert_eq!(network("10.1.2.3/8").unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(network("10.1.2.3").unwrap().to_string(), "10.1.2.3/32");
        assert_eq!(network("::1").unwrap().to_string(), "::1/128");
        for text in
            ["", "10.0.0.0/33", "10.0.0", "proxy.test", "::ffff:10.0.0.0/104", "::ffff:10.0.0.1"]
        {
            assert!(network(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_store_is_a_file() {
        assert_eq!(store_path("a/serin.db"), Ok(PathBuf::from("a/serin.db")));
        for text in ["", ":memory:", "file:serin.db?mode=memory", "a\0b"] {
            assert!(store_path(text).is_err(), "{text}");
        }
    }
}
