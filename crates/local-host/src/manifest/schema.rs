//! The shape of `spin.toml`: every key that Spin knows.

use std::collections::HashSet;

use indexmap::IndexMap;
use serde::Deserialize;

/// A complete manifest.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub(super) spin_manifest_version: toml::Value,
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
#[expect(dead_code, reason = "these keys are accepted and ignored")]
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

/// `[application.trigger.<type>]`: settings for all triggers of a type.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationTriggers {
    #[serde(default)]
    pub(super) http: toml::Table,
    #[serde(default)]
    pub redis: RedisDefaults,
    #[serde(default)]
    pub(super) cron: toml::Table,
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
#[expect(dead_code, reason = "these keys are accepted and ignored")]
pub struct VariableDeclaration {
    description: Option<String>,
    #[serde(default)]
    pub(super) required: bool,
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
    pub(super) others: IndexMap<String, toml::Value>,
}

/// `[[trigger.http]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTrigger {
    #[serde(default, rename = "id")]
    _id: String,
    pub route: Route,
    pub(super) component: Option<toml::Value>,
    pub static_response: Option<StaticResponse>,
    pub(super) executor: Option<Executor>,
    #[serde(default)]
    pub(super) components: toml::Table,
    #[serde(default)]
    pub(super) dependencies: toml::Table,
}

/// A route pattern, or `{ private = true }` for a component that only other components call.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Route {
    Public(String),
    Private { private: bool },
}

/// `static_response` of an HTTP trigger: a fixed response without a component.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaticResponse {
    pub status_code: Option<u16>,
    #[serde(default)]
    pub headers: IndexMap<String, String>,
    pub body: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Executor {
    pub(super) r#type: String,
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
#[expect(dead_code, reason = "these keys are accepted and ignored")]
pub struct Component {
    pub(super) source: toml::Value,
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
    pub(super) allowed_http_hosts: Vec<String>,
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub key_value_stores: Vec<String>,
    #[serde(default)]
    pub sqlite_databases: Vec<String>,
    #[serde(default)]
    pub(super) ai_models: Vec<String>,
    targets: Option<Vec<toml::Value>>,
    build: Option<toml::Table>,
    #[serde(default)]
    tool: toml::Table,
    pub(super) dependencies_inherit_configuration: Option<bool>,
    #[serde(default)]
    pub(super) dependencies: IndexMap<String, toml::Value>,
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

impl Manifest {
    /// Returns the ids of the components that a trigger runs.
    pub fn used_components(&self) -> HashSet<&str> {
        let Triggers {
            http, redis, cron, ..
        } = &self.triggers;
        let http = http.iter().filter_map(HttpTrigger::component);
        let redis = redis.iter().map(|trigger| trigger.component.as_str());
        let cron = cron.iter().map(|trigger| trigger.component.as_str());
        http.chain(redis).chain(cron).collect()
    }
}

impl HttpTrigger {
    /// Returns the component that handles requests, unless the trigger has a static response.
    pub fn component(&self) -> Option<&str> {
        self.component.as_ref().and_then(toml::Value::as_str)
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
    /// Returns the path of the `.wasm` file as the manifest has it.
    pub fn source(&self) -> &str {
        self.source.as_str().unwrap_or_default()
    }
}
