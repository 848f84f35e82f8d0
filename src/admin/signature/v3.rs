//! ACS3-HMAC-SHA256: the signature in `Authorization`.

use http::header::{CONTENT_TYPE, HOST, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use sha2::{Digest, Sha256};

use super::canonical::{self, hex, unhex};
use super::denied::Denied;
use super::{Claim, Proof};

const ALGORITHM: &str = "ACS3-HMAC-SHA256";
pub(in crate::admin) static IDEMPOTENCY_KEY: HeaderName =
    HeaderName::from_static("idempotency-key");
static CONTENT_SHA256: HeaderName = HeaderName::from_static("x-acs-content-sha256");

/// What the signature of `request` says, where `authorization` is its text.
pub(super) fn claim(authorization: &str, request: &Parts, body: &[u8]) -> Result<Claim, Denied> {
    let written = Written::parse(authorization)?;
    let names = signed_names(written.signed_headers)?;
    refuse_unsigned(request, body, &names)?;
    let text = |name: &str| {
        let value = request.headers.get(name).and_then(|value| value.to_str().ok());
        let value = value.map(str::trim).filter(|value| !value.is_empty());
        value.map(str::to_owned).ok_or_else(|| incomplete(format!("`{name}` is missing")))
    };
    let (moment, nonce) = (text("x-acs-date")?, text("x-acs-signature-nonce")?);
    let hash = hex(&Sha256::digest(body));
    let canonical = canonical_request(request, &names, written.signed_headers, &hash)?;
    let digest = hex(&Sha256::digest(&canonical));
    // Signed or not, a hash that is not the body's is a lie.
    let sent = request.headers.get(&CONTENT_SHA256).map(http::HeaderValue::as_bytes);
    let forged = sent.is_some_and(|sent| !sent.eq_ignore_ascii_case(hash.as_bytes()));
    Ok(Claim {
        key_id: written.key_id.to_owned(),
        moment,
        nonce,
        string_to_sign: format!("{ALGORITHM}\n{digest}"),
        canonical: Some(String::from_utf8_lossy(&canonical).into_owned()),
        proof: if forged { Proof::Void } else { written.proof },
    })
}

/// The parts of an `Authorization`.
struct Written<'a> {
    key_id: &'a str,
    signed_headers: &'a str,
    proof: Proof,
}

impl<'a> Written<'a> {
    fn parse(authorization: &'a str) -> Result<Self, Denied> {
        let (algorithm, fields) = authorization.split_once(' ').unwrap_or((authorization, ""));
        if algorithm != ALGORITHM {
            return Err(incomplete(format!(
                "the algorithm must be {ALGORITHM}, not `{algorithm}`"
            )));
        }
        let [mut key_id, mut signed_headers, mut signature] = [None; 3];
        for field in fields.split(',') {
            let (name, value) = field.trim().split_once('=').unwrap_or((field.trim(), ""));
            let place = match name {
                "Credential" => &mut key_id,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => return Err(incomplete(format!("Authorization has no field `{name}`"))),
            };
            if place.replace(value).is_some() {
                return Err(incomplete(format!("Authorization has `{name}` twice")));
            }
        }
        let given = |name: &str, value: Option<&'a str>| {
            let value = value.filter(|value| !value.is_empty());
            value.ok_or_else(|| incomplete(format!("Authorization lacks `{name}`")))
        };
        let signature = given("Signature", signature)?;
        Ok(Self {
            key_id: given("Credential", key_id)?,
            signed_headers: given("SignedHeaders", signed_headers)?,
            // What is no hexadecimal is nobody's signature.
            proof: unhex(signature).map_or(Proof::Void, Proof::Sha256),
        })
    }
}

/// Which fields are signed, in the order in which they are.
fn signed_names(list: &str) -> Result<Vec<HeaderName>, Denied> {
    let mut names = Vec::new();
    for text in list.split(';') {
        let name = HeaderName::from_bytes(text.as_bytes())
            .map_err(|_| incomplete(format!("SignedHeaders names `{text}`, which is no field")))?;
        if names.contains(&name) {
            return Err(incomplete(format!("SignedHeaders names `{name}` twice")));
        }
        names.push(name);
    }
    Ok(names)
}

/// Refuses a request of which anything that is read here is not signed.
///
/// Every client signs `host`, what it sends as `x-acs-*`, and the type of a body, so
/// one that is not signed was put there on the way. What a change depends on must be
/// signed by whoever sends it: it can be taken away by nobody then.
fn refuse_unsigned(request: &Parts, body: &[u8], names: &[HeaderName]) -> Result<(), Denied> {
    let read_here = |name: &HeaderName| {
        *name == HOST
            || (*name == CONTENT_TYPE && !body.is_empty())
            || *name == IF_MATCH
            || *name == IF_NONE_MATCH
            || *name == IDEMPOTENCY_KEY
            || name.as_str().starts_with("x-acs-")
    };
    let unsigned = |name: &&HeaderName| read_here(name) && !names.contains(name);
    if let Some(name) = request.headers.keys().find(unsigned) {
        return Err(incomplete(format!("`{name}` must be signed")));
    }
    // An absolute target names a host of its own, and the signed one is `Host`.
    let target = request.uri.authority().map(|authority| authority.as_str().as_bytes());
    let host = request.headers.get(HOST).map(http::HeaderValue::as_bytes);
    if target.is_some() && target != host {
        return Err(incomplete("the target names another host than `Host`".to_owned()));
    }
    Ok(())
}

fn canonical_request(
    request: &Parts,
    names: &[HeaderName],
    signed_headers: &str,
    body_hash: &str,
) -> Result<Vec<u8>, Denied> {
    let query = canonical::pairs(request.uri.query().unwrap_or_default().as_bytes());
    let query = canonical::query(query);
    let path = request.uri.path();
    let mut text = format!("{}\n{path}\n{query}\n", request.method).into_bytes();
    for name in names {
        text.extend_from_slice(name.as_str().as_bytes());
        text.push(b':');
        text.extend_from_slice(the_value(&request.headers, name)?.trim_ascii());
        text.push(b'\n');
    }
    text.extend_from_slice(format!("\n{signed_headers}\n{body_hash}").as_bytes());
    Ok(text)
}

/// Of a field that came twice it is not certain which one was signed, and which read.
fn the_value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a [u8], Denied> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value.as_bytes()),
        (None, _) => Err(incomplete(format!("`{name}` is signed and was not sent"))),
        (Some(_), Some(_)) => Err(incomplete(format!("`{name}` came twice"))),
    }
}

fn incomplete(reason: String) -> Denied {
    Denied::Incomplete(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    const BODY: &str = "CodeVersions=%5B%7B%22CodeVersion%22%3A%221723599747213377175%22%2C%22Percentage%22%3A90%7D%2C%7B%22CodeVersion%22%3A%221723599747213377176%22%2C%22Percentage%22%3A10%7D%5D&Env=production&Name=test-routine1&Strategy=percentage";
    const BODY_HASH: &str = "6496636f417c10ab6cdaff0278fc09bb2fdf73346f0b13a57212d73b9be35238";
    const EMPTY_HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const COMMON: [(&str, &str); 5] = [
        ("host", "127.0.0.1:18099"),
        ("x-acs-credentials-provider", "static_ak"),
        ("x-acs-date", "2026-11-22T08:26:48Z"),
        ("x-acs-signature-nonce", "0123456789abcdef0123456789abcdef"),
        ("x-acs-version", "2024-09-10"),
    ];
    const DEPLOYMENT: [(&str, &str); 3] = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("x-acs-action", "CreateRoutineCodeDeployment"),
        ("x-acs-content-sha256", BODY_HASH),
    ];
    const NODE: &str = "content-type;host;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version";
    const NODE_SIGNATURE: &str = "ae8de035806122f31e9f31d645e3dbdc7227d257587482986934e75442af54de";

    fn request(target: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::post(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn authorization(signed_headers: &str, signature: &str) -> String {
        format!(
            "ACS3-HMAC-SHA256 Credential=testid,SignedHeaders={signed_headers},Signature={signature}"
        )
    }

    /// Asserts that `request` has this digest, and this signature of `testsecret`.
    fn assert_signed(request: &Parts, body: &str, names: &str, digest: &str, signature: &str) {
        let authorization = authorization(names, signature);
        let claim = claim(&authorization, request, body.as_bytes()).unwrap();
        assert_eq!(claim.string_to_sign, format!("ACS3-HMAC-SHA256\n{digest}"));
        assert_eq!(claim.key_id, "testid");
        assert_eq!(claim.moment, "2026-11-22T08:26:48Z");
        assert_eq!(claim.nonce, "0123456789abcdef0123456789abcdef");
        assert!(claim.is_by(&Secret::new("testsecret").unwrap()));
        assert!(!claim.is_by(&Secret::new("testsecres").unwrap()));
    }

    #[test]
    fn a_deployment_is_signed_as_node_signs_it() {
        let request = request("/", &[&COMMON[..], &DEPLOYMENT].concat());
        let digest = "fcf160a59ad34dde5155967847c7079b892af5cf7fb578523eaec39eca954783";
        assert_signed(&request, BODY, NODE, digest, NODE_SIGNATURE);

        let claim = claim(&authorization(NODE, NODE_SIGNATURE), &request, BODY.as_bytes());
        let canonical = format!(
            "POST\n/\n\ncontent-type:application/x-www-form-urlencoded\nhost:127.0.0.1:18099\n\
             x-acs-action:CreateRoutineCodeDeployment\nx-acs-content-sha256:{BODY_HASH}\n\
             x-acs-credentials-provider:static_ak\nx-acs-date:2026-11-22T08:26:48Z\n\
             x-acs-signature-nonce:0123456789abcdef0123456789abcdef\nx-acs-version:2024-09-10\n\
             \n{NODE}\n{BODY_HASH}"
        );
        assert_eq!(claim.unwrap().canonical, Some(canonical));
    }

    #[test]
    fn a_deployment_is_signed_as_python_signs_it() {
        let agent = "AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2";
        let more = [("accept", "application/json"), ("user-agent", agent)];
        let request = request("/", &[&COMMON[..], &DEPLOYMENT, &more].concat());
        let names = "accept;content-type;host;user-agent;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version";
        let digest = "857749802230e87afed5d7c06193403ab548648a28cf6b5ffe38826d6174cbd0";
        let signature = "d3d7dd90dbb920209f704be58e3651af79f1f5c25f67e33ce8bda35ed019864d";
        assert_signed(&request, BODY, names, digest, signature);
    }

    #[test]
    fn a_query_is_signed_whatever_its_spelling() {
        let list = [("x-acs-action", "ListUserRoutines"), ("x-acs-content-sha256", EMPTY_HASH)];
        for query in [
            "PageNumber=1&PageSize=10&SearchKeyWord=te+st*'(%C3%BC)~",
            "PageNumber=1&PageSize=10&SearchKeyWord=te%20st%2A%27%28%C3%BC%29~",
        ] {
            let request = request(&format!("/?{query}"), &[&COMMON[..], &list].concat());
            let names = NODE.strip_prefix("content-type;").unwrap();
            let digest = "3ca77f7a63adc6623fcee83358d38cd4beaf53379e93c6ebc3738d966870a100";
            let signature = "5c3497ccde33dbbda50b92187a8c88cf75247ded728787cb2deb4539c838a8cc";
            assert_signed(&request, "", names, digest, signature);
        }
    }

    /// Whether the claim is refused, or is not that of `testsecret`.
    fn is_denied(authorization: &str, request: &Parts, body: &str) -> bool {
        let secret = Secret::new("testsecret").unwrap();
        !claim(authorization, request, body.as_bytes()).is_ok_and(|claim| claim.is_by(&secret))
    }

    #[test]
    fn a_hash_that_is_not_the_bodys_is_a_lie() {
        let request = request("/", &[&COMMON[..], &DEPLOYMENT].concat());
        let authorization = authorization(NODE, NODE_SIGNATURE);
        assert!(!is_denied(&authorization, &request, BODY));
        assert!(is_denied(&authorization, &request, &BODY.replace("A90", "A10")));

        // A caller who has the secret, and signs another hash than it sends.
        let lying = [DEPLOYMENT[0], DEPLOYMENT[1], ("x-acs-content-sha256", EMPTY_HASH)];
        let lying = self::request("/", &[&COMMON[..], &lying].concat());
        let names = signed_names(NODE).unwrap();
        let canonical = canonical_request(&lying, &names, NODE, BODY_HASH).unwrap();
        let string_to_sign = format!("{ALGORITHM}\n{}", hex(&Sha256::digest(canonical)));
        let signature = super::super::mac_sha256("testsecret", &string_to_sign);
        assert!(is_denied(&self::authorization(NODE, &hex(&signature)), &lying, BODY));
    }

    #[test]
    fn what_is_read_is_signed() {
        let authorization = authorization(NODE, NODE_SIGNATURE);
        let headers = [&COMMON[..], &DEPLOYMENT].concat();
        for (name, value) in [
            ("x-acs-security-token", "t"),
            ("x-acs-x", ""),
            ("host", "a"),
            ("x-acs-date", "b"),
            ("if-match", "*"),
            ("if-none-match", "*"),
            ("idempotency-key", "a"),
        ] {
            let more = [&headers[..], &[(name, value)]].concat();
            let refused = claim(&authorization, &request("/", &more), BODY.as_bytes());
            assert!(matches!(refused, Err(Denied::Incomplete(_))), "{name}");
        }
        for left_out in 0..headers.len() {
            let mut rest = headers.clone();
            rest.remove(left_out);
            let refused = claim(&authorization, &request("/", &rest), BODY.as_bytes());
            assert!(matches!(refused, Err(Denied::Incomplete(_))), "{left_out}");
        }
        for name in NODE.split(';') {
            let names: Vec<_> = NODE.split(';').filter(|known| *known != name).collect();
            let authorization = self::authorization(&names.join(";"), NODE_SIGNATURE);
            let refused = claim(&authorization, &request("/", &headers), BODY.as_bytes());
            assert!(matches!(refused, Err(Denied::Incomplete(_))), "{name}");
        }
        let elsewhere = request("http://evil.test/", &headers);
        assert!(is_denied(&authorization, &elsewhere, BODY));
        // What no client signs and nobody reads changes nothing.
        let more = [&headers[..], &[("accept", "*/*")]].concat();
        assert!(!is_denied(&authorization, &request("/", &more), BODY));
    }

    #[test]
    fn an_authorization_is_whole() {
        let request = request("/", &[&COMMON[..], &DEPLOYMENT].concat());
        let good = authorization(NODE, NODE_SIGNATURE);
        assert!(!is_denied(&good.replace(',', ", "), &request, BODY));
        for authorization in [
            "ACS3-HMAC-SHA256".to_owned(),
            good.replace("ACS3-HMAC-SHA256", "ACS3-HMAC-SM3"),
            good.replace("Credential=testid,", ""),
            good.replace("Credential=testid", "Credential="),
            good.replace("Credential=testid", "Credential=testid,Credential=testid"),
            good.replace("SignedHeaders", "Signed"),
            good.replace(";host", ";host;host"),
            good.replace(";host", ";host;"),
            good.replace(";host", ";ho st"),
        ] {
            let refused = claim(&authorization, &request, BODY.as_bytes());
            assert!(matches!(refused, Err(Denied::Incomplete(_))), "{authorization}");
        }
        // What is no hexadecimal is whole, and nobody's.
        for authorization in [good.replace("=ae", "=a"), good.replace("=ae", "=xx")] {
            assert!(claim(&authorization, &request, BODY.as_bytes()).is_ok(), "{authorization}");
            assert!(is_denied(&authorization, &request, BODY), "{authorization}");
        }
    }
}
