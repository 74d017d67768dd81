//! `openapi.yaml`, `spin.toml` and the tests agree with each other.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use end_to_end::{Route, contract, repository};
use serde_json::Value;

/// The routes of a manifest with their components.
fn routes_of(manifest: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(repository().join(manifest)).unwrap();
    let manifest: toml::Value = toml::from_str(&text).unwrap();
    let triggers = manifest["trigger"]["http"].as_array().unwrap();
    let text = |trigger: &toml::Value, field: &str| trigger[field].as_str().unwrap().to_owned();
    triggers
        .iter()
        .map(|trigger| (text(trigger, "route"), text(trigger, "component")))
        .collect()
}

/// The routes of the product and of the sample shop.
fn routes() -> BTreeMap<String, String> {
    let shop = routes_of("examples/catalog/spin.toml");
    routes_of("spin.toml").into_iter().chain(shop).collect()
}

/// Returns the component of a documented path: that of the exact route, or of the longest `/...`.
fn component_of<'a>(path: &str, routes: &'a BTreeMap<String, String>) -> &'a str {
    if let Some(component) = routes.get(path) {
        return component;
    }

    let below = |route: &str| {
        route
            .strip_suffix("/...")
            .is_some_and(|prefix| path == prefix || path.starts_with(&format!("{prefix}/")))
    };

    let (_, component) = routes
        .iter()
        .filter(|(route, _)| below(route))
        .max_by_key(|(route, _)| route.len())
        .unwrap();
    component
}

#[test]
fn documented_paths_and_routes_correspond() {
    let routes = routes();
    let documented = contract().paths();
    let answering: BTreeSet<&str> = documented
        .keys()
        .map(|path| component_of(path, &routes))
        .collect();

    assert!(
        !answering.contains("fallback"),
        "a documented path has no route: {documented:?}"
    );

    let serving: BTreeSet<&str> = routes
        .values()
        .map(String::as_str)
        .filter(|component| *component != "fallback")
        .collect();
    assert_eq!(answering, serving);
}

#[test]
fn every_component_has_a_test_of_its_name() {
    let folders =
        ["components", "examples"].map(|folder| fs::read_dir(repository().join(folder)).unwrap());
    // Examples in other languages are tested together, in `languages.rs`.
    let components = folders
        .into_iter()
        .flatten()
        .map(Result::unwrap)
        .filter(|folder| folder.path().join("Cargo.toml").is_file());
    for component in components {
        let name = component.file_name().into_string().unwrap();
        let tests = repository().join("tests/tests");
        let has_file = tests.join(format!("{name}.rs")).is_file();
        let has_folder = tests.join(&name).join("main.rs").is_file();
        assert!(has_file || has_folder, "{name} has no tests/tests/{name}");
    }
}

fn configuration(file: &str) -> toml::Table {
    let text = fs::read_to_string(repository().join(file)).unwrap();
    toml::from_str(&text).unwrap()
}

#[test]
fn every_component_of_a_manifest_is_given_the_detail_of_the_log() {
    for manifest in ["spin.toml", "examples/catalog/spin.toml"] {
        let manifest = configuration(manifest);
        let components = manifest["component"].as_table().unwrap();
        for (name, component) in components {
            let variables = component.get("variables");
            let is_given = variables.is_some_and(|given| given.get("log_detail").is_some());
            assert!(is_given || name == "scheduled-warmup", "{name}");
        }
    }
}

#[test]
fn the_sample_shop_has_the_tables_of_the_product_and_a_plan() {
    let product = configuration("edge-cache.toml");
    let mut shop = configuration("examples/catalog/edge-cache.toml");

    assert!(shop.remove("module").is_some(), "the shop has no plan");
    assert_eq!(shop, product);
}

#[test]
fn every_deprecated_path_has_a_route_and_every_route_of_clear_a_pattern() {
    let product = configuration("edge-cache.toml");
    let deprecated = product["deprecated"]["route"].as_array().unwrap();
    let configured: BTreeSet<&str> = deprecated
        .iter()
        .map(|route| route["path"].as_str().unwrap())
        .collect();

    let routes = routes_of("spin.toml");
    let served: BTreeSet<&str> = routes
        .iter()
        .filter(|(route, component)| *component == "clear" && *route != "/api/cache/clear")
        .map(|(route, _)| route.as_str())
        .collect();

    assert_eq!(configured, served);
}

#[test]
fn the_product_has_no_route_for_sample_data() {
    let product = routes_of("spin.toml");
    let shop = routes_of("examples/catalog/spin.toml");
    let shared: Vec<_> = shop
        .keys()
        .filter(|route| product.contains_key(*route))
        .collect();

    assert_eq!(shared, ["/..."], "the product serves a path of the shop");

    let product = configuration("edge-cache.toml");
    assert!(!product.contains_key("module"), "the product has a plan");
}

#[test]
fn the_tables_of_routes_contain_every_documented_operation() {
    let documented = contract().paths();
    let matches = |template: &str, path: &str| match template.split_once('{') {
        Some((prefix, rest)) => {
            path.starts_with(prefix) && path.ends_with(rest.split_once('}').unwrap().1)
        }
        None => path == template,
    };

    // The files of the dashboard do not use Redis.
    for (template, methods) in documented
        .into_iter()
        .filter(|(template, _)| !template.starts_with("/admin"))
    {
        for method in methods {
            let gone_through = Route::all().iter().any(|route| {
                let address = route.address();
                route.method == method && matches(&template, address.split('?').next().unwrap())
            });
            assert!(gone_through, "{method} {template} is not in the tables");
        }
    }
}

#[test]
fn every_reference_in_the_document_resolves() {
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
                assert!(
                    violations.is_empty(),
                    "the example {name}: {violations:?}\n{example:#}"
                );
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
fn every_protected_operation_documents_its_role() {
    for (path, methods) in contract().paths() {
        for method in methods {
            let operation = &contract().document()["paths"][&path][method.to_ascii_lowercase()];
            let description = operation["description"].as_str().unwrap();
            let is_public = operation["security"].as_array().is_some_and(Vec::is_empty);
            assert_eq!(
                is_public,
                !description.contains("Role: "),
                "{method} {path}: {description}"
            );
        }
    }
}
