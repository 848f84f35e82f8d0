//! The document is whole, and says of texts what the model says.

use std::collections::BTreeSet;

use proptest::prelude::*;
use regex::Regex;
use schemars::SchemaGenerator;

use super::*;
use crate::admin::api::extract::BODY_MAX_BYTES;
use crate::admin::api::once::{ANSWERS_MAX, OCTETS_MAX};
use crate::model::{AppId, AppName, CodeVersion, KeySource, RoutineName, VersionId};

/// Each method and path that the document has.
fn described(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().unwrap();
    let verbs = paths.iter().flat_map(|(path, item)| {
        let verbs = item.as_object().unwrap().keys();
        verbs.map(move |verb| (verb.to_ascii_uppercase(), path.clone()))
    });
    verbs.collect()
}

#[test]
fn the_table_in_the_rooms_words_has_what_is_served() {
    let table = include_str!("../mod.rs").lines().filter_map(|line| {
        let (method, rest) = line.strip_prefix("//! | ")?.split_once(" `")?;
        let path = rest.split(['?', '`']).next()?.replace("{env}", "{environment}");
        Some((method.to_owned(), path))
    });
    let is_method = |text: &str| text.bytes().all(|octet| octet.is_ascii_uppercase());
    let table: BTreeSet<_> = table.filter(|(method, _)| is_method(method)).collect();
    assert_eq!(table, described(&document(false)));
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let operations = operations();
    let ids: BTreeSet<_> = operations.iter().map(|operation| operation.id).collect();
    assert_eq!(ids.len(), operations.len());
    assert!(operations.iter().all(|it| !it.id.is_empty() && it.summary.ends_with('.')));
}

#[test]
fn a_path_says_what_each_of_its_segments_is() {
    let document = document(false);
    for (path, item) in document["paths"].as_object().unwrap() {
        let segments = path.split('/').filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'));
        let segments: Vec<&str> = segments.collect();
        for (verb, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().unwrap();
            let named = parameters.iter().filter(|it| it["in"] == "path");
            let named: Vec<_> = named.map(|it| it["name"].as_str().unwrap()).collect();
            assert_eq!(named, segments, "{verb} {path}");
        }
    }
}

/// Every `$ref` below `value`.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn whatever_is_referred_to_is_there() {
    for document in [document(false), document(true)] {
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.contains("#/components/schemas/Routine"), "{found:?}");
        for reference in &found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        // Nor is anything there that nobody refers to.
        for kind in ["schemas", "parameters"] {
            for name in document["components"][kind].as_object().unwrap().keys() {
                let reference = format!("#/components/{kind}/{name}");
                assert!(found.contains(&reference), "{reference}");
            }
        }
    }
}

#[test]
fn the_limits_that_are_told_in_words_are_those_of_the_code() {
    const MIB: usize = 1024 * 1024;
    let told = [
        format!("A body has at most {} MiB", BODY_MAX_BYTES / MIB),
        format!("for {} hours, {} of them", AGE_MAX.as_secs() / 3600, "10,000"),
        format!("and {} MiB", OCTETS_MAX / MIB),
    ];
    assert_eq!(ANSWERS_MAX, 10_000);
    for told in told {
        assert!(ABOUT.contains(&told), "{told}");
    }
}

#[test]
fn who_must_be_known_is_told_so() {
    let responses = |guarded| document(guarded)["paths"]["/routines/{name}"].clone();
    let open = responses(false);
    assert!(open["get"]["responses"].get("401").is_none());
    let codes = |responses: &Value, verb: &str| {
        let schema = &responses[verb]["responses"]["403"]["content"]["application/json"]["schema"];
        schema["properties"]["error"]["properties"]["code"]["enum"].clone()
    };
    assert_eq!(codes(&open, "patch"), json!(["forbidden"]));
    let guarded = responses(true);
    assert!(guarded["get"]["responses"]["401"]["headers"]["WWW-Authenticate"].is_object());
    assert_eq!(codes(&guarded, "get"), json!(["forbidden"]));
    assert_eq!(codes(&guarded, "patch"), json!(["Forbidden.RAM", "forbidden"]));
    assert_eq!(document(true)["security"], json!([{"bearer": []}, {"signature": []}]));
    assert_eq!(document(false).get("security"), None);
}

#[test]
fn what_is_sent_is_limited_as_the_code_limits_it() {
    let document = document(false);
    let schema = |name: &str| &document["components"]["schemas"][name];
    let quota = &schema("QuotasChange")["properties"]["routines"];
    assert_eq!(quota["maximum"], crate::model::QUOTA_MAX);
    let latency = &schema("AccountChange")["properties"]["latency_ms"];
    assert_eq!(latency["maximum"], 60_000);
    assert_eq!(latency.get("default"), None);
    assert_eq!(schema("NewShare")["properties"]["percentage"]["maximum"], 100);
    assert_eq!(schema("NewShare")["additionalProperties"], false);
    assert_eq!(schema("NewRoutine")["required"], json!(["name"]));
    assert_eq!(schema("Binding")["required"], json!(["upstream"]));
    let parameters = document["paths"]["/routines"]["get"]["parameters"].as_array().unwrap();
    let limit = parameters.iter().find(|it| it["name"] == "limit").unwrap();
    assert_eq!(
        limit["schema"],
        json!({"type": "integer", "minimum": 1, "maximum": 1_000, "default": 100})
    );
}

fn pattern<T: JsonSchema>() -> (Regex, Value) {
    let schema = T::json_schema(&mut SchemaGenerator::default());
    let regex = Regex::new(schema.get("pattern").unwrap().as_str().unwrap()).unwrap();
    (regex, schema.to_value())
}

/// Whether the document takes `text` for a `T`.
fn takes<T: JsonSchema>(text: &str) -> bool {
    let (regex, schema) = pattern::<T>();
    let length = u64::try_from(text.chars().count()).unwrap();
    regex.is_match(text)
        && schema["minLength"].as_u64().is_none_or(|least| least <= length)
        && schema["maxLength"].as_u64().is_none_or(|most| length <= most)
        && schema["not"]["const"] != *text
}

/// The document takes what the model takes.
#[track_caller]
fn agree(text: &str) {
    assert_eq!(takes::<RoutineNameText>(text), RoutineName::new(text).is_ok(), "{text:?}");
    assert_eq!(takes::<CodeVersionText>(text), CodeVersion::new(text).is_ok(), "{text:?}");
    assert_eq!(takes::<AppNameText>(text), AppName::new(text).is_ok(), "{text:?}");
    assert_eq!(takes::<AppIdText>(text), AppId::new(text).is_ok(), "{text:?}");
    assert_eq!(takes::<VersionIdText>(text), VersionId::new(text).is_ok(), "{text:?}");
    assert_eq!(takes::<KeySourceText>(text), KeySource::new(text).is_ok(), "{text:?}");
}

#[test]
fn at_their_ends_texts_are_taken_as_the_model_takes_them() {
    for (first, digit) in [("a", "b"), ("app-", "1"), ("ver-", "0"), ("", "A"), ("header:", "x")] {
        for length in 0..=130 {
            agree(&format!("{first}{}", digit.repeat(length)));
        }
    }
    for text in ["unstable", "a-", "-a", "a\n", "query:ü \n", "query:", "mint:a=b", "cookie:a~"] {
        agree(text);
    }
}

proptest! {
    #[test]
    fn texts_are_taken_as_the_model_takes_them(
        text in "(app-|ver-|header:|cookie:|mint:|query:|)[a-cA-C0-2._:\\- é]{0,70}",
    ) {
        agree(&text);
    }
}
