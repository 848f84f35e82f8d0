//! What an upload says about where its version answers.

use crate::control::command::Refused;
use crate::model::Upstream;

/// The first `upstream=URL` among the words of a description.
pub(super) fn in_description(description: &str) -> Result<Option<Upstream>, Refused> {
    description
        .split_whitespace()
        .find_map(|word| word.strip_prefix("upstream="))
        .map(|text| meant(text, "the description"))
        .transpose()
}

/// `// @upstream URL` on the first line of the code that is not blank.
pub(super) fn in_code(code: &[u8]) -> Result<Option<Upstream>, Refused> {
    let code = code.strip_prefix(b"\xef\xbb\xbf").unwrap_or(code);
    let mut lines = code.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let note = lines
        .find(|line| !line.is_empty())
        .and_then(|line| line.strip_prefix(b"//"))
        .and_then(|comment| comment.trim_ascii_start().strip_prefix(b"@upstream"));
    match note {
        Some([]) => meant("", "the code's first line").map(Some),
        Some(rest @ [b' ' | b'\t', ..]) => {
            let text = String::from_utf8_lossy(rest.trim_ascii());
            meant(&text, "the code's first line").map(Some)
        }
        // `@upstreams` is another word.
        Some(_) | None => Ok(None),
    }
}

fn meant(text: &str, place: &str) -> Result<Upstream, Refused> {
    Upstream::new(text).map_err(|error| Refused::Invalid(format!("in {place}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(text: &str) -> Option<String> {
        in_description(text).unwrap().map(|up| up.to_string())
    }

    fn coded(text: &[u8]) -> Option<String> {
        in_code(text).unwrap().map(|up| up.to_string())
    }

    #[test]
    fn a_description_names_its_upstream_in_a_word() {
        let want = Some("http://127.0.0.1:9001".to_owned());
        assert_eq!(described("upstream=http://127.0.0.1:9001"), want);
        assert_eq!(described("a fix\tupstream=http://127.0.0.1:9001\nfor all"), want);
        assert_eq!(described("no-upstream=http://127.0.0.1:9001"), None);
        assert_eq!(described("the upstream is slow"), None);
    }

    #[test]
    fn code_names_its_upstream_in_its_first_line() {
        let want = Some("unix:/run/shop.sock".to_owned());
        assert_eq!(coded(b"// @upstream unix:/run/shop.sock\r\nexport {}"), want);
        assert_eq!(coded(b"\xef\xbb\xbf\n  //@upstream\tunix:/run/shop.sock"), want);
        assert_eq!(coded(b"export {}\n// @upstream unix:/run/shop.sock"), None);
        assert_eq!(coded(b"// @upstreams unix:/run/shop.sock"), None);
        assert_eq!(coded(b"\xff\xfe\x00"), None);
        assert_eq!(coded(b""), None);
    }

    #[test]
    fn an_upstream_that_cannot_be_is_refused_with_its_reason() {
        let refused = |result: Result<_, Refused>| result.unwrap_err().to_string();
        assert!(refused(in_description("upstream=ftp://a")).contains("no other scheme"));
        assert!(refused(in_description("upstream=")).starts_with("in the description"));
        assert!(refused(in_code(b"// @upstream http://a/b")).contains("has no path"));
        assert!(refused(in_code(b"// @upstream")).starts_with("in the code"));
        assert!(refused(in_code(b"// @upstream http://a:1 \xff")).starts_with("in the code"));
    }
}
