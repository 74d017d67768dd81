//! Refusal of manifests that this host cannot run as Spin does.

use super::schema::{ApplicationTriggers, Component, HttpTrigger, Manifest, Route};

/// A part of a manifest that this host refuses.
pub struct Refusal {
    /// The section, such as `[component.web]`.
    pub place: String,
    pub problem: String,
}

impl Refusal {
    fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            problem: problem.into(),
        }
    }
}

/// Checks a manifest.
///
/// # Errors
/// The first part that is contradictory or that this host does not support.
pub fn check(manifest: &Manifest) -> Result<(), Refusal> {
    for (name, variable) in &manifest.variables {
        check_name(name)?;
        if variable.required == variable.default.is_some() {
            let problem = "must be `required` OR have a `default`";
            return Err(Refusal::new(format!("[variables] {name}"), problem));
        }
    }

    if let Some(kind) = manifest.triggers.others.keys().next() {
        let problem = "this host has no such trigger (it has http, redis and cron)";
        return Err(Refusal::new(format!("[[trigger.{kind}]]"), problem));
    }

    check_application_triggers(&manifest.application.trigger)?;

    for (id, component) in &manifest.components {
        component
            .variables
            .keys()
            .try_for_each(|name| check_name(name))?;
        check_component(component)
            .and_then(|()| component.dependencies(manifest).map(drop))
            .map_err(|problem| Refusal::new(format!("[component.{id}]"), problem))?;
    }

    check_triggers(manifest)
}

/// Checks the name of a variable by Spin's rule: words of lower-case letters and digits, each of which begins with a
/// letter, separated by single underscores.
fn check_name(name: &str) -> Result<(), Refusal> {
    let is_word = |word: &str| {
        let mut bytes = word.bytes();
        let begins_with_letter = bytes.next().is_some_and(|first| first.is_ascii_lowercase());
        begins_with_letter && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if name.split('_').all(is_word) {
        return Ok(());
    }
    let problem = "words of a variable's name must begin with a letter, and have lower-case letters and digits only";
    Err(Refusal::new(format!("[variables] {name}"), problem))
}

fn check_application_triggers(triggers: &ApplicationTriggers) -> Result<(), Refusal> {
    let has_default_base = match triggers.http.get("base") {
        Some(base) => base.as_str() == Some("/"),
        None => true,
    };
    let has_other_keys = triggers.http.keys().any(|key| key != "base");
    if has_default_base && !has_other_keys && triggers.cron.is_empty() {
        return Ok(());
    }
    let problem = "only `redis.address` is supported here";
    Err(Refusal::new("[application.trigger]", problem))
}

fn check_triggers(manifest: &Manifest) -> Result<(), Refusal> {
    for trigger in &manifest.triggers.http {
        let place = format!("[[trigger.http]] {}", trigger.route);
        check_http_trigger(trigger).map_err(|problem| Refusal::new(&place, problem))?;
        if let Some(id) = trigger.component() {
            check_declared(manifest, &place, id)?;
        }
    }

    for trigger in &manifest.triggers.redis {
        let place = format!("[[trigger.redis]] {}", trigger.channel);
        check_declared(manifest, &place, &trigger.component)?;
    }

    for trigger in &manifest.triggers.cron {
        let place = format!("[[trigger.cron]] {}", trigger.cron_expression);
        check_declared(manifest, &place, &trigger.component)?;
    }

    Ok(())
}

fn check_declared(manifest: &Manifest, place: &str, id: &str) -> Result<(), Refusal> {
    if manifest.components.contains_key(id) {
        return Ok(());
    }
    let problem = format!("there is no [component.{id}]");
    Err(Refusal::new(place, problem))
}

fn check_http_trigger(trigger: &HttpTrigger) -> Result<(), &'static str> {
    match (&trigger.component, &trigger.static_response) {
        (Some(value), None) if !value.is_str() => {
            return Err(
                "a component written inside a trigger is not supported; give it a [component.<id>]",
            );
        }
        (None, None) => return Err("needs `component` or `static_response`"),
        (Some(_), Some(_)) => return Err("has both `component` and `static_response`"),
        (Some(_), None) | (None, Some(_)) => {}
    }

    if matches!(trigger.route, Route::Private { private: false }) {
        return Err("`route` must be a pattern or { private = true }");
    }

    if let Some(executor) = &trigger.executor
        && !matches!(executor.r#type.as_str(), "http" | "spin")
    {
        return Err("this host has only the `http` executor");
    }

    if !trigger.components.is_empty() || !trigger.dependencies.is_empty() {
        return Err(
            "`components` and `dependencies` of a trigger (middleware) are not supported by this host",
        );
    }
    Ok(())
}

fn check_component(component: &Component) -> Result<(), String> {
    let problem = if !component.source.is_str() {
        "`source` must be the path of a .wasm file; this host downloads nothing"
    } else if !component.ai_models.is_empty() {
        "ai_models is not supported by this host"
    } else if !component.allowed_http_hosts.is_empty() {
        "allowed_http_hosts is deprecated; write allowed_outbound_hosts"
    } else {
        check_only_default("key_value_stores", &component.key_value_stores)?;
        return check_only_default("sqlite_databases", &component.sqlite_databases);
    };

    Err(problem.to_owned())
}

fn check_only_default(key: &str, labels: &[String]) -> Result<(), String> {
    match labels.iter().find(|label| *label != "default") {
        Some(label) => Err(format!("{key} has `{label}`; this host has only `default`")),
        None => Ok(()),
    }
}
