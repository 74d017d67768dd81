//! `[component.<id>.dependencies]`: the components whose exports satisfy imports of another one.

use std::path::PathBuf;

use indexmap::IndexMap;
use serde::Deserialize;
use toml::Value;

use super::schema::{Component, Manifest};

/// A component dependency that this host can compose.
#[derive(Debug)]
pub struct Dependency {
    /// The imports that it satisfies: `package[/interface][@version]`, or a plain name.
    pub name: String,
    /// The `.wasm` file, as the manifest has it.
    pub source: PathBuf,
    /// The export, if it is not named as the import.
    pub export: Option<String>,
    /// True if it has what the manifest grants the component; else it has nothing.
    pub inherits: bool,
}

/// A dependency as it is written: every key that Spin knows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    path: Option<PathBuf>,
    component: Option<String>,
    export: Option<String>,
    inherit_configuration: Option<Value>,
    version: Option<Value>,
    registry: Option<Value>,
    package: Option<Value>,
    url: Option<Value>,
    digest: Option<Value>,
}

impl Component {
    /// Returns the dependencies of this component.
    ///
    /// # Errors
    /// The first one that is contradictory or that this host does not support.
    pub fn dependencies(&self, manifest: &Manifest) -> Result<Vec<Dependency>, String> {
        self.dependencies
            .iter()
            .map(|(name, value)| {
                self.dependency(name, value, &manifest.components)
                    .map_err(|problem| format!("dependency `{name}`: {problem}"))
            })
            .collect()
    }

    fn dependency(
        &self,
        name: &str,
        value: &Value,
        components: &IndexMap<String, Component>,
    ) -> Result<Dependency, String> {
        let written: Written = match value {
            Value::Table(_) => value
                .clone()
                .try_into()
                .map_err(|error: toml::de::Error| error.message().to_owned())?,
            _ => return Err(NOT_DOWNLOADED.to_owned()),
        };
        let remote = [
            &written.version,
            &written.registry,
            &written.package,
            &written.url,
            &written.digest,
        ];
        if remote.iter().any(|key| key.is_some()) {
            return Err(NOT_DOWNLOADED.to_owned());
        }

        Ok(Dependency {
            name: name.to_owned(),
            inherits: self.inherits(written.inherit_configuration.as_ref())?,
            source: match (written.path, written.component) {
                (Some(path), None) => path,
                (None, Some(id)) => source_of(&id, components)?,
                _ => return Err("needs either `path` or `component`".to_owned()),
            },
            export: written.export,
        })
    }

    fn inherits(&self, own: Option<&Value>) -> Result<bool, String> {
        match (own, self.dependencies_inherit_configuration) {
            (Some(_), Some(_)) => Err(
                "the component has `dependencies_inherit_configuration`, so `inherit_configuration` is not allowed"
                    .to_owned(),
            ),
            (Some(Value::Boolean(inherits)), None) => Ok(*inherits),
            (Some(_), None) => Err(
                "this host passes on everything or nothing, so `inherit_configuration` must be true or false; \
                 run it with spin"
                    .to_owned(),
            ),
            (None, all) => Ok(all.unwrap_or_default()),
        }
    }

    /// Returns true if the component is granted anything of its own.
    fn has_grants(&self) -> bool {
        !(self.variables.is_empty()
            && self.environment.is_empty()
            && self.files.is_empty()
            && self.allowed_outbound_hosts.is_empty()
            && self.key_value_stores.is_empty()
            && self.sqlite_databases.is_empty()
            && self.dependencies.is_empty())
    }
}

const NOT_DOWNLOADED: &str = "must have a `path` or a `component`; this host downloads nothing";

/// Returns the source of a component that serves as a dependency.
fn source_of(id: &str, components: &IndexMap<String, Component>) -> Result<PathBuf, String> {
    let component = components
        .get(id)
        .ok_or_else(|| format!("there is no [component.{id}]"))?;
    if component.has_grants() {
        return Err(format!(
            "[component.{id}] has permissions or settings of its own, which a dependency cannot have"
        ));
    }
    Ok(component.source().into())
}
