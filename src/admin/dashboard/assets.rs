//! The page and the files that it is made of: a part of the binary, with no build step.

use std::sync::LazyLock;

use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use xxhash_rust::xxh3::Xxh3;

const PAGE: &str = include_str!("page/index.html");

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// By name: what it is, and its text.
const FILES: &[(&str, &str, &str)] = &[
    ("style.css", STYLE, include_str!("page/style.css")),
    ("app.js", SCRIPT, include_str!("page/app.js")),
    ("charts.js", SCRIPT, include_str!("page/charts.js")),
    ("dom.js", SCRIPT, include_str!("page/dom.js")),
    ("live.js", SCRIPT, include_str!("page/live.js")),
    ("overview.js", SCRIPT, include_str!("page/overview.js")),
    ("steer.js", SCRIPT, include_str!("page/steer.js")),
    ("subject.js", SCRIPT, include_str!("page/subject.js")),
    ("tools.js", SCRIPT, include_str!("page/tools.js")),
];

/// Stands in the page where the digest goes.
const DIGEST_MARK: &str = "{digest}";

/// Nothing from elsewhere, nothing inline, nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      connect-src 'self'; img-src 'self' data:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// A digest is in the path, so what was once read under it never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Of the page and all of its files: another text is at another path.
pub(super) static DIGEST: LazyLock<String> = LazyLock::new(|| {
    let mut digest = Xxh3::new();
    digest.update(PAGE.as_bytes());
    for (name, _, text) in FILES {
        digest.update(name.as_bytes());
        digest.update(text.as_bytes());
    }
    format!("{:016x}", digest.digest())
});

static RENDERED: LazyLock<String> = LazyLock::new(|| PAGE.replace(DIGEST_MARK, &DIGEST));

pub(super) fn page() -> Response {
    let mut response = guarded("text/html; charset=utf-8", &RENDERED);
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept, x-acs-action"));
    response
}

/// A file, unless the reader has it.
pub(super) async fn file(
    Path((digest, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let found = FILES.iter().find(|(known, ..)| *known == name).filter(|_| digest == *DIGEST);
    let Some((_, kind, text)) = found else {
        return (StatusCode::NOT_FOUND, "the page has no such file: load it again\n")
            .into_response();
    };
    let tag = format!("\"{digest}\"");
    let known = headers.get_all(IF_NONE_MATCH).iter().any(|line| {
        let mut tags = line.to_str().unwrap_or_default().split(',').map(str::trim);
        tags.any(|it| it == "*" || it.trim_start_matches("W/") == tag)
    });
    let mut response = guarded(kind, text);
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
    }
    let fields = response.headers_mut();
    fields.insert(CACHE_CONTROL, HeaderValue::from_static(FOR_EVER));
    fields.insert(ETAG, HeaderValue::from_str(&tag).expect("a digest is of hex digits"));
    response
}

fn guarded(kind: &'static str, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    let fields = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fields {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page that is looked at once in a while is no reason for a big binary, or a wait.
    const ALL_MAX_BYTES: usize = 150 * 1024;

    #[test]
    fn the_page_is_small_and_names_every_file() {
        let all: usize = FILES.iter().map(|(_, _, text)| text.len()).sum();
        assert!(all + PAGE.len() < ALL_MAX_BYTES, "{all}");
        for (name, ..) in FILES {
            let path = format!("/dashboard/{DIGEST_MARK}/{name}");
            assert!(PAGE.contains(&path), "{path}");
        }
    }

    #[test]
    fn the_page_has_no_script_or_style_of_its_own_and_sets_names_as_text() {
        for text in [PAGE].iter().chain(FILES.iter().map(|(_, _, text)| text)) {
            for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "style="] {
                assert!(!text.contains(word), "{word}");
            }
            // A namespace, an example and a command; nothing is fetched from there.
            let near = ["http://www.w3.org/", "http://127.0.0.1:", "http://${this.listener}"];
            let far = near.iter().fold((*text).to_owned(), |text, it| text.replace(it, ""));
            assert!(!far.contains("http://") && !far.contains("https://"));
        }
        assert_eq!(
            PAGE.matches("<script").count(),
            PAGE.matches("<script type=\"module\" src").count()
        );
    }
}
