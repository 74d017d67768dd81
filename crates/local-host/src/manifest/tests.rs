//! The values read from a manifest, and the one-line error for each mistake in it.

use super::*;

const HEAD: &str = "spin_manifest_version = 2\napplication = { name = 'a' }\n";
const COMPONENT: &str = "[component.c]\nsource = 'c.wasm'\n";
const TRIGGER: &str = "[[trigger.http]]\nroute = '/...'\ncomponent = 'c'\n";

fn parse(text: &str) -> Result<Manifest, String> {
    super::parse("spin.toml", text).map_err(|error| error.to_string())
}

fn refusal(text: &str) -> String {
    let message = parse(text).unwrap_err();
    assert!(!message.contains('\n'), "one line: {message}");
    message
}

#[test]
fn a_complete_manifest_is_read() {
    let text = format!(
        "spin_manifest_version = 2\n[application]\nname = 'a'\n\
         [application.trigger.redis]\naddress = 'redis://a'\n[variables]\nv = {{ default = 'x' }}\n{TRIGGER}\
         [[trigger.http]]\nroute = {{ private = true }}\ncomponent = 'c'\n\
         [[trigger.redis]]\nchannel = 'ch'\ncomponent = 'c'\n[[trigger.cron]]\ncron_expression = '0 * * * * *'\ncomponent = 'c'\n\
         {COMPONENT}allowed_outbound_hosts = ['redis://*:*']\nfiles = ['a/*', {{ source = 's', destination = '/d' }}]\n\
         key_value_stores = ['default']\nsqlite_databases = ['default']\nenvironment = {{ A = 'b' }}\n\
         [component.c.variables]\nw = '{{{{ v }}}}'\n[component.c.build]\ncommand = 'x'\n"
    );

    let manifest = parse(&text).unwrap();

    assert_eq!(manifest.application.trigger.redis.address, "redis://a");
    assert_eq!(manifest.triggers.http.len(), 2);
    assert_eq!(manifest.triggers.redis[0].channel, "ch");
    assert_eq!(manifest.triggers.cron[0].component, "c");
    assert_eq!(manifest.components["c"].source(), "c.wasm");
    assert_eq!(manifest.components["c"].files.len(), 2);
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let message = refusal(&format!(
        "{HEAD}{TRIGGER}{COMPONENT}allowed_outbound_host = []\n"
    ));
    assert!(
        message.starts_with("spin.toml:8: unknown field `allowed_outbound_host`"),
        "{message}"
    );
}

#[test]
fn another_version_is_refused() {
    let head = HEAD.replace("= 2", "= 3");
    let message = refusal(&format!("{head}{TRIGGER}{COMPONENT}"));
    assert!(message.contains("must be 2"), "{message}");
}

#[test]
fn a_trigger_without_its_component_is_refused() {
    let message = refusal(&format!("{HEAD}{TRIGGER}"));
    assert!(message.contains("there is no [component.c]"), "{message}");
}

#[test]
fn a_key_that_only_spin_supports_is_named() {
    for (key, expected) in [
        ("ai_models = ['llama']", "ai_models"),
        ("key_value_stores = ['other']", "only `default`"),
        ("sqlite_databases = ['other']", "only `default`"),
        ("allowed_http_hosts = ['a']", "allowed_outbound_hosts"),
        ("dependencies = { 'a:b/c' = '1' }", "downloads nothing"),
        (
            "dependencies = { 'a:b/c' = { url = 'http://x', digest = 'y' } }",
            "downloads nothing",
        ),
        (
            "dependencies = { 'a:b/c' = { path = 'd.wasm', inherit_configuration = ['variables'] } }",
            "everything or nothing",
        ),
    ] {
        let message = refusal(&format!("{HEAD}{TRIGGER}{COMPONENT}{key}\n"));
        assert!(message.contains("[component.c]"), "{message}");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_dependency_is_a_file_or_a_component_without_grants() {
    let other = "[component.d]\nsource = 'd.wasm'\n";
    let text = format!(
        "{HEAD}{TRIGGER}{COMPONENT}dependencies_inherit_configuration = true\n[component.c.dependencies]\n\
         'a:b/c' = {{ path = 'p.wasm', export = 'x:y/z' }}\n'a:d' = {{ component = 'd' }}\n{other}"
    );

    let manifest = parse(&text).unwrap();
    let dependencies = manifest.components["c"].dependencies(&manifest).unwrap();

    assert_eq!(dependencies[0].source.to_str(), Some("p.wasm"));
    assert_eq!(dependencies[0].export.as_deref(), Some("x:y/z"));
    assert!(dependencies[0].inherits);
    assert_eq!(dependencies[1].source.to_str(), Some("d.wasm"));

    let granted = refusal(&format!("{text}key_value_stores = ['default']\n"));
    assert!(granted.contains("a dependency cannot have"), "{granted}");
}

#[test]
fn a_contradictory_dependency_is_refused() {
    let contradictions = [
        (
            "{ path = 'd.wasm', component = 'c' }",
            "either `path` or `component`",
        ),
        ("{ export = 'x' }", "either `path` or `component`"),
        ("{ component = 'none' }", "no [component.none]"),
        (
            "{ path = 'd.wasm', inherit = true }",
            "unknown field `inherit`",
        ),
        (
            "{ path = 'd.wasm', inherit_configuration = true }",
            "is not allowed",
        ),
    ];

    for (dependency, expected) in contradictions {
        let message = refusal(&format!(
            "{HEAD}{TRIGGER}{COMPONENT}dependencies_inherit_configuration = false\ndependencies = {{ 'a:b' = {dependency} }}\n"
        ));
        assert!(
            message.contains("`a:b`") && message.contains(expected),
            "{message}"
        );
    }
}

#[test]
fn a_remote_component_is_refused() {
    let remote = COMPONENT.replace("'c.wasm'", "{ url = 'http://x', digest = 'y' }");
    let message = refusal(&format!("{HEAD}{TRIGGER}{remote}"));
    assert!(message.contains("downloads nothing"), "{message}");
}

#[test]
fn an_unknown_trigger_is_named() {
    let message = refusal(&format!("{HEAD}[[trigger.mqtt]]\ntopic = 't'\n{COMPONENT}"));
    assert!(message.contains("trigger.mqtt"), "{message}");
}

#[test]
fn a_variable_is_either_required_or_has_a_default() {
    for declaration in ["v = {}", "v = { required = true, default = 'x' }"] {
        let message = refusal(&format!(
            "{HEAD}variables.{declaration}\n{TRIGGER}{COMPONENT}"
        ));
        assert!(message.contains("[variables] v"), "{message}");
    }
}

#[test]
fn a_variable_whose_name_spin_refuses_is_refused() {
    for name in ["redis_nodes_2", "_a", "a_", "a__b", "A", "a-b", "2a"] {
        let message = refusal(&format!(
            "{HEAD}variables.{name} = {{ default = 'x' }}\n{TRIGGER}{COMPONENT}"
        ));
        assert!(
            message.contains(&format!("[variables] {name}")),
            "{message}"
        );
    }
}
