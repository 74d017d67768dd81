//! What the host says when it starts, and when it will not.

use crate::support::{Application, RedisServer, guest};

fn manifest(more: &str) -> String {
    format!(
        "spin_manifest_version = 2\napplication = {{ name = 'a' }}\n\
         [[trigger.http]]\nroute = '/...'\ncomponent = 'guest'\n{more}\n[component.guest]\nsource = '{}'\n",
        guest().display()
    )
}

#[test]
fn the_address_and_the_routes_are_printed() {
    let host = Application::with("").start();
    let address = &host.address;
    assert_eq!(host.stdout()[0], format!("Serving http://{address}"));
    crate::support::wait_for(|| host.stdout().contains(&format!("  guest: http://{address}/...")).then_some(()))
        .unwrap();
}

#[test]
fn what_cannot_run_is_refused_in_one_line() {
    let cases = [
        ("a missing component file", manifest("").replace("guest.wasm", "none.wasm"), "build the components first"),
        (
            "a route given twice",
            manifest("[[trigger.http]]\nroute = '/...'\ncomponent = 'guest'"),
            "have the route /...",
        ),
        ("a variable without a value", manifest("[variables]\ntoken = { required = true }"), "SPIN_VARIABLE_TOKEN"),
        ("an unknown key", manifest("") + "alowed_outbound_hosts = []", "unknown field `alowed_outbound_hosts`"),
        ("a bad host", manifest("") + "allowed_outbound_hosts = ['nohost']", "allowed_outbound_hosts entry `nohost`"),
        ("an undeclared variable", manifest("") + "variables = { a = '{{ nope }}' }", "`{{ nope }}`"),
        ("a missing file", manifest("") + "files = ['nope.txt']", "`nope.txt` does not exist"),
        ("no TOML", "spin_manifest_version = ".to_owned(), "spin.toml:1:"),
    ];
    for (what, manifest, says) in cases {
        let text = Application::from_manifest(&manifest).refusal();
        assert!(text.contains(says), "{what}: {text}");
    }
}

#[test]
fn a_missing_manifest_is_named() {
    let application = Application::with("").argument("--from=elsewhere/spin.toml");
    assert!(application.refusal().contains("cannot read elsewhere/spin.toml"));
}

#[test]
fn an_address_in_use_is_named() {
    let taken = Application::with("").start();
    let text = Application::with("").argument(format!("--listen={}", taken.address));
    // Given twice, the last one holds.
    let text = text.refusal();
    assert!(text.contains(&taken.address) && text.contains("--listen"), "{text}");
}

#[test]
fn an_interface_this_host_does_not_have_is_named() {
    let wasm = wat::parse_str("(component (import \"fermyon:spin/llm@2.0.0\" (instance (export \"infer\" (func)))))");
    let application = Application::from_manifest(&manifest("").replace(&guest().display().to_string(), "llm.wasm"));
    std::fs::write(application.dir.path().join("llm.wasm"), wasm.unwrap()).unwrap();
    let check = |text: &str| {
        assert!(text.contains("component `guest`") && text.contains("fermyon:spin/llm@2.0.0"), "{text}");
    };
    // The first start listens while it compiles, and ends; the next one knows.
    let (announced, text) = application.failure();
    check(&text);
    assert!(announced.starts_with("Serving "), "{announced}");
    check(&application.refusal());
}

#[test]
fn a_component_that_does_not_compile_is_named() {
    let application = Application::from_manifest(&manifest("").replace(&guest().display().to_string(), "x.wasm"));
    std::fs::write(application.dir.path().join("x.wasm"), b"\0asm\x0d\0\x01\0 and no more").unwrap();
    let (_, text) = application.failure();
    assert!(text.contains("component `guest`") && text.contains("x.wasm is not a component"), "{text}");
}

#[test]
fn a_component_its_trigger_cannot_use_is_named() {
    let component = wat::parse_str("(component)").unwrap();
    let redis = RedisServer::start();
    let channel = format!("channel = 'c'\naddress = '{}'", redis.url);
    let triggers = [
        ("http", "route = '/...'", "exports no HTTP handler"),
        ("redis", channel.as_str(), "takes no Redis messages"),
        ("cron", "cron_expression = '0 0 0 1 1 *'", "exports no handle-cron-event"),
    ];
    for (trigger, settings, says) in triggers {
        let application = Application::from_manifest(&format!(
            "spin_manifest_version = 2\napplication = {{ name = 'a' }}\n\
             [[trigger.{trigger}]]\n{settings}\ncomponent = 'empty'\n[component.empty]\nsource = 'empty.wasm'\n"
        ));
        std::fs::write(application.dir.path().join("empty.wasm"), &component).unwrap();
        let (_, text) = application.failure();
        assert!(text.contains("component `empty`") && text.contains(says), "{trigger}: {text}");
    }
}

#[test]
fn what_was_compiled_is_kept_for_the_next_start() {
    let state = tempfile::tempdir().unwrap();
    let start = || Application::with("").argument("--state-dir").argument(state.path().display().to_string()).start();
    let kept = || std::fs::read_dir(state.path().join("cache")).unwrap().map(|entry| entry.unwrap().file_name());
    let host = start();
    assert_eq!(host.get("/first"), "/first");
    let compiled: Vec<_> = kept().collect();
    assert_eq!(compiled.len(), 1, "{compiled:?}");
    drop(host);
    std::fs::write(state.path().join("cache").join(&compiled[0]), "damaged").unwrap();
    let host = start();
    assert_eq!(host.get("/second"), "/second");
    assert_eq!(kept().collect::<Vec<_>>(), compiled);
}

#[test]
fn a_file_that_is_no_component_is_named() {
    let application = Application::from_manifest(&manifest("").replace(&guest().display().to_string(), "x.wasm"));
    std::fs::write(application.dir.path().join("x.wasm"), "not wasm").unwrap();
    assert!(application.refusal().contains("x.wasm is not a component"));
}

#[test]
fn a_failed_check_is_logged_once_the_host_listens() {
    let host = Application::with("").argument("--check=/ok").argument("--check=/trap").start();
    let line = host.logs("error: /trap answers 500");
    assert!(line.contains("the component failed"), "{line}");
    assert!(!host.stderr().iter().any(|line| line.contains("/ok")));
}

#[test]
fn the_manifest_may_be_named_by_its_directory() {
    let application = Application::with("").argument("--from=.");
    assert_eq!(application.start().get("/x"), "/x");
}
