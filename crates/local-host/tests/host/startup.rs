//! The output of the host when it starts, and its errors when it refuses an application.

use crate::support::{Application, RedisServer, guest, wait_until};

/// A manifest of the guest, with `sections` before its component.
fn manifest(sections: &str) -> String {
    format!(
        "spin_manifest_version = 2\napplication = {{ name = 'a' }}\n\
         [[trigger.http]]\nroute = '/...'\ncomponent = 'guest'\n{sections}\n[component.guest]\nsource = '{}'\n",
        guest().display()
    )
}

/// An application whose component is the file `name` with `content`.
fn application_with_source(name: &str, content: impl AsRef<[u8]>) -> Application {
    let guest = guest().display().to_string();
    let application = Application::from_manifest(&manifest("").replace(&guest, name));
    application.write(name, content);
    application
}

#[test]
fn the_address_and_the_routes_are_printed() {
    let host = Application::with("").start();

    let address = &host.address;
    assert_eq!(host.stdout()[0], format!("Serving http://{address}"));
    let route = format!("  guest: http://{address}/...");
    wait_until(|| host.stdout().contains(&route));
}

#[test]
fn an_invalid_application_is_refused_in_one_line() {
    let cases = [
        (
            "a missing component file",
            manifest("").replace("guest.wasm", "none.wasm"),
            "build the components first",
        ),
        (
            "a duplicate route",
            manifest("[[trigger.http]]\nroute = '/...'\ncomponent = 'guest'"),
            "have the route /...",
        ),
        (
            "a variable without a value",
            manifest("[variables]\ntoken = { required = true }"),
            "SPIN_VARIABLE_TOKEN",
        ),
        (
            "an unknown key",
            manifest("") + "alowed_outbound_hosts = []",
            "unknown field `alowed_outbound_hosts`",
        ),
        (
            "an invalid host",
            manifest("") + "allowed_outbound_hosts = ['nohost']",
            "allowed_outbound_hosts entry `nohost`",
        ),
        (
            "an undeclared variable",
            manifest("") + "variables = { a = '{{ nope }}' }",
            "`{{ nope }}`",
        ),
        (
            "a missing file",
            manifest("") + "files = ['nope.txt']",
            "`nope.txt` does not exist",
        ),
        (
            "invalid TOML",
            "spin_manifest_version = ".to_owned(),
            "spin.toml:1:",
        ),
    ];

    for (mistake, manifest, expected) in cases {
        let error = Application::from_manifest(&manifest).refusal();
        assert!(error.contains(expected), "{mistake}: {error}");
    }
}

#[test]
fn a_missing_manifest_is_named() {
    let application = Application::with("").argument("--from=elsewhere/spin.toml");
    let error = application.refusal();
    assert!(error.contains("cannot read elsewhere/spin.toml"), "{error}");
}

#[test]
fn an_address_in_use_is_named() {
    let other = Application::with("").start();

    // The last of two `--listen` counts.
    let application = Application::with("").argument(format!("--listen={}", other.address));
    let error = application.refusal();

    assert!(error.contains(&other.address), "{error}");
    assert!(error.contains("--listen"), "{error}");
}

#[test]
fn a_missing_interface_is_named() {
    let source =
        "(component (import \"example:models/llm@2.0.0\" (instance (export \"infer\" (func)))))";
    let application = application_with_source("llm.wasm", wat::parse_str(source).unwrap());

    // The first start listens while it compiles. The second one finds the compiled code.
    let (stdout, first) = application.failure();
    assert!(stdout.starts_with("Serving "), "{stdout}");
    let second = application.refusal();

    for error in [first, second] {
        assert!(error.contains("component `guest`"), "{error}");
        assert!(error.contains("example:models/llm@2.0.0"), "{error}");
    }
}

#[test]
fn a_component_that_does_not_compile_is_named() {
    let application = application_with_source("x.wasm", b"\0asm\x0d\0\x01\0 and no more");

    let (_, error) = application.failure();

    assert!(error.contains("component `guest`"), "{error}");
    assert!(error.contains("x.wasm is not a component"), "{error}");
}

#[test]
fn a_component_that_does_not_fit_its_trigger_is_named() {
    let component = wat::parse_str("(component)").unwrap();
    let redis = RedisServer::start();
    let channel = format!("channel = 'c'\naddress = '{}'", redis.url);

    for (trigger, settings, expected) in [
        ("http", "route = '/...'", "exports no HTTP handler"),
        ("redis", channel.as_str(), "handles no Redis messages"),
        (
            "cron",
            "cron_expression = '0 0 0 1 1 *'",
            "exports no handle-cron-event",
        ),
    ] {
        let application = Application::from_manifest(&format!(
            "spin_manifest_version = 2\napplication = {{ name = 'a' }}\n\
             [[trigger.{trigger}]]\n{settings}\ncomponent = 'empty'\n[component.empty]\nsource = 'empty.wasm'\n"
        ));
        application.write("empty.wasm", &component);

        let (_, error) = application.failure();

        assert!(error.contains("component `empty`"), "{trigger}: {error}");
        assert!(error.contains(expected), "{trigger}: {error}");
    }
}

#[test]
fn compiled_code_is_kept_and_replaced_if_it_is_damaged() {
    let state = tempfile::tempdir().unwrap();
    let cache = state.path().join("cache");
    let start = || {
        Application::with("")
            .argument("--state-dir")
            .argument(state.path().display().to_string())
            .start()
    };
    let compiled = || {
        let files = std::fs::read_dir(&cache).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let compiled: Vec<_> = names.filter(|name| name.ends_with(".cwasm")).collect();
        compiled
    };

    let host = start();
    assert_eq!(host.get("/first"), "/first");
    drop(host);
    let before = compiled();
    assert_eq!(before.len(), 1, "{before:?}");
    std::fs::write(cache.join(&before[0]), "damaged").unwrap();

    let host = start();
    assert_eq!(host.get("/second"), "/second");

    host.wait_for_log("is not the file that this host wrote");
    assert_eq!(compiled(), before);
}

#[test]
fn a_file_that_is_not_a_component_is_named() {
    let error = application_with_source("x.wasm", "not wasm").refusal();
    assert!(error.contains("x.wasm is not a component"), "{error}");
}

#[test]
fn a_failed_check_is_logged_when_the_host_listens() {
    let host = Application::with("")
        .argument("--check=/ok")
        .argument("--check=/trap")
        .start();

    let line = host.wait_for_log("error: /trap answers 500");

    assert!(line.contains("the component failed"), "{line}");
    let log = host.stderr();
    assert!(!log.iter().any(|line| line.contains("/ok")), "{log:?}");
}

#[test]
fn the_manifest_can_be_named_by_its_directory() {
    let application = Application::with("").argument("--from=.");
    assert_eq!(application.start().get("/x"), "/x");
}
