//! Keys of requests: whatever the sources and the request, the key and the version are
//! those that a second and naive reading finds, and the same the second time.

#![no_main]

mod lines;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, LazyLock};

use http::{HeaderMap, Request, Uri};
use libfuzzer_sys::{Corpus, fuzz_target};
use serin::model::{
    Catalog, CodeVersion, Deployment, DeploymentId, Environment, KeySource, Percent, Routine,
    RoutineName, Shares, Sticky, Timestamp, TrustedProxies, Version,
};
use serin::routing::{Decision, Draws, Reason, RoutingTable, Settings, SpreadCounters};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

const MINTED: &str = "BwcHBwcHBwcHBwcHBwcHBw";

enum Found {
    Key(Vec<u8>),
    Mint(String),
    Nothing,
}

// Switches and sources with a bar between, then a target, then fields.
fuzz_target!(|input: &[u8]| -> Corpus {
    let (switches, mut lines) = lines::split(input);
    let mut text = || lines.next().and_then(|line| std::str::from_utf8(line).ok());
    let (Some(sources), Some(target)) = (text(), text()) else { return Corpus::Reject };
    let Ok(sticky) = Sticky::parse(sources.split('|')) else { return Corpus::Reject };
    let Ok(uri) = target.parse::<Uri>() else { return Corpus::Reject };
    let peer: IpAddr = match switches & 3 {
        0 => Ipv4Addr::new(10, 0, 0, 1).into(),
        1 => Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped().into(),
        2 => Ipv6Addr::new(0x2001, 0xdb8, 1, 2, 3, 4, 5, 6).into(),
        _ => Ipv4Addr::new(192, 0, 2, 1).into(),
    };
    let percent = u64::from(switches >> 2).clamp(1, 63);
    let mut request = Request::new(()).into_parts().0;
    request.uri = uri;
    request.headers = lines::fields(lines);

    let table = table(&sticky, percent);
    let decide = || {
        let spread = SpreadCounters::default();
        let draws = Draws { spread, mint: Box::new(|| [7; 16]), salt: 0 };
        let decision = table.decide(Environment::Production, &request, peer, &draws);
        decision.expect("the default routine takes every request")
    };
    let decision = decide();
    let target = target.split('#').next().unwrap_or_default();
    let query = target.split_once('?').map(|(_, query)| query);
    let found = seek(sticky.sources(), &request.headers, query, peer);
    expect(&found, &decision, percent);
    let target = decision.target().expect("a version answers");
    let key = table.key_of(target, &request, peer);
    assert_eq!(key.as_deref(), if let Found::Key(key) = &found { Some(&key[..]) } else { None });
    expect(&found, &decide(), percent);
    Corpus::Keep
});

fn expect(found: &Found, decision: &Decision, percent: u64) {
    let (key, reason, minted) = match found {
        Found::Key(key) => (Some(&key[..]), Reason::Key, None),
        Found::Mint(cookie) => (Some(MINTED.as_bytes()), Reason::Key, Some(&cookie[..])),
        Found::Nothing => (None, Reason::Spread, None),
    };
    assert_eq!(decision.reason, reason);
    assert_eq!(decision.minted.as_ref().map(|minted| &*minted.cookie), minted);
    assert!(decision.minted.as_ref().is_none_or(|minted| minted.value == MINTED));
    // The first turn of a share below all is the older version's.
    let is_newer = key.is_some_and(|key| {
        let position = u128::from(xxh3_64_with_seed(key, *SEED));
        position < u128::from(percent) * (1 << 64) / 100
    });
    let version = decision.target().expect("a version answers").version.as_str();
    assert_eq!(version, if is_newer { "2" } else { "1" });
}

/// Of a routine `shop` whose newer version is `2`.
static SEED: LazyLock<u64> = LazyLock::new(|| {
    let mut material = b"serin/split/v1".to_vec();
    for field in ["routine", "shop", "2", ""] {
        material.extend([field.len() as u8, 0, 0, 0]);
        material.extend(field.bytes());
    }
    xxh3_64(&material)
});

fn table(sticky: &Sticky, percent: u64) -> RoutingTable {
    let name = RoutineName::new("shop").expect("a name");
    let versions = ["1", "2"].map(|text| CodeVersion::new(text).expect("digits"));
    let percents = [100 - percent, percent].map(|it| Percent::new(it).expect("in range"));
    let shares = Shares::new(versions.iter().cloned().zip(percents).collect());
    let deployment = Arc::new(Deployment {
        id: DeploymentId(1),
        shares: shares.expect("both are 100"),
        created: Timestamp(0),
    });
    let versions = versions.map(|it| (it.clone(), Arc::new(Version::new(it, Timestamp(0)))));
    let routine = Routine {
        sticky: sticky.clone(),
        versions: versions.into_iter().collect(),
        live: Environment::ALL.map(|_| Some(deployment.clone())),
        ..Routine::new(name.clone(), Timestamp(0))
    };
    let routines = [(name.clone(), Arc::new(routine))].into_iter().collect();
    let trusted = TrustedProxies::new(vec!["10.0.0.0/8".parse().expect("a network")]);
    let settings = Settings { default_routine: Some(name), trusted, ..Settings::default() };
    RoutingTable::compile(settings, &Catalog { routines, ..Catalog::default() })
}

fn seek(sources: &[KeySource], headers: &HeaderMap, query: Option<&str>, peer: IpAddr) -> Found {
    let all = |name: &str| -> Vec<Vec<u8>> {
        headers.get_all(name).iter().map(|value| value.as_bytes().to_vec()).collect()
    };
    for source in sources {
        let value = match source {
            KeySource::Header(name) => all(name.as_str()).first().cloned(),
            KeySource::Cookie(name) | KeySource::Mint(name) => cookie(&all("cookie"), name),
            KeySource::Query(name) => query.and_then(|query| parameter(query, name)),
            KeySource::ClientIp => Some(client(&all("x-forwarded-for"), peer).into_bytes()),
            KeySource::Spread => return Found::Nothing,
        };
        match value {
            Some(value) if !value.is_empty() => return Found::Key(value),
            _ => {}
        }
        if let KeySource::Mint(name) = source {
            return Found::Mint(name.to_string());
        }
    }
    Found::Nothing
}

/// All lines are one, and its first pair of that name counts.
fn cookie(lines: &[Vec<u8>], name: &str) -> Option<Vec<u8>> {
    let line = lines.join(&b';');
    for pair in line.split(|&byte| byte == b';') {
        let begin = pair.iter().position(|byte| !b" \t".contains(byte)).unwrap_or(pair.len());
        let pair = &pair[begin..];
        let Some(equals) = pair.iter().position(|&byte| byte == b'=') else { continue };
        if &pair[..equals] == name.as_bytes() {
            return Some(pair[equals + 1..].to_vec());
        }
    }
    None
}

fn parameter(query: &str, name: &str) -> Option<Vec<u8>> {
    for pair in query.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if decoded(key) == name.as_bytes() {
            return Some(decoded(value));
        }
    }
    None
}

fn decoded(text: &str) -> Vec<u8> {
    let mut pieces = text.split('%');
    let spaced = |text: &str| text.replace('+', " ").into_bytes();
    let mut octets = spaced(pieces.next().unwrap_or_default());
    for piece in pieces {
        let digits = piece.get(..2).filter(|it| it.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits {
            Some(digits) => {
                octets.push(u8::from_str_radix(digits, 16).expect("two digits"));
                octets.extend(spaced(&piece[2..]));
            }
            None => {
                octets.push(b'%');
                octets.extend(spaced(piece));
            }
        }
    }
    octets
}

/// From the last entry to the first, for as long as those behind are trusted.
fn client(lines: &[Vec<u8>], peer: IpAddr) -> String {
    let is_trusted = |address: IpAddr| match address.to_canonical() {
        IpAddr::V4(address) => address.octets()[0] == 10,
        IpAddr::V6(_) => false,
    };
    let list = lines.join(&b',');
    let mut entries: Vec<&[u8]> = list.split(|&byte| byte == b',').collect();
    let mut client = peer;
    while is_trusted(client) {
        let entry = entries.pop().and_then(|it| std::str::from_utf8(it.trim_ascii()).ok());
        let Some(entry) = entry else { break };
        let bare = entry.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let address = match (entry.parse(), entry.parse::<SocketAddr>(), bare) {
            (Ok(address), _, _) => address,
            (_, Ok(address), _) => address.ip(),
            (_, _, Some(bare)) if bare.parse::<Ipv6Addr>().is_ok() => bare.parse().expect("one"),
            _ => break,
        };
        client = address;
    }
    match client.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
        }
    }
}
