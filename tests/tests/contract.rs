//! `openapi.yaml`, `spin.toml` and the tests agree with each other.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use end_to_end::{Route, contract, repository};
use serde_json::Value;

/// The routes of `spin.toml` with their components.
fn routes() -> BTreeMap<String, String> {
    let text = fs::read_to_string(repository().join("spin.toml")).unwrap();
    let manifest: toml::Value = toml::from_str(&text).unwrap();
    let triggers = manifest["trigger"]["http"].as_array().unwrap();
    let text = |trigger: &toml::Value, field: &str| trigger[field].as_str().unwrap().to_owned();
    triggers.iter().map(|trigger| (text(trigger, "route"), text(trigger, "component"))).collect()
}

/// The component that answers a documented path: the exact route, else the longest `/...`.
fn component_of<'a>(path: &str, routes: &'a BTreeMap<String, String>) -> &'a str {
    if let Some(component) = routes.get(path) {
        return component;
    }
    let below = |route: &str| {
        route.strip_suffix("/...").is_some_and(|prefix| path == prefix || path.starts_with(&format!("{prefix}/")))
    };
    let (_, component) = routes.iter().filter(|(route, _)| below(route)).max_by_key(|(route, _)| route.len()).unwrap();
    component
}

#[test]
fn every_documented_path_has_a_route_and_every_route_a_documented_path() {
    let routes = routes();
    let documented = contract().paths();
    let answering: BTreeSet<&str> = documented.keys().map(|path| component_of(path, &routes)).collect();
    assert!(!answering.contains("fallback"), "a documented path has no route: {documented:?}");
    let serving: BTreeSet<&str> =
        routes.values().map(String::as_str).filter(|component| *component != "fallback").collect();
    assert_eq!(answering, serving);
}

#[test]
fn every_component_has_a_test_file_of_its_name() {
    for component in fs::read_dir(repository().join("components")).unwrap() {
        let name = component.unwrap().file_name().into_string().unwrap();
        let file = repository().join("tests/tests").join(format!("{name}.rs"));
        assert!(file.is_file(), "components/{name} has no tests/tests/{name}.rs");
    }
}

#[test]
fn the_tables_of_routes_go_through_every_documented_operation() {
    let documented = contract().paths();
    let matches = |template: &str, path: &str| match template.split_once('{') {
        Some((prefix, rest)) => path.starts_with(prefix) && path.ends_with(rest.split_once('}').unwrap().1),
        None => path == template,
    };
    // The dashboard's files know no Redis.
    for (template, methods) in documented.into_iter().filter(|(template, _)| !template.starts_with("/admin")) {
        for method in methods {
            let gone_through = Route::every().iter().any(|route| {
                let address = route.address();
                route.method == method && matches(&template, address.split('?').next().unwrap())
            });
            assert!(gone_through, "{method} {template} is in no table");
        }
    }
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    fn visit(value: &Value) {
        contract().resolve(value);
        match value {
            Value::Object(members) => members.values().for_each(visit),
            Value::Array(elements) => elements.iter().for_each(visit),
            _ => {}
        }
    }
    visit(contract().document());
}

#[test]
fn every_example_fits_its_schema() {
    fn visit(value: &Value, checked: &mut usize) {
        if let (Some(schema), Some(examples)) = (value.get("schema"), value.get("examples")) {
            for (name, example) in examples.as_object().unwrap() {
                let violations = contract().violations(schema, &example["value"]);
                assert!(violations.is_empty(), "the example {name}: {violations:?}\n{example:#}");
                *checked += 1;
            }
        }
        match value {
            Value::Object(members) => members.values().for_each(|member| visit(member, checked)),
            Value::Array(elements) => elements.iter().for_each(|element| visit(element, checked)),
            _ => {}
        }
    }
    let mut checked = 0;
    visit(contract().document(), &mut checked);
    assert!(checked > 20, "only {checked} examples were found");
}

#[test]
fn every_protected_operation_says_which_role_it_needs() {
    for (path, methods) in contract().paths() {
        for method in methods {
            let operation = &contract().document()["paths"][&path][method.to_ascii_lowercase()];
            let description = operation["description"].as_str().unwrap();
            let is_public = operation["security"].as_array().is_some_and(Vec::is_empty);
            assert_eq!(is_public, !description.contains("Role: "), "{method} {path}: {description}");
        }
    }
}
