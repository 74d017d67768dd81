//! Composing small components.

use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store};

use super::*;

/// Exports `answer`, which calls the function `get` of the import `a:b/c@1.0.0`.
const CALLER: &str = r#"(component
    (import "a:b/c@1.0.0" (instance $c (export "get" (func (result u32)))))
    (alias export $c "get" (func $get))
    (core func $lowered (canon lower (func $get)))
    (core module $m
        (import "c" "get" (func $get (result i32)))
        (func (export "answer") (result i32) (call $get)))
    (core instance $i (instantiate $m (with "c" (instance (export "get" (func $lowered))))))
    (func (export "answer") (result u32) (canon lift (core func $i "answer"))))"#;

/// Exports an instance whose `get` returns 42.
fn provider(export: &str, result: &str) -> Vec<u8> {
    wat::parse_str(format!(
        r#"(component
            (core module $m (func (export "get") (result i32) (i32.const 42)))
            (core instance $i (instantiate $m))
            (func $get (result {result}) (canon lift (core func $i "get")))
            (instance $c (export "get" (func $get)))
            (export "{export}" (instance $c)))"#
    ))
    .unwrap()
}

fn dependency(name: &str, export: Option<&str>, inherits: bool) -> Dependency {
    Dependency {
        name: name.to_owned(),
        source: PathBuf::new(),
        export: export.map(str::to_owned),
        inherits,
    }
}

fn composed(dependency: &Dependency, wasm: &[u8]) -> Result<Vec<u8>> {
    let part = Part { dependency, wasm };
    compose(wat::parse_str(CALLER).unwrap(), &[part])
}

fn problem(dependency: &Dependency, wasm: &[u8]) -> String {
    format!("{:#}", composed(dependency, wasm).unwrap_err())
}

/// Runs the function `answer`.
fn answer(wasm: &[u8]) -> u32 {
    let engine = Engine::new(Config::new().wasm_component_model(true)).unwrap();
    let component = Component::new(&engine, wasm).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine)
        .instantiate(&mut store, &component)
        .unwrap();

    let answer = instance.get_typed_func::<(), (u32,)>(&mut store, "answer");
    answer.unwrap().call(&mut store, ()).unwrap().0
}

#[test]
fn an_export_satisfies_the_import_of_its_name() {
    let wasm = provider("a:b/c@1.0.0", "u32");
    for name in ["a:b/c@1.0.0", "a:b/c", "a:b", "a:b@1.0.0"] {
        let composed = composed(&dependency(name, None, false), &wasm).unwrap();

        assert_eq!(answer(&composed), 42, "{name}");
    }
}

#[test]
fn an_export_of_another_name_satisfies_the_import_if_it_is_named() {
    let wasm = provider("x:y/z", "u32");
    let composed = composed(&dependency("a:b/c", Some("x:y/z"), false), &wasm).unwrap();

    assert_eq!(answer(&composed), 42);
}

#[test]
fn a_dependency_that_does_not_fit_is_refused() {
    let wasm = provider("a:b/c@1.0.0", "u32");
    let other_type = provider("a:b/c@1.0.0", "s32");

    let unmatched = problem(&dependency("a:b/d", None, false), &wasm);
    let missing = problem(&dependency("a:b/c", Some("x:y/z"), false), &wasm);
    let incompatible = problem(&dependency("a:b/c", None, false), &other_type);

    assert!(
        unmatched.contains("matches none of the component's imports"),
        "{unmatched}"
    );
    assert!(missing.contains("does not export `x:y/z`"), "{missing}");
    assert!(incompatible.contains("with other types"), "{incompatible}");
}

#[test]
fn two_dependencies_for_one_import_are_refused() {
    let wasm = provider("a:b/c@1.0.0", "u32");
    let dependencies = [
        dependency("a:b/c", None, false),
        dependency("a:b", None, false),
    ];
    let parts = dependencies.each_ref().map(|dependency| Part {
        dependency,
        wasm: &wasm,
    });

    let error = compose(wat::parse_str(CALLER).unwrap(), &parts).unwrap_err();

    assert!(error.to_string().contains("two dependencies"), "{error}");
}

#[test]
fn a_dependency_that_would_have_to_be_denied_something_is_refused() {
    let wasm = wat::parse_str(
        r#"(component
            (import "spin:variables/variables@3.0.0" (instance $v (export "get" (func (result u32)))))
            (export "a:b/c@1.0.0" (instance $v)))"#,
    )
    .unwrap();

    let refused = problem(&dependency("a:b/c", None, false), &wasm);

    assert!(
        refused.contains("`spin:variables/variables@3.0.0`"),
        "{refused}"
    );
    assert!(composed(&dependency("a:b/c", None, true), &wasm).is_ok());
}

#[test]
fn a_composed_component_is_written_once() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    std::fs::write(root.join("caller.wasm"), wat::parse_str(CALLER).unwrap()).unwrap();
    std::fs::write(root.join("provider.wasm"), provider("a:b/c@1.0.0", "u32")).unwrap();
    let dependencies = [Dependency {
        source: "provider.wasm".into(),
        ..dependency("a:b", None, false)
    }];
    let compose = || compose_file(root, &root.join("caller.wasm"), &dependencies, root).unwrap();

    let path = compose();
    std::fs::write(&path, "kept").unwrap();

    assert_eq!(compose(), path);
    assert_eq!(std::fs::read(&path).unwrap(), b"kept");
}
