//! The texts of the API, and what is taken for each: a test holds them against the names of
//! the model.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::admin::api::once::KEY_MAX;
use crate::model::{Environment, FailureCode, ServiceStatus, VersionStatus};

macro_rules! texts {
    ($($name:ident $called:literal $schema:tt)*) => {
        $(
            pub(in crate::admin::api) enum $name {}

            impl JsonSchema for $name {
                fn schema_name() -> Cow<'static, str> {
                    $called.into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!($schema)
                }
            }
        )*
    };
}

texts! {
    RoutineNameText "RoutineName" {
        "description": "The name of a routine.",
        "type": "string",
        "pattern": "^[a-z][a-z0-9-]{0,39}[a-z0-9]$",
        "minLength": 2,
        "maxLength": 41,
        "examples": ["shop"],
    }
    CodeVersionText "CodeVersion" {
        "description": "A version of a routine's code. Those that are minted are 19 digits.",
        "type": "string",
        "pattern": "^[A-Za-z0-9._-]{1,64}$",
        "minLength": 1,
        "maxLength": 64,
        "not": { "const": "unstable" },
        "examples": ["1710120201067203242"],
    }
    AppNameText "AppName" {
        "description": "The name of an edge container app.",
        "type": "string",
        "pattern": "^[a-z][a-z0-9-]{5,127}$",
        "minLength": 6,
        "maxLength": 128,
        "examples": ["checkout"],
    }
    AppIdText "AppId" {
        "description": "An edge container app.",
        "type": "string",
        "pattern": "^app-[0-9]{18,60}$",
        "minLength": 22,
        "maxLength": 64,
        "examples": ["app-880688675783790000"],
    }
    VersionIdText "VersionId" {
        "description": "A version of an edge container app.",
        "type": "string",
        "pattern": "^ver-[0-9]{16,60}$",
        "minLength": 20,
        "maxLength": 64,
        "examples": ["ver-879626371616510000"],
    }
    EnvironmentText "Environment" {
        "description": "Which of the two edges: they are independent.",
        "type": "string",
        "enum": Environment::ALL.map(Environment::as_str),
    }
    DeploymentIdText "DeploymentId" {
        "description": "The number of a deployment: over all routines, ascending from 1, and at most 2^63 - 1.",
        "type": "string",
        "pattern": "^[0-9]+$",
        "minLength": 1,
        "examples": ["7"],
    }
    UpstreamText "Upstream" {
        "description": "Where a version answers: `http://host:port`, `https://host:port`, `h2c://host:port` or `unix:/path`, or up to 64 of them with blanks between.",
        "type": "string",
        "minLength": 1,
        "examples": ["http://127.0.0.1:9001"],
    }
    KeySourceText "KeySource" {
        "description": "Where a user's key comes from: `header:NAME`, `cookie:NAME`, `query:NAME`, `client-ip`, `mint:NAME` or `spread`.",
        "type": "string",
        "pattern": "^(client-ip|spread|(header|cookie|mint):[!#$%&'*+.^_`|~0-9A-Za-z-]+|query:[^\\x00]+)$",
        "examples": ["header:x-user-id"],
    }
    MomentText "Moment" {
        "description": "A moment in UTC, to the nanosecond.",
        "type": "string",
        "format": "date-time",
        "examples": ["2024-03-11T01:23:21.067203242Z"],
    }
    DigestText "Digest" {
        "description": "64 bits as hex digits: JSON's numbers end at 2^53.",
        "type": "string",
        "pattern": "^[0-9a-f]{16}$",
        "examples": ["1999999999999999"],
    }
    VersionStatusText "VersionStatus" {
        "description": "Whether the upload of a version has come. One that is not `available` cannot be deployed.",
        "type": "string",
        "enum": VersionStatus::ALL.map(VersionStatus::as_str),
    }
    ServiceStatusText "ServiceStatus" {
        "description": "Whether the account has the service of routines.",
        "type": "string",
        "enum": ServiceStatus::ALL.map(ServiceStatus::as_str),
    }
    FailureCodeText "FailureCode" {
        "description": "What a failure is called.",
        "type": "string",
        "enum": FailureCode::ALL.map(FailureCode::as_str),
    }
    EntityTagText "EntityTag" {
        "description": "A strong entity tag: the hash of what a GET answers.",
        "type": "string",
        "pattern": "^\"[0-9a-f]{32}\"$",
        "examples": ["\"99aa06d3014798d86001c324468d497f\""],
    }
    EntityTagsText "EntityTags" {
        "description": "`*`, or entity tags with commas between.",
        "type": "string",
        "pattern": "^(\\*|(W/)?\"[!#-~]*\"( *, *(W/)?\"[!#-~]*\")*)$",
    }
    IdempotencyKeyText "IdempotencyKey" {
        "description": "What tells a request from all others, such as a UUID: a string in quotes (RFC 8941), or its text without a blank, quote or comma.",
        "type": "string",
        "pattern": "^(\"[ !#-\\[\\]-~]+\"|[!#-+\\--~]+)$",
        "minLength": 1,
        "maxLength": KEY_MAX,
    }
}
