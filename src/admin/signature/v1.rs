//! HMAC-SHA1, version 1.0: the signature among the parameters.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::CONTENT_TYPE;
use http::request::Parts;

use super::canonical::{self, Pair, encode};
use super::denied::Denied;
use super::{Claim, Proof};

const FORM: &str = "application/x-www-form-urlencoded";

/// The parameters that sign, and those that clients send beside them.
const OWN: [&str; 12] = [
    "AccessKeyId",
    "Action",
    "Format",
    "RegionId",
    "SecurityToken",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureType",
    "SignatureVersion",
    "Timestamp",
    "Version",
];

/// A query without the parameters of a signature; as it was, where there is none.
pub(super) fn unsigned(query: &str) -> Cow<'_, str> {
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
    if !query.split('&').any(|pair| name(pair) == "Signature") {
        return Cow::Borrowed(query);
    }
    let kept: Vec<&str> =
        query.split('&').filter(|pair| !OWN.contains(&name(pair).as_str())).collect();
    Cow::Owned(kept.join("&"))
}

/// Whether `request` is signed in its parameters.
pub(super) fn is_claimed(request: &Parts, body: &[u8]) -> bool {
    parameters(request, body).iter().any(|(name, _)| name == b"Signature")
}

/// What the signature of `request` says.
///
/// It covers the method, the query and a form body, and no header. So a body of
/// another kind is refused, and so are headers that would say something else than the
/// parameters. `path` is what was signed for one: `/` where only actions are called.
pub(super) fn claim(request: &Parts, body: &[u8], path: &str) -> Result<Claim, Denied> {
    if !body.is_empty() && !has_form(request) {
        return incomplete("a signature in the parameters covers no body but a form");
    }
    let mut pairs = parameters(request, body);
    pairs.sort_unstable();
    if let Some([(name, _), _]) = pairs.array_windows().find(|[one, next]| one.0 == next.0) {
        let name = String::from_utf8_lossy(name);
        return incomplete(format!("the parameter `{name}` came twice"));
    }
    let (signature, signed): (Vec<Pair>, Vec<Pair>) =
        pairs.into_iter().partition(|(name, _)| name == b"Signature");
    let text = |name: &str| {
        let pair = signed.iter().find(|(known, _)| known == name.as_bytes());
        pair.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
    };
    let given = |name: &str| match text(name) {
        empty if empty.is_empty() => incomplete(format!("the parameter `{name}` is missing")),
        text => Ok(text),
    };
    for (name, only) in [("SignatureMethod", "HMAC-SHA1"), ("SignatureVersion", "1.0")] {
        let value = text(name);
        if !value.is_empty() && value != only {
            return incomplete(format!("{name} must be {only}, not `{value}`"));
        }
    }
    for (header, name) in [("x-acs-action", "Action"), ("x-acs-version", "Version")] {
        let differs = |value: &http::HeaderValue| value.as_bytes() != text(name).as_bytes();
        if request.headers.get_all(header).iter().any(differs) {
            return incomplete(format!("`{header}` must say what the parameter `{name}` says"));
        }
    }
    let Some((_, signature)) = signature.first() else {
        return incomplete("the parameter `Signature` is missing");
    };
    // What is no base64 is nobody's signature.
    let proof = BASE64_STANDARD.decode(signature).map_or(Proof::Void, Proof::Sha1);
    Ok(Claim {
        key_id: given("AccessKeyId")?,
        moment: given("Timestamp")?,
        nonce: given("SignatureNonce")?,
        string_to_sign: format!(
            "{}&{}&{}",
            request.method,
            encode(path.as_bytes()),
            encode(canonical::query(signed).as_bytes())
        ),
        canonical: None,
        proof,
    })
}

/// The parameters of query and form body.
fn parameters(request: &Parts, body: &[u8]) -> Vec<Pair> {
    let mut pairs = canonical::pairs(request.uri.query().unwrap_or_default().as_bytes());
    if has_form(request) {
        pairs.extend(canonical::pairs(body));
    }
    pairs
}

fn has_form(request: &Parts) -> bool {
    let kind = request.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    kind.trim().eq_ignore_ascii_case(FORM)
}

fn incomplete<T>(reason: impl Into<String>) -> Result<T, Denied> {
    Err(Denied::Incomplete(reason.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    /// The parameters of the specification's example, in its canonical spelling.
    const SIGNED: &str = "AccessKeyId=testid&Action=CreateRoutineCodeDeployment&CodeVersions=%5B%7B%22CodeVersion%22%3A%221723599747213377175%22%2C%22Percentage%22%3A100%7D%5D&Env=production&Format=json&Name=test-routine1&SignatureMethod=HMAC-SHA1&SignatureNonce=0123456789abcdef0123456789abcdef&SignatureVersion=1.0&Strategy=percentage&Timestamp=2026-11-22T08%3A26%3A48Z&Version=2024-09-10";
    const SIGNATURE: &str = "vQytOiaMR8vGsc4S8SgVk3r0108%3D";

    fn request(target: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::post(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn is_signed(request: &Parts, body: &str) -> bool {
        let secret = Secret::new("testsecret").unwrap();
        claim(request, body.as_bytes(), "/").is_ok_and(|claim| claim.is_by(&secret))
    }

    #[test]
    fn the_example_is_signed_wherever_its_parameters_are() {
        let all = format!("{SIGNED}&Signature={SIGNATURE}");
        let form = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        assert!(is_signed(&request("/", &form), &all));
        assert!(is_signed(&request(&format!("/?{all}"), &[]), ""));
        let (fixed, action) = all.split_at(all.find("&Env").unwrap());
        assert!(is_signed(&request(&format!("/?{fixed}"), &form), &action[1..]));
        assert!(is_claimed(&request(&format!("/?{fixed}"), &form), action.as_bytes()));
        assert!(!is_claimed(&request(&format!("/?{fixed}"), &[]), action.as_bytes()));

        let claim = claim(&request(&format!("/?{all}"), &[]), b"", "/").unwrap();
        assert_eq!(claim.string_to_sign, format!("POST&%2F&{}", encode(SIGNED.as_bytes())));
        assert_eq!((claim.key_id.as_str(), claim.nonce.len()), ("testid", 32));
        assert_eq!(claim.moment, "2026-11-22T08:26:48Z");
        assert!(!claim.is_by(&Secret::new("testsecre").unwrap()));
    }

    #[test]
    fn the_method_is_signed() {
        let mut request = request(&format!("/?{SIGNED}&Signature={SIGNATURE}"), &[]);
        assert!(is_signed(&request, ""));
        request.method = http::Method::GET;
        assert!(!is_signed(&request, ""));
    }

    #[test]
    fn what_is_not_signed_says_nothing_else() {
        let target = format!("/?{SIGNED}&Signature={SIGNATURE}");
        let same = [("x-acs-action", "CreateRoutineCodeDeployment")];
        assert!(is_signed(&request(&target, &same), ""));
        for headers in [
            &[("x-acs-action", "DeleteRoutine")][..],
            &[("x-acs-version", "2020-01-01")],
            &[same[0], ("x-acs-action", "DeleteRoutine")],
        ] {
            assert!(!is_signed(&request(&target, headers), ""));
        }
        let json = [("content-type", "application/json")];
        assert!(!is_signed(&request(&target, &json), "{\"Name\":\"other\"}"));
        assert!(!is_signed(&request(&target, &[]), "Name=other"));
    }

    #[test]
    fn a_signature_is_whole() {
        let good = format!("/?{SIGNED}&Signature={SIGNATURE}");
        for target in [
            good.replace("AccessKeyId=testid", "AccessKeyId="),
            good.replace("&Timestamp=", "&Time="),
            good.replace("&SignatureNonce=", "&Nonce="),
            good.replace("HMAC-SHA1", "HMAC-SHA256"),
            good.replace("SignatureVersion=1.0", "SignatureVersion=2.0"),
            format!("{good}&Name=test-routine1"),
            format!("{good}&Signature={SIGNATURE}"),
        ] {
            let refused = claim(&request(&target, &[]), b"", "/");
            assert!(matches!(refused, Err(Denied::Incomplete(_))), "{target}");
        }
        // What is no base64 is whole, and nobody's.
        let garbled = request(&good.replace(SIGNATURE, "%3D%3D"), &[]);
        assert!(claim(&garbled, b"", "/").is_ok());
        assert!(!is_signed(&garbled, ""));
    }

    #[test]
    fn a_query_loses_what_only_signs_it() {
        assert_eq!(unsigned("Version=1&limit=2"), "Version=1&limit=2");
        assert_eq!(unsigned("limit=2&Signature=x&Version=1&search=a%26b"), "limit=2&search=a%26b");
        assert_eq!(unsigned("Signature=x"), "");
    }
}
