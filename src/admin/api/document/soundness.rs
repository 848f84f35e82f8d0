//! What the generated schemas get wrong or leave out.

use schemars::Schema;
use schemars::transform::transform_subschemas;
use serde_json::{Value, json};

/// The limits of Rust's integers where none are said, no default that is not taken when it is
/// sent, and no format that only Rust has.
pub(super) fn mend(schema: &mut Schema) {
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    let format = schema.get("format").and_then(Value::as_str).map(str::to_owned);
    let max = match format.as_deref() {
        Some("uint8") => Some(u64::from(u8::MAX)),
        Some("uint16") => Some(u64::from(u16::MAX)),
        Some("uint32") => Some(u64::from(u32::MAX)),
        Some("uint" | "uint64") => Some(u64::MAX),
        _ => None,
    };
    if let Some(max) = max {
        schema.remove("format");
        if !schema.as_object().is_some_and(|schema| schema.contains_key("maximum")) {
            schema.insert("maximum".to_owned(), json!(max));
        }
    }
    transform_subschemas(&mut (mend as fn(&mut Schema)), schema);
}

/// Takes null away: a query has none.
pub(super) fn without_null(schema: &mut Value) {
    let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) else { return };
    kinds.retain(|kind| kind != "null");
    if let [kind] = kinds.as_slice() {
        schema["type"] = kind.clone();
    }
}

#[cfg(test)]
mod tests {
    use schemars::json_schema;

    use super::*;

    #[test]
    fn an_integer_ends_where_its_type_does() {
        let mut schema = json_schema!({
            "properties": { "a": { "type": "integer", "format": "uint8", "minimum": 0, "default": null } },
        });
        mend(&mut schema);
        let a = json!({ "type": "integer", "minimum": 0, "maximum": 255 });
        assert_eq!(schema.as_value()["properties"]["a"], a);
        let mut schema = json_schema!({ "type": "integer", "format": "uint32", "maximum": 7 });
        mend(&mut schema);
        assert_eq!(*schema.as_value(), json!({ "type": "integer", "maximum": 7 }));
    }

    #[test]
    fn a_query_has_no_null() {
        let mut schema = json!({ "type": ["integer", "null"], "maximum": 7 });
        without_null(&mut schema);
        assert_eq!(schema, json!({ "type": "integer", "maximum": 7 }));
    }
}
