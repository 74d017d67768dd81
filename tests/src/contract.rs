//! The contract, `openapi.yaml` and that of the sample shop: which responses a route may return,
//! and checks of a response against it.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jsonschema::Validator;
use serde_json::{Value, json};

/// The root of the repository.
pub fn repository() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), ".."].iter().collect()
}

fn read(name: &str, prepare: &dyn Fn(String) -> String) -> Value {
    let text = fs::read_to_string(repository().join(name))
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_saphyr::from_str(&prepare(text)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The contract, read once.
///
/// # Panics
/// If `openapi.yaml` or the shop's cannot be read.
pub fn contract() -> &'static Contract {
    static CONTRACT: OnceLock<Contract> = OnceLock::new();

    CONTRACT.get_or_init(|| {
        let mut document = read("openapi.yaml", &|text| text);
        // The shop's document refers to this one.
        let shop = read("examples/catalog/openapi.yaml", &|text| {
            text.replace("../../openapi.yaml#/", "#/")
        });
        for pointer in ["/paths", "/components/headers"] {
            let more = shop
                .pointer(pointer)
                .and_then(Value::as_object)
                .expect("an object")
                .clone();
            document
                .pointer_mut(pointer)
                .and_then(Value::as_object_mut)
                .expect("an object")
                .extend(more);
        }
        Contract {
            document,
            validators: Mutex::default(),
        }
    })
}

/// The contract.
pub struct Contract {
    document: Value,
    /// Validators by the JSON text of their schema.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// The parts of a response that the contract covers.
#[derive(Debug)]
pub(crate) struct Observed<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    pub(crate) content_type: &'a str,
    pub(crate) headers: &'a BTreeMap<String, String>,
    /// `None` for `HEAD`.
    pub(crate) body: Option<&'a Value>,
}

/// Returns the operation of a path. `HEAD` has that of `GET`, unless an old `GET` changes
/// something.
fn operation<'a>(item: &'a Value, method: &str) -> Option<&'a Value> {
    match method {
        "HEAD" => item
            .get("get")
            .filter(|get| get["deprecated"] != json!(true)),
        _ => item.get(method.to_ascii_lowercase()),
    }
}

impl Contract {
    /// The whole document.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// Every path with its methods in upper case.
    pub fn paths(&self) -> BTreeMap<String, Vec<String>> {
        let methods = |item: &Value| {
            let names = ["get", "put", "post", "delete", "patch"]
                .iter()
                .filter(|name| item.get(**name).is_some());
            names.map(|name| name.to_ascii_uppercase()).collect()
        };

        let paths = self.document["paths"]
            .as_object()
            .expect("openapi.yaml has paths");
        paths
            .iter()
            .map(|(path, item)| (path.clone(), methods(item)))
            .collect()
    }

    /// Follows `$ref` if present.
    pub fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let pointer = reference
                    .strip_prefix('#')
                    .expect("a reference within the document");
                self.document
                    .pointer(pointer)
                    .unwrap_or_else(|| panic!("openapi.yaml has no {reference}"))
            }
            None => value,
        }
    }

    /// Returns the violations of the schema as sentences.
    pub fn violations(&self, schema: &Value, value: &Value) -> Vec<String> {
        let validator = self.validator(schema);
        validator
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }

    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut known = self
            .validators
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let build = || {
            // References point into the document's components, so the schema is validated together
            // with them.
            let whole = json!({ "allOf": [schema], "components": self.document["components"] });
            let built = jsonschema::draft202012::options().offline().build(&whole);
            Arc::new(built.unwrap_or_else(|error| panic!("openapi.yaml: {error} in {schema}")))
        };
        Arc::clone(known.entry(schema.to_string()).or_insert_with(build))
    }

    /// Returns the documented path of a request: the same path apart from slashes around it, or a
    /// template whose parameter matches the rest: the longest one.
    fn item(&self, path: &str) -> Option<&Value> {
        let paths = self.document["paths"].as_object()?;
        paths
            .get(&format!("/{}", path.trim_matches('/')))
            .or_else(|| {
                let leads = |template: &str| {
                    let around = template.split_once('{').zip(template.split_once('}'));
                    around.is_some_and(|((prefix, _), (_, suffix))| {
                        path.starts_with(prefix) && path.trim_end_matches('/').ends_with(suffix)
                    })
                };
                paths
                    .iter()
                    .filter(|(template, _)| leads(template))
                    .max_by_key(|(template, _)| template.len())
                    .map(|(_, item)| item)
            })
    }

    /// Returns the documented response with the status of `seen`: 404 for an undocumented path, and
    /// 405 for an undocumented method.
    fn response<'a>(&'a self, seen: &Observed<'_>) -> &'a Value {
        let components = &self.document["components"];
        let undocumented = |response: &'a Value, status: u16| {
            assert_eq!(
                seen.status, status,
                "the request is not documented: {seen:#?}"
            );
            response
        };

        let Some(item) = self.item(seen.path) else {
            return undocumented(&components["responses"]["NotFound"], 404);
        };

        let Some(operation) = operation(item, seen.method) else {
            return undocumented(&components["x-responses"]["MethodNotAllowed"], 405);
        };

        let documented = &operation["responses"];
        let response = documented.get(seen.status.to_string());
        let response = response
            .unwrap_or_else(|| panic!("the status {} is not documented: {seen:?}", seen.status));

        self.resolve(response)
    }

    /// Returns true if this status is documented: 404 for an undocumented path, and 405 for an
    /// undocumented method. Hosts ignore slashes around a path, so the operation of the trimmed
    /// path counts too.
    pub fn allows(&self, method: &str, path: &str, status: u16) -> bool {
        let documented = |path: &str| {
            self.item(path).map(|item| match operation(item, method) {
                Some(operation) => operation["responses"].get(status.to_string()).is_some(),
                None => status == 405,
            })
        };

        let one = format!("/{}", path.trim_start_matches('/'));
        let none = format!("/{}", path.trim_matches('/'));
        // An invalid id in a parameter makes the path unknown.
        let literal = self.document["paths"].get(path).is_some();
        let known = [path, &one, &none]
            .into_iter()
            .any(|path| documented(path) == Some(true));

        known || (!literal && [404, 405].contains(&status))
    }

    /// Fails if the response is not documented.
    pub(crate) fn check(&self, seen: &Observed<'_>) {
        let response = self.response(seen);
        self.check_headers(response, seen);
        let (media, _) = seen
            .content_type
            .split_once(';')
            .unwrap_or((seen.content_type, ""));
        let schema = response["content"]
            .get(media)
            .and_then(|content| content.get("schema"));
        let schema = schema
            .unwrap_or_else(|| panic!("the content type {media:?} is not documented: {seen:?}"));

        if let Some(body) = seen.body {
            let violations = self.violations(schema, body);
            assert!(
                violations.is_empty(),
                "the response violates openapi.yaml: {violations:#?}\n{seen:#?}"
            );
        }
    }

    fn check_headers(&self, response: &Value, seen: &Observed<'_>) {
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            let header = self.resolve(header);
            match seen.headers.get(name) {
                Some(value) => {
                    let violations = self.violations(&header["schema"], &json!(value));
                    assert!(
                        violations.is_empty(),
                        "header {name}: {violations:?}\n{seen:#?}"
                    );
                }
                None => assert!(
                    header["required"] != json!(true),
                    "header {name} is missing: {seen:#?}"
                ),
            }
        }
    }
}
