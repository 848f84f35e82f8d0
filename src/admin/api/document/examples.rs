//! Examples, as a story: one operation after another, each as it was answered. A test in
//! `tests/it` tells it to a Serin, which must say the same.

use serde_json::{Value, json};

const STORY: &str = include_str!("examples.json");

/// Puts the examples of `operation`, which is at `path`, where the document has its parts.
/// Of several the last is taken, of each status.
pub(super) fn insert(operation: &mut Value, path: &str) {
    let story: Vec<Value> = serde_json::from_str(STORY).expect("a test has told the story");
    let id = operation["operationId"].clone();
    for told in story.iter().filter(|told| told["operation"] == id) {
        let status = &told["status"];
        let content = format!("/responses/{status}/content/application~1json");
        if let Some(content) = operation.pointer_mut(&content) {
            content["example"] = told["answer"].clone();
        }
        if status.as_u64().is_some_and(|status| status < 300) {
            if let Some(request) = told.get("request") {
                operation["requestBody"]["content"]["application/json"]["example"] =
                    request.clone();
            }
            let asked = told["path"].as_str().unwrap_or_default();
            insert_parameters(&mut operation["parameters"], path, asked);
        }
    }
}

/// `asked` is an instance of `path`.
fn insert_parameters(parameters: &mut Value, path: &str, asked: &str) {
    let (asked, query) = asked.split_once('?').unwrap_or((asked, ""));
    let names = path.split('/').map(|segment| segment.trim_matches(['{', '}']));
    let segments = names.zip(asked.split('/')).map(|(name, text)| (name.into(), text.into()));
    let query = form_urlencoded::parse(query.as_bytes());
    for (name, text) in segments.chain(query) {
        let parameters = parameters.as_array_mut().map(Vec::as_mut_slice);
        let is_it = |parameter: &&mut Value| parameter["name"] == *name;
        let Some(parameter) = parameters.unwrap_or_default().iter_mut().find(is_it) else {
            continue;
        };
        let is_number = parameter["schema"]["type"] == "integer";
        let number = text.parse::<u64>().ok().filter(|_| is_number);
        let is_list = parameter["schema"]["type"] == "array";
        parameter["example"] = match number {
            Some(number) => number.into(),
            None if is_list => json!([text]),
            None => text.into(),
        };
    }
}
