//! The bytes of a request.

use super::plan::{KeyIn, Plan};

/// A request but for its user's key, so that one is written by copying three texts.
#[derive(Debug, Clone)]
pub(super) struct Written {
    before_key: Vec<u8>,
    /// For each region.
    after_key: Vec<Vec<u8>>,
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
        let is_key =
            |name: &str| matches!(&plan.key, KeyIn::Header(key) if key.eq_ignore_ascii_case(name));
        if !has("user-agent") && !is_key("user-agent") {
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
        let body = plan.body.as_deref().unwrap_or_default();
        let after_key = |region: Option<&str>| {
            let mut text = b"\r\n".to_vec();
            if let Some(region) = region {
                line(&mut text, &plan.users.region_header, region);
            }
            text.extend_from_slice(b"\r\n");
            text.extend_from_slice(body);
            text
        };
        let regions = plan.users.regions.iter().map(|(region, _)| after_key(Some(region)));
        let regions = if regions.len() == 0 { vec![after_key(None)] } else { regions.collect() };
        Self { before_key: head, after_key: regions }
    }

    /// Makes `buffer` the request of the user with this key.
    #[inline]
    pub(super) fn of(&self, key: &[u8], region: usize, buffer: &mut Vec<u8>) {
        buffer.clear();
        buffer.extend_from_slice(&self.before_key);
        buffer.extend_from_slice(key);
        buffer.extend_from_slice(&self.after_key[region]);
    }
}

pub(super) const USER_AGENT: &str = concat!("serin-load/", env!("CARGO_PKG_VERSION"));

fn line(head: &mut Vec<u8>, name: &str, value: &str) {
    head.extend(format!("{name}: {value}\r\n").bytes());
}
