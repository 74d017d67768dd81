//! `spin.toml`, version 2: its shape as this host reads it, and what of it this host refuses.
//!
//! Every key Spin knows is known here; one that is not is an error, and one that is known but cannot be honoured is an
//! error too (`check_supported`), so a manifest never means something else here than it does there. Keys that only tools
//! read (`build`, `tool`, `targets`, `authors`, profiles) are accepted and ignored.

use std::collections::HashSet;
use std::path::Path;

use indexmap::IndexMap;
use serde::Deserialize;
use thiserror::Error;

/// A whole manifest.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    spin_manifest_version: toml::Value,
    pub application: Application,
    #[serde(default)]
    pub variables: IndexMap<String, VariableDeclaration>,
    #[serde(rename = "trigger")]
    pub triggers: Triggers,
    #[serde(default, rename = "component")]
    pub components: IndexMap<String, Component>,
}

/// `[application]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "keys that are only accepted")]
pub struct Application {
    pub name: String,
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    authors: Vec<String>,
    #[serde(default)]
    targets: Vec<toml::Value>,
    #[serde(default)]
    pub trigger: ApplicationTriggers,
    #[serde(default)]
    tool: toml::Table,
}

/// `[application.trigger.<type>]`: settings that hold for all triggers of a type.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationTriggers {
    #[serde(default)]
    http: toml::Table,
    #[serde(default)]
    pub redis: RedisDefaults,
    #[serde(default)]
    cron: toml::Table,
}

/// `[application.trigger.redis]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisDefaults {
    #[serde(default)]
    pub address: String,
}

/// One of `[variables]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "keys that are only accepted")]
pub struct VariableDeclaration {
    description: Option<String>,
    #[serde(default)]
    required: bool,
    pub default: Option<String>,
    #[serde(default)]
    secret: bool,
}

/// `[[trigger.<type>]]`, by type.
#[derive(Debug, Default, Deserialize)]
pub struct Triggers {
    #[serde(default)]
    pub http: Vec<HttpTrigger>,
    #[serde(default)]
    pub redis: Vec<RedisTrigger>,
    #[serde(default)]
    pub cron: Vec<CronTrigger>,
    #[serde(flatten)]
    others: IndexMap<String, toml::Value>,
}

/// `[[trigger.http]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTrigger {
    #[serde(default, rename = "id")]
    _id: String,
    pub route: Route,
    component: Option<toml::Value>,
    pub static_response: Option<StaticResponse>,
    executor: Option<Executor>,
    #[serde(default)]
    components: toml::Table,
    #[serde(default)]
    dependencies: toml::Table,
}

/// A route pattern, or `{ private = true }` for a component only other components call.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Route {
    Public(String),
    Private { private: bool },
}

/// What `static_response` of an HTTP trigger answers, without a component.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaticResponse {
    pub status_code: Option<u16>,
    #[serde(default)]
    pub headers: IndexMap<String, String>,
    pub body: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Executor {
    r#type: String,
}

/// `[[trigger.redis]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisTrigger {
    #[serde(default, rename = "id")]
    _id: String,
    pub component: String,
    pub channel: String,
    pub address: Option<String>,
}

/// `[[trigger.cron]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CronTrigger {
    #[serde(default, rename = "id")]
    _id: String,
    pub component: String,
    pub cron_expression: String,
}

/// `[component.<id>]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "keys that are only accepted")]
pub struct Component {
    source: toml::Value,
    #[serde(default)]
    description: String,
    #[serde(default)]
    pub variables: IndexMap<String, String>,
    #[serde(default)]
    pub environment: IndexMap<String, String>,
    #[serde(default)]
    pub files: Vec<FileMount>,
    #[serde(default)]
    pub exclude_files: Vec<String>,
    #[serde(default)]
    allowed_http_hosts: Vec<String>,
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub key_value_stores: Vec<String>,
    #[serde(default)]
    pub sqlite_databases: Vec<String>,
    #[serde(default)]
    ai_models: Vec<String>,
    targets: Option<Vec<toml::Value>>,
    build: Option<toml::Table>,
    #[serde(default)]
    tool: toml::Table,
    dependencies_inherit_configuration: Option<bool>,
    #[serde(default)]
    dependencies: toml::Table,
    #[serde(default)]
    profile: toml::Table,
}

/// One of `files`.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum FileMount {
    Pattern(String),
    Placement { source: String, destination: String },
}

/// Why a manifest cannot be run.
#[derive(Debug, Error)]
pub enum ManifestError {
    #[error("cannot read {path}: {source}; name the manifest with --from")]
    Unreadable { path: String, source: std::io::Error },
    #[error("{path}:{line}: {message}")]
    Malformed { path: String, line: usize, message: String },
    #[error("{path}: spin_manifest_version must be 2, it is {found}")]
    Version { path: String, found: String },
    #[error("{path}: {place}: {problem}")]
    Refused { path: String, place: String, problem: String },
}

impl Manifest {
    /// Reads and checks the manifest at `path`.
    ///
    /// # Errors
    /// No such file, a key Spin does not know, a bad value, or something only `spin` can honour.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let name = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|source| ManifestError::Unreadable { path: name.clone(), source })?;
        Self::parse(&name, &text)
    }

    fn parse(path: &str, text: &str) -> Result<Self, ManifestError> {
        let manifest: Self = toml::from_str(text).map_err(|error| ManifestError::Malformed {
            path: path.to_owned(),
            line: error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1),
            message: error.message().replace('\n', " "),
        })?;
        if manifest.spin_manifest_version.as_integer() != Some(2) {
            return Err(ManifestError::Version {
                path: path.to_owned(),
                found: match manifest.spin_manifest_version {
                    toml::Value::Integer(number) => number.to_string(),
                    other => other.type_str().to_owned(),
                },
            });
        }
        manifest.check().map_err(|(place, problem)| ManifestError::Refused {
            path: path.to_owned(),
            place,
            problem,
        })?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), (String, String)> {
        for (name, variable) in &self.variables {
            if variable.required == variable.default.is_some() {
                let problem = "must be `required` OR have a `default`".to_owned();
                return Err((format!("[variables] {name}"), problem));
            }
        }
        if let Some(kind) = self.triggers.others.keys().next() {
            let problem = "this host has no such trigger (it has http, redis and cron)".to_owned();
            return Err((format!("[[trigger.{kind}]]"), problem));
        }
        if self.application.trigger.http.keys().any(|key| key != "base")
            || self.application.trigger.http.get("base").is_some_and(|base| base.as_str() != Some("/"))
            || !self.application.trigger.cron.is_empty()
        {
            let problem = "only `redis.address` is supported here".to_owned();
            return Err(("[application.trigger]".to_owned(), problem));
        }
        for (id, component) in &self.components {
            component.check_supported().map_err(|problem| (format!("[component.{id}]"), problem))?;
        }
        self.check_triggers()
    }

    fn check_triggers(&self) -> Result<(), (String, String)> {
        for trigger in &self.triggers.http {
            let place = format!("[[trigger.http]] {}", trigger.route);
            trigger.check_supported().map_err(|problem| (place.clone(), problem))?;
            if let Some(id) = trigger.component() {
                self.check_component(&place, id)?;
            }
        }
        for trigger in &self.triggers.redis {
            let place = format!("[[trigger.redis]] {}", trigger.channel);
            self.check_component(&place, &trigger.component)?;
        }
        for trigger in &self.triggers.cron {
            let place = format!("[[trigger.cron]] {}", trigger.cron_expression);
            self.check_component(&place, &trigger.component)?;
        }
        Ok(())
    }

    /// The ids of the components some trigger runs.
    pub fn used_components(&self) -> HashSet<&str> {
        let http = self.triggers.http.iter().filter_map(HttpTrigger::component);
        let redis = self.triggers.redis.iter().map(|trigger| trigger.component.as_str());
        let cron = self.triggers.cron.iter().map(|trigger| trigger.component.as_str());
        http.chain(redis).chain(cron).collect()
    }

    fn check_component(&self, place: &str, id: &str) -> Result<(), (String, String)> {
        if self.components.contains_key(id) {
            return Ok(());
        }
        Err((place.to_owned(), format!("there is no [component.{id}]")))
    }
}

impl HttpTrigger {
    /// The component that answers, unless the trigger has a static response.
    pub fn component(&self) -> Option<&str> {
        self.component.as_ref().and_then(toml::Value::as_str)
    }

    fn check_supported(&self) -> Result<(), String> {
        let problem = match (&self.component, &self.static_response) {
            (Some(value), None) if !value.is_str() => {
                "a component written inside a trigger is not supported; give it a [component.<id>]"
            }
            (None, None) => "needs `component` or `static_response`",
            (Some(_), Some(_)) => "has both `component` and `static_response`",
            _ if matches!(self.route, Route::Private { private: false }) => {
                "`route` must be a pattern or { private = true }"
            }
            _ if self.executor.as_ref().is_some_and(|e| !matches!(&*e.r#type, "http" | "spin")) => {
                "this host has only the `http` executor"
            }
            _ if !self.components.is_empty() || !self.dependencies.is_empty() => {
                "`components` and `dependencies` of a trigger (middleware) are not supported by this host"
            }
            _ => return Ok(()),
        };
        Err(problem.to_owned())
    }
}

impl std::fmt::Display for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Public(route) => f.write_str(route),
            Self::Private { .. } => f.write_str("(private)"),
        }
    }
}

impl Component {
    /// The path of the `.wasm` file as the manifest has it.
    pub fn source(&self) -> &str {
        self.source.as_str().unwrap_or_default()
    }

    fn check_supported(&self) -> Result<(), String> {
        let only_default = |labels: &[String], key: &str| match labels.iter().find(|l| *l != "default") {
            Some(label) => Err(format!("{key} has `{label}`; this host has only `default`")),
            None => Ok(()),
        };
        if !self.source.is_str() {
            return Err("`source` must be the path of a .wasm file; this host downloads nothing".to_owned());
        }
        if !self.ai_models.is_empty() {
            return Err("ai_models is not supported by this host".to_owned());
        }
        if !self.dependencies.is_empty() {
            return Err("dependencies are not composed by this host; compose the .wasm file at build time".to_owned());
        }
        if !self.allowed_http_hosts.is_empty() {
            return Err("allowed_http_hosts is deprecated; write allowed_outbound_hosts".to_owned());
        }
        only_default(&self.key_value_stores, "key_value_stores")?;
        only_default(&self.sqlite_databases, "sqlite_databases")
    }
}

#[cfg(test)]
mod tests;
