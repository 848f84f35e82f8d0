//! What the document says of one operation, as its types tell it.

use std::collections::{BTreeMap, BTreeSet};

use http::{Method, StatusCode};
use schemars::generate::{Contract, SchemaSettings};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::operation::Operation;
use super::soundness;
use crate::admin::api::code::Code;

pub(in crate::admin::api) struct Description {
    method: Method,
    /// Of what is sent, and of what is answered: defaults are sent, and nobody answers them.
    sent: SchemaGenerator,
    answered: SchemaGenerator,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: BTreeMap<u16, Value>,
    codes: BTreeSet<Code>,
}

impl Description {
    pub(super) fn new() -> Self {
        Self {
            method: Method::GET,
            sent: generator(Contract::Deserialize),
            answered: generator(Contract::Serialize),
            parameters: Vec::new(),
            body: None,
            answers: BTreeMap::new(),
            codes: BTreeSet::new(),
        }
    }

    /// Whether the operation changes nothing.
    pub(super) fn reads(&self) -> bool {
        self.method == Method::GET
    }

    pub(in crate::admin::api) fn refuses(&mut self, codes: &[Code]) {
        self.codes.extend(codes);
    }

    /// A segment of the path that names something.
    pub(in crate::admin::api) fn segment<T: JsonSchema>(&mut self, name: &str, code: Code) {
        let schema = self.sent.subschema_for::<T>();
        self.parameters
            .push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
        self.codes.insert(code);
    }

    /// One parameter of the query, which may be left out.
    pub(in crate::admin::api) fn asked<T: JsonSchema>(&mut self, name: &str, text: &str) {
        let schema = self.sent.subschema_for::<T>();
        self.parameters
            .push(json!({ "name": name, "in": "query", "description": text, "schema": schema }));
    }

    /// The fields of `T`, each a parameter of the query.
    pub(super) fn query<T: JsonSchema>(&mut self) {
        let mut schema = T::json_schema(&mut self.sent);
        soundness::mend(&mut schema);
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for (name, mut schema) in properties.map(std::mem::take).into_iter().flatten() {
            soundness::without_null(&mut schema);
            let text = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            self.parameters.push(
                json!({ "name": name, "in": "query", "description": text, "schema": schema }),
            );
        }
    }

    pub(super) fn parameter_ref(&mut self, name: &str) {
        let parameter = json!({ "$ref": format!("#/components/parameters/{name}") });
        if !self.parameters.contains(&parameter) {
            self.parameters.push(parameter);
        }
    }

    pub(super) fn body<T: JsonSchema>(&mut self, required: bool) {
        let schema = self.sent.subschema_for::<T>();
        self.body = Some(json!({
            "required": required,
            "content": { "application/json": { "schema": schema } },
        }));
    }

    pub(super) fn schema_of_answer<T: JsonSchema>(&mut self) -> Schema {
        self.answered.subschema_for::<T>()
    }

    pub(super) fn schema_of_field<T: JsonSchema>(&mut self) -> Schema {
        self.sent.subschema_for::<T>()
    }

    pub(super) fn header<T: JsonSchema>(&mut self, text: &str) -> Value {
        let schema = self.schema_of_answer::<T>();
        json!({ "description": text, "required": true, "schema": schema })
    }

    pub(super) fn answers(
        &mut self,
        status: StatusCode,
        text: &str,
        schema: Option<Schema>,
        headers: Map<String, Value>,
    ) {
        let mut answer = json!({ "description": text });
        if !headers.is_empty() {
            answer["headers"] = headers.into();
        }
        if let Some(schema) = schema {
            answer["content"] = json!({ "application/json": { "schema": schema } });
        }
        self.answers.insert(status.as_u16(), answer);
    }

    /// What there is to say of `operation`; `everywhere` is refused by all.
    pub(super) fn of(&mut self, operation: &Operation, everywhere: &[Code]) -> Value {
        self.method = operation.method.clone();
        (operation.describe)(self);
        self.refuses(operation.codes);
        self.refuses(everywhere);
        if operation.is_once {
            self.is_once();
        }
        for (status, answer) in refusals(&std::mem::take(&mut self.codes)) {
            self.answers.insert(status, answer);
        }
        let answers = std::mem::take(&mut self.answers);
        let answers: Map<String, Value> =
            answers.into_iter().map(|(status, answer)| (status.to_string(), answer)).collect();
        let mut said = json!({
            "operationId": operation.id,
            "summary": operation.summary,
            "tags": [operation.path.split('/').nth(1).unwrap_or_default()],
            "parameters": std::mem::take(&mut self.parameters),
            "responses": answers,
        });
        if let Some(body) = self.body.take() {
            said["requestBody"] = body;
        }
        said
    }

    fn is_once(&mut self) {
        self.parameter_ref("IdempotencyKey");
        self.refuses(&[
            Code::BadRequest,
            Code::BodyTooSlow,
            Code::BodyTooLarge,
            Code::KeyInUse,
            Code::KeyReused,
            Code::Stopping,
        ]);
        if let Some(made) = self.answers.get_mut(&StatusCode::CREATED.as_u16()) {
            made["headers"]["Idempotent-Replayed"] = json!({
                "description": "On an answer that was given before, and made nothing now.",
                "schema": { "const": "true" },
            });
        }
    }

    /// Every shape that was named, by its name.
    pub(super) fn schemas(mut self) -> Map<String, Value> {
        let mut schemas = self.sent.take_definitions(true);
        for (name, schema) in self.answered.take_definitions(true) {
            let other = schemas.insert(name.clone(), schema.clone());
            // A name is one shape's.
            debug_assert!(other.is_none_or(|other| other == schema), "{name} is two shapes");
        }
        schemas
    }
}

fn generator(contract: Contract) -> SchemaGenerator {
    let mut settings = SchemaSettings::draft2020_12().with_transform(soundness::mend);
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    settings.contract = contract;
    settings.into_generator()
}

/// An answer for each status, with the codes that it has here.
fn refusals(codes: &BTreeSet<Code>) -> BTreeMap<u16, Value> {
    let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.status().as_u16()).or_default().push(code.as_str());
    }
    let answer = |(status, codes): (u16, Vec<&str>)| {
        let known = StatusCode::from_u16(status).ok();
        let text = known.and_then(|status| status.canonical_reason()).unwrap_or_default();
        let schema = json!({
            "allOf": [{ "$ref": "#/components/schemas/Error" }],
            "properties": { "error": { "properties": { "code": { "enum": codes } } } },
        });
        let mut answer = json!({
            "description": text,
            "content": { "application/json": { "schema": schema } },
        });
        if status == StatusCode::UNAUTHORIZED.as_u16() {
            answer["headers"] = json!({
                "WWW-Authenticate": { "required": true, "schema": { "const": "Bearer" } },
            });
        }
        (status, answer)
    };
    by_status.into_iter().map(answer).collect()
}
