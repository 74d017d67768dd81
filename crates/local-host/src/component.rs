//! A component: its code, and what the manifest grants it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::runtime::Handle;
use wasmtime::Store;
use wasmtime::component::InstancePre;

use crate::allowed_hosts::AllowedHosts;
use crate::code::{Code, Compiler};
use crate::grants::Grants;
use crate::guest::Guest;
use crate::interfaces::key_value::{KeyValueFile, KeyValueGrant};
use crate::interfaces::postgres::{Pools, PostgresGrant};
use crate::interfaces::sqlite::{DatabaseFile, SqliteGrant};
use crate::interfaces::variables::VariablesGrant;
use crate::manifest::{self, Manifest};
use crate::outbound_http::OwnApplication;
use crate::template::Template;
use crate::variables::Variables;
use crate::{composition, engine, files};

/// A component that can be instantiated.
pub struct Component {
    pub id: String,
    pub code: Arc<Code>,
    grants: Grants,
}

impl Component {
    /// Returns the code for a request that waits for it.
    ///
    /// # Errors
    /// See [`Code::get`].
    pub async fn code(&self) -> Result<&InstancePre<Guest>> {
        self.code
            .get()
            .await
            .with_context(|| format!("component `{}`", self.id))
    }

    /// Returns the code before a request needs it.
    ///
    /// # Errors
    /// See [`Code::get`].
    pub async fn code_ahead(&self) -> Result<&InstancePre<Guest>> {
        self.code
            .get_ahead()
            .await
            .with_context(|| format!("component `{}`", self.id))
    }

    /// Creates the store of a new instance. See [`Guest::new`] for `own` and errors.
    pub fn new_store(
        &self,
        own: Option<Arc<dyn OwnApplication>>,
    ) -> wasmtime::Result<Store<Guest>> {
        let guest = Guest::new(&self.grants, own)?;
        let mut store = Store::new(self.code.engine(), guest);
        engine::share_thread(&mut store);
        Ok(store)
    }
}

/// The files in which components keep data.
#[derive(Clone, Debug)]
pub struct Storage {
    pub key_value: Arc<KeyValueFile>,
    pub sqlite: Arc<DatabaseFile>,
}

/// Loads the components of an application.
pub struct Loader<'a> {
    pub root: &'a Path,
    pub manifest: &'a Manifest,
    pub variables: &'a Variables,
    pub storage: Storage,
    pub compiler: Arc<Compiler>,
    pub quiet: bool,
}

impl Loader<'_> {
    /// Loads the components in `used`. Components with the same source share their code. The
    /// current runtime drives their connections to PostgreSQL.
    ///
    /// # Errors
    /// A file that is missing or not a component, an invalid host entry or template, or, for code
    /// that was compiled before, an interface this host does not have.
    pub fn load(&self, used: &HashSet<&str>) -> Result<HashMap<String, Arc<Component>>> {
        let mut codes: HashMap<PathBuf, Arc<Code>> = HashMap::new();
        let mut loaded = HashMap::new();
        for (id, declared) in &self.manifest.components {
            if !used.contains(id.as_str()) {
                continue;
            }

            let place = || format!("component `{id}`");
            let source = self.source(declared).with_context(place)?;
            let code = match codes.get(&source) {
                Some(code) => code.clone(),
                None => {
                    let code = Code::new(&self.compiler, source.clone());
                    Arc::new(code.with_context(place)?)
                }
            };
            codes.insert(source, code.clone());

            let component = Component {
                id: id.clone(),
                code,
                grants: self.grants(id, declared).with_context(place)?,
            };
            loaded.insert(id.clone(), Arc::new(component));
        }
        Ok(loaded)
    }

    /// Returns the file of a component, with its dependencies.
    fn source(&self, declared: &manifest::Component) -> Result<PathBuf> {
        let source = self.root.join(declared.source());
        let dependencies = declared
            .dependencies(self.manifest)
            .map_err(anyhow::Error::msg)?;
        if dependencies.is_empty() {
            return Ok(source);
        }
        composition::compose_file(self.root, &source, &dependencies, self.compiler.directory())
    }

    fn grants(&self, id: &str, declared: &manifest::Component) -> Result<Grants> {
        let variables = self.variables(id, declared)?;
        let files = files::copy_mounts(self.root, &declared.files, &declared.exclude_files)?;
        let allowed_hosts = self.allowed_hosts(id, &declared.allowed_outbound_hosts)?;
        let allowed_hosts = Arc::new(allowed_hosts);

        let key_value = KeyValueGrant {
            labels: declared.key_value_stores.iter().cloned().collect(),
            file: self.storage.key_value.clone(),
        };
        let sqlite = SqliteGrant {
            databases: declared.sqlite_databases.iter().cloned().collect(),
            file: self.storage.sqlite.clone(),
        };
        let postgres = PostgresGrant {
            allowed_hosts: allowed_hosts.clone(),
            pools: Pools::new(Handle::current()),
        };

        Ok(Grants {
            variables: Arc::new(variables),
            key_value: Arc::new(key_value),
            sqlite: Arc::new(sqlite),
            postgres: Arc::new(postgres),
            allowed_hosts,
            environment: declared.environment.clone().into_iter().collect(),
            files,
            quiet: self.quiet,
        })
    }

    fn variables(&self, id: &str, declared: &manifest::Component) -> Result<VariablesGrant> {
        let mut values = HashMap::new();
        for (name, template) in &declared.variables {
            crate::variables::check_name(name).map_err(anyhow::Error::msg)?;
            let value = self
                .variables
                .render(template)
                .with_context(|| format!("variable `{name}`"))?;
            values.insert(name.clone(), value);
        }

        Ok(VariablesGrant {
            component_id: id.to_owned(),
            values,
        })
    }

    fn allowed_hosts(&self, id: &str, entries: &[String]) -> Result<AllowedHosts> {
        let mut rendered = Vec::new();
        for entry in entries {
            let text = self
                .variables
                .render(entry)
                .context("allowed_outbound_hosts")?;
            let is_template = !Template::parse(entry)?.is_literal();
            rendered.push((text, is_template));
        }

        let rendered = rendered
            .iter()
            .map(|(text, is_template)| (text.as_str(), *is_template));
        let ids = self.manifest.components.keys().map(String::as_str);
        let ids: Vec<&str> = ids.collect();
        Ok(AllowedHosts::parse(id, rendered, &ids)?)
    }
}
