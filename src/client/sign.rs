//! Signing requests as ESA's own clients do (V3), so that no secret travels.

use std::fmt;
use std::fmt::Write;
use std::time::SystemTime;

use hmac::{Hmac, KeyInit, Mac};
use http::header::{CONTENT_TYPE, HOST, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use sha2::{Digest, Sha256};

const ALGORITHM: &str = "ACS3-HMAC-SHA256";
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// An access key to sign with. It prints without its secret.
#[derive(Clone)]
pub struct Credentials {
    pub id: String,
    pub secret: String,
    /// Tells when a request is signed.
    pub clock: fn() -> SystemTime,
    /// Draws what tells one request from another.
    pub draw: fn() -> [u8; 16],
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Credentials {
    /// The fields that sign a request, beside `host` and `content-type`, which it has; those on
    /// which a change depends are signed, too.
    ///
    /// `None` where the id or the host is no text of a header.
    pub(super) fn fields(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Option<Vec<(HeaderName, HeaderValue)>> {
        let moment = jiff::Timestamp::try_from((self.clock)()).ok()?;
        let hash = hex(&Sha256::digest(body));
        let mut fields = vec![
            ("x-acs-content-sha256", hash.clone()),
            ("x-acs-date", format!("{moment:.0}")),
            ("x-acs-signature-nonce", hex(&(self.draw)())),
        ];
        // In the order of their names, which the list of signed fields has, too.
        let mut lines = String::new();
        let mut names = Vec::new();
        let depends_on = [IDEMPOTENCY_KEY, IF_MATCH, IF_NONE_MATCH];
        let depends_on = depends_on.into_iter().filter(|name| headers.contains_key(name));
        for name in [CONTENT_TYPE, HOST].into_iter().chain(depends_on) {
            writeln!(lines, "{name}:{}", headers.get(&name)?.to_str().ok()?.trim()).ok()?;
            names.push(name.as_str().to_owned());
        }
        for (name, value) in &fields {
            writeln!(lines, "{name}:{value}").ok()?;
            names.push((*name).to_owned());
        }
        let names = names.join(";");
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query = canonical_query(query);
        let canonical = format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{hash}");
        let string_to_sign = format!("{ALGORITHM}\n{}", hex(&Sha256::digest(canonical)));
        let mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes());
        let mac = mac.expect("HMAC takes a key of any length").chain_update(string_to_sign);
        let signature = hex(&mac.finalize().into_bytes());
        let id = &self.id;
        fields.push((
            "authorization",
            format!("{ALGORITHM} Credential={id},SignedHeaders={names},Signature={signature}"),
        ));
        let field = |(name, value): (&'static str, String)| {
            Some((HeaderName::from_static(name), HeaderValue::try_from(value).ok()?))
        };
        fields.into_iter().map(field).collect()
    }
}

/// Decoded, sorted, and encoded in the one way that is signed.
fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    pairs.sort();
    let pairs = pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// RFC 3986, section 2.3: all but the unreserved.
fn encode(text: &str) -> String {
    let form: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    // A form leaves `*` as it is, writes a space as `+`, and encodes `~`.
    form.replace('+', "%20").replace('*', "%2A").replace("%7E", "~")
}

fn hex(octets: &[u8]) -> String {
    let halves = octets.iter().flat_map(|octet| [octet >> 4, octet & 0x0F]);
    halves.map(|half| char::from(b"0123456789abcdef"[usize::from(half)])).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn credentials() -> Credentials {
        Credentials {
            id: "testid".to_owned(),
            secret: "testsecret".to_owned(),
            clock: || SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_336_008_900),
            draw: || [0x0A; 16],
        }
    }

    #[test]
    fn a_request_is_signed_with_its_path_query_and_body() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("127.0.0.1:8090"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let path = "/api/v1/routines?search=a*~+b&limit=2";
        let fields = credentials().fields(&Method::POST, path, &headers, b"{}").unwrap();
        let text = |at: usize| fields[at].1.to_str().unwrap();
        assert_eq!(text(1), "2026-11-22T08:26:48Z");
        assert_eq!(text(2), "0a".repeat(16));
        // Made by Python's hmac of the canonical request, written line by line.
        let signature = "4ace0a276790eb5fd0d43a2215a82ece5c06a469c1418b67b1cc36f00b643871";
        let names = "content-type;host;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce";
        assert_eq!(
            text(3),
            format!(
                "ACS3-HMAC-SHA256 Credential=testid,SignedHeaders={names},Signature={signature}"
            )
        );
    }

    #[test]
    fn credentials_print_without_their_secret() {
        let printed = format!("{:?}", credentials());
        assert!(printed.contains("testid") && !printed.contains("testsecret"), "{printed}");
    }
}
