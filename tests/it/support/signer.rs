//! Signs requests as ESA's clients do. Written from the specification, and shares
//! nothing with what checks them.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// A request that can still be changed: by an honest client before it is signed, by a
/// dishonest one afterwards.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Decoded.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Draft {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn query(mut self, params: &[(&str, &str)]) -> Self {
        self.query.extend(params.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())));
        self
    }

    pub(crate) fn body(mut self, kind: &str, body: &str) -> Self {
        self.body = body.into();
        self.header("content-type", kind)
    }

    /// What stands behind the path on the wire, spelled as a form.
    pub(crate) fn target(&self) -> String {
        if self.query.is_empty() {
            return self.path.clone();
        }
        let pair = |(name, value): &(String, String)| format!("{}={}", escape(name), escape(value));
        let pairs: Vec<String> = self.query.iter().map(pair).collect();
        // A blank as Python has it, a star as Node has it.
        format!("{}?{}", self.path, pairs.join("&").replace("%20", "+").replace("%2A", "*"))
    }

    /// Signs all headers that are there so far.
    pub(crate) fn sign_v3(mut self, id: &str, secret: &str, date: &str, nonce: &str) -> Self {
        let digest = hexadecimal(&Sha256::digest(&self.body));
        self = self
            .header("x-acs-date", date)
            .header("x-acs-signature-nonce", nonce)
            .header("x-acs-content-sha256", &digest);
        let (string_to_sign, names) = self.v3_string(&digest);
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(string_to_sign.as_bytes());
        let signature = hexadecimal(&mac.finalize().into_bytes());
        let authorization =
            format!("ACS3-HMAC-SHA256 Credential={id},SignedHeaders={names},Signature={signature}");
        self.header("Authorization", &authorization)
    }

    fn v3_string(&self, digest: &str) -> (String, String) {
        let mut query = self.query.clone();
        query.sort();
        let query: Vec<String> = query
            .iter()
            .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
            .collect();
        let mut headers: Vec<(String, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
            .collect();
        headers.sort();
        let lines: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let canonical =
            [self.method.as_str(), &self.path, &query.join("&"), &lines.concat(), &names, digest]
                .join("\n");
        let digest = hexadecimal(&Sha256::digest(canonical));
        (format!("ACS3-HMAC-SHA256\n{digest}"), names)
    }
}

/// The parameters of a V1 call, with their signature.
pub(crate) fn sign_v1(
    method: &str,
    secret: &str,
    params: &[(&str, &str)],
) -> Vec<(String, String)> {
    let mut signed: Vec<(String, String)> =
        params.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    let mut mac = Hmac::<Sha1>::new_from_slice(format!("{secret}&").as_bytes()).unwrap();
    mac.update(v1_string(method, params).as_bytes());
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    signed.push(("Signature".to_owned(), signature));
    signed
}

pub(crate) fn v1_string(method: &str, params: &[(&str, &str)]) -> String {
    let mut sorted = params.to_vec();
    sorted.sort_unstable();
    let pairs: Vec<String> =
        sorted.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    format!("{method}&%2F&{}", escape(&pairs.join("&")))
}

fn escape(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escape).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
