//! Generates the client from openapi.yaml.
//!
//! progenitor reads OpenAPI 3.0, and knows JSON only as `application/json` and one type for all
//! errors of an operation, and one for its successes. So the document, which is OpenAPI 3.1, is
//! rewritten first. Only what a client does not need is lost: what responses and values are
//! restricted to.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use progenitor::{GenerationSettings, Generator};
use serde_json::{Map, Value, json};

const DOCUMENT: &str = "../../../openapi.yaml";
/// Keywords that a type does not need. A client also accepts fields that it does not know.
const RESTRICTIONS: [&str; 7] = [
    "examples",
    "pattern",
    "minLength",
    "maxLength",
    "if",
    "then",
    "not",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={DOCUMENT}");
    let mut document: Value = serde_saphyr::from_str(&fs::read_to_string(DOCUMENT)?)?;

    unify_errors(&mut document);
    rewrite(&mut document);
    document["openapi"] = json!("3.0.3");

    let mut settings = GenerationSettings::default();
    // A client knows whether it is to send a parameter that no operation has.
    settings.with_inner_type("bool".parse()?);
    let client = Generator::new(&settings).generate_tokens(&serde_json::from_value(document)?)?;
    let output = Path::new(&env::var("OUT_DIR")?).join("client.rs");
    Ok(fs::write(output, client.to_string())?)
}

/// Gives all errors of an operation the same type: `Problem`, or the union that contains it.
fn unify_errors(document: &mut Value) {
    let responses = document["components"]["responses"].clone();
    let items = document["paths"].as_object_mut().into_iter().flatten();
    for (_, item) in items {
        for (_, operation) in item.as_object_mut().into_iter().flatten() {
            let own = operation.get_mut("responses");
            if let Some(own) = own.and_then(Value::as_object_mut) {
                unify_errors_of_operation(own, &responses);
            }
        }
    }
}

fn unify_errors_of_operation(own: &mut Map<String, Value>, shared: &Value) {
    // The calls of this program begin no jobs.
    if own.contains_key("200") {
        own.remove("202");
    }
    let is_error = |status: &str| status >= "400";
    for response in own.values_mut() {
        let name = response["$ref"]
            .as_str()
            .and_then(|path| path.rsplit('/').next());
        if let Some(shared) = name.and_then(|name| shared.get(name)) {
            *response = shared.clone();
        }
    }

    let errors = || own.iter().filter(|(status, _)| is_error(status));
    let union = errors().find_map(|(_, response)| response["content"].get("application/json"));
    let problem =
        errors().find_map(|(_, response)| response["content"].get("application/problem+json"));
    let Some(content) = union.or(problem).cloned() else {
        return;
    };
    for (status, response) in own {
        if is_error(status) {
            response["content"] = json!({ "application/json": content });
        }
    }
}

/// Rewrites the keywords of OpenAPI 3.1 everywhere below a value.
fn rewrite(value: &mut Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(rewrite),
        Value::Object(members) => {
            rewrite_keywords(members);
            members.values_mut().for_each(rewrite);
        }
        _ => {}
    }
}

fn rewrite_keywords(members: &mut Map<String, Value>) {
    if members.get("$ref").is_some_and(Value::is_string) {
        members.retain(|name, _| name == "$ref");
        return;
    }

    members.retain(|name, value| {
        let is_restriction = RESTRICTIONS.contains(&name.as_str()) && !value["type"].is_string();
        !is_restriction && (name != "additionalProperties" || *value != false)
    });
    if members.contains_key("properties") {
        // The generator has no type for properties that need or exclude each other.
        members.retain(|name, _| name != "oneOf" && name != "allOf");
    }
    if let Some(only) = members.remove("const") {
        members.insert("enum".to_owned(), json!([only]));
    }

    let mut nullable = remove_null(members, "type", &json!("null"));
    nullable |= remove_null(members, "enum", &Value::Null);
    nullable |= remove_null(members, "oneOf", &json!({ "type": "null" }));
    if nullable {
        members.insert("nullable".to_owned(), json!(true));
    }
    simplify(members);
}

/// Removes null from the elements of a keyword. Returns whether it was there.
fn remove_null(members: &mut Map<String, Value>, keyword: &str, null: &Value) -> bool {
    let Some(Value::Array(elements)) = members.get_mut(keyword) else {
        return false;
    };
    let before = elements.len();
    elements.retain(|element| element != null);
    elements.len() < before
}

/// Writes a list with one element as OpenAPI 3.0 expects it, and gives an enumeration its type.
fn simplify(members: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = members.get("type").cloned() {
        match types.as_slice() {
            [only] => members.insert("type".to_owned(), only.clone()),
            _ => members.remove("type"),
        };
    }
    if let Some(Value::Array(alternatives)) = members.get("oneOf")
        && alternatives.len() == 1
        && let Some(only) = members.remove("oneOf")
    {
        members.insert("allOf".to_owned(), only);
    }
    if let Some(Value::Array(values)) = members.get("enum") {
        let kind = match values.first() {
            Some(Value::Bool(_)) => "boolean",
            Some(Value::Number(_)) => "integer",
            _ => "string",
        };
        members.insert("type".to_owned(), json!(kind));
    }
}
