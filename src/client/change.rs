//! Changes other than deployments.

use http::Method;
use serde_json::{Map, Value, json};

use super::deployed::segment;
use super::exchange::{ClientError, Endpoint, send};
use super::subject::Subject;

/// Makes a routine, and tells it.
pub fn create_routine(
    admin: &Endpoint,
    name: &str,
    description: Option<&str>,
    has_assets: bool,
) -> Result<Value, ClientError> {
    let mut body = Map::new();
    body.insert("name".to_owned(), json!(name));
    if let Some(description) = description {
        body.insert("description".to_owned(), json!(description));
    }
    if has_assets {
        body.insert("has_assets".to_owned(), json!(true));
    }
    send(admin, &Method::POST, "/api/v1/routines", &Value::Object(body))
}

pub fn delete_routine(admin: &Endpoint, name: &str) -> Result<(), ClientError> {
    let path = Subject::Routine(name.to_owned()).path();
    send(admin, &Method::DELETE, &path, &Value::Null).map(drop)
}

/// Adds a version, and tells it. Without a code version one is minted; without an upstream
/// it is the built-in backend that answers.
pub fn add_version(
    admin: &Endpoint,
    routine: &str,
    version: Option<&str>,
    upstream: Option<&str>,
    description: Option<&str>,
) -> Result<Value, ClientError> {
    let fields = [("code_version", version), ("upstream", upstream), ("description", description)];
    let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let body: Map<String, Value> = given.map(|(name, value)| (name, json!(value))).collect();
    let path = format!("/api/v1/routines/{}/versions", segment(routine));
    send(admin, &Method::POST, &path, &Value::Object(body))
}

pub fn delete_version(admin: &Endpoint, routine: &str, version: &str) -> Result<(), ClientError> {
    let routine = Subject::Routine(routine.to_owned());
    send(admin, &Method::DELETE, &version_path(&routine, version), &Value::Null).map(drop)
}

/// Has a version answer at `upstream`, or from the built-in backend, and tells it.
pub fn bind(
    admin: &Endpoint,
    subject: &Subject,
    version: &str,
    upstream: Option<&str>,
) -> Result<Value, ClientError> {
    let body = json!({ "upstream": upstream });
    send(admin, &Method::PATCH, &version_path(subject, version), &body)
}

fn version_path(subject: &Subject, version: &str) -> String {
    format!("{}/versions/{}", subject.path(), segment(version))
}
