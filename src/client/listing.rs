//! All there is of a kind, however many pages that is.

use serde_json::Value;

use super::exchange::{ClientError, Endpoint, ask};

/// So many of a kind are asked for at a time, which is what the API gives at most.
const PAGE: usize = 1_000;

/// The routines with `search` in their names: at most so many, by name.
pub fn routines(admin: &Endpoint, search: &str, max: usize) -> Result<Value, ClientError> {
    all(admin, "routines", search, max)
}

/// The edge container apps with `search` in their names: at most so many, by id.
pub fn apps(admin: &Endpoint, search: &str, max: usize) -> Result<Value, ClientError> {
    all(admin, "apps", search, max)
}

/// The endpoints of live versions: at most so many, by their texts.
pub fn endpoints(admin: &Endpoint, max: usize) -> Result<Value, ClientError> {
    all(admin, "endpoints", "", max)
}

/// What went wrong by kind since the start, and the tunnels that are open.
pub fn traffic(admin: &Endpoint) -> Result<Value, ClientError> {
    ask(admin, "/api/v1/traffic")
}

/// The first page, with what the others list behind it; `next` stays what it was on the last
/// that was asked for.
fn all(admin: &Endpoint, kind: &str, search: &str, max: usize) -> Result<Value, ClientError> {
    let query = |limit: usize, after: Option<&str>| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &limit.clamp(1, PAGE).to_string());
        if !search.is_empty() {
            query.append_pair("search", search);
        }
        if let Some(after) = after {
            query.append_pair("after", after);
        }
        format!("/api/v1/{kind}?{}", query.finish())
    };
    let mut whole = ask(admin, &query(max, None))?;
    loop {
        let listed = whole[kind].as_array().map_or(0, Vec::len);
        let Some(next) = whole["next"].as_str().filter(|_| listed < max) else {
            return Ok(whole);
        };
        let mut page = ask(admin, &query(max - listed, Some(next)))?;
        let (more, next) = (page[kind].take(), page["next"].take());
        let (Some(list), Value::Array(more)) = (whole[kind].as_array_mut(), more) else {
            return Ok(whole);
        };
        // A page that lists nothing has no next one.
        let next = if more.is_empty() { Value::Null } else { next };
        list.extend(more);
        whole["next"] = next;
    }
}
