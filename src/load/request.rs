//! The bytes of a request.

use super::plan::{KeyIn, Plan};

/// A request but for its user's key, so that one is written by copying three texts.
#[derive(Debug, Clone)]
pub(super) struct Written {
    before_key: Vec<u8>,
    after_key: Vec<u8>,
}

impl Written {
    pub(super) fn new(plan: &Plan) -> Self {
        let target = &plan.target;
        let mut head = format!("{} {} HTTP/1.1\r\n", plan.method, target.path).into_bytes();
        let has =
            |name: &str| plan.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        if !has("host") {
            line(&mut head, "host", &target.authority);
        }
        if !has("user-agent") {
            line(&mut head, "user-agent", USER_AGENT);
        }
        let mut cookies = Vec::new();
        for (name, value) in &plan.headers {
            if matches!(plan.key, KeyIn::Cookie(_)) && name.eq_ignore_ascii_case("cookie") {
                cookies.push(value.as_str());
            } else {
                line(&mut head, name, value);
            }
        }
        if let Some(body) = &plan.body
            && !has("content-length")
        {
            line(&mut head, "content-length", &body.len().to_string());
        }
        // Last, so that one copy holds all before it.
        match &plan.key {
            KeyIn::Header(name) => head.extend(format!("{name}: ").bytes()),
            KeyIn::Cookie(name) => {
                cookies.push("");
                head.extend(format!("cookie: {}{name}=", cookies.join("; ")).bytes());
            }
        }
        let mut after_key = b"\r\n\r\n".to_vec();
        after_key.extend_from_slice(plan.body.as_deref().unwrap_or_default());
        Self { before_key: head, after_key }
    }

    /// Makes `buffer` the request of the user with this key.
    #[inline]
    pub(super) fn of(&self, key: &[u8], buffer: &mut Vec<u8>) {
        buffer.clear();
        buffer.extend_from_slice(&self.before_key);
        buffer.extend_from_slice(key);
        buffer.extend_from_slice(&self.after_key);
    }
}

pub(super) const USER_AGENT: &str = concat!("serin-load/", env!("CARGO_PKG_VERSION"));

fn line(head: &mut Vec<u8>, name: &str, value: &str) {
    head.extend(format!("{name}: {value}\r\n").bytes());
}
