//! TLS of clients: HTTP/1.1 and HTTP/2 inside of it, and certificates of the operator.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Request;
use rustls::client::Resumption;
use rustls::{AlertDescription, ClientConfig, Error, HandshakeKind};

use crate::support::edge::{Setup, deploy, routine};
use crate::support::h2::{Sent, Speaker, run};
use crate::support::process::{ANY_PORT, Process};
use crate::support::raw::headers;
use crate::support::tls::Trust;
use crate::support::upstream::Upstream;
use crate::support::wait_until;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[test]
fn both_protocols_are_spoken_and_a_client_chooses() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url()).with_tls();
    setup.policy.headers.forwarded = true;
    let edge = setup.start();
    let address = edge.production_tls.unwrap();
    let http1 = edge.trust().speaking(&["http/1.1"]);
    assert_eq!(http1.get(address, "localhost", "/").body, "ok");
    let silent = edge.trust().speaking(&[]);
    assert_eq!(silent.get(address, "localhost", "/").body, "ok");
    run(async {
        let mut speaker = Speaker::tls(address, "shop.localhost", edge.trust()).await;
        let heard = speaker.get("https://shop.localhost/").await;
        assert_eq!((heard.status.as_u16(), &heard.body[..]), (200, &b"ok"[..]));
    });
    for request in upstream.requests() {
        assert_eq!(headers(&request, "x-forwarded-proto"), ["https"]);
        assert!(headers(&request, "forwarded")[0].contains(";proto=https;"), "{request}");
    }
    assert_eq!(upstream.requests().len(), 3);

    let stranger = edge.trust().speaking(&["spdy/1"]);
    assert_eq!(alert(&stranger, address, "localhost"), AlertDescription::NoApplicationProtocol);
    // Staging has a listener of its own, where nothing is deployed.
    let staging = edge.staging_tls.unwrap();
    assert_eq!(http1.get(staging, "localhost", "/").status, 503);
}

/// The alert with which a handshake was refused.
fn alert(trust: &Trust, address: SocketAddr, host: &str) -> AlertDescription {
    let error = trust.connect(address, host).map(drop).unwrap_err();
    match error.get_ref().and_then(|cause| cause.downcast_ref::<Error>()) {
        Some(Error::AlertReceived(alert)) => *alert,
        _ => panic!("no alert but {error:?}"),
    }
}

#[test]
fn a_trusted_proxys_word_on_the_scheme_holds_and_nobody_elses() {
    let upstream = Upstream::saying(OK);
    for (setup, expected) in [
        (Setup::before(upstream.url()).with_tls(), "https"),
        (Setup::before(upstream.url()).with_tls().trusting_loopback(), "http"),
    ] {
        let edge = setup.start();
        let request = "GET / HTTP/1.1\r\nhost: localhost\r\nx-forwarded-proto: http\r\nconnection: close\r\n\r\n";
        let trust = edge.trust().speaking(&["http/1.1"]);
        assert_eq!(trust.send(edge.production_tls.unwrap(), "localhost", request).status, 200);
        let request = upstream.requests().pop().unwrap();
        assert_eq!(headers(&request, "x-forwarded-proto"), [expected]);
    }
}

#[test]
fn a_minted_cookie_is_secure_where_the_request_was() {
    let mut shop = routine("shop", &[("1", None), ("2", None)]);
    deploy(&mut shop, serin::model::Environment::Production, 1, &[("1", 50), ("2", 50)]);
    let edge = Setup::of([shop]).with_tls().start();
    let cookie_of = |heard: &str| headers(heard, "set-cookie").join(" ");
    let plain = edge.client().get("/", &[]);
    let plain = cookie_of(&plain.head);
    if plain.is_empty() {
        // The routine is sticky by something else than a cookie.
        return;
    }
    assert!(!plain.contains("Secure"), "{plain}");
    run(async {
        let mut speaker =
            Speaker::tls(edge.production_tls.unwrap(), "localhost", edge.trust()).await;
        let heard = speaker.get("https://localhost/").await;
        let cookie = heard.header("set-cookie").unwrap();
        assert!(cookie.ends_with("; Secure"), "{cookie}");
    });
}

#[test]
fn a_host_that_the_certificate_does_not_name_is_served_as_it_is_without_tls() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).with_tls().start();
    run(async {
        let address = edge.production_tls.unwrap();
        let mut speaker = Speaker::tls(address, "localhost", edge.trust()).await;
        let other = Request::get("https://shop.example/").body(Sent::nothing()).unwrap();
        assert_eq!(speaker.ask(other).await.status, 200);
    });
    assert_eq!(headers(&upstream.requests()[0], "host"), ["shop.example"]);
}

#[test]
fn a_session_begun_with_one_worker_is_resumed_with_any() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url()).with_tls();
    setup.workers = 4;
    let edge = setup.start();
    let mut config = ClientConfig::clone(&edge.trust().config());
    config.resumption = Resumption::in_memory_sessions(8);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let trust = Trust::of(Arc::new(config));
    let visit = || {
        let mut stream = trust.connect(edge.production_tls.unwrap(), "localhost").unwrap();
        let request = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        // Tickets come behind the handshake.
        stream.read_to_end(&mut Vec::new()).unwrap();
        stream.conn.handshake_kind().unwrap()
    };
    assert_eq!(visit(), HandshakeKind::Full);
    for _ in 0..20 {
        assert_eq!(visit(), HandshakeKind::Resumed);
    }
}

#[test]
fn plain_http_where_tls_is_spoken_is_no_harm() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).with_tls().start();
    let address = edge.production_tls.unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(crate::support::WAIT_MAX)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).unwrap();
    assert_eq!(heard.first(), Some(&21), "an alert: {heard:?}");
    let http1 = edge.trust().speaking(&["http/1.1"]);
    assert_eq!(http1.get(address, "localhost", "/").body, "ok");
    assert_eq!(upstream.requests().len(), 1);
}

#[test]
fn a_websocket_goes_through_tls() {
    let upstream = Upstream::new(|visit| {
        visit.request();
        visit.say(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        );
        let heard = visit.bytes(4).unwrap();
        visit.say([b"echo ", &heard[..]].concat());
        visit.sees_end();
    });
    let edge = Setup::before(upstream.url()).with_tls().start();
    let trust = edge.trust().speaking(&["http/1.1"]);
    let mut stream = trust.connect(edge.production_tls.unwrap(), "localhost").unwrap();
    let request = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut heard = Vec::new();
    while !heard.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        heard.push(byte[0]);
    }
    assert!(heard.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&heard));
    stream.write_all(b"ping").unwrap();
    let mut echo = [0; 9];
    stream.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"echo ping");
}

/// A folder with a config and certificates.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a pair for `host`; the certificate in PEM.
    fn write_pair(&self, name: &str, host: &str) -> String {
        let made = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
        let certificate = pem("CERTIFICATE", made.cert.der());
        let key = pem("PRIVATE KEY", made.signing_key.serialized_der());
        fs::write(self.path(&format!("{name}.key")), key).unwrap();
        fs::write(self.path(&format!("{name}.pem")), &certificate).unwrap();
        certificate
    }

    fn start(&self, pairs: &[&str]) -> Process {
        let pairs: Vec<String> = pairs
            .iter()
            .map(|name| {
                let path = |ending| self.path(&format!("{name}.{ending}")).display().to_string();
                format!("{{ certificate = \"{}\", key = \"{}\" }}", path("pem"), path("key"))
            })
            .collect();
        let tls = if pairs.is_empty() {
            String::new()
        } else {
            format!("[tls]\ncertificates = [{}]\n", pairs.join(", "))
        };
        let text = format!(
            "default_routine = \"shop\"\n{ANY_PORT}production_tls = \"127.0.0.1:0\"\nstaging_tls = \"127.0.0.1:0\"\n{tls}[[routine]]\nname = \"shop\"\n[[routine.version]]\ncode_version = \"1\"\n[[routine.deployment]]\nenv = \"production\"\ncode_versions = [{{ code_version = \"1\", percentage = 100 }}]\n"
        );
        let config = self.path("serin.toml");
        fs::write(&config, text).unwrap();
        Process::start(&config)
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

#[test]
fn the_operators_certificates_are_chosen_by_name_and_read_again_when_they_change() {
    let home = Home::new();
    let shop = Trust::in_pem(&home.write_pair("shop", "shop.example"));
    let cart = Trust::in_pem(&home.write_pair("cart", "*.cart.example"));
    let serin = home.start(&["shop", "cart"]);
    for address in [serin.production_tls.unwrap(), serin.staging_tls.unwrap()] {
        assert!(shop.connect(address, "shop.example").is_ok());
        assert!(cart.connect(address, "www.cart.example").is_ok());
        assert!(shop.connect(address, "www.cart.example").is_err());
        let unknown = AlertDescription::UnrecognisedName;
        assert_eq!(alert(&shop, address, "other.example"), unknown);
        // Who names no host gets the first, which is not for an address.
        let error = shop.connect(address, "127.0.0.1").map(drop).unwrap_err();
        assert!(error.to_string().contains("not valid for name"), "{error}");
    }

    let address = serin.production_tls.unwrap();
    let mut stays = shop.speaking(&["http/1.1"]).connect(address, "shop.example").unwrap();
    let renewed = Trust::in_pem(&home.write_pair("shop", "shop.example"));
    wait_until(|| renewed.connect(address, "shop.example").is_ok());
    assert!(shop.connect(address, "shop.example").is_err());

    fs::write(home.path("shop.key"), "no key").unwrap();
    let marker = Trust::in_pem(&home.write_pair("cart", "*.cart.example"));
    // The files are looked at in turn, so the broken one was looked at, too.
    wait_until(|| marker.connect(address, "www.cart.example").is_ok());
    assert!(renewed.connect(address, "shop.example").is_ok());

    // A connection outlives the certificate that it began with.
    let request = "GET / HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n";
    stays.write_all(request.as_bytes()).unwrap();
    let mut heard = Vec::new();
    stays.read_to_end(&mut heard).unwrap();
    assert!(heard.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&heard));
    let (status, log) = serin.terminate();
    assert!(status.success(), "{log}");
    assert!(log.contains("the certificate was read again"), "{log}");
    assert_eq!(log.matches("the certificate from before stays").count(), 1, "{log}");
}

#[test]
fn without_files_the_local_authority_vouches() {
    let home = Home::new();
    let serin = home.start(&[]);
    // In memory, so nobody can know it; it names the machine nonetheless.
    let stranger = Trust::in_pem(&home.write_pair("other", "localhost"));
    let address = serin.production_tls.unwrap();
    let error = stranger.connect(address, "shop.localhost").map(drop).unwrap_err();
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
    assert_eq!(alert(&stranger, address, "shop.example"), AlertDescription::UnrecognisedName);
}

#[test]
fn curl_speaks_http2_with_it() {
    let home = Home::new();
    let certificate = home.write_pair("shop", "shop.localhost");
    let serin = home.start(&["shop"]);
    let authority = home.path("ca.pem");
    fs::write(&authority, certificate).unwrap();
    let port = serin.production_tls.unwrap().port();
    for (option, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
        let output = std::process::Command::new("curl")
            .args(["-sS", "--noproxy", "*", option, "-o", "/dev/null"])
            .args(["-w", "%{http_version} %{response_code}", "--max-time", "20"])
            .args(["--resolve", &format!("shop.localhost:{port}:127.0.0.1"), "--cacert"])
            .arg(&authority)
            .arg(format!("https://shop.localhost:{port}/"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(said, format!("{version} 200"), "{output:?}");
    }
    let plain = serin.production.port();
    let output = std::process::Command::new("curl")
        .args(["-sS", "--noproxy", "*", "--http2-prior-knowledge", "-o", "/dev/null"])
        .args(["-w", "%{http_version} %{response_code}", "--max-time", "20"])
        .arg(format!("http://127.0.0.1:{plain}/"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "2 200", "{output:?}");
}

#[test]
fn silence_behind_the_handshake_is_idle() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url()).with_tls();
    setup.policy.timeouts.client_idle = Duration::from_millis(100);
    let edge = setup.start();
    for protocol in ["http/1.1", "h2"] {
        let trust = edge.trust().speaking(&[protocol]);
        let mut stream = trust.connect(edge.production_tls.unwrap(), "localhost").unwrap();
        drop(stream.read_to_end(&mut Vec::new()));
    }
}
