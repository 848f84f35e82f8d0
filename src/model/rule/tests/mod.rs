//! What rules promise, and a second evaluator that puts every text together.

mod judge;
mod making;

use http::HeaderMap;
use http::uri::PathAndQuery;
use proptest::prelude::*;

use self::judge::Request;
use self::making::{node, request};
use super::*;
use crate::model::HostPattern;

fn rule(text: &str) -> Rule {
    Rule::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn shop() -> Request {
    Request {
        method: "GET",
        scheme: "https",
        host: "www.example.com".to_owned(),
        path: "/images/Cat.PNG".to_owned(),
        query: Some("size=2&q".to_owned()),
        headers: vec![
            ("user-agent", "Curl/8".to_owned()),
            ("referer", "https://Example.com/A".to_owned()),
            ("cookie", "sid=1; Uid=alice".to_owned()),
            ("cookie", "uid=bob; sid=2".to_owned()),
            ("x-tier", "gold".to_owned()),
            ("x-tier", "silver".to_owned()),
        ],
        client: "192.0.2.7".parse().unwrap(),
        country: Some("CN"),
        as_number: Some(45_104),
    }
}

#[track_caller]
fn holds(text: &str) {
    assert!(shop().is_matched_by(&rule(text)), "{text}");
}

#[track_caller]
fn fails(text: &str) {
    assert!(!shop().is_matched_by(&rule(text)), "{text}");
}

#[track_caller]
fn refused(text: &str) -> RuleError {
    match Rule::parse(text) {
        Ok(rule) => panic!("{text} is {rule}"),
        Err(error) => error,
    }
}

#[test]
fn every_operator_does_what_it_says() {
    for text in [
        r#"http.host eq "www.example.com""#,
        r#"http.host ne "example.com""#,
        r#"http.host contains "example""#,
        r#"http.host in {"a.test" "www.example.com"}"#,
        r#"http.host matches "(www|blog)\.example\.com""#,
        r#"starts_with(http.request.uri.path, "/images/")"#,
        r#"ends_with(http.host, ".example.com")"#,
        r#"exists(http.request.headers["user-agent"])"#,
        "ip.geoip.asnum eq 45104",
        "ip.geoip.asnum ne 1",
        "ip.geoip.asnum ge 45104",
        "ip.geoip.asnum le 45104",
        "ip.geoip.asnum gt 45103",
        "ip.geoip.asnum lt 45105",
        "ip.geoip.asnum in {1 45104}",
        "ip.src eq 192.0.2.7",
        "ip.src ne 192.0.2.8",
        "ip.src in {10.0.0.0/8 192.0.2.0/24 2001:db8::/32}",
        "ssl",
        "true",
    ] {
        holds(text);
        fails(&format!("not {text}"));
        holds(&format!("not not ( {text} )"));
    }
}

#[test]
fn every_field_is_what_its_name_says() {
    for text in [
        r#"http.request.full_uri eq "https://www.example.com/images/Cat.PNG?size=2&q""#,
        r#"http.request.uri eq "/images/Cat.PNG?size=2&q""#,
        r#"http.request.uri.path eq "/images/Cat.PNG""#,
        r#"http.request.uri.path.extension eq "png""#,
        r#"http.request.uri.query eq "size=2&q""#,
        r#"http.request.method eq "GET""#,
        r#"http.request.scheme eq "https""#,
        r#"http.request.version eq "HTTP/1.1""#,
        r#"http.cookie eq "sid=1; Uid=alice""#,
        r#"http.referer eq "https://example.com/a""#,
        r#"http.user_agent eq "Curl/8""#,
        r#"http.request.headers["X-Tier"] eq "gold""#,
        r#"http.request.cookies["uid"] eq "bob""#,
        r#"http.request.cookies["Uid"] eq "alice""#,
        r#"http.request.cookies["sid"] eq "1""#,
        r#"ip.geoip.country eq "CN""#,
        r#"concat(ip.src, " ", ip.geoip.asnum, 7) eq "192.0.2.7 451047""#,
    ] {
        holds(text);
    }
}

#[test]
fn case_counts_but_in_the_host_the_referer_and_the_extension() {
    holds(r#"http.host eq "WWW.Example.COM""#);
    holds(r#"http.host matches "^WWW""#);
    holds(r#"http.referer contains "EXAMPLE.com/a""#);
    holds(r#"http.referer matches "^HTTPS:""#);
    holds(r#"http.request.uri.path.extension in {"PNG"}"#);
    fails(r#"http.request.uri.path contains "cat""#);
    fails(r#"http.user_agent matches "curl""#);
    holds(r#"lower(http.user_agent) matches "curl""#);
    holds(r#"lower(http.request.uri.path) eq "/images/cat.png""#);
    fails(r#"lower(http.request.uri.path) eq "/images/Cat.png""#);
}

#[test]
fn what_a_request_lacks_is_empty_and_does_not_exist() {
    let bare = Request { headers: vec![], query: None, country: None, as_number: None, ..shop() };
    for (text, lacks) in [
        ("http.referer", true),
        ("http.request.uri.query", true),
        ("ip.geoip.country", true),
        (r#"http.request.headers["x-tier"]"#, true),
        (r#"http.request.cookies["uid"]"#, true),
        ("http.request.method", false),
    ] {
        assert_eq!(bare.is_matched_by(&rule(&format!(r#"{text} eq """#))), lacks, "{text}");
        assert_eq!(bare.is_matched_by(&rule(&format!("not exists({text})"))), lacks, "{text}");
        holds(&format!("exists({text})"));
    }
    let empty = Request { query: Some(String::new()), ..shop() };
    assert!(empty.is_matched_by(&rule("exists(http.request.uri.query)")));
}

#[test]
fn an_unknown_as_number_passes_no_test_but_ne() {
    let unknown = Request { as_number: None, ..shop() };
    for text in ["eq 0", "ge 0", "le 4294967295", "in {0 1}"] {
        assert!(!unknown.is_matched_by(&rule(&format!("ip.geoip.asnum {text}"))), "{text}");
    }
    assert!(unknown.is_matched_by(&rule("ip.geoip.asnum ne 0")));
}

#[test]
fn not_binds_closer_than_and_and_and_closer_than_or() {
    holds("true or not true and not true");
    fails("(true or not true) and not true");
    fails("not true or not true");
    holds("not (not true and true)");
    assert_eq!(rule("not true and true").to_string(), "not true and true");
    assert_eq!(rule("(true and true) or true").to_string(), "true and true or true");
    assert_eq!(rule("true and (true or true)").to_string(), "true and (true or true)");
}

#[test]
fn the_first_match_alone_is_replaced() {
    for (arguments, made) in [
        (r#""/cat$", "/dog""#, "/images/Cat.PNG"),
        (r#""a", "o""#, "/imoges/Cat.PNG"),
        (r#""^/(\w+)/(\w+)", "/${2}/$$${1}$""#, "/Cat/$images$.PNG"),
        (r#""^", "/v2""#, "/v2/images/Cat.PNG"),
        (r#""(x)|/", "<${1}${0}>""#, "</>images/Cat.PNG"),
    ] {
        holds(&format!(r#"regex_replace(http.request.uri.path, {arguments}) eq "{made}""#));
        holds(&format!(r#"regex_replace(concat(http.request.uri.path), {arguments}) eq "{made}""#));
    }
}

#[test]
fn functions_are_functions_of_functions() {
    holds(r#"concat("a", lower(http.user_agent), 2) eq "acurl/82""#);
    holds(r#"ends_with(concat(http.host, lower(http.request.uri.path)), ".com/images/cat.png")"#);
    holds(r#"concat(http.host, "/", http.request.method) contains "com/GET""#);
    holds(r#"starts_with(lower(http.referer), "https://e")"#);
    holds(r#"concat("a.", http.request.uri.path.extension) eq "a.png""#);
    holds(r#"concat(regex_replace(lower(http.host), "^www", "blog"), "!") eq "blog.example.com!""#);
    holds(r#"http.request.full_uri matches "^https://www\.example\.com/.*size=\d""#);
}

#[test]
fn escapes_are_for_quotes_and_backslashes() {
    let quoted = Request { query: Some(r#"a\d"\"#.to_owned()), ..shop() };
    let quoted = Request { headers: vec![("x-tier", quoted.query.unwrap())], ..shop() };
    let rule = rule(r#"http.request.headers["x-tier"] eq "a\d\"\\""#);
    assert!(quoted.is_matched_by(&rule));
    assert_eq!(rule.to_string(), r#"http.request.headers["x-tier"] eq "a\d\"\\""#);
}

#[test]
fn mapped_addresses_are_the_addresses_that_they_map() {
    holds("ip.src eq ::ffff:192.0.2.7");
    holds("ip.src in {::ffff:192.0.2.0/120}");
    let mapped = Request { client: "::ffff:192.0.2.7".parse().unwrap(), ..shop() };
    assert!(mapped.is_matched_by(&rule("ip.src in {192.0.2.7 2001:db8::1}")));
    assert!(!mapped.is_matched_by(&rule("ip.src in {::/0}")));
}

#[test]
fn an_error_says_where_and_what_was_expected() {
    for (text, position, reason) in [
        ("", 0, "expected a field"),
        ("http.host", 9, "expected one of `eq`, `ne`, `contains`, `matches`, `in`"),
        ("http.host is", 10, "expected one of `eq`"),
        ("http.host eq", 12, "a string in double quotes"),
        ("http.host eq a", 13, "a string in double quotes"),
        (r#"http.host eq "a"#, 13, "no closing quote"),
        (r#"http.host eq "a" "b""#, 17, "expected `and`, `or` or the end"),
        (r#"http.host eq "é" und"#, 18, "expected `and`, `or` or the end"),
        (r#"(http.host eq "a""#, 17, "expected `)`"),
        (r#"http.hosts eq "a""#, 0, "`http.hosts` is no field"),
        (r#"http.host gt "a""#, 10, "`gt` compares integers, and `http.host` is text"),
        (r#"http.host in {"a", "b"}"#, 17, "another member after a blank"),
        ("http.host in {}", 14, "a string in double quotes"),
        (r#"http.host in {"a""#, 17, "expected `}`"),
        (r#"ip.src eq "10.0.0.1""#, 10, "without quotes"),
        ("ip.src eq 10.0.0.0/8", 10, "networks stand in a set"),
        ("ip.src in {10.0.0.0/33}", 11, "an address or a network"),
        ("ip.src gt 10.0.0.1", 7, "expected one of `eq`, `ne`, `in`"),
        (r#"ip.geoip.asnum eq "1""#, 18, "an integer from 0 to 4294967295"),
        ("ip.geoip.asnum eq 4294967296", 18, "an integer"),
        ("ip.geoip.asnum eq 1x", 18, "an integer"),
        ("ip.geoip.asnum contains 1", 15, "`gt`"),
        (r#"starts_with("a", "a")"#, 12, "strings stand on the right"),
        (r#"starts_with(ip.src, "1")"#, 12, "`ip.src` is no text"),
        (r#"http.request.headers["a b"] eq """#, 21, "no name of a header field"),
        (r#"http.request.headers eq """#, 21, "expected `[`"),
        (r#"http.host matches "(""#, 18, "unclosed group"),
        (r#"http.host matches "(?=a)""#, 18, "look-around"),
        (r#"http.host matches "(a)\1""#, 18, "backreferences"),
        (r#"regex_replace(http.host, "a", "${1}") eq "b""#, 30, "no group `${1}`"),
        ("exists(lower(http.host))", 7, "`lower` is no field"),
        ("not", 3, "expected a field"),
        ("HTTP.HOST EQ \"a\"", 0, "`HTTP.HOST` is no field"),
    ] {
        let error = refused(text);
        assert_eq!(error.position, position, "{text}: {error}");
        assert!(error.reason.contains(reason), "{text}: {error}");
    }
    let error = refused(r#"http.host eq "é" und"#).to_string();
    assert_eq!(error, "column 18 (byte 18): expected `and`, `or` or the end");
}

#[test]
fn what_the_body_holds_is_refused_with_the_reason() {
    for field in ["form", "mime", "raw"] {
        let error = refused(&format!(r#"http.request.body.{field} contains "x""#));
        assert!(error.reason.contains("request bodies are never buffered"), "{error}");
    }
}

#[test]
fn what_a_rule_may_cost_is_bounded() {
    let nested = |depth| format!("{}true{}", "(".repeat(depth), ")".repeat(depth));
    rule(&nested(RULE_NESTING_MAX));
    assert!(refused(&nested(RULE_NESTING_MAX + 1)).reason.contains("nest at most 8"));
    refused(&nested(2_000));
    let lower = |depth| format!("{}http.host{} eq \"\"", "lower(".repeat(depth), ")".repeat(depth));
    rule(&lower(RULE_NESTING_MAX));
    refused(&lower(RULE_NESTING_MAX + 1));
    rule(&format!("{}true", "not ".repeat(1_000)));

    rule(&vec!["true"; RULE_CONDITIONS_MAX].join(" or "));
    let error = refused(&vec!["true"; RULE_CONDITIONS_MAX + 1].join(" or "));
    assert!(error.reason.contains("at most 64 conditions"), "{error}");

    rule(&vec![r#"http.host matches "a""#; RULE_REGEXES_MAX].join(" or "));
    let error = refused(&vec![r#"http.host matches "a""#; RULE_REGEXES_MAX + 1].join(" or "));
    assert!(error.reason.contains("at most 16 regular expressions"), "{error}");

    rule(&format!("true{}", " ".repeat(RULE_MAX_BYTES - 4)));
    refused(&format!("true{}", " ".repeat(RULE_MAX_BYTES - 3)));
    refused(&"é".repeat(RULE_MAX_BYTES));
    let crowded = format!("http.host in{{{}}}", r#""a1""#.repeat(1_000));
    assert!(Rule::parse(&crowded).is_ok(), "doubles are dropped");
    let distinct: Vec<_> = (100..900).map(|number| format!(r#""{number}""#)).collect();
    let error = refused(&format!("http.host in{{{}}}", distinct.concat()));
    assert!(error.reason.contains("with blanks between its words"), "{error}");

    let error = refused(r#"http.host matches "((a{100}){100}){100}""#);
    assert!(error.reason.contains("compiles to more than 131072 bytes"), "{error}");
    refused(&format!(r#"http.host matches "{}a{}""#, "(".repeat(100), ")".repeat(100)));
    let error =
        refused(r#"regex_replace(lower(regex_replace(http.host, "a", "b")), "b", "c") eq "c""#);
    assert!(error.reason.contains("no `regex_replace` inside another"), "{error}");
    refused(&format!(r#"regex_replace(http.host, "a", "{}") eq """#, "${0}".repeat(9)));
}

#[test]
fn a_made_text_beyond_its_bound_is_matched_by_nothing_and_replaced_nowhere() {
    let cookie = |len| Request { headers: vec![("cookie", "a".repeat(len))], ..shop() };
    for len in [100, 4_096, 4_097, 65_536] {
        assert!(cookie(len).is_matched_by(&rule(r#"lower(http.cookie) matches "^a+$""#)), "{len}");
        let replaced = rule(r#"starts_with(regex_replace(lower(http.cookie), "^a", "b"), "ba")"#);
        assert!(cookie(len).is_matched_by(&replaced), "{len}");
    }
    let long = cookie(65_537);
    assert!(long.is_matched_by(&rule(r#"not lower(http.cookie) matches "a""#)));
    assert!(long.is_matched_by(&rule(r#"http.cookie matches "^a+$""#)));
    assert!(long.is_matched_by(&rule(
        r#"starts_with(regex_replace(lower(http.cookie), "^a", "b"), "aaa")"#
    )));
}

#[test]
fn octets_that_are_no_text_are_compared_as_octets() {
    let mut headers = HeaderMap::new();
    headers.insert("x", http::HeaderValue::from_bytes(b"a\xff\xc3\xa9").unwrap());
    let uri = PathAndQuery::from_static("/");
    let request = shop();
    let facts = Facts { uri: &uri, headers: &headers, ..request.facts(&uri, &headers) };
    for (text, expected) in [
        (r#"ends_with(http.request.headers["x"], "é")"#, true),
        (r#"http.request.headers["x"] matches "^a.é$""#, true),
        (r#"http.request.headers["x"] eq "aé""#, false),
    ] {
        assert_eq!(rule(text).matches(&facts), expected, "{text}");
    }
}

#[test]
fn simple_mode_is_written_as_esa_cli_writes_it_and_read_back() {
    for (route, text) in [
        ("example.com/a", r#"(http.host eq "example.com" and http.request.uri.path eq "/a")"#),
        (
            "example.com/api/*",
            r#"(http.host eq "example.com" and starts_with(http.request.uri.path, "/api/"))"#,
        ),
        (
            "*.example.com/a",
            r#"(ends_with(http.host, ".example.com") and http.request.uri.path eq "/a")"#,
        ),
        (
            "*.example.com/*",
            r#"(ends_with(http.host, ".example.com") and starts_with(http.request.uri.path, "/"))"#,
        ),
        ("example.com/", r#"(http.host eq "example.com" and http.request.uri.path eq "/")"#),
        ("*/healthz", r#"(http.request.uri.path eq "/healthz")"#),
    ] {
        assert_eq!(Rule::simple(route).unwrap(), text);
        assert_eq!(rule(text).as_simple().unwrap().to_string(), route);
    }
    assert_eq!(Rule::simple("Example.com"), Rule::simple("example.com/"));
    assert!(Rule::simple("a b").is_err());
}

#[test]
fn what_is_not_of_simple_form_is_not_read_as_it() {
    for text in [
        "true",
        r#"http.host eq "a.test""#,
        r#"http.request.uri.path eq "/a*""#,
        r#"http.request.uri.path eq "a""#,
        r#"http.host eq "*.a.test" and http.request.uri.path eq "/""#,
        r#"ends_with(http.host, "a.test") and http.request.uri.path eq "/""#,
        r#"http.host ne "a.test" and http.request.uri.path eq "/""#,
        r#"http.host in {"a.test" "b.test"} and http.request.uri.path eq "/""#,
        r#"http.host eq "a.test" or http.request.uri.path eq "/""#,
        r#"http.request.uri.path eq "/" and http.host eq "a.test""#,
    ] {
        assert_eq!(rule(text).as_simple(), None, "{text}");
    }
}

#[test]
fn a_rule_knows_the_hosts_that_it_could_match() {
    let exact = |host: &str| HostPattern::Exact(host.into());
    let suffix = |suffix: &str| HostPattern::Suffix(suffix.into());
    for (text, hosts) in [
        (r#"http.host eq "A.test" and true"#, vec![exact("a.test")]),
        (r#"lower(http.host) in {"b" "a"}"#, vec![exact("a"), exact("b")]),
        (
            r#"http.host eq "a.test" or ends_with(http.host, ".b.test")"#,
            vec![exact("a.test"), suffix(".b.test")],
        ),
        (r#"ends_with(http.host, "shop.test")"#, vec![suffix(".test")]),
        (
            r#"ends_with(http.host, ".test") and (http.host eq "a" or http.host eq "a")"#,
            vec![exact("a")],
        ),
    ] {
        assert_eq!(rule(text).hosts(), HostBound::Among(hosts), "{text}");
    }
    for text in [
        "true",
        r#"http.host ne "a""#,
        r#"http.host eq "a" or ssl"#,
        r#"ends_with(http.host, "test")"#,
        r#"not (http.host eq "a")"#,
        r#"http.request.uri.path eq "a""#,
        r#"concat(http.host, "a") eq "a""#,
    ] {
        assert_eq!(rule(text).hosts(), HostBound::Any, "{text}");
    }
}

/// Texts that are nearly rules.
fn nearly() -> impl Strategy<Value = String> {
    let tokens = [
        "http.host",
        "ip.src",
        "ip.geoip.asnum",
        "http.request.headers[",
        "http.request.cookies",
        "\"a\"",
        "\"x-a\"",
        "\"",
        "\\",
        "(",
        ")",
        "{",
        "}",
        "]",
        "[",
        ",",
        "eq",
        "ne",
        "in",
        "not",
        "and",
        "or",
        "matches",
        "contains",
        "gt",
        "true",
        "ssl",
        "exists(",
        "starts_with(",
        "lower(",
        "concat(",
        "regex_replace(",
        "10.0.0.0/8",
        "::1",
        "7",
        "é",
        "\"(\"",
        "\"${1}\"",
    ];
    let tokens = proptest::sample::select(tokens.to_vec());
    proptest::collection::vec(tokens, 0..24).prop_map(|tokens| tokens.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>(), nearly in nearly()) {
        for text in [text, nearly] {
            match Rule::parse(&text) {
                Ok(rule) => prop_assert_eq!(Rule::parse(&rule.to_string()), Ok(rule)),
                Err(error) => {
                    prop_assert!(text.is_char_boundary(error.position));
                    prop_assert_eq!(error.column, text[..error.position].chars().count() + 1);
                }
            }
        }
    }

    #[test]
    fn a_rule_prints_as_a_text_that_is_read_as_the_same_rule(node in node()) {
        let rule = Rule(node);
        let text = rule.to_string();
        match Rule::parse(&text) {
            Ok(read) => prop_assert_eq!(read, rule),
            Err(error) => prop_assert!(false, "{}: {}", text, error),
        }
    }

    #[test]
    fn a_second_evaluator_agrees(node in node(), requests in proptest::collection::vec(request(), 4)) {
        for request in requests {
            let judged = judge::holds(&node, &request);
            prop_assert_eq!(request.is_matched_by(&Rule(node.clone())), judged, "{}", node);
        }
    }

    #[test]
    fn a_text_is_found_wherever_it_stands(text in "[ab]{0,12}", needle in "[ab]{0,5}") {
        let request = Request { headers: vec![("x-tier", text.clone())], ..shop() };
        let tier = r#"http.request.headers["x-tier"]"#;
        let contains = rule(&format!(r#"{tier} contains "{needle}""#));
        prop_assert_eq!(request.is_matched_by(&contains), text.contains(&needle));
        let ends_with = rule(&format!(r#"ends_with({tier}, "{needle}")"#));
        prop_assert_eq!(request.is_matched_by(&ends_with), text.ends_with(&needle));
    }

    #[test]
    fn no_host_that_a_rule_matches_is_outside_its_bound(
        node in node(),
        requests in proptest::collection::vec(request(), 4),
    ) {
        let rule = Rule(node);
        for request in requests {
            let admitted = rule.hosts().admits(request.host.as_bytes());
            prop_assert!(admitted || !request.is_matched_by(&rule), "{}", rule);
        }
    }

    #[test]
    fn every_route_is_read_back_from_its_rule(
        host in prop_oneof!["[a-z]{1,3}(\\.[a-z]{1,3}){0,2}", "\\*\\.[a-z]{1,3}", Just("*".to_owned())],
        path in "/[ -~]{0,6}",
    ) {
        let Ok(route) = Route::new(&format!("{host}{path}")) else { return Ok(()) };
        let text = Rule::simple(&route.to_string()).unwrap();
        prop_assert_eq!(rule(&text).as_simple(), Some(route));
    }
}

#[test]
fn a_rule_says_whether_it_asks_for_a_place() {
    for text in [
        r#"ip.geoip.country eq "CN""#,
        "ip.geoip.asnum gt 1",
        "exists(ip.geoip.asnum)",
        r#"http.host eq "a" or not (ssl and lower(ip.geoip.country) ne "cn")"#,
        r#"starts_with(concat("a", ip.geoip.asnum), "a4")"#,
        r#"regex_replace(ip.geoip.country, "C", "D") eq "DN""#,
    ] {
        assert!(rule(text).asks_for_place(), "{text}");
    }
    for text in ["true", "ssl", "ip.src eq 192.0.2.1", r#"lower(http.host) eq "CN""#] {
        assert!(!rule(text).asks_for_place(), "{text}");
    }
}
