//! `openapi.yaml` as something that can be asked: what may this route answer, and does an answer look like it?

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jsonschema::Validator;
use serde_json::{Value, json};

/// The repository's root.
pub fn repository() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), ".."].iter().collect()
}

/// The contract, read once.
///
/// # Panics
/// When `openapi.yaml` cannot be read.
pub fn contract() -> &'static Contract {
    static CONTRACT: OnceLock<Contract> = OnceLock::new();
    CONTRACT.get_or_init(|| {
        let text =
            fs::read_to_string(repository().join("openapi.yaml")).expect("openapi.yaml at the repository's root");
        let document = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("openapi.yaml: {error}"));
        Contract { document, validators: Mutex::default() }
    })
}

/// The contract.
pub struct Contract {
    document: Value,
    /// By the JSON text of the schema.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// An answer, as far as the contract speaks of it.
#[derive(Debug)]
pub(crate) struct Observed<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    pub(crate) content_type: &'a str,
    pub(crate) headers: &'a BTreeMap<String, String>,
    /// `None` where there cannot be one: the answer to `HEAD`.
    pub(crate) body: Option<&'a Value>,
}

/// What a path does by this method. `HEAD` is answered like `GET`, but where an old `GET` changes something.
fn operation<'a>(item: &'a Value, method: &str) -> Option<&'a Value> {
    match method {
        "HEAD" => item.get("get").filter(|get| get["deprecated"] != json!(true)),
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
            let names = ["get", "put", "post", "delete", "patch"].iter().filter(|name| item.get(**name).is_some());
            names.map(|name| name.to_ascii_uppercase()).collect()
        };
        let paths = self.document["paths"].as_object().expect("openapi.yaml has paths");
        paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect()
    }

    /// Follows `$ref` where there is one.
    pub fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let pointer = reference.strip_prefix('#').expect("a reference within the document");
                self.document.pointer(pointer).unwrap_or_else(|| panic!("openapi.yaml has no {reference}"))
            }
            None => value,
        }
    }

    /// What does not fit the schema, as sentences.
    pub fn violations(&self, schema: &Value, value: &Value) -> Vec<String> {
        let validator = self.validator(schema);
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut known = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let build = || {
            // References point into the document's components, so the schema is checked as if it stood beside them.
            let whole = json!({ "allOf": [schema], "components": self.document["components"] });
            let built = jsonschema::draft202012::options().offline().build(&whole);
            Arc::new(built.unwrap_or_else(|error| panic!("openapi.yaml: {error} in {schema}")))
        };
        Arc::clone(known.entry(schema.to_string()).or_insert_with(build))
    }

    /// The documented path that answers this one: itself, or a template whose parameter takes the rest.
    fn item(&self, path: &str) -> Option<&Value> {
        let paths = self.document["paths"].as_object()?;
        paths.get(path).or_else(|| {
            let leads = |template: &str| template.split_once('{').is_some_and(|(prefix, _)| path.starts_with(prefix));
            paths.iter().find(|(template, _)| leads(template)).map(|(_, item)| item)
        })
    }

    /// What may be answered to this request with this status: to one of no documented path 404, to one of no method of it 405.
    fn response(&self, seen: &Observed<'_>) -> &Value {
        let undocumented = |name: &str, status: u16| {
            assert_eq!(seen.status, status, "what is not documented was answered: {seen:#?}");
            &self.document["components"]["responses"][name]
        };
        let Some(item) = self.item(seen.path) else { return undocumented("NotFound", 404) };
        let Some(operation) = operation(item, seen.method) else { return undocumented("MethodNotAllowed", 405) };
        let documented = &operation["responses"];
        let response = documented.get(seen.status.to_string());
        let response = response.unwrap_or_else(|| panic!("the status {} is not documented: {seen:?}", seen.status));
        self.resolve(response)
    }

    /// Whether this status is documented: 404 for a path that is none, and 405 for a method that a path does not have. Hosts
    /// drop slashes around a path before they look for its route; what is answered there is that route's affair.
    pub fn allows(&self, method: &str, path: &str, status: u16) -> bool {
        let documented = |path: &str| {
            self.item(path).map(|item| match operation(item, method) {
                Some(operation) => operation["responses"].get(status.to_string()).is_some(),
                None => status == 405,
            })
        };
        let (one, none) = (format!("/{}", path.trim_start_matches('/')), format!("/{}", path.trim_matches('/')));
        // What stands in a parameter may be no id, and then the path is none.
        let literal = self.document["paths"].get(path).is_some();
        let known = [path, &one, &none].into_iter().any(|path| documented(path) == Some(true));
        known || (!literal && [404, 405].contains(&status))
    }

    /// Fails when the answer is not as documented.
    pub(crate) fn check(&self, seen: &Observed<'_>) {
        let response = self.response(seen);
        self.check_headers(response, seen);
        let (media, _) = seen.content_type.split_once(';').unwrap_or((seen.content_type, ""));
        let schema = response["content"].get(media).and_then(|content| content.get("schema"));
        let schema = schema.unwrap_or_else(|| panic!("the content type {media:?} is not documented: {seen:?}"));
        if let Some(body) = seen.body {
            let violations = self.violations(schema, body);
            assert!(violations.is_empty(), "not as openapi.yaml says: {violations:#?}\n{seen:#?}");
        }
    }

    fn check_headers(&self, response: &Value, seen: &Observed<'_>) {
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            let header = self.resolve(header);
            match seen.headers.get(name) {
                Some(value) => {
                    let violations = self.violations(&header["schema"], &json!(value));
                    assert!(violations.is_empty(), "header {name}: {violations:?}\n{seen:#?}");
                }
                None => assert!(header["required"] != json!(true), "header {name} is missing: {seen:#?}"),
            }
        }
    }
}
