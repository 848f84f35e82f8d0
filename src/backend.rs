//! The built-in backend: it names the version that it stands for, so that a split
//! can be rehearsed with no backend at all.

use serde::Serialize;

/// What the built-in backend says of a request, as JSON in this order.
#[derive(Debug, Serialize)]
pub struct Answer<'a> {
    /// Of the two one is given: whose version it stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routine: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<&'a str>,
    pub version: &'a str,
    pub environment: &'a str,
    pub method: &'a str,
    /// Without the query, as received.
    pub path: &'a str,
    /// `null` for a request without a key. Octets that are no UTF-8 are shown as
    /// U+FFFD.
    pub key: Option<std::borrow::Cow<'a, str>>,
}

impl Answer<'_> {
    /// One line of JSON.
    pub fn to_body(&self) -> Vec<u8> {
        let mut body = serde_json::to_vec(self).expect("texts serialize");
        body.push(b'\n');
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_one_line_of_json() {
        let answer = Answer {
            routine: Some("checkout"),
            app: None,
            version: "17",
            environment: "staging",
            method: "GET",
            path: "/a\"b",
            key: Some("user-42".into()),
        };
        let expected = r#"{"routine":"checkout","version":"17","environment":"staging","method":"GET","path":"/a\"b","key":"user-42"}"#;
        assert_eq!(answer.to_body(), format!("{expected}\n").into_bytes());
    }
}
