//! The native API, described: an OpenAPI 3.1 document made of the very operations that are
//! served, and of the types that they take and answer.

mod description;
mod examples;
mod operation;
mod soundness;
mod text;

use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

pub(super) use self::description::Description;
pub(super) use self::operation::{Input, Operation, Output, delete, get, patch, post};
pub(super) use self::text::{
    AppIdText, AppNameText, CodeVersionText, DeploymentIdText, DigestText, EnvironmentText,
    FailureCodeText, KeySourceText, MomentText, RoutineNameText, ServiceStatusText, UpstreamText,
    VersionIdText, VersionStatusText,
};
use self::text::{EntityTagsText, IdempotencyKeyText};
use super::code::Code;
use super::once::AGE_MAX;
use super::operations::operations;
use crate::admin::Admin;

/// What every operation refuses: a foreign page.
const EVERYWHERE: [Code; 1] = [Code::Forbidden];

/// The same where callers must be known. A signature covers the body, so of every request it
/// is read.
const KEYED: [Code; 11] = [
    Code::Forbidden,
    Code::IncompleteSignature,
    Code::AccessKeyNotFound,
    Code::TimeStampFormat,
    Code::TimeStampExpired,
    Code::SignatureDoesNotMatch,
    Code::SignatureNonceUsed,
    Code::ThrottlingUser,
    Code::BodyTooSlow,
    Code::BodyTooLarge,
    Code::ForbiddenRam,
];

const ABOUT: &str = "\
What Serin serves beside the dialect of ESA. Fields and parameters that are not known are \
refused, and ids are texts, since JSON's numbers end at 2^53. HEAD is answered as GET is, \
without the content; any other method is a 405 that says in `Allow` which there are, and any \
other path a 404 `path_not_found`. A body has at most 1 MiB.

What can be overwritten has a strong `ETag`. A change with `If-Match` is made if the tag is \
still the one of now, and the check and the change are one step, so that of two who have seen \
the same one wins; the other gets a 412 that says what there is. Such a GET with \
`If-None-Match` is a 304 where nothing is new.

What makes something takes an `Idempotency-Key`. Whoever sends the same request with the same \
key again gets the answer that said it was made, and nothing is made again. Refusals change \
nothing and are not remembered. Keys are those of one access key and one path; answers are \
remembered for 24 hours, 10,000 of them and 16 MiB, and not over a restart.";

const SIGNATURE: &str = "\
A V3 signature as the clients of Alibaba Cloud make it: `ACS3-HMAC-SHA256 \
Credential=ID,SignedHeaders=...,Signature=...`, over the method, the path, the query, `host`, \
`x-acs-*`, a body's type and its SHA-256, and of `If-Match`, `If-None-Match` and \
`Idempotency-Key` those that are sent. `serin` signs its own requests so.";

/// The document, as it is answered.
static OPEN: LazyLock<String> = LazyLock::new(|| document(false).to_string());
static GUARDED: LazyLock<String> = LazyLock::new(|| document(true).to_string());

/// It says who must be known where somebody must.
pub(super) async fn answer(State(admin): State<Arc<Admin>>) -> Itself {
    Itself(if admin.keyring.is_empty() { &OPEN } else { &GUARDED })
}

pub(super) struct Itself(&'static str);

impl IntoResponse for Itself {
    fn into_response(self) -> Response {
        (StatusCode::OK, [(CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

impl Output for Itself {
    fn describe(description: &mut Description) {
        let schema = description.schema_of_answer::<Map<String, Value>>();
        description.answers(StatusCode::OK, "This document.", Some(schema), Map::new());
    }
}

/// What a refusal says.
#[derive(JsonSchema)]
#[schemars(rename = "Error")]
#[expect(dead_code, reason = "the shape of `ApiError`, which has no fields of its own")]
struct ErrorShape {
    error: ErrorFields,
}

#[derive(JsonSchema)]
#[schemars(rename = "ErrorFields")]
#[expect(dead_code, reason = "as above")]
struct ErrorFields {
    /// For programs.
    code: String,
    /// For people.
    message: String,
}

fn document(guarded: bool) -> Value {
    let mut description = Description::new();
    let everywhere: &[Code] = if guarded { &KEYED } else { &EVERYWHERE };
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations() {
        // Only who wants to change something can be refused that.
        let reads = operation.reads();
        let everywhere: Vec<Code> =
            everywhere.iter().copied().filter(|it| !reads || *it != Code::ForbiddenRam).collect();
        let mut said = description.of(&operation, &everywhere);
        examples::insert(&mut said, operation.path());
        paths.entry(operation.path()).or_insert_with(|| json!({}))[operation.verb()] = said;
    }
    let parameters = parameters(&mut description);
    description.schema_of_answer::<ErrorShape>();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Serin",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/api/v1" }],
        "paths": paths,
        "components": { "parameters": parameters, "schemas": description.schemas() },
    });
    if guarded {
        document["components"]["securitySchemes"] = json!({
            "bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "The secret of an access key.",
            },
            "signature": {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": SIGNATURE,
            },
        });
        document["security"] = json!([{ "bearer": [] }, { "signature": [] }]);
    }
    document
}

/// Fields of requests that several operations take.
fn parameters(description: &mut Description) -> Value {
    let hours = AGE_MAX.as_secs() / 3600;
    json!({
        "IfMatch": {
            "name": "If-Match",
            "in": "header",
            "description": "The tag that must still be the one of now, or `*` for any; otherwise 412. Of a deployment and a rollback it is the tag of what the environment serves.",
            "schema": description.schema_of_field::<EntityTagsText>(),
            "example": "*",
        },
        "IfNoneMatch": {
            "name": "If-None-Match",
            "in": "header",
            "description": "Tags that must not be the one of now: otherwise a GET is answered with 304, and anything else with 412. `*` wants nothing to be there.",
            "schema": description.schema_of_field::<EntityTagsText>(),
            "example": "\"99aa06d3014798d86001c324468d497f\"",
        },
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": format!("The same request with the same key is answered as the first was for {hours} hours. While that is being answered it is a 409, and with another request a 422."),
            "schema": description.schema_of_field::<IdempotencyKeyText>(),
            "example": "\"8e03978e-40d5-43e8-bc93-6894a57f9324\"",
        },
    })
}

#[cfg(test)]
mod tests;
