//! Admin over HTTPS, with certificates of the local authority or of the operator.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::{AlertDescription, Error};

use crate::support::WAIT_MAX;
use crate::support::desk::form;
use crate::support::process::{ANY_PORT, Process, serin};
use crate::support::tls::Trust;

const ROUTINE: &str = "
[[routine]]
name = \"shop\"
[[routine.version]]
code_version = \"1\"
";

/// A folder with a config whose admin speaks TLS, too.
struct Home {
    folder: tempfile::TempDir,
    config: PathBuf,
}

impl Home {
    fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("serin.toml");
        let home = Self { folder, config };
        let store = home.path("serin.db");
        home.write(&format!("[store]\npath = \"{}\"\n{more}", store.display()));
        home
    }

    fn write(&self, more: &str) {
        let text = format!(
            "domain = \"edge.test\"\n{ANY_PORT}admin_tls = \"127.0.0.1:0\"\n{more}{ROUTINE}"
        );
        fs::write(&self.config, text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&self) -> (Process, SocketAddr) {
        let serin = Process::start(&self.config);
        let address = serin.admin_tls.unwrap();
        (serin, address)
    }

    fn ca(&self) -> Output {
        serin().args(["ca", "--config"]).arg(&self.config).output().unwrap()
    }

    /// The authority's certificate, as a user gets it.
    fn authority(&self) -> String {
        let output = self.ca();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn trust(&self) -> Trust {
        Trust::in_pem(&self.authority())
    }
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
fn the_native_api_answers_over_https() {
    let home = Home::new("");
    let (serin, address) = home.start();
    let trust = home.trust();

    assert_eq!(trust.get(address, "localhost", "/readyz").status, 200);
    let routine = trust.get(address, "localhost", "/api/v1/routines/shop").with(200);
    assert_eq!(routine["name"], "shop");

    // Both listeners speak for the same control plane.
    let plain = serin.call("POST", "/api/v1/routines", &serde_json::json!({ "name": "cart" }));
    assert_eq!(plain.status, 201);
    assert_eq!(trust.get(address, "localhost", "/api/v1/routines/cart").status, 200);
    let (status, log) = serin.terminate();
    assert!(status.success(), "{log}");
}

#[test]
fn an_esa_call_over_https_is_told_to_upload_over_https() {
    let home = Home::new("");
    let (_serin, address) = home.start();
    let authority = format!("localhost:{}", address.port());
    let body = form(&[("Name", "shop")]);
    let heard = home.trust().send(
        address,
        "localhost",
        &format!(
            "POST / HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\
             x-acs-action: GetRoutineStagingCodeUploadInfo\r\nx-acs-version: 2024-09-10\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ),
    );
    let url = heard.with(200)["OssPostConfig"]["Url"].as_str().unwrap().to_owned();
    assert!(url.starts_with(&format!("https://{authority}/")), "{url}");
}

#[test]
fn each_name_of_ours_has_a_certificate_and_no_other_has() {
    let home = Home::new("");
    let (_serin, address) = home.start();
    let trust = home.trust();
    for name in ["localhost", "shop.localhost", "no-such-routine.localhost", "shop.edge.test"] {
        let stream = trust.connect(address, name).unwrap();
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]), "{name}");
    }
    for name in ["example.com", "a.b.localhost", "edge.test", "edge.test.example.com"] {
        assert_eq!(alert(&trust, address, name), AlertDescription::UnrecognisedName, "{name}");
    }
}

#[test]
fn a_client_that_names_no_host_gets_a_certificate_for_addresses() {
    let home = Home::new("");
    let (_serin, address) = home.start();
    let trust = home.trust();
    assert_eq!(trust.get(address, "127.0.0.1", "/livez").status, 200);
    assert!(trust.connect(address, "::1").is_ok());
    assert!(trust.connect(address, "127.0.0.2").is_err());
}

#[test]
fn an_authority_that_is_not_trusted_is_of_no_use() {
    let (home, other) = (Home::new(""), Home::new(""));
    let (_serin, address) = home.start();
    assert!(other.trust().connect(address, "localhost").is_err());
    assert!(home.trust().connect(address, "localhost").is_ok());
}

#[test]
fn the_authority_outlives_the_process() {
    let home = Home::new("");
    // Before the first start, too.
    let trust = home.trust();
    let before = home.authority();
    for _ in 0..2 {
        let (mut serin, address) = home.start();
        assert_eq!(trust.get(address, "shop.localhost", "/livez").status, 200);
        serin.kill();
    }
    assert_eq!(home.authority(), before);
    assert!(home.path("serin.db.ca").join("authority.pem").is_file());
}

#[test]
fn a_damaged_authority_stops_the_start() {
    let home = Home::new("");
    home.authority();
    let path = home.path("serin.db.ca").join("authority.pem");
    fs::write(&path, "gone").unwrap();
    for verb in ["serve", "ca"] {
        let output = serin().args([verb, "--config"]).arg(&home.config).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{verb}");
        let said = String::from_utf8(output.stderr).unwrap();
        let path = path.to_str().unwrap();
        assert!(said.contains(path) && said.contains("move it away"), "{said}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "gone");
}

#[test]
fn ca_says_what_a_user_does_with_it() {
    let home = Home::new("");
    let said = String::from_utf8(home.ca().stderr).unwrap();
    let config = home.config.display();
    assert_eq!(
        said,
        format!("serin ca --config {config} > ca.pem\nexport NODE_EXTRA_CA_CERTS=$PWD/ca.pem\n")
    );
}

#[test]
fn without_a_store_the_authority_is_in_memory_and_ca_says_so() {
    let home = Home::new("");
    home.write("");
    let output = home.ca();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("in memory"), "{said}");

    let (serin, address) = home.start();
    let elsewhere = Home::new("").trust();
    assert!(elsewhere.connect(address, "localhost").is_err(), "nobody can know it");
    assert_eq!(alert(&elsewhere, address, "example.com"), AlertDescription::UnrecognisedName);
    assert!(serin.terminate().0.success());
}

#[test]
fn names_of_a_domain_that_the_authority_does_not_know_are_refused() {
    let home = Home::new("");
    let trust = home.trust();
    let text = fs::read_to_string(&home.config).unwrap();
    fs::write(&home.config, text.replacen("edge.test", "other.test", 1)).unwrap();
    let (_serin, address) = home.start();
    let unknown = AlertDescription::UnrecognisedName;
    assert_eq!(alert(&trust, address, "shop.other.test"), unknown);
    assert!(trust.connect(address, "shop.localhost").is_ok());
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

#[test]
fn the_operators_own_certificate_stands_before_the_authority() {
    let own = rcgen::generate_simple_self_signed(["admin.example.com".to_owned()]).unwrap();
    let certificate = pem("CERTIFICATE", own.cert.der());
    let key = pem("PRIVATE KEY", own.signing_key.serialized_der());
    let home = Home::new("");
    let (at, key_at) = (home.path("own.pem"), home.path("own.key"));
    fs::write(&at, &certificate).unwrap();
    fs::write(&key_at, key).unwrap();
    let tls =
        format!("[tls]\ncertificate = \"{}\"\nkey = \"{}\"\n", at.display(), key_at.display());
    home.write(&tls);

    let output = home.ca();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let (serin, address) = home.start();
    let trust = Trust::in_pem(&certificate);
    assert!(trust.connect(address, "admin.example.com").is_ok());
    assert!(trust.connect(address, "localhost").is_err());
    drop(serin);

    fs::write(&key_at, "").unwrap();
    let output = serin_serve(&home.config);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("own.key` of [tls] holds no private key"), "{said}");
}

fn serin_serve(config: &Path) -> Output {
    serin().args(["serve", "--config"]).arg(config).output().unwrap()
}

#[test]
fn half_a_handshake_and_then_silence_is_closed() {
    let home = Home::new("[timeouts]\nclient_idle = \"1h\"\n");
    let (_serin, address) = home.start();
    // A record that promises 512 bytes of a first message.
    let starts = [&b""[..], &[22, 3, 1, 2, 0], &[22, 3, 1, 2, 0, 1, 0, 1]];
    let streams = starts.map(|start| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(2 * WAIT_MAX)).unwrap();
        stream.write_all(start).unwrap();
        stream
    });
    for mut stream in streams {
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).unwrap();
        assert_eq!(heard, b"");
    }
}

#[test]
fn a_connection_that_has_not_shaken_hands_does_not_hold_up_the_end() {
    let home = Home::new("[server]\ndrain_timeout = \"2s\"\n");
    let (serin, address) = home.start();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&[22, 3, 1]).unwrap();
    let (status, log) = serin.terminate();
    assert!(status.success(), "{log}");
    assert!(!log.contains("cut"), "{log}");
}

#[test]
fn plain_http_on_the_tls_port_is_refused_without_harm() {
    let home = Home::new("");
    let (_serin, address) = home.start();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).unwrap();
    // An alert and the end, before any patience is over.
    assert_eq!(heard.first(), Some(&21), "{heard:?}");
    assert_eq!(home.trust().get(address, "localhost", "/livez").status, 200);
}

#[test]
fn curl_trusts_what_ca_prints() {
    let home = Home::new("");
    let (_serin, address) = home.start();
    let ca = home.path("ca.pem");
    fs::write(&ca, home.authority()).unwrap();
    let port = address.port();
    for host in ["localhost", "shop.localhost", "127.0.0.1"] {
        let output = Command::new("curl")
            .args(["-sS", "--noproxy", "*", "--resolve", &format!("{host}:{port}:127.0.0.1")])
            .arg("--cacert")
            .arg(&ca)
            .arg(format!("https://{host}:{port}/livez"))
            .output()
            .unwrap();
        assert_eq!(output.stdout, b"live\n", "{host}: {output:?}");
    }
}
