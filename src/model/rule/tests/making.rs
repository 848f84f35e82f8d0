//! Random rules and requests, of few letters, so that they meet.

use http::HeaderName;
use ipnet::IpNet;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::judge::Request;
use crate::model::rule::RULE_REGEXES_MAX;
use crate::model::rule::field::Field;
use crate::model::rule::needle::{Needle, OneOf};
use crate::model::rule::pattern::{Pattern, Replacement};
use crate::model::rule::tree::{Networks, Node, NumberTest, Replace, Test, Text, TextTest};

/// Rules as the parser would make them.
pub(super) fn node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        1 => Just(Node::Always),
        12 => test().prop_map(Node::Test),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(Node::not),
            vec(inner.clone(), 2..4).prop_map(Node::any),
            vec(inner, 2..4).prop_map(Node::all),
        ]
    })
    .prop_filter("too many regular expressions", |node| {
        let text = node.to_string();
        let regexes = text.matches("regex_replace(").count() + text.matches(" matches ").count();
        regexes <= RULE_REGEXES_MAX
    })
}

fn test() -> impl Strategy<Value = Test> {
    prop_oneof![
        1 => any_field().prop_map(Test::Exists),
        1 => Just(Test::Secure),
        8 => (text(), any::<prop::sample::Index>(), vec(literal(), 1..5), pattern_text())
            .prop_map(|(text, which, literals, pattern)| text_test(text, which, literals, pattern)),
        1 => vec(network(), 1..4).prop_map(|networks| Test::Address(Networks::new(&networks))),
        1 => number_test().prop_map(Test::Number),
    ]
}

fn text_test(
    text: Text,
    which: prop::sample::Index,
    mut literals: Vec<String>,
    pattern: &str,
) -> Test {
    let ignores_case = text.ignores_case();
    if ignores_case {
        for literal in &mut literals {
            literal.make_ascii_lowercase();
        }
    }
    let first = &literals[0];
    let asked = match which.index(5) {
        0 => TextTest::Contains(Needle::new(first)),
        1 => TextTest::StartsWith(first.as_str().into()),
        2 => TextTest::EndsWith(Needle::new(first)),
        3 => TextTest::Matches(Pattern::new(pattern, ignores_case).unwrap()),
        _ => TextTest::OneOf(OneOf::new(literals.into_iter().map(Into::into).collect())),
    };
    Test::Text(text, asked)
}

fn text() -> impl Strategy<Value = Text> {
    field().prop_map(Text::Field).prop_recursive(2, 6, 3, |inner| {
        let part = prop_oneof![
            inner.clone(),
            literal().prop_map(|literal| Text::Literal(literal.into())),
            select(vec![Field::Address, Field::AsNumber]).prop_map(Text::Field),
        ];
        prop_oneof![
            inner.clone().prop_map(|text| Text::Lower(Box::new(text))),
            vec(part, 1..4).prop_map(|parts| Text::Concat(parts.into())),
            (inner, pattern_text(), select(vec!["", "b", "${0}${0}", "$$x", "a$", "/${0}"]))
                .prop_filter("nested", |(source, _, _)| {
                    !source.to_string().contains("regex_replace")
                })
                .prop_map(|(source, pattern, to)| {
                    let pattern = Pattern::new(pattern, false).unwrap();
                    let to = Replacement::new(to, &pattern).unwrap();
                    Text::Replace(Box::new(Replace { source, pattern, to }))
                }),
        ]
    })
}

fn field() -> impl Strategy<Value = Field> {
    select(vec![
        Field::Host,
        Field::Host,
        Field::Host,
        Field::FullUri,
        Field::Uri,
        Field::Path,
        Field::Extension,
        Field::Query,
        Field::Method,
        Field::Scheme,
        Field::Version,
        Field::Cookies,
        Field::Referer,
        Field::UserAgent,
        Field::Header(HeaderName::from_static("x-a")),
        Field::Cookie("a".into()),
        Field::Cookie("b\"\\.".into()),
        Field::Country,
    ])
}

fn any_field() -> impl Strategy<Value = Field> {
    prop_oneof![field(), select(vec![Field::Address, Field::AsNumber])]
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[abA./]{0,3}",
        1 => "[ab\\\\\"é \n$]{0,4}",
        1 => select(vec!["a.b", ".a.b", ".b", "a", "https", "GET", "/a"]).prop_map(str::to_owned),
    ]
}

fn pattern_text() -> impl Strategy<Value = &'static str> {
    select(vec!["a", "^a", "b$", "a|b", "(a)(b)?", "[^a]+", "", "A.", r"\.", r"\\", "\"", "aa*b"])
}

fn network() -> impl Strategy<Value = IpNet> {
    select(vec!["192.0.2.0/24", "192.0.2.7/32", "10.0.0.0/9", "10.128.0.0/9", "2001:db8::/32"])
        .prop_map(|text| text.parse().unwrap())
}

fn number_test() -> impl Strategy<Value = NumberTest> {
    prop_oneof![
        vec(0..4_u32, 1..4).prop_map(NumberTest::one_of),
        (0..4_u32).prop_map(NumberTest::Above),
        (0..4_u32).prop_map(NumberTest::Below),
        (0..4_u32).prop_map(NumberTest::AtLeast),
        (0..4_u32).prop_map(NumberTest::AtMost),
    ]
}

pub(super) fn request() -> impl Strategy<Value = Request> {
    let line = (
        select(vec!["cookie", "referer", "user-agent", "x-a"]),
        prop_oneof!["[abA./é]{0,4}", "[ab]=[abA]{0,2}; ?a=[ab]?"],
    );
    let place = (
        select(vec!["192.0.2.7", "10.1.2.3", "10.200.0.1", "2001:db8::1"]),
        option::of(select(vec!["a", "CN"])),
        option::of(0..4_u32),
    );
    (
        select(vec!["GET", "POST"]),
        select(vec!["http", "https"]),
        prop_oneof!["[ab.]{0,5}", "[ab](\\.[ab]){0,3}"],
        "/[abA./]{0,5}",
        option::of("[abA.=]{0,3}"),
        vec(line, 0..4),
        place,
    )
        .prop_map(
            |(method, scheme, host, path, query, headers, (client, country, as_number))| {
                let client = client.parse().unwrap();
                Request { method, scheme, host, path, query, headers, client, country, as_number }
            },
        )
}
